import { sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'
import { floorId } from '../../platform/ids.ts'
import { type NewReplay, type ReplayRow, replayTable, type Span } from '../replays/replays.ts'
import { inState, isNarrowed, type Narrowed } from './record_queries.ts'

/** Every statement on replays. */

/** What a replay is of: deliveries made, or events published. */
export type ReplayedDeliveries = {
  subscription_id: string
  of_state: 'failed' | 'delivered' | 'expired' | 'missing'
} & Narrowed

export type DeliveryReplayRow = ReplayRow & ReplayedDeliveries & { turn: string | null }

export const deliveryReplays = replayTable<DeliveryReplayRow>('replay', [
  'subscription_id',
  'of_state',
  'event_types',
  'status',
  'error',
])

export async function countToReplay(
  tx: Tx,
  tenant_id: string,
  range: ReplayedDeliveries & Span,
): Promise<number> {
  const { count } = await tx
    .selectFrom('delivery')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('tenant_id', '=', tenant_id)
    .where('subscription_id', '=', range.subscription_id)
    .where('id', '>=', floorId(range.since))
    .where('id', '<', floorId(range.until))
    .where(inState(range.of_state as 'failed'))
    .where(isNarrowed(range))
    .executeTakeFirstOrThrow()
  return Number(count)
}

export async function insertReplay(
  tx: Tx,
  row: ReplayedDeliveries & NewReplay & { turn: string },
): Promise<void> {
  await tx.insertInto('replay').values(row).execute()
}

/** Moves the cursor of a replay over events. */
export async function moveCursor(
  tx: Tx,
  tenant_id: string,
  id: string,
  reached: string,
  more: number,
): Promise<void> {
  await tx
    .updateTable('replay')
    .set({ reached, replayed: sql`replayed + ${more}::int` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .execute()
}

/** Of these events, the ones that the subscription has a delivery of. */
export async function listDelivered(
  tx: Tx,
  tenant_id: string,
  subscription_id: string,
  event_ids: string[],
): Promise<Set<string>> {
  const { rows } = await sql<{ event_id: string }>`
    select e.id as event_id from unnest(${event_ids}::uuid[]) e(id)
     where exists (select from delivery d where d.tenant_id = ${tenant_id} and d.event_id = e.id and d.id > ${event_ids[0] ?? ''}::uuid
                      and d.subscription_id = ${subscription_id})`.execute(tx)
  return new Set(rows.map(({ event_id }) => event_id))
}

/**
 * Puts the next deliveries of a replay back to work and moves its cursor in the same statement, so that a crash
 * repeats none and leaves none out. Returns how many it looked at, and how many of them it put back.
 */
export async function replayNext(
  tx: Tx,
  tenant_id: string,
  replay: DeliveryReplayRow,
  limit: number,
): Promise<{ looked_at: number; replayed: number }> {
  const { rows } = await sql<{ looked_at: number; replayed: number }>`
    with next as materialized (
           select tenant_id, id from delivery
            where tenant_id = ${tenant_id} and subscription_id = ${replay.subscription_id} and ${inState(replay.of_state as 'failed')}
              and ${isNarrowed(replay)}
              and id > ${replay.reached} and id < ${floorId(replay.until)} order by id limit ${limit}),
         moved as (update delivery d set state = 'pending', next_at = now(), closed_at = null, error = null from next
                    where d.tenant_id = next.tenant_id and d.id = next.id and d.state = ${replay.of_state}
                   returning d.tenant_id, d.id, d.event_id, d.subscription_id, d.attempts, d.told),
         queued as (insert into delivery_queue (tenant_id, id, event_id, subscription_id, due, attempts, renewed_at, told)
                    select tenant_id, id, event_id, subscription_id, now(), attempts, now(), told from moved),
         cursor as (update replay set replayed = replayed + (select count(*) from moved),
                                      reached = coalesce((select id from next order by id desc limit 1), reached)
                     where tenant_id = ${tenant_id} and id = ${replay.id})
    select (select count(*)::int from next) as looked_at, (select count(*)::int from moved) as replayed`.execute(
    tx,
  )
  return rows[0] ?? { looked_at: 0, replayed: 0 }
}
