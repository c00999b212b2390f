import { type Db, hot, seek, uuids } from '../../platform/database/database.ts'
import type { Bell, DueMessage } from './queries.ts'

/** Every statement on messages that stand in a lane which waits. */

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
