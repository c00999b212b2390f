import { sql } from 'kysely'
import type { Db, Tx } from '../../platform/database/database.ts'
import { floorId } from '../../platform/ids.ts'
import { type NewReplay, type ReplayRow, replayTable, type Span } from '../replays/replays.ts'

/** Every statement on messages that are taken up again in bulk. */

export type ReplayFilter = {
  source_id: string | null
  event_type: string | null
  states: string[]
}

export type MessageReplayRow = ReplayRow & ReplayFilter & { turn: number }

export const messageReplays = replayTable<MessageReplayRow>('inbox_replay', [
  'source_id',
  'event_type',
  'states',
])

const ofSource = (source_id: string | null) => (source_id ? sql`and m.source_id = ${source_id}` : sql``)
const ofType = (type: string | null) => (type === null ? sql`` : sql`and m.event_type = ${type}`)

/** What was erased cannot be read again. */
const fits = ({ states, event_type }: ReplayFilter) =>
  sql`m.state = any (${states}::text[]) ${ofType(event_type)} and not m.flags @> '{erased}'`

export async function countToReplay(tx: Tx, tenant_id: string, filter: ReplayFilter & Span): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from inbox m
     where m.tenant_id = ${tenant_id} ${ofSource(filter.source_id)}
       and m.id >= ${floorId(filter.since)} and m.id < ${floorId(filter.until)} and ${fits(filter)}`.execute(
    tx,
  )
  return rows[0]?.count ?? 0
}

export async function insertReplay(tx: Tx, row: ReplayFilter & NewReplay & { turn: number }): Promise<void> {
  await tx.insertInto('inbox_replay').values(row).execute()
}

/**
 * Looks at the next messages after the cursor, puts back to work those that fit, each where it stood among those of its
 * entity, and moves the cursor behind them. Returns how many were looked at, and how many of them fitted.
 */
export async function replayNext(
  tx: Tx,
  tenant_id: string,
  replay: MessageReplayRow,
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
