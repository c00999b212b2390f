import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, timeOfId, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { readPage, toPage } from '../wire.ts'
import * as queries from './quarantine_queries.ts'
import { judgeAt, keptArrival, type Received, store } from './receive.ts'
import { type QuarantineQuery, toQuarantined, toRaw } from './schema.ts'
import { findActiveSource } from './sources.ts'

/** What was refused at the door, with its bytes and the reason, until it is taken in after all or ages out. */

export async function listQuarantine(app: App, actor: Actor, input: QuarantineQuery) {
  const { limit, before } = readPage('quarantine', input)
  const source_id = input.source_id ? fromWire('source', input.source_id, 'source_id') : null
  const rows = await inTenant(app.db, actor.tenant_id, (tx) =>
    queries.listQuarantine(tx, actor.tenant_id, source_id, limit, before),
  )
  return toPage('quarantine', rows, limit, toQuarantined)
}

export async function readQuarantined(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('quarantine', wire_id)
  const row = await inTenant(app.db, actor.tenant_id, (tx) =>
    queries.findQuarantined(tx, actor.tenant_id, id),
  )
  if (!row) throw missing(wire_id)
  return { ...toQuarantined(row), ...toRaw(row) }
}

/**
 * Takes a refused message in after all, if it verifies now, once its source's secret or settings are mended. It is
 * stored before it leaves the quarantine: cut off in between, it is there to be released again and known as a copy.
 */
export async function releaseQuarantined(app: App, actor: Actor, wire_id: string): Promise<Received> {
  const id = fromWire('quarantine', wire_id)
  const { tenant_id } = actor
  const row = await inTenant(app.db, tenant_id, (tx) => queries.findQuarantined(tx, tenant_id, id))
  if (!row) throw missing(wire_id)
  const source = await findActiveSource(app, toWire('source', row.source_id))
  if (!source)
    throw new Problem('conflict', { detail: 'its source was deleted; there is nowhere to release it to' })
  const arrival = keptArrival(source, row)
  const verdict = await judgeAt(app, source, arrival, timeOfId(id))
  if (!verdict.ok) {
    throw new Problem('conflict', {
      detail: `it still does not verify: ${verdict.detail}; mend the source first`,
    })
  }
  const received = await store(app, source, arrival)
  await inTenant(app.db, tenant_id, async (tx) => {
    await queries.deleteQuarantined(tx, tenant_id, id)
    await audit(tx, actor, 'quarantine.release', wire_id, { message: received.id })
  })
  return received
}

const missing = (id: string) => new Problem('not_found', { detail: `there is no quarantine ${id}` })
