import { sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'
import { floorId } from '../../platform/ids.ts'

/** Every statement on replays. */

export type ReplayRow = {
  id: string
  subscription_id: string
  since: Date
  until: Date
  of_state: 'failed' | 'delivered'
  state: 'running' | 'completed' | 'canceled'
  reached: string
  total: number
  replayed: number
  closed_at: Date | null
}

const REPLAY = [
  'id',
  'subscription_id',
  'since',
  'until',
  'of_state',
  'state',
  'reached',
  'total',
  'replayed',
  'closed_at',
] as const

/** What a replay goes through: deliveries made in `[since, until)`. */
export type ReplayRange = Pick<ReplayRow, 'subscription_id' | 'since' | 'until' | 'of_state'>

export async function countToReplay(tx: Tx, tenant_id: string, range: ReplayRange): Promise<number> {
  const { count } = await tx
    .selectFrom('delivery')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('tenant_id', '=', tenant_id)
    .where('subscription_id', '=', range.subscription_id)
    .where('id', '>=', floorId(range.since))
    .where('id', '<', floorId(range.until))
    .where('state', '=', range.of_state)
    .executeTakeFirstOrThrow()
  return Number(count)
}

export async function insertReplay(
  tx: Tx,
  row: ReplayRange & { tenant_id: string; id: string; reached: string; total: number },
): Promise<void> {
  await tx.insertInto('replay').values(row).execute()
}

export const findReplay = (tx: Tx, tenant_id: string, id: string): Promise<ReplayRow | undefined> =>
  tx
    .selectFrom('replay')
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
    .selectFrom('replay')
    .select(REPLAY)
    .where('tenant_id', '=', tenant_id)
    .$if(before !== null, (query) => query.where('id', '<', before as string))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()

/** Ends a replay that runs; undefined where it has ended. */
export const endReplay = (
  tx: Tx,
  tenant_id: string,
  id: string,
  state: 'completed' | 'canceled',
): Promise<ReplayRow | undefined> =>
  tx
    .updateTable('replay')
    .set({ state, closed_at: new Date() })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '=', 'running')
    .returning(REPLAY)
    .executeTakeFirst()

/** The replay, kept from changing until the transaction ends; undefined where it does not run. */
export const lockReplay = (tx: Tx, tenant_id: string, id: string): Promise<ReplayRow | undefined> =>
  tx
    .selectFrom('replay')
    .select(REPLAY)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '=', 'running')
    .forUpdate()
    .executeTakeFirst()

/**
 * Puts the next deliveries of a replay back to work and moves its cursor in the same statement, so that a crash
 * repeats none and leaves none out. Returns how many it looked at: fewer than asked for where it is through.
 */
export async function replayNext(
  tx: Tx,
  tenant_id: string,
  replay: ReplayRow,
  limit: number,
): Promise<number> {
  const { rows } = await sql<{ looked_at: number }>`
    with next as materialized (
           select tenant_id, id from delivery
            where tenant_id = ${tenant_id} and subscription_id = ${replay.subscription_id} and state = ${replay.of_state}
              and id > ${replay.reached} and id < ${floorId(replay.until)} order by id limit ${limit}),
         moved as (update delivery d set state = 'pending', next_at = now(), closed_at = null, error = null from next
                    where d.tenant_id = next.tenant_id and d.id = next.id and d.state = ${replay.of_state}
                   returning d.tenant_id, d.id, d.event_id, d.subscription_id, d.attempts),
         queued as (insert into delivery_queue (tenant_id, id, event_id, subscription_id, due, attempts)
                    select tenant_id, id, event_id, subscription_id, now(), attempts from moved),
         cursor as (update replay set replayed = replayed + (select count(*) from moved),
                                      reached = coalesce((select id from next order by id desc limit 1), reached)
                     where tenant_id = ${tenant_id} and id = ${replay.id})
    select count(*)::int as looked_at from next`.execute(tx)
  return rows[0]?.looked_at ?? 0
}
