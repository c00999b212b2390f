import type { Subscription } from '../../api/names.ts'
import type { BodyOf } from '../../api/types.ts'
import { type PayloadDraft, payloadDraftOf, payloadOf } from './payload.ts'

type Create = BodyOf<'/v1/subscriptions'>
type Auth = NonNullable<Create['auth']>
export type AuthType = Auth['type']

/** What each way of authenticating at a receiver asks for; `secret` is typed hidden, `lines` has several, `choices` are all there are. */
type AuthField = { key: AuthKey; secret?: boolean; lines?: boolean; optional?: boolean; choices?: string[] }
type AuthKey =
  | 'username'
  | 'password'
  | 'token'
  | 'header'
  | 'key'
  | 'token_url'
  | 'client_id'
  | 'client_secret'
  | 'scope'
  | 'secret'
  | 'encoding'
  | 'mechanism'
  | 'access_key_id'
  | 'secret_access_key'
  | 'session_token'
  | 'certificate'
  | 'passphrase'
  | 'authority'

export const AUTH_FIELDS: Record<AuthType, AuthField[]> = {
  basic: [{ key: 'username' }, { key: 'password', secret: true }],
  bearer: [{ key: 'token', secret: true }],
  api_key: [{ key: 'header' }, { key: 'key', secret: true }],
  oauth2: [
    { key: 'token_url' },
    { key: 'client_id' },
    { key: 'client_secret', secret: true },
    { key: 'scope', optional: true },
  ],
  hmac: [
    { key: 'header' },
    { key: 'secret', secret: true },
    { key: 'encoding', optional: true, choices: ['hex', 'base64'] },
  ],
  mtls: [
    { key: 'certificate', lines: true },
    { key: 'key', lines: true },
    { key: 'passphrase', secret: true, optional: true },
    { key: 'authority', lines: true, optional: true },
  ],
  scram: [
    { key: 'mechanism', choices: ['sha-256', 'sha-512'] },
    { key: 'username' },
    { key: 'password', secret: true },
  ],
  aws: [
    { key: 'access_key_id' },
    { key: 'secret_access_key', secret: true },
    { key: 'session_token', secret: true, optional: true },
  ],
}

/** The form of a subscription: text and numbers as they were typed. An empty number is nothing set. */
export type Draft = PayloadDraft & {
  name: string
  url: string
  event_types: string[]
  description: string
  filter: string
  auth_type: 'keep' | 'none' | AuthType
  auth: Partial<Record<AuthKey, string>>
  headers: string
  order_per: 'none' | 'subscription' | 'key'
  order_key: string
  on_failure: 'block' | 'park' | 'skip'
  rate_count: number | string
  rate_per_s: number | string
  max_concurrency: number | string
  weight: number | string
  timeout_ms: number | string
  retry_schedule_s: string
  expire_after_s: number | string
  disable_after_hours: number | string
  content_type: 'json' | 'form'
  signature: 'v1' | 'v1a'
}

export function draftOf(of: Subscription | null): Draft {
  return {
    name: of?.name ?? '',
    url: of?.url ?? '',
    event_types: of?.event_types ?? [],
    description: of?.description ?? '',
    filter: of?.filter ? JSON.stringify(of.filter, null, 2) : '',
    ...payloadDraftOf(of),
    auth_type: of?.auth ? 'keep' : 'none',
    auth: {},
    headers: '',
    order_per: of?.order?.per ?? 'none',
    order_key: of?.order?.key ?? '',
    on_failure: of?.order?.on_failure ?? 'block',
    rate_count: of?.rate?.count ?? '',
    rate_per_s: of?.rate?.per_s ?? 1,
    max_concurrency: of?.max_concurrency ?? '',
    weight: of?.weight ?? 1,
    timeout_ms: of?.timeout_ms ?? '',
    retry_schedule_s: of?.retry_schedule_s?.join(', ') ?? '',
    expire_after_s: of?.expire_after_s ?? '',
    disable_after_hours: of ? (of.disable_after_hours ?? '') : 120,
    content_type: of?.content_type ?? 'json',
    signature: 'v1',
  }
}

/** What a change sends: null takes back what is empty, and what is not shown stays unless it was typed anew. */
export function changeOf(draft: Draft, of: Subscription | null) {
  const headers = readHeaders(draft.headers)
  return {
    name: draft.name.trim(),
    url: draft.url.trim(),
    event_types: draft.event_types,
    description: draft.description.trim() || null,
    filter: readFilter(draft.filter),
    payload: payloadOf(draft) ?? null,
    order: orderOf(draft, of),
    rate: isSet(draft.rate_count)
      ? { count: Number(draft.rate_count), per_s: Number(draft.rate_per_s) || 1 }
      : null,
    max_concurrency: numberOf(draft.max_concurrency),
    weight: numberOf(draft.weight) ?? 1,
    timeout_ms: numberOf(draft.timeout_ms),
    retry_schedule_s: scheduleOf(draft.retry_schedule_s),
    expire_after_s: numberOf(draft.expire_after_s),
    disable_after_hours: numberOf(draft.disable_after_hours),
    content_type: draft.content_type,
    ...(headers && Object.keys(headers).length > 0 && { headers }),
    ...(draft.auth_type !== 'keep' && { auth: authOf(draft) }),
  }
}

/** The same for a new one, which knows no null but where it has a meaning of its own. */
export function createOf(draft: Draft): Create {
  const { disable_after_hours, ...rest } = changeOf(draft, null)
  const set = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null))
  return { ...set, disable_after_hours, signature: draft.signature } as Create
}

function orderOf({ order_per, order_key, on_failure }: Draft, of: Subscription | null) {
  if (order_per === 'none') return null
  const kept = of?.order?.after_attempts
  return {
    per: order_per,
    on_failure,
    ...(order_per === 'key' && { key: order_key.trim() }),
    ...(kept !== undefined && { after_attempts: kept }),
  }
}

function authOf({ auth_type, auth }: Draft): Auth | null {
  if (auth_type === 'none' || auth_type === 'keep') return null
  const fields = AUTH_FIELDS[auth_type].map(({ key }) => [key, auth[key] ?? ''] as const)
  return { type: auth_type, ...Object.fromEntries(fields.filter(([, value]) => value !== '')) } as Auth
}

/** Null where none is written; throws where it is no JSON object. */
export function readFilter(text: string): Record<string, unknown> | null {
  if (text.trim() === '') return null
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('no object')
  return value as Record<string, unknown>
}

/** Null where a line is not `name: value`. */
export function readHeaders(text: string): Record<string, string> | null {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const pairs = lines.map((line) => /^\s*([^:\s]+)\s*:\s*(.*)$/.exec(line))
  if (pairs.some((pair) => pair === null)) return null
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2]?.trim() ?? '']))
}

const isSet = (value: number | string): boolean => value !== ''
const numberOf = (value: number | string): number | null => (isSet(value) ? Number(value) : null)
const scheduleOf = (text: string): number[] | null =>
  text.trim() === ''
    ? null
    : text
        .split(/[\s,]+/)
        .filter(Boolean)
        .map(Number)
