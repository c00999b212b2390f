import type { Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { openReport } from './deferred.ts'
import { findDeferred } from './deferred_queries.ts'
import { toDeferred } from './deferred_schema.ts'
import { findSteps } from './mapping_queries.ts'
import { type CallRow, findCall, listAttempts } from './queries.ts'
import { type StepsOnRecord, toAttempt } from './schema.ts'

/** A deferred call as it stands: what it came to, its tries, and their attempts in one log. */
export async function readDeferred(app: App, tx: Tx, tenant_id: string, wire_id: string) {
  const row = await findDeferred(tx, tenant_id, fromWire('call', wire_id))
  if (!row) throw new Problem('not_found', { detail: `there is no call ${wire_id}` })
  const tries: CallRow[] = []
  const log = []
  for (const call_id of row.call_ids) {
    const made = await findCall(tx, tenant_id, call_id)
    if (made) tries.push(made)
    log.push(...(await listAttempts(tx, tenant_id, call_id)))
  }
  const last = tries.at(-1)
  return {
    ...toDeferred(row),
    method: last?.method ?? row.method ?? '',
    path: last?.path ?? row.path ?? '',
    attempts: log.length,
    duration_ms: last?.duration_ms ?? null,
    external_reference: last?.external_reference ?? null,
    actor: row.actor.id,
    request_id: row.actor.request_id,
    cause: { kind: row.actor.cause?.kind ?? row.actor.kind, id: row.actor.cause?.id ?? row.actor.id },
    parent_id: row.actor.parent_id ?? null,
    // One that was answered from the cache, or could not be mapped, made none.
    call_ids: tries.map(({ id }) => toWire('call', id)),
    report: await openReport(app, tx, tenant_id, row),
    ...(await stepsOf(tx, tenant_id, row.id)),
    log: log.map(toAttempt),
  }
}

/** What the steps of its mapping came to, where it had one. */
export async function stepsOf(tx: Tx, tenant_id: string, id: string): Promise<{ steps?: StepsOnRecord }> {
  const text = await findSteps(tx, tenant_id, id)
  return text === null ? {} : { steps: JSON.parse(text) as StepsOnRecord }
}
