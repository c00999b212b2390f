import { setTimeout as sleep } from 'node:timers/promises'
import { inTenant } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { Records } from '../../platform/records.ts'
import type { App } from '../app.ts'
import {
  cancelBatch as cancelCalls,
  countDue,
  countStates,
  listWaiting,
  openReserve,
  postponeCall,
  putWork,
  type Reserve,
  tryDeferred,
  type Waiting,
} from '../calls/calls.ts'
import { openConnection } from '../connections/connections.ts'
import { publishChange } from '../events/events.ts'
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

/** Works on a batch for one turn; what is left over is the next one's. One that is canceled ends what is under way. */
export async function runTurn(app: App, tenant_id: string, id: string): Promise<void> {
  const batch = await inTenant(app.db, tenant_id, (tx) => queries.findBatch(tx, tenant_id, id))
  if (!batch || batch.state === 'completed') return
  const full = await work(app, tenant_id, batch)
  const due = await nextDue(app, tenant_id, id, full)
  if (due === null) return finish(app, tenant_id, batch)
  await inTenant(app.db, tenant_id, (tx) => putWork(tx, { tenant_id, id, kind: 'batch', due }))
  app.db.notify('trilho_call', 'new')
}

/** Operations for which the limits have no room, and how long that lasts. */
type Full = Map<string, number>

/** Keeps as many calls under way as the batch may have: the slowest of them holds up none of the others. */
async function work(app: App, tenant_id: string, batch: queries.BatchRow): Promise<Full> {
  const connection = await openConnection(app, tenant_id, batch.connection_id).catch(() => null) // each call says so
  const reserve = connection && (await openReserve(app, connection))
  const under_way = new Map<string, Promise<void>>()
  const failed: unknown[] = []
  const begin = ({ id: call_id, operation }: Waiting): void => {
    reserve?.begun(operation ?? '')
    const trying = tryOne(app, tenant_id, call_id)
      .catch((error: unknown) => void failed.push(error))
      .finally(() => {
        reserve?.ended(operation ?? '')
        under_way.delete(call_id)
      })
    under_way.set(call_id, trying)
  }
  const turn: Turn = { reserve, full: new Map(), under_way, failed, begin }
  try {
    await beginAll(app, tenant_id, batch, turn)
  } finally {
    await Promise.all(under_way.values()) // what is under way is no other turn's
    await reserve?.close()
  }
  if (failed.length > 0) throw failed[0]
  return turn.full
}

const AGAIN_MS = 60_000

/** What goes wrong with it on our side is its own matter: it is looked at later, and the others go on. */
async function tryOne(app: App, tenant_id: string, call_id: string): Promise<void> {
  await tryDeferred(app, tenant_id, call_id).catch(async (err: unknown) => {
    app.log.error({ crossing: 'call', call: toWire('call', call_id), err }, 'a call of a batch was not made')
    await inTenant(app.db, tenant_id, (tx) => postponeCall(tx, tenant_id, call_id, AGAIN_MS))
  })
}

type Turn = {
  reserve: Reserve | null
  full: Full
  under_way: Map<string, Promise<void>>
  failed: unknown[]
  begin(call: Waiting): void
}

async function beginAll(
  app: App,
  tenant_id: string,
  { id, concurrency, delay_ms }: queries.BatchRow,
  turn: Turn,
): Promise<void> {
  const { under_way, failed, begin } = turn
  const until_ms = app.clock.monotonic() + TURN_MS
  while (failed.length === 0 && app.clock.monotonic() < until_ms) {
    const room = delay_ms > 0 ? Math.min(1, concurrency - under_way.size) : concurrency - under_way.size
    const due = room > 0 ? await dueNow(app, tenant_id, id, turn, room) : []
    const ready = await withRoom(app, tenant_id, id, turn, due)
    for (const call of ready) begin(call)
    if (due.length === 0 && under_way.size === 0) return
    if (ready.length === 0 && under_way.size === 0) continue // others may have room
    if (ready.length > 0 && delay_ms > 0) await sleep(delay_ms)
    else if (ready.length < room || under_way.size >= concurrency) await Promise.race(under_way.values())
  }
}

async function dueNow(
  app: App,
  tenant_id: string,
  id: string,
  { under_way, full }: Turn,
  limit: number,
): Promise<Waiting[]> {
  const but = { busy: [...under_way.keys()], without: [...full.keys()], limit }
  const rows = await inTenant(app.db, tenant_id, (tx) => listWaiting(tx, tenant_id, id, but))
  return rows.filter(({ is_due }) => is_due)
}

/** Those that the limits have room for; the room of all that are due is taken with that of the first. */
async function withRoom(
  app: App,
  tenant_id: string,
  id: string,
  { reserve, full }: Turn,
  due: Waiting[],
): Promise<Waiting[]> {
  if (reserve === null) return due
  const ready: Waiting[] = []
  for (const [operation, calls] of Map.groupBy(due, (call) => call.operation ?? '')) {
    const { calls: most, wait_ms } = await reserve.room(operation, async () => {
      const counts = await inTenant(app.db, tenant_id, (tx) => countDue(tx, tenant_id, id))
      return counts.get(operation) ?? 0
    })
    ready.push(...calls.slice(0, most))
    if (wait_ms > 0) full.set(operation, wait_ms)
  }
  return ready
}

const LONGEST_WAIT_MS = 60_000

/**
 * When there is something to do again; null where there is nothing left. What was put back in line while the batch was
 * being canceled is given up with the rest.
 */
const nextDue = (app: App, tenant_id: string, id: string, full: Full): Promise<Date | null> =>
  inTenant(app.db, tenant_id, async (tx) => {
    const batch = await queries.findBatch(tx, tenant_id, id)
    if (batch?.state === 'canceled') await cancelCalls(tx, tenant_id, id)
    const [next] = await listWaiting(tx, tenant_id, id, { limit: 1 })
    if (!next || full.size === 0) return next?.due ?? null
    const [other] = await listWaiting(tx, tenant_id, id, { without: [...full.keys()], limit: 1 })
    const room_in_ms = Math.min(LONGEST_WAIT_MS, ...full.values())
    const room_at = new Date(app.clock.now().getTime() + room_in_ms)
    return other && other.due < room_at ? other.due : room_at
  })

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
  await publishChange(app, { tenant_id, type: 'batch.completed', entity_id, data }, (tx) =>
    queries.closeBatch(tx, tenant_id, id, 'completed'),
  )
}
