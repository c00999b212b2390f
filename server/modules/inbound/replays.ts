import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { floorId, fromWire, toWire } from '../../platform/ids.ts'
import { enqueue, type Job } from '../../platform/jobs/jobs.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import * as queries from './replay_queries.ts'
import { type CreateMessageReplay, toReplay } from './schema_replays.ts'
import { findSource } from './source_queries.ts'

/**
 * Messages taken up again in bulk, by source, type, state and time. A replay is a row with a cursor and a job that
 * moves it, window after window, each in one transaction; a process that dies in between is taken over where it stood.
 */

const JOB = 'inbound.replay'
const WINDOW = 1_000
/** A job does so much before it makes room for others, and for a server that is to stop. */
const TURN_MS = 2_000

/** `dry_run` counts and does nothing. */
export async function createMessageReplay(app: App, actor: Actor, input: CreateMessageReplay) {
  const { tenant_id } = actor
  const filter = readFilter(app, input)
  const id = app.newId()
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    if (filter.source_id && !(await findSource(tx, tenant_id, filter.source_id))) {
      throw new Problem('not_found', { detail: `there is no source ${input.source_id}` })
    }
    const total = await queries.countToReplay(tx, tenant_id, filter)
    if (input.dry_run) return { total }
    const made = { ...filter, tenant_id, id, per_second: input.per_second ?? null, total }
    await queries.insertReplay(tx, { ...made, reached: justBefore(filter.since) })
    await enqueueTurn(app, tx, tenant_id, { id, turn: 0 }, 0)
    await audit(tx, actor, 'message_replay.create', toWire('inbox_replay', id), { ...input, total })
    return found(await queries.findReplay(tx, tenant_id, id), id)
  })
  if (!('id' in row)) return { dry_run: true as const, total: row.total }
  app.db.notify('trilho_job', 'new')
  return toReplay(row)
}

/** The cursor stands behind what was looked at, and nothing was yet. */
const justBefore = (since: Date): string =>
  floorId(new Date(since.getTime() - 1)).replace(/0{12}$/, 'f'.repeat(12))

function readFilter(app: App, input: CreateMessageReplay): queries.ReplayFilter {
  const now = app.clock.now()
  const since = new Date(input.since)
  const wanted = input.until === undefined ? now : new Date(input.until)
  const until = new Date(Math.min(wanted.getTime(), now.getTime())) // what comes later is no replay
  if (since >= until) {
    throw new Problem('invalid_request', { field: 'since', detail: 'since must be before until' })
  }
  return {
    source_id: input.source_id ? fromWire('source', input.source_id, 'source_id') : null,
    event_type: input.event_type ?? null,
    states: input.states ?? ['failed', 'parked'],
    since,
    until,
  }
}

export async function listMessageReplays(app: App, actor: Actor, input: PageInput) {
  const { limit, before } = readPage('inbox_replay', input)
  const rows = await inTenant(app.db, actor.tenant_id, (tx) =>
    queries.listReplays(tx, actor.tenant_id, limit, before),
  )
  return toPage('inbox_replay', rows, limit, toReplay)
}

export async function readMessageReplay(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('inbox_replay', wire_id)
  return inTenant(app.db, actor.tenant_id, async (tx) =>
    toReplay(found(await queries.findReplay(tx, actor.tenant_id, id), id)),
  )
}

/** From which states an act leads to which. */
const ACTS = {
  pause: { from: ['running'], to: 'paused' },
  resume: { from: ['paused'], to: 'running' },
  cancel: { from: ['running', 'paused'], to: 'canceled' },
} as const

/** What was put back to work already is worked on all the same. */
export async function moveMessageReplay(app: App, actor: Actor, wire_id: string, act: keyof typeof ACTS) {
  const id = fromWire('inbox_replay', wire_id)
  const { tenant_id } = actor
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    const { state } = found(await queries.findReplay(tx, tenant_id, id), id)
    const moved = await queries.moveReplay(tx, tenant_id, id, [...ACTS[act].from], ACTS[act].to)
    if (!moved) throw new Problem('conflict', { detail: `replay ${wire_id} is ${state}; it cannot ${act}` })
    if (act === 'resume') await enqueueTurn(app, tx, tenant_id, moved, 0)
    await audit(tx, actor, `message_replay.${act}`, wire_id)
    return moved
  })
  app.db.notify('trilho_job', 'new')
  return toReplay(row)
}

function found<Row>(row: Row | undefined, id: string): Row {
  if (row === undefined) {
    throw new Problem('not_found', { detail: `there is no replay ${toWire('inbox_replay', id)}` })
  }
  return row
}

type Turn = { id: string; turn: number }

const enqueueTurn = (app: App, tx: Tx, tenant_id: string, { id, turn }: Turn, wait_ms: number) =>
  enqueue(tx, {
    tenant_id,
    id: app.newId(),
    kind: JOB,
    payload: { replay_id: id, turn },
    due: new Date(app.clock.now().getTime() + wait_ms),
  })

/** The jobs of this room, by kind. */
export const handlers = (app: App): [string, (job: Job) => Promise<void>][] => [
  [JOB, (job) => runReplay(app, job)],
]

async function runReplay(app: App, { tenant_id, payload }: Job): Promise<void> {
  const { replay_id: id, turn } = payload as { replay_id: string; turn: number }
  const until = app.clock.monotonic() + TURN_MS
  let wait_ms: number | null = 0
  while (wait_ms === 0 && app.clock.monotonic() < until)
    wait_ms = await replayWindow(app, tenant_id, { id, turn })
  if (wait_ms === null) return
  const next_ms = wait_ms
  await inTenant(app.db, tenant_id, (tx) => enqueueTurn(app, tx, tenant_id, { id, turn }, next_ms))
  app.db.notify('trilho_job', 'new')
}

/** One window, in one transaction with its cursor. In how many milliseconds there is more to do; null where there is not. */
async function replayWindow(app: App, tenant_id: string, { id, turn }: Turn): Promise<number | null> {
  const result = await inTenant(app.db, tenant_id, async (tx) => {
    const replay = await queries.lockReplay(tx, tenant_id, id, turn)
    if (!replay) return null
    const window = Math.min(WINDOW, replay.per_second ?? WINDOW)
    const { looked_at, replayed } = await queries.replayNext(tx, tenant_id, replay, window)
    const ended = looked_at < window
    if (ended) await queries.moveReplay(tx, tenant_id, id, ['running'], 'completed')
    return { replayed, wait_ms: ended ? null : waitAfter(replayed, replay.per_second) }
  })
  if (result && result.replayed > 0) app.db.notify('trilho_inbox', 'new')
  return result?.wait_ms ?? null
}

const waitAfter = (replayed: number, per_second: number | null): number =>
  per_second === null ? 0 : Math.ceil((replayed / per_second) * 1000)
