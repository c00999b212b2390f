import { setTimeout as sleep } from 'node:timers/promises'
import { inTenant } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { Records } from '../../platform/records.ts'
import type { App } from '../app.ts'
import { countStates, listWaiting, putWork, tryDeferred } from '../calls/calls.ts'
import { publishAll } from '../events/events.ts'
import { audienceOf, wakeDeliveries } from '../outbound/outbound.ts'
import * as queries from './queries.ts'
import { allCounts } from './schema.ts'

export const records = (app: App): Records[] => [
  {
    table: 'batch',
    keep_days: app.config.retention_records_days,
    held: (id) => queries.countRunningBefore(app.db.worker, id),
  },
]

/** A turn does so much before it makes room for others, and for a server that is to stop. */
const TURN_MS = 5_000

/** Works on a batch for one turn; what is left over is the next one's. */
export async function runTurn(app: App, tenant_id: string, id: string): Promise<void> {
  const batch = await inTenant(app.db, tenant_id, (tx) => queries.findBatch(tx, tenant_id, id))
  if (batch?.state !== 'running') return
  await work(app, tenant_id, batch)
  const wait_ms = await nextDue(app, tenant_id, id)
  if (wait_ms === null) return finish(app, tenant_id, batch)
  const due = new Date(app.clock.now().getTime() + wait_ms)
  await inTenant(app.db, tenant_id, (tx) => putWork(tx, { tenant_id, id, kind: 'batch', due }))
  app.db.notify('trilho_call', 'new')
}

/** Keeps as many calls under way as the batch may have: the slowest of them holds up none of the others. */
async function work(app: App, tenant_id: string, batch: queries.BatchRow): Promise<void> {
  const { id, concurrency, delay_ms } = batch
  const until_ms = app.clock.monotonic() + TURN_MS
  const under_way = new Map<string, Promise<unknown>>()
  const failed: unknown[] = []
  while (failed.length === 0 && app.clock.monotonic() < until_ms) {
    const room = delay_ms > 0 ? Math.min(1, concurrency - under_way.size) : concurrency - under_way.size
    const ready = room > 0 ? await dueNow(app, tenant_id, id, [...under_way.keys()], room) : []
    for (const call_id of ready) {
      const trying = tryDeferred(app, tenant_id, call_id)
        .catch((error: unknown) => failed.push(error))
        .finally(() => under_way.delete(call_id))
      under_way.set(call_id, trying)
    }
    if (ready.length === 0 && under_way.size === 0) break
    if (ready.length > 0 && delay_ms > 0) await sleep(delay_ms)
    else if (ready.length < room || under_way.size >= concurrency) await Promise.race(under_way.values())
  }
  await Promise.all(under_way.values())
  if (failed.length > 0) throw failed[0]
}

async function dueNow(
  app: App,
  tenant_id: string,
  id: string,
  busy: readonly string[],
  room: number,
): Promise<string[]> {
  const rows = await inTenant(app.db, tenant_id, (tx) => listWaiting(tx, tenant_id, id, busy, room))
  return rows.filter(({ wait_ms, state }) => state === 'started' || wait_ms <= 0).map((row) => row.id)
}

/** In how many milliseconds there is something to do again; null where there is nothing left. */
async function nextDue(app: App, tenant_id: string, id: string): Promise<number | null> {
  const [next] = await inTenant(app.db, tenant_id, (tx) => listWaiting(tx, tenant_id, id, [], 1))
  return next ? Math.max(0, next.wait_ms) : null
}

/** The end and the event that tells of it, in one transaction. */
async function finish(
  app: App,
  tenant_id: string,
  { id, connection_id, total }: queries.BatchRow,
): Promise<void> {
  const counts = await inTenant(app.db, tenant_id, (tx) => countStates(tx, tenant_id, id))
  const { queued: _queued, started: _started, ...ended } = allCounts(counts)
  const entity_id = toWire('batch', id)
  const data = { batch_id: entity_id, connection_id: toWire('connection', connection_id), total, ...ended }
  const event = {
    tenant_id,
    id: app.newId(),
    type: 'batch.completed',
    data: JSON.stringify(data),
    entity_id,
    message_id: null,
  }
  const audience = await audienceOf(app, [event])
  const deliveries = await inTenant(app.db, tenant_id, async (tx) => {
    if (!(await queries.closeBatch(tx, tenant_id, id, 'completed'))) return 0
    return publishAll(app, tx, { events: [event], external_ids: [] }, audience)
  })
  if (deliveries > 0) wakeDeliveries(app)
}
