import { sql } from 'kysely'
import type { Db, Tx } from '../../platform/database/database.ts'
import { floorId } from '../../platform/ids.ts'

/** Every statement on messages that are taken up again in bulk. */

export type ReplayFilter = {
  source_id: string | null
  event_type: string | null
  states: string[]
  since: Date
  until: Date
}

export type ReplayRow = ReplayFilter & {
  id: string
  per_second: number | null
  state: 'running' | 'paused' | 'completed' | 'canceled'
  turn: number
  reached: string
  total: number
  replayed: number
  closed_at: Date | null
}

const REPLAY = [
  'id',
  'source_id',
  'event_type',
  'states',
  'since',
  'until',
  'per_second',
  'state',
  'turn',
  'reached',
  'total',
  'replayed',
  'closed_at',
] as const

const ofSource = (source_id: string | null) => (source_id ? sql`and m.source_id = ${source_id}` : sql``)
const ofType = (type: string | null) => (type === null ? sql`` : sql`and m.event_type = ${type}`)

/** What was erased cannot be read again. */
const fits = ({ states, event_type }: ReplayFilter) =>
  sql`m.state = any (${states}::text[]) ${ofType(event_type)} and not m.flags @> '{erased}'`

export async function countToReplay(tx: Tx, tenant_id: string, filter: ReplayFilter): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from inbox m
     where m.tenant_id = ${tenant_id} ${ofSource(filter.source_id)}
       and m.id >= ${floorId(filter.since)} and m.id < ${floorId(filter.until)} and ${fits(filter)}`.execute(
    tx,
  )
  return rows[0]?.count ?? 0
}

type NewReplay = ReplayFilter & {
  tenant_id: string
  id: string
  per_second: number | null
  reached: string
  total: number
}

export async function insertReplay(tx: Tx, row: NewReplay): Promise<void> {
  await tx.insertInto('inbox_replay').values(row).execute()
}

export const findReplay = (tx: Tx, tenant_id: string, id: string): Promise<ReplayRow | undefined> =>
  tx
    .selectFrom('inbox_replay')
    .select(REPLAY)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()

export const listReplays = (
  tx: Tx,
  tenant_id: string,
  limit: number,
  before: string | null,
): Promise<ReplayRow[]> =>
  tx
    .selectFrom('inbox_replay')
    .select(REPLAY)
    .where('tenant_id', '=', tenant_id)
    .$if(before !== null, (query) => query.where('id', '<', before as string))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()

/** The replay, if this turn of it is still to be made; nobody else moves it until the transaction ends. */
export const lockReplay = (
  tx: Tx,
  tenant_id: string,
  id: string,
  turn: number,
): Promise<ReplayRow | undefined> =>
  tx
    .selectFrom('inbox_replay')
    .select(REPLAY)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '=', 'running')
    .where('turn', '=', turn)
    .forUpdate()
    .executeTakeFirst()

/** Moves a replay to another state from those given; undefined where it is in none of them. */
export async function moveReplay(
  tx: Tx,
  tenant_id: string,
  id: string,
  from: ReplayRow['state'][],
  to: ReplayRow['state'],
): Promise<ReplayRow | undefined> {
  const ended = to === 'completed' || to === 'canceled'
  return tx
    .updateTable('inbox_replay')
    .set((row) => ({
      state: to,
      turn: row('turn', '+', to === 'running' ? 1 : 0),
      ...(ended && { closed_at: new Date() }),
    }))
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', 'in', from)
    .returning(REPLAY)
    .executeTakeFirst()
}

/**
 * Looks at the next messages after the cursor, puts back to work those that fit, each where it stood among those of its
 * entity, and moves the cursor behind them. Returns how many were looked at, and how many of them fitted.
 */
export async function replayNext(
  tx: Tx,
  tenant_id: string,
  replay: ReplayRow,
  limit: number,
): Promise<{ looked_at: number; replayed: number }> {
  const { rows } = await sql<{ looked_at: number; replayed: number }>`
    with page as materialized (
      select m.id from inbox m
       where m.tenant_id = ${tenant_id} ${ofSource(replay.source_id)}
         and m.id > ${replay.reached} and m.id < ${floorId(replay.until)} order by m.id limit ${limit}),
     moved as (
      update inbox m set state = 'pending', closed_at = null, error = null,
             flags = array_append(array_remove(m.flags, 'replayed'), 'replayed')
       where m.tenant_id = ${tenant_id} and m.id = any (array(select id from page)) and m.id > ${replay.reached}
         and m.id <= (select id from page order by id desc limit 1) and ${fits(replay)}
      returning m.id, m.lane, m.position),
     work as (
      insert into inbox_queue (tenant_id, id, due, lane, position, arrived)
      select ${tenant_id}, id, now(), lane, position, case when lane is not null then pg_current_xact_id()::text::int8 end
        from moved order by id),
     cursor as (
      update inbox_replay set replayed = replayed + (select count(*) from moved),
             reached = coalesce((select id from page order by id desc limit 1), reached)
       where tenant_id = ${tenant_id} and id = ${replay.id})
    select (select count(*)::int from page) as looked_at, (select count(*)::int from moved) as replayed`.execute(
    tx,
  )
  return rows[0] ?? { looked_at: 0, replayed: 0 }
}

/** Replays of all tenants that are still to look at messages before the id: their partitions may not go. */
export async function countReplaysBefore(owner: Db, id: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from inbox_replay where state in ('running', 'paused') and reached < ${id}`.execute(
    owner,
  )
  return rows[0]?.count ?? 0
}
