import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { parseWire, toWire } from '../../platform/ids.ts'
import { endJob, type Job } from '../../platform/jobs/jobs.ts'
import type { App } from '../app.ts'
import { type OpenConnection, openConnection } from '../connections/connections.ts'
import { publishChange } from '../events/events.ts'
import type { Left } from './abandoned_queries.ts'
import { findDeferred } from './deferred_queries.ts'
import type { ClosedCall, Outcome } from './queries.ts'

/**
 * Events of calls, where their connection asks for them (`call_events`). The commit that closes the record makes the job
 * that tells of it; the event and the end of that job are one commit again, so each call is told of once.
 */

type About = {
  id: string
  operation: string | null
  state: Outcome
  status: number | null
  duration_ms: number | null
  error: string | null
}

/** Null where nobody asked. Checks of the schedule are no news: the connection's health is. */
export function toldOf(
  app: App,
  { id: connection_id, call_events }: OpenConnection,
  { id, operation, state, status, duration_ms, error }: About,
): NonNullable<ClosedCall['told']> | null {
  const is_asked = call_events === 'all' || (call_events === 'failures' && state !== 'succeeded')
  if (!is_asked || operation === 'health') return null
  const place = { call_id: toWire('call', id), connection_id: toWire('connection', connection_id) }
  // As jsonb takes it: half of a pair would fail the commit of all calls of this moment.
  const words = error?.toWellFormed() ?? null
  return { id: app.newId(), data: { ...place, operation, state, status, duration_ms, error: words } }
}

/** The job. */
export async function tellOfCall(app: App, job: Job): Promise<void> {
  const { tenant_id, payload } = job
  const data = payload as { call_id: string; state: Outcome }
  const type = data.state === 'succeeded' ? 'call.completed' : 'call.failed'
  await publishChange(app, { tenant_id, type, entity_id: data.call_id, data }, (tx) => endJob(tx, job))
}

/** The job for one that a stopped server left open. */
export async function tellOfLeft(app: App, job: Job): Promise<void> {
  const { tenant_id, id } = job
  const { connection_id, parent_id, ...call } = job.payload as Left
  if (await isTry(app, tenant_id, id, parent_id)) return
  const connection = await openConnection(app, tenant_id, connection_id).catch(orGone)
  const told = connection && toldOf(app, connection, { ...call, id, status: null, duration_ms: null })
  if (told) await tellOfCall(app, { ...job, payload: told.data })
}

/** Of a deferred call outside of batches, which tells of its own end, and only then. */
async function isTry(app: App, tenant_id: string, id: string, parent_id: string | null): Promise<boolean> {
  const deferred_id = parseWire('call', parent_id ?? '')
  if (deferred_id === null) return false
  const deferred = await inTenant(app.db, tenant_id, (tx) => findDeferred(tx, tenant_id, deferred_id))
  return deferred?.batch_id === null && deferred.call_ids.includes(id)
}

/** Nobody asks for the events of one that was deleted. */
function orGone(error: unknown): null {
  if (error instanceof Problem && error.code === 'not_found') return null
  throw error
}
