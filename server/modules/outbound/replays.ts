import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { floorId, fromWire, toWire } from '../../platform/ids.ts'
import { enqueue, type Job } from '../../platform/jobs/jobs.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import {
  type Active,
  fanOut,
  isFor,
  matches,
  type Published,
  receiverOf,
  wakeDeliveries,
} from './audience.ts'
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

/** An event as a replay of what is missing reads it. */
type PastEvent = { id: string; type: string; data: string; customer: string | null }
/** A tenant's events between two ids, in their order; `assemble` hands in the events room's own, which stands above us. */
export type ReadEvents = (
  tx: Tx,
  tenant_id: string,
  range: { after: string; before: string },
  limit: number,
) => Promise<PastEvent[]>

/** `dry_run` counts and does nothing. */
export async function createReplay(app: App, actor: Actor, input: CreateReplay, read: ReadEvents) {
  const { tenant_id } = actor
  const range = readRange(app, input)
  const receiver = await receiverOf(app, tenant_id, range.subscription_id)
  const id = app.newId()
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    const subscription = await findSubscription(tx, tenant_id, range.subscription_id)
    if (!subscription) {
      throw new Problem('not_found', { detail: `there is no subscription ${input.subscription_id}` })
    }
    if (!receiver && (range.of_state === 'missing' || !input.dry_run)) throw disabled(input.subscription_id)
    const total =
      receiver && range.of_state === 'missing'
        ? await countMissing(tx, tenant_id, range, receiver, read)
        : await queries.countToReplay(tx, tenant_id, range)
    if (input.dry_run) return { total }
    const turn = app.newId()
    await queries.insertReplay(tx, { ...range, tenant_id, id, reached: floorId(range.since), total, turn })
    await enqueueTurn(app, tx, tenant_id, { replay_id: id, turn }, 0)
    await audit(tx, actor, 'replay.create', toWire('replay', id), { ...input, total })
    return found(await queries.findReplay(tx, tenant_id, id), id)
  })
  if (!('id' in row)) return { dry_run: true as const, total: row.total }
  app.db.notify('trilho_job', 'new')
  return toReplay(row)
}

const disabled = (wire_id: string) =>
  new Problem('conflict', { detail: `subscription ${wire_id} is disabled; enable it first` })

/** Goes through the events of the range as the replay will; past so many it stops counting. */
const MOST_COUNTED = 100_000

async function countMissing(
  tx: Tx,
  tenant_id: string,
  range: queries.ReplayRange,
  receiver: Active,
  read: ReadEvents,
): Promise<number> {
  let after = floorId(range.since)
  let [total, looked_at] = [0, BATCH]
  for (let seen = 0; looked_at === BATCH && seen < MOST_COUNTED; seen += looked_at) {
    const events = await read(tx, tenant_id, { after, before: floorId(range.until) }, BATCH)
    total += (await missingOf(tx, tenant_id, range, receiver, events)).length
    looked_at = events.length
    after = events.at(-1)?.id ?? after
  }
  return total
}

/** Of these events, what the subscription takes and has no delivery of. */
async function missingOf(
  tx: Tx,
  tenant_id: string,
  range: Pick<queries.ReplayRange, 'event_types'>,
  receiver: Active,
  events: PastEvent[],
): Promise<Published[]> {
  const wanted = events
    .map((event) => ({ ...event, tenant_id }))
    .filter(
      (event) =>
        isFor(receiver, event) &&
        (range.event_types?.some((pattern) => matches(pattern, event.type)) ?? true),
    )
  if (wanted.length === 0) return []
  const ids = wanted.map(({ id }) => id)
  const delivered = await queries.listDelivered(tx, tenant_id, receiver.id, ids)
  return wanted.filter(({ id }) => !delivered.has(id))
}

const enqueueTurn = (app: App, tx: Tx, tenant_id: string, payload: Turn, in_ms: number): Promise<void> =>
  enqueue(tx, {
    tenant_id,
    id: app.newId(),
    kind: JOB,
    payload,
    due: new Date(app.clock.now().getTime() + in_ms),
  })

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
    event_types: input.event_types ?? null,
    status: input.status ?? null,
    per_second: input.per_second ?? null,
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

/** What was put back to work is sent all the same; the rest waits until the replay is resumed. */
export const pauseReplay = (app: App, actor: Actor, wire_id: string) =>
  turnOver(app, actor, wire_id, 'running')

export const resumeReplay = (app: App, actor: Actor, wire_id: string) =>
  turnOver(app, actor, wire_id, 'paused')

async function turnOver(app: App, actor: Actor, wire_id: string, from: 'running' | 'paused') {
  const id = fromWire('replay', wire_id)
  const { tenant_id } = actor
  const turn = from === 'paused' ? app.newId() : null
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    const { state } = found(await queries.findReplay(tx, tenant_id, id), id)
    const turned = await queries.turnReplay(tx, tenant_id, id, from, turn)
    if (!turned) throw new Problem('conflict', { detail: `replay ${wire_id} is ${state}` })
    if (turn !== null) await enqueueTurn(app, tx, tenant_id, { replay_id: id, turn }, 0)
    await audit(tx, actor, from === 'paused' ? 'replay.resume' : 'replay.pause', wire_id)
    return turned
  })
  app.db.notify('trilho_job', 'new')
  return toReplay(row)
}

function found<Row>(row: Row | undefined, id: string): Row {
  if (row === undefined)
    throw new Problem('not_found', { detail: `there is no replay ${toWire('replay', id)}` })
  return row
}

/** The jobs of this room, by kind. */
export const handlers = (app: App, read: ReadEvents): [string, (job: Job) => Promise<void>][] => [
  [JOB, (job) => runReplay(app, job, read)],
]

/** A job that says another turn than its replay is out of date: it was paused meanwhile. */
type Turn = { replay_id: string; turn: string | null }
const SECOND_MS = 1_000

async function runReplay(app: App, { tenant_id, payload }: Job, read: ReadEvents): Promise<void> {
  const { replay_id, turn = null } = payload as { replay_id: string; turn?: string }
  const until = app.clock.monotonic() + TURN_MS
  let step: Step = { more: true, paced: false }
  while (step.more && !step.paced && app.clock.monotonic() < until) {
    step = await replayBatch(app, tenant_id, { replay_id, turn }, read)
  }
  if (!step.more) return
  const in_ms = step.paced ? SECOND_MS : 0
  await inTenant(app.db, tenant_id, (tx) => enqueueTurn(app, tx, tenant_id, { replay_id, turn }, in_ms))
  app.db.notify('trilho_job', 'new')
}

/** `paced`: the next batch comes in a second. */
type Step = { more: boolean; paced: boolean }

/** One batch, in one transaction with its cursor. */
async function replayBatch(
  app: App,
  tenant_id: string,
  { replay_id: id, turn }: Turn,
  read: ReadEvents,
): Promise<Step> {
  const asked = await inTenant(app.db, tenant_id, (tx) => queries.findReplay(tx, tenant_id, id))
  const receiver = asked ? await receiverOf(app, tenant_id, asked.subscription_id) : null
  const limit = Math.min(BATCH, asked?.per_second ?? BATCH)
  const looked_at = await inTenant(app.db, tenant_id, async (tx) => {
    const replay = await queries.lockReplay(tx, tenant_id, id, turn)
    if (!replay) return 0
    const count =
      replay.of_state === 'missing'
        ? await sendMissing(app, tx, tenant_id, replay, receiver, read, limit)
        : await queries.replayNext(tx, tenant_id, replay, limit)
    if (count < limit) await queries.endReplay(tx, tenant_id, id, 'completed')
    return count
  })
  if (looked_at > 0) wakeDeliveries(app)
  return { more: looked_at === limit, paced: asked?.per_second !== null }
}

/** Publishes past events to one subscription. Returns how many it looked at; none where that is disabled meanwhile. */
async function sendMissing(
  app: App,
  tx: Tx,
  tenant_id: string,
  replay: queries.ReplayRow,
  receiver: Active | null,
  read: ReadEvents,
  limit: number,
): Promise<number> {
  if (!receiver) return 0
  const events = await read(tx, tenant_id, { after: replay.reached, before: floorId(replay.until) }, limit)
  const missing = await missingOf(tx, tenant_id, replay, receiver, events)
  await fanOut(app, tx, missing, new Map([[tenant_id, [receiver]]]))
  await queries.moveReplay(tx, tenant_id, replay.id, events.at(-1)?.id ?? replay.reached, missing.length)
  return events.length
}
