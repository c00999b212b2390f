import { type Drafts, type Field, toDrafts, toValues } from '../connections/fields.ts'
import type { OneSource } from './source.tsx'

/** The form of a source: text as it was typed, and what of it is sent. */
export type Draft = {
  provider: string
  name: string
  connection_id: string | null
  is_default: boolean
  secrets: string
  settings: Drafts
  options: OptionDraft
}

type OptionDraft = {
  event_types: string
  allowed_ips: string
  retry_schedule_s: string
  order_by: OrderBy
  gap_timeout_s: number | string
  on_failure: OnFailure
  skip_after: number | string
  body_limit_bytes: number | string
  quarantine_limit: number | string
  duplicates_by: DuplicatesBy
  duplicates_fields: string
  /** Empty: as long as messages are kept. */
  window_hours: number | string
  access_token: boolean
  methods: Method[]
  rate_requests: number | string
  rate_per_s: number | string
  filter: string
  mapping: string
  schema: string
  encrypt_bodies: boolean
  /** Whether the sender is answered something of its own. */
  has_response: boolean
  response: { status: number | string; content_type: string; headers: string; body: string }
  decisions: { undecided: Verdict; unknown_card: Verdict; within_ms: number | string }
}

export type Verdict = 'decline' | 'approve'
export type OrderBy = 'settings' | 'provider' | 'none'
export type OnFailure = 'skip' | 'park' | 'block'
export type Method = 'POST' | 'PUT' | 'PATCH' | 'GET'
export type DuplicatesBy = 'event_id' | 'body' | 'fields'

/** Each option as it holds, as the server gives it. */
export type Options = {
  event_types: string[] | null
  retry_schedule_s: number[]
  order: { by: OrderBy; gap_timeout_s: number; on_failure: OnFailure; skip_after: number }
  body_limit_bytes: number
  duplicates: { by: DuplicatesBy; fields: string[]; window_hours: number | null }
  allowed_ips: string[] | null
  access_token: boolean
  methods: Method[]
  rate_limit: { requests: number; per_s: number } | null
  filter: Record<string, unknown> | null
  mapping: unknown[]
  schema: Record<string, unknown> | null
  response: { status: number; headers: Record<string, string>; content_type: string; body: string } | null
  decisions: { undecided: Verdict; unknown_card: Verdict; within_ms: number }
  quarantine_limit: number
  encrypt_bodies: boolean
}

/** What stands where nothing is set. */
const USUAL: Options = {
  event_types: null,
  retry_schedule_s: [60, 300, 900, 3_600, 21_600],
  order: { by: 'settings', gap_timeout_s: 30, on_failure: 'skip', skip_after: 6 },
  body_limit_bytes: 1_048_576,
  duplicates: { by: 'event_id', fields: [], window_hours: null },
  allowed_ips: null,
  access_token: false,
  methods: ['POST'],
  rate_limit: null,
  filter: null,
  mapping: [],
  schema: null,
  response: null,
  decisions: { undecided: 'decline', unknown_card: 'decline', within_ms: 1_500 },
  quarantine_limit: 1_000,
  encrypt_bodies: false,
}

export function draftOf(source: OneSource | null, fields: readonly Field[]): Draft {
  const options = (source?.options as Options | undefined) ?? USUAL
  return {
    provider: source?.provider ?? '',
    name: source?.name ?? '',
    connection_id: source?.connection_id ?? null,
    is_default: source?.is_default ?? false,
    secrets: '',
    settings: toDrafts(fields, (source?.settings ?? {}) as Record<string, unknown>),
    options: {
      event_types: (options.event_types ?? []).join('\n'),
      allowed_ips: (options.allowed_ips ?? []).join('\n'),
      retry_schedule_s: options.retry_schedule_s.join(', '),
      order_by: options.order.by,
      gap_timeout_s: options.order.gap_timeout_s,
      on_failure: options.order.on_failure,
      skip_after: options.order.skip_after,
      body_limit_bytes: options.body_limit_bytes,
      quarantine_limit: options.quarantine_limit,
      duplicates_by: options.duplicates.by,
      duplicates_fields: options.duplicates.fields.join('\n'),
      window_hours: options.duplicates.window_hours ?? '',
      access_token: options.access_token,
      methods: options.methods,
      rate_requests: options.rate_limit?.requests ?? '',
      rate_per_s: options.rate_limit?.per_s ?? 60,
      filter: options.filter ? JSON.stringify(options.filter, null, 2) : '',
      mapping: options.mapping.length > 0 ? JSON.stringify(options.mapping, null, 2) : '',
      schema: options.schema ? JSON.stringify(options.schema, null, 2) : '',
      encrypt_bodies: options.encrypt_bodies,
      has_response: options.response !== null,
      response: responseOf(options.response),
      decisions: options.decisions,
    },
  }
}

/** What stands in an answer of one's own until something else does. */
const PLAIN = { status: 200, headers: {}, content_type: 'application/json', body: '' }

function responseOf(set: Options['response']): OptionDraft['response'] {
  const { headers, ...rest } = set ?? PLAIN
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return { ...rest, headers: lines.join('\n') }
}

/** What is sent of a draft; of the options only what was changed, so that what is usual stays so. */
export function bodyOf(draft: Draft, before: Draft, fields: readonly Field[]) {
  const secrets = lines(draft.secrets)
  return {
    name: draft.name.trim(),
    settings: toValues(fields, draft.settings, draft.settings),
    options: changed(toOptions(draft.options), toOptions(before.options)),
    is_default: draft.is_default,
    ...(secrets.length > 0 && { secrets }),
  }
}

function toOptions(draft: OptionDraft) {
  const fields = lines(draft.duplicates_fields)
  const { window_hours } = draft
  return {
    event_types: orNull(lines(draft.event_types)),
    allowed_ips: orNull(lines(draft.allowed_ips)),
    retry_schedule_s: draft.retry_schedule_s
      .split(/[\s,]+/)
      .filter(Boolean)
      .map(Number),
    order: {
      by: draft.order_by,
      gap_timeout_s: Number(draft.gap_timeout_s),
      on_failure: draft.on_failure,
      skip_after: Number(draft.skip_after),
    },
    body_limit_bytes: Number(draft.body_limit_bytes),
    quarantine_limit: Number(draft.quarantine_limit),
    duplicates: {
      by: draft.duplicates_by,
      ...(draft.duplicates_by === 'fields' && { fields }),
      ...(window_hours !== '' && { window_hours: Number(window_hours) }),
    },
    access_token: draft.access_token,
    methods: draft.methods,
    rate_limit:
      draft.rate_requests === ''
        ? null
        : { requests: Number(draft.rate_requests), per_s: Number(draft.rate_per_s) },
    filter: fromJson(draft.filter) as Record<string, unknown> | null,
    mapping: fromJson(draft.mapping) as never[] | null, // what is wrong with a step the server says
    schema: fromJson(draft.schema) as Record<string, unknown> | null,
    encrypt_bodies: draft.encrypt_bodies,
    response: draft.has_response ? toResponse(draft.response) : null,
    decisions: { ...draft.decisions, within_ms: Number(draft.decisions.within_ms) },
  }
}

function toResponse({ status, content_type, headers, body }: OptionDraft['response']) {
  const pairs = lines(headers).map((line) => {
    const at = line.indexOf(':')
    return [line.slice(0, at).trim(), line.slice(at + 1).trim()]
  })
  return {
    status: Number(status),
    content_type: content_type.trim(),
    headers: Object.fromEntries(pairs),
    body,
  }
}

const fromJson = (text: string): unknown => (text.trim() === '' ? null : JSON.parse(text))

type Sent = ReturnType<typeof toOptions>

const changed = (now: Sent, before: Sent): Partial<Sent> =>
  Object.fromEntries(
    Object.entries(now).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key as keyof Sent]),
    ),
  )

/** One thing a line, as it is typed. */
export const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)

const orNull = (list: string[]): string[] | null => (list.length > 0 ? list : null)
