import { type RawBuilder, sql } from 'kysely'
import type { Db, Tx } from '../../platform/database/database.ts'
import type { Actor } from '../app.ts'
import type { Outcome } from './queries.ts'

/** Every statement on deferred calls, those of batches among them. */

export type DeferredState = 'queued' | 'started' | 'canceled' | Outcome

export type DeferredRow = {
  id: string
  connection_id: string
  batch_id: string | null
  position: number | null
  operation: string | null
  method: string | null
  path: string | null
  actor: Actor
  request: Buffer | null
  state: DeferredState
  tries: number
  call_ids: string[]
  due: Date
  status: number | null
  error: string | null
  report: Buffer | null
  closed_at: Date | null
}

const DEFERRED = [
  'id',
  'connection_id',
  'batch_id',
  'position',
  'operation',
  'method',
  'path',
  'actor',
  'request',
  'state',
  'tries',
  'call_ids',
  'due',
  'status',
  'error',
  'report',
  'closed_at',
] as const

export type NewDeferred = Pick<
  DeferredRow,
  'id' | 'connection_id' | 'batch_id' | 'position' | 'operation' | 'method' | 'path' | 'actor'
> & { tenant_id: string; request: Buffer }

export async function insertDeferred(tx: Tx, rows: readonly NewDeferred[]): Promise<void> {
  for (let from = 0; from < rows.length; from += 100) {
    const values = rows.slice(from, from + 100).map((row) => ({ ...row, actor: JSON.stringify(row.actor) }))
    await tx.insertInto('deferred_call').values(values).execute()
  }
}

/** `is_due` by the database's clock, which the jobs go by as well. */
export const findDeferred = (
  tx: Tx,
  tenant_id: string,
  id: string,
): Promise<(DeferredRow & { is_due: boolean }) | undefined> =>
  tx
    .selectFrom('deferred_call')
    .select([...DEFERRED, sql<boolean>`due <= now()`.as('is_due')])
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .$castTo<DeferredRow & { is_due: boolean }>()
    .executeTakeFirst()

/** Begins a try as the call `call_id`; false where somebody else moved the row since it was read. */
export async function startTry(
  tx: Tx,
  tenant_id: string,
  { id, state, call_ids }: DeferredRow,
  call_id: string,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('deferred_call')
    .set((row) => ({
      state: 'started' as const,
      tries: row('tries', '+', 1),
      call_ids: sql<string[]>`call_ids || ${call_id}::uuid`,
    }))
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '=', state)
    .where(sql<boolean>`cardinality(call_ids) = ${call_ids.length}`)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** To the millisecond, as the job has it: one that came a microsecond early would find nothing to do. */
const inMs = (wait_ms: number) =>
  sql<Date>`date_trunc('milliseconds', now() + ${wait_ms}::float8 * interval '1 ms')`

type Tried = { tenant_id: string; id: string; call_id: string }
type Settled = { status: number | null; error: string | null }

/**
 * Puts the call back in line after the try `call_id`, and says for when; undefined where it is another's by now. A try
 * that sent nothing is not counted.
 */
export async function requeue(
  tx: Tx,
  place: Tried,
  { status, error, again_ms, counts }: Settled & { again_ms: number; counts: boolean },
): Promise<Date | undefined> {
  const row = await whereTried(tx, place)
    .set((column) => ({
      state: 'queued' as const,
      status,
      error,
      due: inMs(again_ms),
      tries: column('tries', '-', counts ? 0 : 1),
    }))
    .returning('due')
    .executeTakeFirst()
  return row?.due
}

export async function closeDeferred(
  tx: Tx,
  place: Tried,
  ended: Settled & { state: Outcome; report: Buffer | null; unknown_id: string | null },
): Promise<boolean> {
  const { numUpdatedRows } = await whereTried(tx, place)
    .set({ ...ended, request: null, closed_at: new Date() })
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export type LastTried = Pick<DeferredRow, 'id' | 'batch_id' | 'state'>

/**
 * The deferred call whose last try `call_id` is, or by which it is unknown; it stays as it is found until the commit.
 * `parent` is what the try belongs to: its batch, or where there is none the deferred call itself.
 */
export const lockLastTried = (
  tx: Tx,
  tenant_id: string,
  call_id: string,
  parent: { column: 'id' | 'batch_id'; id: string },
): Promise<LastTried | undefined> =>
  tx
    .selectFrom('deferred_call')
    .select(['id', 'batch_id', 'state'])
    .where('tenant_id', '=', tenant_id)
    .where(parent.column, '=', parent.id)
    .where('id', '>=', parent.id) // which leaves older partitions out
    .where(sql<boolean>`coalesce(unknown_id, call_ids[cardinality(call_ids)]) = ${call_id}::uuid`)
    .forNoKeyUpdate()
    .$castTo<LastTried>()
    .executeTakeFirst()

/** What became of one that was unknown. Its report stays what the vendor answered, or did not. */
export async function settleDeferred(
  tx: Tx,
  { tenant_id, id, state, status, error }: Settled & { tenant_id: string; id: string; state: Outcome },
): Promise<void> {
  await tx
    .updateTable('deferred_call')
    .set({ state, status, error })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '=', 'unknown')
    .execute()
}

/** The row while the try `call_id` is the one under way. */
const whereTried = (tx: Tx, { tenant_id, id, call_id }: Tried) =>
  tx
    .updateTable('deferred_call')
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '=', 'started')
    .where(sql<boolean>`call_ids[cardinality(call_ids)] = ${call_id}::uuid`)

/** What is queued is given up, unknown where a try before is; what was sent already ends as it ends. */
const giveUp = (tx: Tx, tenant_id: string, which: RawBuilder<unknown>) =>
  sql`
  update deferred_call d set request = null, closed_at = now(), unknown_id = w.unknown_id,
         state = case when w.unknown_id is null then 'canceled' else 'unknown' end
    from (select q.id, (select c.id from call c
                         where c.tenant_id = q.tenant_id and c.id = any (q.call_ids) and c.state = 'unknown'
                         order by c.id desc limit 1) as unknown_id
            from deferred_call q where q.tenant_id = ${tenant_id} and ${which} and q.state = 'queued') w
   where d.tenant_id = ${tenant_id} and d.id = w.id and d.state = 'queued'`.execute(tx)

export async function cancelDeferred(tx: Tx, tenant_id: string, id: string): Promise<boolean> {
  const { numAffectedRows = 0n } = await giveUp(tx, tenant_id, sql`q.id = ${id}`)
  return numAffectedRows > 0n
}

export async function cancelBatch(tx: Tx, tenant_id: string, batch_id: string): Promise<void> {
  await giveUp(tx, tenant_id, sql`q.batch_id = ${batch_id}`)
}

/** Not to be looked at for a while, whatever it is about. */
export async function postponeCall(tx: Tx, tenant_id: string, id: string, wait_ms: number): Promise<void> {
  await tx
    .updateTable('deferred_call')
    .set({ due: inMs(wait_ms) })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', 'in', ['queued', 'started'])
    .execute()
}

export type Waiting = { id: string; operation: string | null; due: Date; is_due: boolean }

/** What of a batch is not over, but for those in `busy` and of these operations, the first that is due before the others. */
export const listWaiting = (
  tx: Tx,
  tenant_id: string,
  batch_id: string,
  {
    busy = [],
    without = [],
    limit,
  }: { busy?: readonly string[]; without?: readonly string[]; limit: number },
): Promise<Waiting[]> =>
  tx
    .selectFrom('deferred_call')
    .select(['id', 'operation', 'due', sql<boolean>`due <= now()`.as('is_due')])
    .where('tenant_id', '=', tenant_id)
    .where('batch_id', '=', batch_id)
    .where('state', 'in', ['queued', 'started'])
    .$if(busy.length > 0, (query) => query.where('id', 'not in', busy))
    .$if(without.length > 0, (query) => query.where(sql`coalesce(operation, '')`, 'not in', without))
    .orderBy('due')
    .orderBy('id')
    .limit(limit)
    .execute()

/** How many calls of a batch are due, by their operation; '' for those without one. */
export async function countDue(tx: Tx, tenant_id: string, batch_id: string): Promise<Map<string, number>> {
  const { rows } = await sql<{ operation: string; count: number }>`
    select coalesce(operation, '') as operation, count(*)::int as count from deferred_call
     where tenant_id = ${tenant_id} and batch_id = ${batch_id} and state in ('queued', 'started') and due <= now()
     group by 1`.execute(tx)
  return new Map(rows.map(({ operation, count }) => [operation, count]))
}

/** How many calls of a batch are in each state. */
export async function countStates(
  tx: Tx,
  tenant_id: string,
  batch_id: string,
): Promise<Partial<Record<DeferredState, number>>> {
  const rows = await tx
    .selectFrom('deferred_call')
    .select((row) => ['state', row.fn.countAll<string>().as('count')])
    .where('tenant_id', '=', tenant_id)
    .where('batch_id', '=', batch_id)
    .groupBy('state')
    .execute()
  return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]))
}

/** The calls of a batch from `from` on, in order, one more than `limit`. */
export const listOfBatch = (
  tx: Tx,
  tenant_id: string,
  batch_id: string,
  from: number,
  limit: number,
): Promise<DeferredRow[]> =>
  tx
    .selectFrom('deferred_call')
    .select(DEFERRED)
    .where('tenant_id', '=', tenant_id)
    .where('batch_id', '=', batch_id)
    .where('position', '>=', from)
    .orderBy('position')
    .limit(limit + 1)
    .$castTo<DeferredRow>()
    .execute()

/** How many calls that are not over are older than this id: their partition has to stay. */
export async function countWaitingBefore(db: Db, id: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from deferred_call where state in ('queued', 'started') and id < ${id}`.execute(
    db,
  )
  return rows[0]?.count ?? 0
}
