import type { Refusal } from '../../kit/news.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import type { Actor, App, Cause } from '../app.ts'
import { makeOwnCall } from '../calls/calls.ts'
import type { OpenConnection } from '../connections/connections.ts'

/** A question to the bank. What it asks only reads, so that whatever is not an answer is trouble and nothing else. */

/** Why a bank told nothing: a code that stays, and the same in words that give nothing away. */
export type Trouble = { code: string; message: string; vendor_code: string | null }
export type Heard<Told> = { told: Told } | { trouble: Trouble }

const WHOLE_MS = 120_000
const LINE_MS = 60_000
const RETRIES = 3

export const SYNC = 'banking.sync'

const BY_JOB: Cause = { kind: 'job', id: SYNC }

/** Who asks the bank of this connection: somebody who waits for the answer, or nobody, because of something. */
export function asker(
  { tenant_id, environment }: Pick<OpenConnection, 'tenant_id' | 'environment'>,
  by: Actor | Cause = BY_JOB,
): Actor {
  const who = 'scopes' in by ? by : { kind: 'system' as const, id: by.id, request_id: null, cause: by }
  const { kind, id, request_id, cause } = who
  return {
    ...{ kind, id, tenant_id, request_id },
    ...(cause && { cause }),
    environment: environment === 'production' ? 'live' : 'test', // whoever asks was let in to the bank before
    scopes: [],
    ip: null,
  }
}

export async function ask<Told>(
  app: App,
  connection: OpenConnection,
  operation: string,
  input: object,
  by: Actor | Cause = BY_JOB,
): Promise<Heard<Told>> {
  const wanted = {
    operation,
    input,
    retries: RETRIES,
    deadline_ms: WHOLE_MS,
    on_limit: 'wait' as const,
    wait_ms: LINE_MS,
    mapping: { in: [], out: [] }, // what a tenant maps is not ours to read
    skip_cache: true,
  }
  try {
    const text = await makeOwnCall(app, asker(connection, by), toWire('connection', connection.id), wanted)
    return toHeard(JSON.parse(text) as Report)
  } catch (error) {
    if (error instanceof Problem) return { trouble: notAsked(error) }
    throw error
  }
}

type Report = {
  state: 'succeeded' | 'refused' | 'failed' | 'unknown'
  status: number | null
  error: string | null
  result?: unknown
  refusal?: Refusal
}

function toHeard<Told>({ state, status, error, result, refusal }: Report): Heard<Told> {
  if (state === 'succeeded' && result !== undefined) return { told: result as Told }
  const vendor_code = refusal?.code ?? null
  if (state === 'succeeded') return { trouble: { ...TROUBLES.unreadable, vendor_code } }
  if (state === 'refused') return { trouble: { ...refused(refusal, status), vendor_code } }
  const is_token = error !== null && /token|credential/i.test(error)
  return { trouble: { ...(is_token ? TROUBLES.credentials_refused : TROUBLES.unavailable), vendor_code } }
}

export const TROUBLES = {
  credentials_refused: {
    code: 'credentials_refused',
    message: 'The bank refuses the credentials of this connection.',
  },
  not_permitted: { code: 'not_permitted', message: 'The bank does not permit this; look at the consent.' },
  not_found: { code: 'not_found', message: 'The bank knows nothing of what it was asked for.' },
  rate_limited: { code: 'rate_limited', message: 'The bank, or the limit of this connection, wants less.' },
  unavailable: { code: 'bank_unavailable', message: 'The bank could not be reached, or failed.' },
  unreadable: { code: 'unreadable_answer', message: 'What the bank answered could not be read.' },
  too_slow: {
    code: 'bank_too_slow',
    message: 'The bank takes longer to tell its pages than they stay true; it was tried several times.',
  },
  blocked: {
    code: 'account_blocked',
    message: 'The bank keeps an account closed for now; the others were read.',
  },
  refused: { code: 'bank_refused', message: 'The bank refused what it was asked.' },
  disabled: { code: 'connection_disabled', message: 'The connection of this bank is disabled.' },
} as const satisfies Record<string, Omit<Trouble, 'vendor_code'>>

function refused(refusal: Refusal | undefined, status: number | null): Omit<Trouble, 'vendor_code'> {
  const reason = refusal?.reason ?? 'unknown'
  if (reason === 'credentials_refused' || status === 401) return TROUBLES.credentials_refused
  if (reason === 'not_permitted' || status === 403) return TROUBLES.not_permitted
  if (status === 423) return TROUBLES.blocked
  if (reason === 'rate_limited' || status === 429) return TROUBLES.rate_limited
  if (reason === 'not_found' || status === 404) return TROUBLES.not_found
  return reason === 'vendor_unavailable' ? TROUBLES.unavailable : TROUBLES.refused
}

/** What is thrown for the caller is thrown before anything is sent. */
function notAsked({ code }: Problem): Trouble {
  const why =
    code === 'rate_limited'
      ? TROUBLES.rate_limited
      : code === 'conflict'
        ? TROUBLES.disabled
        : TROUBLES.unavailable
  return { ...why, vendor_code: null }
}
