import { sql } from 'kysely'
import { type Db, hot, notifyAfter, type Tx } from '../../platform/database/database.ts'
import type { Claim, QueueState, Work } from '../../platform/queue.ts'
import { claimFrom, keysOf, queueStatements, readQueueState } from '../../platform/queue_statements.ts'
import type { Place } from './queries.ts'

/** Every statement on syncs, what they have read so far, and their queue. */

export type SyncState = 'queued' | 'running' | 'succeeded' | 'failed' | 'skipped'

export type SyncRow = {
  id: string
  bank_id: string
  user_id: string
  state: SyncState
  cause: 'asked' | 'schedule' | 'news'
  imported: number
  updated: number
  skipped: number
  removed: number
  error: string | null
  message: string | null
  started_at: Date | null
  ended_at: Date | null
}

const SYNC = [
  'id',
  'bank_id',
  'user_id',
  'state',
  'cause',
  'imported',
  'updated',
  'skipped',
  'removed',
  'error',
  'message',
  'started_at',
  'ended_at',
] as const

export type NewSync = Place & Pick<SyncRow, 'bank_id' | 'user_id' | 'cause'> & { batch_id: string | null }

/** With its work; null where one of the bank's is under way. */
export async function insertSync(tx: Tx, row: NewSync): Promise<SyncRow | null> {
  const made = await tx
    .insertInto('bank_sync')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['tenant_id', 'bank_id']).where('state', 'in', ['queued', 'running']).doNothing(),
    )
    .returning(SYNC)
    .executeTakeFirst()
  if (!made) return null
  const { tenant_id, id, user_id } = row
  await tx.insertInto('bank_sync_queue').values({ tenant_id, id, user_id, due: sql`now()` }).execute()
  notifyAfter(tx, 'trilho_job', 'new')
  return made
}

export const findOpen = (tx: Tx, tenant_id: string, bank_id: string): Promise<SyncRow | undefined> =>
  tx
    .selectFrom('bank_sync')
    .select(SYNC)
    .where('tenant_id', '=', tenant_id)
    .where('bank_id', '=', bank_id)
    .where('state', 'in', ['queued', 'running'])
    .executeTakeFirst()

/** When the newest of a bank's syncs that went well began: what happened after may be unknown to it. */
export async function findReadFrom(tx: Tx, { tenant_id, id }: Place): Promise<Date | null> {
  const row = await tx
    .selectFrom('bank_sync')
    .select('started_at')
    .where('tenant_id', '=', tenant_id)
    .where('bank_id', '=', id)
    .where('state', '=', 'succeeded')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.started_at ?? null
}

export const findSync = (tx: Tx, { tenant_id, id }: Place): Promise<SyncRow | undefined> =>
  tx
    .selectFrom('bank_sync')
    .select(SYNC)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()

/** In the order of `ids`, each by its key: PostgreSQL 15 reads all of a tenant's for a list of them. */
export async function findSyncs(tx: Tx, tenant_id: string, ids: readonly string[]): Promise<SyncRow[]> {
  const { rows } = await sql<SyncRow>`
    select s.* from unnest(${ids}::uuid[]) with ordinality as wanted (id, at)
     cross join lateral (
       select ${sql.raw(SYNC.join(', '))} from bank_sync
        where tenant_id = ${tenant_id} and id = wanted.id offset 0) s
     order by wanted.at`.execute(tx)
  return rows
}

export function listSyncs(
  tx: Tx,
  tenant_id: string,
  bank_id: string | null,
  limit: number,
  before: string | null,
): Promise<SyncRow[]> {
  let query = tx.selectFrom('bank_sync').select(SYNC).where('tenant_id', '=', tenant_id)
  if (bank_id !== null) query = query.where('bank_id', '=', bank_id)
  if (before !== null) query = query.where('id', '<', before)
  return query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}

/** How often one person's banks were synced all at once since the id `from`. */
export async function countBatches(
  tx: Tx,
  tenant_id: string,
  user_id: string,
  from: string,
): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(distinct batch_id)::int as n from bank_sync
     where tenant_id = ${tenant_id} and user_id = ${user_id} and batch_id is not null and id >= ${from}`.execute(
    tx,
  )
  return rows[0]?.n ?? 0
}

/** What is left to read, in its order; `after` is where the next page of the first of it begins. */
export type Position = {
  todo: Step[]
  after: string | null
  pages: number
  /** When its first page was read, in milliseconds. */
  since: number | null
  /** How often it was begun anew, since its pages had become too old. */
  restarts?: number
  /** Of an account that was left out; the others are read all the same. */
  trouble?: { code: string; message: string }
}

export type Step =
  | { kind: 'accounts'; again?: true }
  | { kind: 'window'; account_id: string; from: string; to: string; recent?: true; is_last: boolean }
  | { kind: 'changes'; again?: true }
  | { kind: 'balance'; account_id: string }

export async function readPosition(tx: Tx, { tenant_id, id }: Place): Promise<Partial<Position>> {
  const row = await tx
    .selectFrom('bank_sync')
    .select('position')
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()
  return (row?.position ?? {}) as Partial<Position>
}

export async function writePosition(tx: Tx, { tenant_id, id }: Place, position: Position): Promise<void> {
  await tx
    .updateTable('bank_sync')
    .set({ position: JSON.stringify(position) })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .execute()
}

export type Counts = { imported: number; updated: number; skipped: number; removed: number }

export async function addCounts(tx: Tx, { tenant_id, id }: Place, counts: Counts): Promise<void> {
  const { imported, updated, skipped, removed } = counts
  await sql`
    update bank_sync set imported = imported + ${imported}, updated = updated + ${updated},
                         skipped = skipped + ${skipped}, removed = removed + ${removed}
     where tenant_id = ${tenant_id} and id = ${id}`.execute(tx)
}

export async function startSync(tx: Tx, { tenant_id, id }: Place): Promise<void> {
  await sql`
    update bank_sync set state = 'running', started_at = coalesce(started_at, now())
     where tenant_id = ${tenant_id} and id = ${id} and state in ('queued', 'running')`.execute(tx)
}

export type End = { state: 'succeeded' | 'failed' | 'skipped'; error: string | null; message: string | null }

/** With its work and all it has read and not used. The work goes first, as it is locked first by whoever does it. */
export async function endSync(tx: Tx, { tenant_id, id }: Place, end: End): Promise<void> {
  const { state, error, message } = end
  await tx.deleteFrom('bank_sync_queue').where('tenant_id', '=', tenant_id).where('id', '=', id).execute()
  await sql`
    update bank_sync set state = ${state}, error = ${error}, message = ${message}, ended_at = now(), position = '{}'
     where tenant_id = ${tenant_id} and id = ${id} and state in ('queued', 'running')`.execute(tx)
  await dropPages(tx, { tenant_id, id })
}

export async function insertPage(
  tx: Tx,
  { tenant_id, id }: Place,
  page: number,
  items: readonly unknown[],
): Promise<void> {
  await tx
    .insertInto('bank_sync_page')
    .values({ tenant_id, sync_id: id, page, items: JSON.stringify(items) })
    .execute()
}

/** All that was read of one step. */
export async function readPages<Item>(tx: Tx, { tenant_id, id }: Place): Promise<Item[]> {
  const rows = await tx
    .selectFrom('bank_sync_page')
    .select('items')
    .where('tenant_id', '=', tenant_id)
    .where('sync_id', '=', id)
    .orderBy('page')
    .execute()
  return rows.flatMap(({ items }) => JSON.parse(items) as Item[])
}

export async function dropPages(tx: Tx, { tenant_id, id }: Place): Promise<void> {
  await tx.deleteFrom('bank_sync_page').where('tenant_id', '=', tenant_id).where('sync_id', '=', id).execute()
}

export type DueSync = Work & { user_id: string }

const QUEUE = queueStatements({ name: 'bank_sync', table: 'bank_sync_queue', columns: ['user_id'] })

export const SOONEST_SYNC = QUEUE.soonest

export const claimSyncs = (db: Db, claim: Omit<Claim, 'from'>) =>
  claimFrom<DueSync>(db, QUEUE, { ...claim, from: null }) // it may be due before it is put in

export async function extendSyncs(db: Db, items: DueSync[]): Promise<void> {
  await hot(db, QUEUE.extend, keysOf(items))
}

export const readQueue = (db: Db): Promise<QueueState> => readQueueState(db, QUEUE)

/** The first statement of all that a sync writes: false where another worker has taken it over. */
export async function isStillOurs(tx: Tx, { tenant_id, id, claim }: DueSync): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('bank_sync_queue')
    .set({ attempts: 0 })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('claim', '=', claim)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Whether it may be under way beside what else is of this person; false also where it is another's by now. */
export async function begin(
  tx: Tx,
  { tenant_id, id, claim, user_id }: DueSync,
  most: number,
): Promise<boolean> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from bank_sync_queue
     where tenant_id = ${tenant_id} and user_id = ${user_id} and begun and claim is not null and due > now() and id <> ${id}`.execute(
    tx,
  )
  if ((rows[0]?.n ?? 0) >= most) return false
  const { numUpdatedRows } = await tx
    .updateTable('bank_sync_queue')
    .set({ begun: true })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('claim', '=', claim)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Back into the queue; `failed` keeps the count of attempts. */
export async function putBack(
  db: Db | Tx,
  { tenant_id, id, claim }: DueSync,
  { wait_ms, failed }: { wait_ms: number; failed: boolean },
): Promise<void> {
  await sql`
    update bank_sync_queue set claim = null, begun = false, due = now() + ${wait_ms}::float8 * interval '1 ms',
           attempts = case when ${failed} then attempts else 0 end
     where tenant_id = ${tenant_id} and id = ${id} and claim = ${claim}`.execute(db)
}
