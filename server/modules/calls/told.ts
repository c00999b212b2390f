import { inTenant } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import { endJob, enqueue, type Job } from '../../platform/jobs/jobs.ts'
import type { App } from '../app.ts'
import { type OpenConnection, openConnection } from '../connections/connections.ts'
import { publishChange } from '../events/events.ts'
import type { Abandoned } from './abandoned_queries.ts'
import { type ClosedCall, type Outcome, TELL } from './queries.ts'

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

/** Of one that a stopped server left open, found later. */
export async function tellOfAbandoned(app: App, call: Abandoned): Promise<void> {
  const { tenant_id } = call
  const connection = await openConnection(app, tenant_id, call.connection_id)
  const told = toldOf(app, connection, { ...call, status: null, duration_ms: null })
  if (told === null) return
  const job = { tenant_id, id: told.id, kind: TELL, payload: told.data, due: app.clock.now() }
  await inTenant(app.db, tenant_id, (tx) => enqueue(tx, job))
}
