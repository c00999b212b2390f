import type { Registering, RegistrationVerb } from '../../kit/registration.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { makeOwnCall } from '../calls/calls.ts'
import type { RegistrationRow } from './registration_queries.ts'
import { REGISTRATION } from './registrations.ts'
import { actorOfSource } from './sources.ts'

const DEADLINE_MS = 45_000

type Report = {
  state: 'succeeded' | 'refused' | 'failed' | 'unknown'
  status: number | null
  error: string | null
  result?: unknown
  refusal?: { reason: string; message: string | null }
}

/**
 * What the vendor told; null where it knows nothing of what is asked for. A Problem is its no, or ours: asking again
 * changes nothing. Any other error is: not now.
 */
export async function askVendor<Told>(
  app: App,
  row: RegistrationRow,
  verb: RegistrationVerb,
  input: Registering,
): Promise<Told | null> {
  const report = JSON.parse(await call(app, row, verb, input)) as Report
  const { state, status, error } = report
  if (state === 'succeeded' && report.result !== undefined) return report.result as Told
  const is_gone = state === 'refused' && (status === 404 || status === 410)
  if (is_gone || report.refusal?.reason === 'not_found') return null // some say so by a 500
  const because = report.refusal?.message ?? error ?? `the call is ${state}`
  if (state === 'refused' && !NOT_NOW.has(status ?? 0)) throw new Problem('conflict', { detail: because })
  throw new Error(because)
}

const NOT_NOW = new Set([408, 409, 423, 425, 429])

async function call(
  app: App,
  { tenant_id, source_id, connection_id }: RegistrationRow,
  verb: RegistrationVerb,
  input: Registering,
): Promise<string> {
  const wanted = {
    operation: `webhooks.${verb}`,
    input,
    deadline_ms: DEADLINE_MS,
    mapping: { in: [], out: [] }, // what a tenant maps is not ours to read
    skip_cache: true,
  }
  const cause = { kind: 'job', id: REGISTRATION } as const
  const actor = { ...actorOfSource(tenant_id, toWire('source', source_id)), cause }
  try {
    return await makeOwnCall(app, actor, toWire('connection', connection_id), wanted)
  } catch (error) {
    if (!(error instanceof Problem) || (error.status < 500 && error.status !== 429)) throw error
    throw new Error(error.occurrence.detail, { cause: error })
  }
}
