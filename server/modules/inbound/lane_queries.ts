import { sql } from 'kysely'
import { type Db, hot, seek, type Tx, within } from '../../platform/database/database.ts'
import { type Claimed, LEASE_MS, type QueueState, type Work } from '../../platform/queue.ts'
import { oneMore } from '../../platform/queue_statements.ts'
import type { Bell, DueMessage } from './queries.ts'

/**
 * Every statement on lanes. The messages of an entity are committed at ingest with their lane, and a lane is worked on
 * by one process at a time, from the first message on. So whoever takes a lane sees all that was answered before, in
 * whatever order the bells of the messages are heard.
 */

/*
 * Lanes before rows of the queue, sorted as `settleLanes` sorts them: nobody waits in a circle. A lane that is claimed
 * is told that something came; one that waits for a retry, or stands still, goes on waiting.
 */
const RING = {
  name: 'inbox_ring',
  text: `
    with r as materialized (
      select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[]) u(t, i, c, l, s)),
     lane as (
      insert into inbox_lane as n (tenant_id, lane, source_id, due)
      select distinct on (t, l) t, l, s, now() from r order by t, l
      on conflict (tenant_id, lane) do update
         set rung = n.claim is not null,
             due = case when n.claim is null and (n.wait is null or n.wait = 'gap') then now() else n.due end
      returning n.tenant_id, n.lane)
    update inbox_queue q set due = null, claim = null
      from r where ${seek('q.tenant_id', 'r.t')} and q.id = r.i and q.claim = r.c and ${within('(r.t, r.l)', 'select tenant_id, lane from lane')}`,
}

export async function ringLanes(db: Db, bells: Bell[]): Promise<void> {
  await hot(db, RING, [
    bells.map((bell) => bell.tenant_id),
    bells.map((bell) => bell.id),
    bells.map((bell) => bell.claim),
    bells.map((bell) => bell.lane),
    bells.map((bell) => bell.source_id),
  ])
}

/** `id` is the lane's. */
export type DueLane = Work & {
  source_id: string
  reached: number | null
  /** A missing number has been waited for as long as the source wants. */
  waited: boolean
  /** What it waited for when it was taken. */
  wait: Turned['wait']
  heads: Head[]
  /** There were as many messages as were asked for. */
  more: boolean
}

/** `noted` is how often it was tried and failed, as its record says. */
export type Head = DueMessage & { position: number; noted: number }

/** Of one lane in one turn: they are worked on one after another under one lease. */
const HEADS = 4

const CLAIM = {
  name: 'inbox_claim_lanes',
  text: `
    with ready as materialized (
      select tenant_id, lane from inbox_lane where due <= now() order by due limit $2 for no key update skip locked),
     taken as (
      update inbox_lane n set claim = $1, due = now() + interval '${LEASE_MS} ms', attempts = ${oneMore('n.attempts')}
        from ready r where ${seek('n.tenant_id', 'r.tenant_id')} and n.lane = r.lane
      returning n.tenant_id, n.lane, n.source_id, n.reached, n.attempts, n.wait,
                coalesce(n.gap_until <= now(), false) as waited),
     heads as materialized (
      select t.tenant_id, h.id from taken t cross join lateral (
        select q.id from inbox_queue q where q.tenant_id = t.tenant_id and q.lane = t.lane
         order by q.position, q.arrived, q.id limit ${HEADS}) h),
     held as (
      update inbox_queue q set claim = $1, due = null from heads h where ${seek('q.tenant_id', 'h.tenant_id')} and q.id = h.id
      returning q.tenant_id, q.lane, q.id, q.position, q.arrived)
    (select t.tenant_id, t.lane as id, t.source_id, t.reached, t.attempts, t.waited, t.wait,
            h.id as message_id, h.position, m.event_key, m.headers, m.body, m.flags, m.noted, null::float8 as wait_ms
       from taken t
       left join held h on h.tenant_id = t.tenant_id and h.lane = t.lane
       left join lateral (select event_key, headers, body, flags, attempts as noted from inbox
                           where tenant_id = h.tenant_id and id = h.id offset 0) m on true
      order by t.tenant_id, t.lane, h.position, h.arrived, h.id)
    union all
    select null, null, null, null, null, null, null, null, null, null, null, null, null, null,
           least(extract(epoch from (select due from inbox_lane where due > now() order by due limit 1) - now())::float8 * 1000,
                 case when (select true from inbox_lane where due <= now()
                               and lane <> all (array(select lane from ready)) order by due limit 1) then ${LEASE_MS}::float8 end)`,
}

type ClaimRow = Omit<DueLane, 'heads' | 'more' | 'reached'> & {
  reached: string | null
  message_id: string | null
  position: string
  wait_ms: number | null
} & Pick<Head, 'event_key' | 'headers' | 'body' | 'flags' | 'noted'>

export const SOONEST_LANE = 'select due from inbox_lane order by due limit 1'

export async function claimLanes(db: Db, claim: { id: string; limit: number }): Promise<Claimed<DueLane>> {
  const rows = await hot<ClaimRow>(db, CLAIM, [claim.id, claim.limit])
  const next = rows.pop()
  const lanes = new Map<string, DueLane>()
  for (const row of rows) {
    const key = `${row.tenant_id} ${row.id}`
    const lane = lanes.get(key) ?? toLane(row, claim.id)
    lanes.set(key, lane)
    if (row.message_id !== null) lane.heads.push(toHead(row, row.message_id, claim.id))
    lane.more = lane.heads.length === HEADS
  }
  return { items: [...lanes.values()].map(withOwnAttempts), wait_ms: next?.wait_ms ?? null, reached: null }
}

/**
 * Attempts are counted by the lane. One that comes before the message which is tried again has made none of these; how
 * often a worker went down over it counts.
 */
function withOwnAttempts(lane: DueLane): DueLane {
  const [first, ...others] = lane.heads
  if (lane.wait !== 'retry' || !first || first.noted > 0) return lane
  const attempts = Math.max(1, lane.attempts - Math.max(0, ...others.map(({ noted }) => noted)))
  return { ...lane, attempts, heads: [{ ...first, attempts }, ...others] }
}

const toLane = (
  { tenant_id, id, source_id, reached, attempts, waited, wait }: ClaimRow,
  claim: string,
): DueLane => ({
  tenant_id,
  id,
  claim,
  attempts,
  source_id,
  reached: reached === null ? null : Number(reached),
  waited,
  wait,
  heads: [],
  more: false,
})

const toHead = (row: ClaimRow, id: string, claim: string): Head => {
  const { tenant_id, source_id, attempts, position, event_key, headers, body, flags, noted } = row
  return {
    tenant_id,
    id,
    claim,
    attempts,
    source_id,
    position: Number(position),
    event_key,
    headers,
    body,
    flags,
    noted,
  }
}

const EXTEND = {
  name: 'inbox_extend_lanes',
  text: `
    with held as materialized (
      select n.tenant_id, n.lane from inbox_lane n join unnest($1::uuid[], $2::uuid[], $3::uuid[]) r(t, l, c)
          on ${seek('n.tenant_id', 'r.t')} and n.lane = r.l
       where n.claim = r.c order by r.t, r.l for no key update of n)
    update inbox_lane n set due = now() + interval '${LEASE_MS} ms'
      from held h where ${seek('n.tenant_id', 'h.tenant_id')} and n.lane = h.lane`,
}

export async function extendLanes(db: Db, lanes: DueLane[]): Promise<void> {
  await hot(db, EXTEND, [lanes.map((n) => n.tenant_id), lanes.map((n) => n.id), lanes.map((n) => n.claim)])
}

/** What a turn leaves behind. */
export type Turned = {
  lane: DueLane
  /** Position of the last message that was done; null where none was. */
  reached: number | null
  /** Why it does not go on at once, though there may be more. */
  wait: 'gap' | 'retry' | 'blocked' | null
  /** For how long, of a gap or a retry. */
  wait_ms: number
  more: boolean
}

/**
 * The fence, first in its transaction: takes the lanes that are still ours and leaves them as the turn says. A gap
 * that was there before goes on from when it was first met, and one that was waited for is not waited for again as what
 * stands behind it is tried again. Returns the lanes that were ours.
 */
export async function settleLanes(tx: Tx, turns: Turned[]): Promise<Set<string>> {
  const { rows } = await sql<{ lane: string }>`
    with d as materialized (select * from unnest(
           ${turns.map((n) => n.lane.tenant_id)}::uuid[], ${turns.map((n) => n.lane.id)}::uuid[],
           ${turns.map((n) => n.lane.claim)}::uuid[], ${turns.map((n) => n.reached)}::int8[],
           ${turns.map((n) => n.wait)}::text[], ${turns.map((n) => n.wait_ms)}::float8[],
           ${turns.map((n) => n.more)}::bool[], ${turns.map((n) => n.lane.attempts)}::int2[]) d(t, l, c, reached, wait, wait_ms, more, attempts)),
     locked as materialized (
      select d.*, n.rung, case when d.reached is null or d.reached <= n.reached then n.gap_until end as gap_until from inbox_lane n
        join d on ${sql.raw(seek('n.tenant_id', 'd.t'))} and n.lane = d.l
       where n.claim = d.c order by d.t, d.l for update of n),
     moved as (
      update inbox_lane n
         set claim = null, rung = false, used_at = now(), wait = k.wait,
             attempts = case when k.reached is not null then case when k.wait = 'retry' then 1 else 0 end
                             when k.wait = 'gap' then 0 else k.attempts end,
             reached = greatest(n.reached, k.reached),
             gap_until = case when k.wait = 'gap' then coalesce(k.gap_until, now() + k.wait_ms * interval '1 ms') else k.gap_until end,
             due = case when k.wait = 'retry' then now() + k.wait_ms * interval '1 ms'
                        when k.wait = 'blocked' then null
                        when k.rung then now()
                        when k.wait = 'gap' then coalesce(k.gap_until, now() + k.wait_ms * interval '1 ms')
                        when k.more then now() end
        from locked k where ${sql.raw(seek('n.tenant_id', 'k.t'))} and n.lane = k.l)
    select l as lane from locked`.execute(tx)
  return new Set(rows.map((row) => row.lane))
}

type Cursor = { tenant_id: string; lane: string }
const FIRST: Cursor = {
  tenant_id: '00000000-0000-0000-0000-000000000000',
  lane: '00000000-0000-0000-0000-000000000000',
}

/** Forgets, along one page of all lanes, those that nothing came to since. Returns where the next page begins. */
export async function deleteLanesBefore(
  owner: Db,
  before: Date,
  limit: number,
  { tenant_id, lane }: Cursor = FIRST,
): Promise<Cursor | null> {
  const { rows } = await sql<Cursor>`
    with page as materialized (
      select tenant_id, lane from inbox_lane where (tenant_id, lane) > (${tenant_id}, ${lane})
       order by tenant_id, lane limit ${limit}),
     gone as (
      delete from inbox_lane n using page p
       where n.tenant_id = p.tenant_id and n.lane = p.lane and n.used_at < ${before}
         and n.due is null and n.wait is null and n.claim is null)
    select tenant_id, lane from page offset ${limit - 1}`.execute(owner)
  return rows[0] ?? null
}

/**
 * Counters of transactions are a cluster's own: what was restored into another one came before all that comes. One
 * statement, which finds nothing on any other start.
 */
export async function keepRestoredFirst(db: Db): Promise<void> {
  await sql`
    update inbox_queue set arrived = arrived - (1::int8 << 61)
     where lane is not null and arrived >= pg_snapshot_xmax(pg_current_snapshot())::text::int8`.execute(db)
}

/** How many entities have work, and for how many seconds the longest overdue one has waited. */
export async function readLanes(db: Db): Promise<QueueState> {
  const { rows } = await sql<QueueState>`
    select count(*)::int as depth, coalesce(greatest(extract(epoch from now() - min(due)), 0), 0)::float8 as oldest_s
      from inbox_lane where due is not null`.execute(db)
  return rows[0] ?? { depth: 0, oldest_s: 0 }
}
