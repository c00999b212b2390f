import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { floorId, fromWire, toWire } from '../../platform/ids.ts'
import { enqueue, type Job } from '../../platform/jobs/jobs.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import type { ReplayRow, ReplayTable } from './queries.ts'
import type { ReplayKind, ReplaySpan } from './schema.ts'

export { type ReplayRow, replayTable } from './queries.ts'
export { DryRun, REPLAY, replayOf } from './schema.ts'

/**
 * Taking records of a span of time up again in bulk, for the rooms whose records they are. A replay is a row with a
 * cursor, in a table of its room, and a job that moves it, window after window, each in one transaction; a process that
 * dies in between is taken over where it stood.
 */

/** What is replayed: the words, the table and the pace of a room. */
export type Replayed<Row extends ReplayRow = ReplayRow> = {
  kind: ReplayKind
  audited_as: string
  job: string
  table: ReplayTable<Row>
  /** How many records one transaction looks at. */
  window: number
  /** Another turn than the one before; null at first. */
  newTurn(app: App, before: Row['turn']): NonNullable<Row['turn']>
  wake(app: App): void
}

/** Looks at the next records after the cursor, puts those that fit back to work, and moves the cursor behind them. */
export type TakeNext<Row> = (
  tx: Tx,
  replay: Row,
  limit: number,
) => Promise<{ looked_at: number; replayed: number }>

export type Span = { since: Date; until: Date }
export type NewReplay = Pick<ReplayRow, 'id' | 'since' | 'until' | 'per_second' | 'reached' | 'total'> & {
  tenant_id: string
}

type Made<Row extends ReplayRow> = {
  /** How many there are; refuses what cannot be. */
  count(tx: Tx, span: Span): Promise<number>
  /** Writes the row, with what the replay is of. */
  insert(tx: Tx, row: NewReplay & { turn: NonNullable<Row['turn']> }): Promise<void>
}

/** `dry_run` counts and does nothing. */
export async function createReplay<Row extends ReplayRow>(
  app: App,
  actor: Actor,
  of: Replayed<Row>,
  input: ReplaySpan,
  { count, insert }: Made<Row>,
): Promise<Row | { dry_run: true; total: number }> {
  const { tenant_id } = actor
  const span = readSpan(app, input)
  const id = app.newId()
  return inTenant(app.db, tenant_id, async (tx) => {
    const total = await count(tx, span)
    if (input.dry_run) return { dry_run: true as const, total }
    const turn = of.newTurn(app, null)
    const per_second = input.per_second ?? null
    await insert(tx, { ...span, tenant_id, id, per_second, reached: justBefore(span.since), total, turn })
    await enqueueTurn(app, tx, tenant_id, of, { id, turn }, 0)
    await audit(tx, actor, `${of.audited_as}.create`, toWire(of.kind, id), { ...input, total })
    return found(of, await of.table.find(tx, tenant_id, id), id)
  })
}

/** The cursor stands behind what was looked at, and nothing was yet. */
const justBefore = (since: Date): string =>
  floorId(new Date(since.getTime() - 1)).replace(/0000-0000-0{12}$/, 'ffff-ffff-ffffffffffff')

function readSpan(app: App, input: ReplaySpan): Span {
  const now = app.clock.now()
  const since = new Date(input.since)
  const wanted = input.until === undefined ? now : new Date(input.until)
  const until = new Date(Math.min(wanted.getTime(), now.getTime())) // what comes later is no replay
  if (since >= until) {
    throw new Problem('invalid_request', { field: 'since', detail: 'since must be before until' })
  }
  return { since, until }
}

export async function listReplays<Row extends ReplayRow, Item>(
  app: App,
  { tenant_id }: Actor,
  of: Replayed<Row>,
  input: PageInput,
  toItem: (row: Row) => Item,
) {
  const { limit, before } = readPage(of.kind, input)
  const rows = await inTenant(app.db, tenant_id, (tx) => of.table.list(tx, tenant_id, limit, before))
  return toPage(of.kind, rows, limit, toItem)
}

export async function readReplay<Row extends ReplayRow>(
  app: App,
  { tenant_id }: Actor,
  of: Replayed<Row>,
  wire_id: string,
): Promise<Row> {
  const id = fromWire(of.kind, wire_id)
  return inTenant(app.db, tenant_id, async (tx) => found(of, await of.table.find(tx, tenant_id, id), id))
}

/** From which states an act leads to which. */
const ACTS = {
  pause: { from: ['running'], to: 'paused' },
  resume: { from: ['paused'], to: 'running' },
  cancel: { from: ['running', 'paused'], to: 'canceled' },
} as const

type Act = keyof typeof ACTS
export const REPLAY_ACTS = Object.keys(ACTS) as Act[]

/** What was put back to work already is worked on all the same. */
export async function moveReplay<Row extends ReplayRow>(
  app: App,
  actor: Actor,
  of: Replayed<Row>,
  wire_id: string,
  act: Act,
): Promise<Row> {
  const id = fromWire(of.kind, wire_id)
  const { tenant_id } = actor
  const { from, to }: { from: readonly ReplayRow['state'][]; to: ReplayRow['state'] } = ACTS[act]
  return inTenant(app.db, tenant_id, async (tx) => {
    const { state, turn: before } = found(of, await of.table.lock(tx, tenant_id, id), id)
    if (!from.includes(state))
      throw new Problem('conflict', { detail: `replay ${wire_id} is ${state}; it cannot ${act}` })
    const turn = act === 'resume' ? of.newTurn(app, before) : before
    if (act === 'resume') await enqueueTurn(app, tx, tenant_id, of, { id, turn }, 0)
    await audit(tx, actor, `${of.audited_as}.${act}`, wire_id)
    return found(of, await of.table.move(tx, tenant_id, { id, turn }, to), id)
  })
}

function found<Row extends ReplayRow>({ kind }: Replayed<Row>, row: Row | undefined, id: string): Row {
  if (row === undefined) throw new Problem('not_found', { detail: `there is no replay ${toWire(kind, id)}` })
  return row
}

type Turn = Pick<ReplayRow, 'id' | 'turn'>

const enqueueTurn = <Row extends ReplayRow>(
  app: App,
  tx: Tx,
  tenant_id: string,
  { job }: Replayed<Row>,
  { id, turn }: Turn,
  wait_ms: number,
): Promise<void> =>
  enqueue(tx, {
    tenant_id,
    id: app.newId(),
    kind: job,
    payload: { replay_id: id, turn },
    due: new Date(app.clock.now().getTime() + wait_ms),
  })

/** A job does so much before it makes room for others, and for a server that is to stop. */
const TURN_MS = 2_000

/** The job of a room's replays. `prepare` is asked before each window, whose transaction may take no second connection. */
export const replayHandler = <Row extends ReplayRow>(
  app: App,
  of: Replayed<Row>,
  prepare: (tenant_id: string, id: string) => Promise<TakeNext<Row>>,
): [string, (job: Job) => Promise<void>] => [
  of.job,
  async ({ tenant_id, payload }) => {
    const { replay_id: id, turn = null } = payload as { replay_id: string; turn?: ReplayRow['turn'] }
    const end = app.clock.monotonic() + TURN_MS
    let wait_ms: number | null = 0
    while (wait_ms === 0 && app.clock.monotonic() < end)
      wait_ms = await replayWindow(app, of, tenant_id, { id, turn }, await prepare(tenant_id, id))
    if (wait_ms === null) return
    const next_ms = wait_ms
    await inTenant(app.db, tenant_id, (tx) => passOn(app, tx, tenant_id, of, { id, turn }, next_ms))
  },
]

/** To the next job, as another turn: one that is run again, since its process died before it was gone, is out of date then. */
async function passOn<Row extends ReplayRow>(
  app: App,
  tx: Tx,
  tenant_id: string,
  of: Replayed<Row>,
  { id, turn: before }: Turn,
  wait_ms: number,
): Promise<void> {
  const replay = await of.table.lock(tx, tenant_id, id)
  if (replay?.state !== 'running' || replay.turn !== before) return
  const turn = of.newTurn(app, before)
  await of.table.move(tx, tenant_id, { id, turn }, 'running')
  await enqueueTurn(app, tx, tenant_id, of, { id, turn }, wait_ms)
}

/** One window, in one transaction with its cursor. In how many milliseconds there is more to do; null where there is not. */
async function replayWindow<Row extends ReplayRow>(
  app: App,
  of: Replayed<Row>,
  tenant_id: string,
  { id, turn }: Turn,
  takeNext: TakeNext<Row>,
): Promise<number | null> {
  const result = await inTenant(app.db, tenant_id, async (tx) => {
    const replay = await of.table.lock(tx, tenant_id, id)
    if (replay?.state !== 'running' || replay.turn !== turn) return null
    const limit = Math.min(of.window, replay.per_second ?? of.window)
    const { looked_at, replayed } = await takeNext(tx, replay, limit)
    const is_over = looked_at < limit
    if (is_over) await of.table.move(tx, tenant_id, replay, 'completed')
    return { replayed, wait_ms: is_over ? null : waitAfter(replayed, replay.per_second) }
  })
  if (result && result.replayed > 0) of.wake(app)
  return result?.wait_ms ?? null
}

const waitAfter = (replayed: number, per_second: number | null): number =>
  per_second === null ? 0 : Math.ceil((replayed / per_second) * 1000)
