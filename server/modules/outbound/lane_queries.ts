import { sql } from 'kysely'
import { type Db, hot, seek, type Tx, within } from '../../platform/database/database.ts'
import type { Claim, Claimed, QueueState, Work } from '../../platform/queue.ts'
import {
  claimFrom,
  claimTurns,
  type Looked,
  listWaiting,
  listWaitingAgain,
  oneMore,
  readQueueState,
  type Seen,
  type Turn,
  turnStatements,
  type Waiting,
} from '../../platform/queue_statements.ts'
import {
  ATTEMPTS,
  attemptArrays,
  attemptsIn,
  type Ended,
  type NewDelivery,
  recordOf,
  run,
} from './queue_queries.ts'

/** Every statement on lanes: the deliveries of one key of a subscription, in their order. */

/** Longer than that of other work: a POST must end within it, and is not begun where it might not. */
export const LANE_LEASE_MS = 15_000
/** Deliveries of one key that are taken at once and sent one after another. */
const MOST_HEADS = 16

export const LANES = turnStatements({
  name: 'lane',
  table: 'delivery_lane',
  keys: ['tenant_id', 'subscription_id', 'key'],
  lease_ms: LANE_LEASE_MS,
  columns: ['cuts', 'through', 'told'],
  sets: `, cuts = case when q.claim is null then q.cuts else ${oneMore('q.cuts')} end`,
  /*
   * The lane is read as it was locked, what stands in it as it was when the claim began: what somebody settled in
   * between is left out by `through`. Nothing may be left, and the lane is given back.
   */
  joined: {
    columns: ['seq', 'delivery_id', 'event_id'],
    outer: true,
    lateral: `select seq, delivery_id, event_id from delivery_line l
               where (l.tenant_id, l.subscription_id, l.key) = (t.tenant_id, t.subscription_id, t.key) and l.seq > t.through
               order by seq limit ${MOST_HEADS}`,
  },
})

export type OrderedDelivery = NewDelivery & { key: string }

/**
 * The lanes are locked in the order of their keys, as whoever settles locks them, and number what stands in them: the
 * order of a lane is the order of commit.
 */
export async function insertOrdered(tx: Tx, rows: OrderedDelivery[]): Promise<void> {
  const column = (name: keyof OrderedDelivery) => rows.map((row) => row[name])
  await sql`
    with r as materialized (select * from unnest(
           ${column('tenant_id')}::uuid[], ${column('id')}::uuid[], ${column('event_id')}::uuid[], ${column('subscription_id')}::uuid[],
           ${column('event_type')}::text[], ${column('key')}::text[]) with ordinality r(t, i, e, s, y, k, at)),
     record as (insert into delivery (tenant_id, id, event_id, subscription_id, event_type) select t, i, e, s, y from r),
     many as materialized (select t, s, k, count(*) as n from r group by t, s, k order by t, s, k),
     lane as (insert into delivery_lane as l (tenant_id, subscription_id, key, pending, next_seq, due) select t, s, k, n, n, now() from many order by t, s, k
              on conflict (tenant_id, subscription_id, key) do update set pending = l.pending + excluded.pending, next_seq = l.next_seq + excluded.next_seq
              returning tenant_id, subscription_id, key, next_seq)
    insert into delivery_line (tenant_id, subscription_id, key, seq, delivery_id, event_id)
    select r.t, r.s, r.k, lane.next_seq - many.n + row_number() over (partition by r.t, r.s, r.k order by r.at), r.i, r.e
      from r join many on (many.t, many.s, many.k) = (r.t, r.s, r.k)
      join lane on (lane.tenant_id, lane.subscription_id, lane.key) = (r.t, r.s, r.k)`.execute(tx)
}

export type Head = { seq: string; delivery_id: string; event_id: string }

/** A lane in hand, with its first deliveries. `id` is its subscription. `told`: the tenant was told that its head fails, before that was tried anew. */
export type DueLane = Work & {
  subscription_id: string
  key: string
  cuts: number
  told: boolean
  heads: Head[]
}

type HeadRow = Omit<DueLane, 'heads'> & Head & { through: string }

/** One item for each lane; the rows of one come together. */
function toLanes(rows: HeadRow[]): DueLane[] {
  const lanes = new Map<string, DueLane>()
  for (const { seq, delivery_id, event_id, through: _through, ...lane } of rows) {
    const name = `${lane.subscription_id} ${lane.key}`
    const known = lanes.get(name) ?? { ...lane, id: lane.subscription_id, heads: [] }
    if (seq !== null) known.heads.push({ seq, delivery_id, event_id })
    lanes.set(name, known)
  }
  for (const { heads } of lanes.values()) heads.sort((a, b) => Number(BigInt(a.seq) - BigInt(b.seq)))
  return [...lanes.values()]
}

export async function claimLanes(db: Db, claim: Claim): Promise<Claimed<DueLane>> {
  const { items, ...rest } = await claimFrom<HeadRow>(db, LANES, claim)
  return { ...rest, items: toLanes(items) }
}

export const claimLaneTurns = async (
  db: Db,
  claim: { id: string; limit: number },
  turns: Turn[],
): Promise<DueLane[]> => toLanes(await claimTurns<HeadRow>(db, LANES, claim, turns))

export const listWaitingLanes = (db: Db, after: string, limit: number): Promise<Waiting[]> =>
  listWaiting(db, LANES, after, limit)

export const listWaitingLanesAgain = (db: Db, known: Seen[]): Promise<Looked> =>
  listWaitingAgain(db, LANES, known)

/** What became of a lane that was in hand: how far it came, and when it goes on. */
export type LaneEnded = {
  lane: DueLane
  ended: Ended[]
  /** The last of its deliveries that is at its end, and how many are; null where none is. */
  through: string | null
  done: number
  /** When it is looked at again; null waits until its subscription is resumed, or somebody decides about its head. */
  again_ms: number | null
  parked: boolean
  /** Of the delivery that now is its head. */
  attempts: number
  cuts: number
}

/*
 * The lanes are locked first, in the order in which publishers lock them, and what follows is decided from the locked
 * rows: without the order, this and the publishers deadlocked three times of three. `pending` may have risen since they
 * were claimed, never fallen. (No `returning` names `d`: where a publisher came in between, PostgreSQL 18.4 reads
 * memory that is not there and goes down.)
 */
const SETTLE = {
  name: 'lane_settle',
  text: `
    with ${attemptsIn(', $16::int4[], $17::float8[]', ', lane, again_ms')},
     d as materialized (select * from unnest($18::uuid[], $19::uuid[], $20::text[], $21::uuid[], $22::bigint[], $23::int4[],
             $24::float8[], $25::bool[], $26::int2[], $27::int2[]) with ordinality d(t, s, k, c, through, done, again_ms, parked, n, cuts, at)),
     locked as materialized (
       select d.*, l.pending from delivery_lane l join d on ${seek('l.tenant_id', 'd.t')} and ${seek('l.subscription_id', 'd.s')} and l.key = d.k where l.claim = d.c
        order by d.t, d.s, d.k for update of l),
     kept as (
       update delivery_lane l
          set pending = l.pending - d.done, claim = null, attempts = d.n, cuts = d.cuts, parked = d.parked, through = coalesce(d.through, l.through),
              told = l.told and d.done = 0,
              held = d.again_ms is null and not d.parked,
              due = now() + case when d.parked then interval '100 years' else coalesce(d.again_ms * interval '1 ms', interval '30 min') end
         from locked d where ${seek('l.tenant_id', 'd.t')} and ${seek('l.subscription_id', 'd.s')} and l.key = d.k and d.pending > d.done),
     gone as (delete from delivery_lane l using locked d where ${seek('l.tenant_id', 'd.t')} and ${seek('l.subscription_id', 'd.s')} and l.key = d.k and d.pending <= d.done),
     through as (delete from delivery_line q using locked d where ${seek('q.tenant_id', 'd.t')} and ${seek('q.subscription_id', 'd.s')} and q.key = d.k and q.seq <= d.through),
     record as (update delivery v ${recordOf("case when r.again_ms > 0 and r.state = 'pending' then now() + r.again_ms * interval '1 ms' end")}
                  from r where ${seek('v.tenant_id', 'r.t')} and v.id = r.i and ${within('r.lane', 'select at from locked')}),
    ${ATTEMPTS}
    select at::int4 as lane from locked`,
}

/** By itself or in a transaction. Returns which of them were still ours, by their place in the list. */
export async function settleLanes(db: Db | Tx, lanes: LaneEnded[]): Promise<Set<number>> {
  const ended = lanes.flatMap((one) => one.ended)
  const lane_of = lanes.flatMap((one, at) => one.ended.map(() => at + 1))
  const of = <T>(pick: (one: LaneEnded) => T): T[] => lanes.map(pick)
  const rows = await run<{ lane: number }>(db, SETTLE, [
    ...attemptArrays(ended),
    lane_of,
    ended.map(({ again_ms }) => again_ms),
    of(({ lane }) => lane.tenant_id),
    of(({ lane }) => lane.subscription_id),
    of(({ lane }) => lane.key),
    of(({ lane }) => lane.claim),
    of((one) => one.through),
    of((one) => one.done),
    of((one) => one.again_ms),
    of((one) => one.parked),
    of((one) => one.attempts),
    of((one) => one.cuts),
  ])
  return new Set(rows.map(({ lane }) => lane - 1))
}

/** Of a release: how many lanes, and the last of their keys. */
export type Released = { count: number; last: string | null }

/**
 * Makes due so many of the lanes that were held for a subscription, in the order of their keys from one on; where nobody is
 * to decide any more also those that are parked.
 */
export async function releaseLanes(
  tx: Tx,
  tenant_id: string,
  subscription_id: string,
  { parked, after, limit }: { parked: boolean; after: string | null; limit: number },
): Promise<Released> {
  const { rows } = await sql<Released>`
    with free as materialized (
      select tenant_id, subscription_id, key from delivery_lane
       where tenant_id = ${tenant_id} and subscription_id = ${subscription_id} and (held or parked and ${parked}) and claim is null
         and (${after}::text is null or key > ${after})
       order by key limit ${limit} for update),
     moved as (
      update delivery_lane l set held = false, parked = false, due = now() from free
       where (l.tenant_id, l.subscription_id, l.key) = (free.tenant_id, free.subscription_id, free.key))
    select count(*)::int as count, max(key) as last from free`.execute(tx)
  return rows[0] ?? { count: 0, last: null }
}

/** Deliveries that stand in lanes and need a record or an event older than the id. */
export async function countLinedBefore(db: Db, id: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from delivery_line where delivery_id < ${id} or event_id < ${id}`.execute(
    db,
  )
  return rows[0]?.count ?? 0
}

export const readLanes = (db: Db): Promise<QueueState> => readQueueState(db, LANES)

/** Gives back lanes of which nothing was sent; that did not count. */
const PUT_BACK = {
  name: 'lane_put_back',
  text: `
    with mine as materialized (
      select l.tenant_id, l.subscription_id, l.key from delivery_lane l join unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[]) r(t, s, k, c)
          on ${seek('l.tenant_id', 'r.t')} and ${seek('l.subscription_id', 'r.s')} and l.key = r.k where l.claim = r.c
       order by r.t, r.s, r.k for update of l)
    update delivery_lane l set claim = null, due = now() + $5::float8 * interval '1 ms', attempts = l.attempts - 1 from mine m
     where ${seek('l.tenant_id', 'm.tenant_id')} and ${seek('l.subscription_id', 'm.subscription_id')} and l.key = m.key`,
}

export async function putBackLanes(db: Db, lanes: DueLane[], for_ms: number): Promise<void> {
  await hot(db, PUT_BACK, [
    lanes.map((lane) => lane.tenant_id),
    lanes.map((lane) => lane.subscription_id),
    lanes.map((lane) => lane.key),
    lanes.map((lane) => lane.claim),
    for_ms,
  ])
}
