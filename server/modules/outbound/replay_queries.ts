import { sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'
import { floorId } from '../../platform/ids.ts'

/** Every statement on replays. */

export type ReplayRow = {
  id: string
  subscription_id: string
  since: Date
  until: Date
  of_state: 'failed' | 'delivered' | 'expired' | 'missing'
  event_types: string[] | null
  status: number | null
  per_second: number | null
  state: 'running' | 'paused' | 'completed' | 'canceled'
  turn: string | null
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
  'event_types',
  'status',
  'per_second',
  'state',
  'turn',
  'reached',
  'total',
  'replayed',
  'closed_at',
] as const

/** What a replay goes through: deliveries made, or events published, in `[since, until)`. */
export type ReplayRange = Pick<
  ReplayRow,
  'subscription_id' | 'since' | 'until' | 'of_state' | 'event_types' | 'status' | 'per_second'
>

/** Types as a subscription names them: exact ones, and families as `like` has them. */
const typesOf = (event_types: string[] | null) =>
  event_types === null || event_types.includes('*')
    ? sql<boolean>`true`
    : sql<boolean>`(event_type = any(${event_types}::text[]) or event_type like any(${event_types.filter((type) => type.endsWith('.*')).map((type) => `${type.slice(0, -1).replaceAll('_', '\\_')}%`)}::text[]))`

export async function countToReplay(tx: Tx, tenant_id: string, range: ReplayRange): Promise<number> {
  const { count } = await tx
    .selectFrom('delivery')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('tenant_id', '=', tenant_id)
    .where('subscription_id', '=', range.subscription_id)
    .where('id', '>=', floorId(range.since))
    .where('id', '<', floorId(range.until))
    .where('state', '=', range.of_state as 'failed')
    .where(typesOf(range.event_types))
    .$if(range.status !== null, (query) => query.where('status', '=', range.status))
    .executeTakeFirstOrThrow()
  return Number(count)
}

export async function insertReplay(
  tx: Tx,
  row: ReplayRange & { tenant_id: string; id: string; reached: string; total: number; turn: string },
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

/** Pauses a replay that runs, or has one that is paused go on in another turn; undefined where it is in neither state. */
export const turnReplay = (
  tx: Tx,
  tenant_id: string,
  id: string,
  from: 'running' | 'paused',
  turn: string | null,
): Promise<ReplayRow | undefined> =>
  tx
    .updateTable('replay')
    .set({ state: from === 'running' ? 'paused' : 'running', turn })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '=', from)
    .returning(REPLAY)
    .executeTakeFirst()

/** Moves the cursor of a replay over events. */
export async function moveReplay(
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

/** Ends a replay that is not at its end; undefined where it is. */
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
    .where('state', 'in', ['running', 'paused'])
    .returning(REPLAY)
    .executeTakeFirst()

/** The replay, kept from changing until the transaction ends; undefined where it does not run, or in another turn. */
export const lockReplay = (
  tx: Tx,
  tenant_id: string,
  id: string,
  turn: string | null,
): Promise<ReplayRow | undefined> =>
  tx
    .selectFrom('replay')
    .select(REPLAY)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '=', 'running')
    .where(sql<boolean>`turn is not distinct from ${turn}::uuid`)
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
              and ${typesOf(replay.event_types)} and (${replay.status}::int is null or status = ${replay.status}::int)
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
