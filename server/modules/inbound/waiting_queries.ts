import { sql } from 'kysely'
import { type Db, hot, seek, type Tx, uuids } from '../../platform/database/database.ts'
import type { Turned } from './lane_queries.ts'
import type { Bell, DueMessage } from './queries.ts'

/** Every statement on lanes that wait and the messages that stand in them. */

export type Waiting = Pick<DueMessage, 'tenant_id' | 'id' | 'source_id' | 'event_key' | 'headers' | 'body'>

const CONTENT = `lateral (select source_id, event_key, headers, body from inbox where tenant_id = q.tenant_id and id = q.id offset 0) m`
const WAITING = 'q.tenant_id, q.id, m.source_id, m.event_key, m.headers, m.body'

const RUNG = {
  name: 'inbox_rung_waiting',
  text: `
    select ${WAITING}
      from unnest($1::uuid[], $2::uuid[], $3::uuid[]) q(tenant_id, id, lane)
      join inbox_lane n on ${seek('n.tenant_id', 'q.tenant_id')} and n.lane = q.lane and n.wait is not null
     cross join ${CONTENT}`,
}

/** Of messages whose bells were heard those that come to a lane which waits. */
export const listRungWaiting = (db: Db, bells: Bell[]): Promise<Waiting[]> =>
  hot<Waiting>(db, RUNG, [
    uuids(bells.map((bell) => bell.tenant_id)),
    uuids(bells.map((bell) => bell.id)),
    uuids(bells.map((bell) => bell.lane)),
  ])

/** Where a message stands in its lane. */
export type Stand = { position: string; arrived: string; id: string }

const STANDING = {
  name: 'inbox_standing',
  text: `
    select ${WAITING}, q.position, q.arrived
      from (select tenant_id, id, position, arrived from inbox_queue
             where tenant_id = $1 and lane = $2 and (position, arrived, id) > ($3::int8, $4::int8, $5::uuid)
               and exists (select from inbox_lane n where n.tenant_id = $1 and n.lane = $2 and n.wait is not null)
             order by position, arrived, id limit $6) q
     cross join ${CONTENT}
     order by q.position, q.arrived, q.id`,
}

const LEAST = String(-(2n ** 63n))
export const FIRST: Stand = { position: LEAST, arrived: LEAST, id: '00000000-0000-0000-0000-000000000000' }

/** The messages of a lane as long as it waits, from one on, in their order. */
export const listStanding = (
  db: Db,
  { tenant_id, lane }: { tenant_id: string; lane: string },
  after: Stand,
  limit: number,
): Promise<(Waiting & Stand)[]> =>
  hot<Waiting & Stand>(db, STANDING, [tenant_id, lane, after.position, after.arrived, after.id, limit])

/** Sets a lane going again that waits for a retry or stands still; false where it does neither. */
export async function freeLane(tx: Tx, tenant_id: string, lane: string): Promise<boolean> {
  const { rows } = await sql`
    update inbox_lane set wait = null, attempts = 0, due = now()
     where tenant_id = ${tenant_id} and lane = ${lane} and wait in ('retry', 'blocked') and claim is null
    returning lane`.execute(tx)
  return rows.length > 0
}

/** Sets all lanes of a source going again that wait: nobody can see them any more, or skip what they wait at. */
export async function freeLanesOf(tx: Tx, tenant_id: string, source_id: string): Promise<void> {
  await sql`
    with waiting as materialized (
      select tenant_id, lane from inbox_lane
       where tenant_id = ${tenant_id} and source_id = ${source_id} and wait is not null and claim is null
       order by lane for no key update)
    update inbox_lane n set wait = null, attempts = 0, due = now()
      from waiting w where n.tenant_id = w.tenant_id and n.lane = w.lane`.execute(tx)
}

/** Takes a message out of its lane for good; its lane has been freed in the same transaction, and comes as far as it. */
export async function skipMessage(tx: Tx, tenant_id: string, id: string, error: string): Promise<boolean> {
  const { rows } = await sql`
    with gone as (delete from inbox_queue where tenant_id = ${tenant_id} and id = ${id} returning tenant_id, id, lane, position),
     passed as (update inbox_lane n set reached = greatest(n.reached, gone.position), gap_until = null
                  from gone where n.tenant_id = gone.tenant_id and n.lane = gone.lane)
    update inbox m set state = 'failed', error = ${error}, closed_at = now(), flags = array_append(m.flags, 'skipped')
      from gone where m.tenant_id = gone.tenant_id and m.id = gone.id returning m.id`.execute(tx)
  return rows.length > 0
}

export type LanePlace = { lane: string; is_head: boolean; wait: Turned['wait']; due: Date | null }

/** Where a waiting message stands; undefined where it does not wait in a lane. */
export async function findPlace(tx: Tx, tenant_id: string, id: string): Promise<LanePlace | undefined> {
  const { rows } = await sql<LanePlace>`
    select q.lane, n.wait, n.due,
           q.id = (select h.id from inbox_queue h where h.tenant_id = q.tenant_id and h.lane = q.lane
                    order by h.position, h.arrived, h.id limit 1) as is_head
      from inbox_queue q join inbox_lane n on n.tenant_id = q.tenant_id and n.lane = q.lane
     where q.tenant_id = ${tenant_id} and q.id = ${id}`.execute(tx)
  return rows[0]
}

export type WaitingLane = {
  wait: 'gap' | 'retry' | 'blocked'
  due: Date | null
  used_at: Date
  message_id: string
}

/** Lanes of a source whose head keeps the others waiting, with that head; the longest waiting first. */
export async function listWaitingLanes(tx: Tx, tenant_id: string, source_id: string, limit: number) {
  const { rows } = await sql<WaitingLane>`
    select n.wait, n.due, n.used_at, h.id as message_id
      from inbox_lane n cross join lateral (
        select q.id from inbox_queue q where q.tenant_id = n.tenant_id and q.lane = n.lane
         order by q.position, q.arrived, q.id limit 1) h
     where n.tenant_id = ${tenant_id} and n.source_id = ${source_id} and n.wait is not null
     order by n.used_at limit ${limit}`.execute(tx)
  return rows
}
