import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { floorId, fromWire, toWire } from '../../platform/ids.ts'
import { enqueue, type Job } from '../../platform/jobs/jobs.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import { wakeDeliveries } from './audience.ts'
import { type CreateReplay, toReplay } from './delivery_schema.ts'
import { findSubscription } from './queries.ts'
import * as queries from './replay_queries.ts'

/**
 * Sending again in bulk: every ended delivery of a subscription in a span of time. A replay is a row with a cursor
 * and a job that moves it, batch after batch; a process that dies in between is taken over where it stood.
 */

const JOB = 'outbound.replay'
const BATCH = 500
/** A job does so much before it makes room for others, and for a server that is to stop. */
const TURN_MS = 2_000

/** `dry_run` counts and does nothing. */
export async function createReplay(app: App, actor: Actor, input: CreateReplay) {
  const { tenant_id } = actor
  const range = readRange(app, input)
  const id = app.newId()
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    const subscription = await findSubscription(tx, tenant_id, range.subscription_id)
    if (!subscription) {
      throw new Problem('not_found', { detail: `there is no subscription ${input.subscription_id}` })
    }
    const total = await queries.countToReplay(tx, tenant_id, range)
    if (input.dry_run) return { total }
    if (subscription.state === 'disabled') {
      throw new Problem('conflict', {
        detail: `subscription ${input.subscription_id} is disabled; enable it first`,
      })
    }
    await queries.insertReplay(tx, { ...range, tenant_id, id, reached: floorId(range.since), total })
    await enqueue(tx, { tenant_id, id: app.newId(), kind: JOB, payload: { replay_id: id }, due: new Date() })
    await audit(tx, actor, 'replay.create', toWire('replay', id), { ...input, total })
    return found(await queries.findReplay(tx, tenant_id, id), id)
  })
  if (!('id' in row)) return { dry_run: true as const, total: row.total }
  app.db.notify('trilho_job', 'new')
  return toReplay(row)
}

function readRange(app: App, input: CreateReplay): queries.ReplayRange {
  const now = app.clock.now()
  const since = new Date(input.since)
  const wanted = input.until === undefined ? now : new Date(input.until)
  const until = new Date(Math.min(wanted.getTime(), now.getTime())) // what comes later is no replay
  if (since >= until) {
    throw new Problem('invalid_request', { field: 'since', detail: 'since must be before until' })
  }
  return {
    subscription_id: fromWire('subscription', input.subscription_id, 'subscription_id'),
    since,
    until,
    of_state: input.state ?? 'failed',
  }
}

export async function listReplays(app: App, actor: Actor, input: PageInput) {
  const { limit, before } = readPage('replay', input)
  const rows = await inTenant(app.db, actor.tenant_id, (tx) =>
    queries.listReplays(tx, actor.tenant_id, limit, before),
  )
  return toPage('replay', rows, limit, toReplay)
}

export async function readReplay(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('replay', wire_id)
  return inTenant(app.db, actor.tenant_id, async (tx) =>
    toReplay(found(await queries.findReplay(tx, actor.tenant_id, id), id)),
  )
}

/** What was put back to work already is sent all the same. */
export async function cancelReplay(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('replay', wire_id)
  const { tenant_id } = actor
  return inTenant(app.db, tenant_id, async (tx) => {
    const { state } = found(await queries.findReplay(tx, tenant_id, id), id)
    const row = await queries.endReplay(tx, tenant_id, id, 'canceled')
    if (!row) throw new Problem('conflict', { detail: `replay ${wire_id} is ${state} already` })
    await audit(tx, actor, 'replay.cancel', wire_id)
    return toReplay(row)
  })
}

function found<Row>(row: Row | undefined, id: string): Row {
  if (row === undefined)
    throw new Problem('not_found', { detail: `there is no replay ${toWire('replay', id)}` })
  return row
}

/** The jobs of this room, by kind. */
export const handlers = (app: App): [string, (job: Job) => Promise<void>][] => [
  [JOB, (job) => runReplay(app, job)],
]

async function runReplay(app: App, { tenant_id, payload }: Job): Promise<void> {
  const { replay_id } = payload as { replay_id: string }
  const until = app.clock.monotonic() + TURN_MS
  let more = true
  while (more && app.clock.monotonic() < until) more = await replayBatch(app, tenant_id, replay_id)
  if (!more) return
  const next = { tenant_id, id: app.newId(), kind: JOB, payload: { replay_id }, due: new Date() }
  await inTenant(app.db, tenant_id, (tx) => enqueue(tx, next))
  app.db.notify('trilho_job', 'new')
}

/** One batch, in one transaction with its cursor. False where there is no more to do. */
async function replayBatch(app: App, tenant_id: string, id: string): Promise<boolean> {
  const looked_at = await inTenant(app.db, tenant_id, async (tx) => {
    const replay = await queries.lockReplay(tx, tenant_id, id)
    if (!replay) return 0
    const count = await queries.replayNext(tx, tenant_id, replay, BATCH)
    if (count < BATCH) await queries.endReplay(tx, tenant_id, id, 'completed')
    return count
  })
  if (looked_at > 0) wakeDeliveries(app)
  return looked_at === BATCH
}
