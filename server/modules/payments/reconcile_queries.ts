import { sql } from 'kysely'
import type { VendorPayment } from '../../kit/news.ts'
import { type Db, newest, type Tx } from '../../platform/database/database.ts'
import type { DifferenceKind } from './compare.ts'
import type { PaymentRow, Place } from './queries.ts'

/** Every statement on reconciliations, and what they read of payments. */

export type ReconciliationRow = {
  id: string
  connection_id: string
  day: string
  starts: Date
  ends: Date
  state: 'running' | 'completed' | 'failed'
  by_clock: boolean
  theirs: number | null
  differences: number | null
  left_out: number | null
  error: string | null
  ended_at: Date | null
}

const RECONCILIATION = [
  'id',
  'connection_id',
  'day',
  'starts',
  'ends',
  'state',
  'by_clock',
  'theirs',
  'differences',
  'left_out',
  'error',
  'ended_at',
] as const

export type Snapshot = Pick<PaymentRow, 'status' | 'amount' | 'currency' | 'captured' | 'refunded'>

export type DifferenceRow = {
  id: string
  reconciliation_id: string
  connection_id: string
  day: string
  kind: DifferenceKind
  vendor_id: string
  payment_id: string | null
  ours: Snapshot | null
  theirs: VendorPayment | null
  state: 'open' | 'resolved'
  resolution: 'refreshed' | 'imported' | 'accepted' | 'gone' | null
  resolved_by: string | null
  resolved_at: Date | null
  note: string | null
}

const DIFFERENCE = [
  'id',
  'reconciliation_id',
  'connection_id',
  'day',
  'kind',
  'vendor_id',
  'payment_id',
  'ours',
  'theirs',
  'state',
  'resolution',
  'resolved_by',
  'resolved_at',
  'note',
] as const

/** When a day of the tenant's begins and ends; also where clocks change on it. */
export async function boundsOf(
  tx: Tx,
  day: string,
  time_zone: string,
): Promise<{ starts: Date; ends: Date }> {
  const { rows } = await sql<{ starts: Date; ends: Date }>`
    select ${day}::date::timestamp at time zone ${time_zone} as starts,
           (${day}::date + 1)::timestamp at time zone ${time_zone} as ends`.execute(tx)
  return rows[0] as { starts: Date; ends: Date }
}

/** By the tenant's clock: which day it was yesterday, and the hour. */
export async function yesterdayOf(tx: Tx, time_zone: string): Promise<{ day: string; hour: number }> {
  const { rows } = await sql<{ day: string; hour: number }>`
    select to_char((now() at time zone ${time_zone})::date - 1, 'YYYY-MM-DD') as day,
           extract(hour from now() at time zone ${time_zone})::int as hour`.execute(tx)
  return rows[0] as { day: string; hour: number }
}

/** Undefined where the clock has begun it before. */
export const insertReconciliation = (
  tx: Tx,
  row: Place &
    Pick<ReconciliationRow, 'connection_id' | 'day' | 'starts' | 'ends' | 'by_clock'> & { actor: string },
): Promise<ReconciliationRow | undefined> =>
  tx
    .insertInto('reconciliation')
    .values({ ...row, state: 'running' })
    .onConflict((on) => on.doNothing())
    .returning(RECONCILIATION)
    .executeTakeFirst()

export const findReconciliation = (
  tx: Tx,
  { tenant_id, id }: Place,
): Promise<ReconciliationRow | undefined> =>
  tx
    .selectFrom('reconciliation')
    .select(RECONCILIATION)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()

/** False where it has ended before. */
export async function endReconciliation(
  tx: Tx,
  { tenant_id, id }: Place,
  end: Pick<ReconciliationRow, 'state' | 'theirs' | 'differences' | 'left_out' | 'error'>,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('reconciliation')
    .set({ ...end, ended_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '=', 'running')
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export const listReconciliations = (
  tx: Tx,
  tenant_id: string,
  connection_id: string | null,
  limit: number,
  before: string | null,
): Promise<ReconciliationRow[]> =>
  tx
    .selectFrom('reconciliation')
    .select(RECONCILIATION)
    .where('tenant_id', '=', tenant_id)
    .$call(newest({ connection_id }, limit, before))
    .execute()

/** Of a payment whose money came: which it is, here and there, and where it stands among them. */
export type Taken = { id: string; vendor_id: string; completed_at: string }

/** Ours whose money came within the day, a page at a time. The time is text: a Date has no microseconds. */
export async function listTakenBetween(
  tx: Tx,
  { tenant_id, connection_id }: { tenant_id: string; connection_id: string },
  { starts, ends }: Pick<ReconciliationRow, 'starts' | 'ends'>,
  limit: number,
  after: Taken | null,
): Promise<Taken[]> {
  const from = after === null ? starts : sql`${after.completed_at}::timestamptz`
  const past =
    after === null
      ? sql``
      : sql`and (completed_at, id) > (${after.completed_at}::timestamptz, ${after.id}::uuid)`
  const { rows } = await sql<Taken>`
    select id, vendor_id, completed_at::text as completed_at from payment
     where tenant_id = ${tenant_id} and connection_id = ${connection_id}
       and completed_at >= ${from} and completed_at < ${ends} and vendor_id is not null ${past}
     order by completed_at, id limit ${limit}`.execute(tx)
  return rows
}

export type Difference = Pick<DifferenceRow, 'id' | 'kind' | 'vendor_id' | 'payment_id' | 'ours' | 'theirs'>
type Of = { tenant_id: string; id: string; connection_id: string; day: string }

/** One that is open already is told anew. */
export async function keepDifferences(tx: Tx, of: Of, found: readonly Difference[]): Promise<void> {
  if (found.length === 0) return
  await sql`
    insert into reconciliation_difference
           (tenant_id, id, reconciliation_id, connection_id, day, kind, vendor_id, payment_id, ours, theirs, state)
    select ${of.tenant_id}::uuid, r.id, ${of.id}::uuid, ${of.connection_id}::uuid, ${of.day}::text, r.kind, r.vendor_id,
           r.payment_id, r.ours, r.theirs, 'open'
      from jsonb_to_recordset(${JSON.stringify(found)}::jsonb)
           as r(id uuid, kind text, vendor_id text, payment_id uuid, ours jsonb, theirs jsonb)
    on conflict (tenant_id, connection_id, vendor_id, kind) where state = 'open'
    do update set reconciliation_id = excluded.reconciliation_id, day = excluded.day, ours = excluded.ours,
                  theirs = excluded.theirs, payment_id = excluded.payment_id`.execute(tx)
}

/** What was open of that day and was not found again, but for what was not looked at. */
export const endGone = (
  tx: Tx,
  { tenant_id, id, connection_id, day }: Of,
  left_out: readonly string[],
): Promise<unknown> =>
  tx
    .updateTable('reconciliation_difference')
    .set({ state: 'resolved', resolution: 'gone', resolved_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', connection_id)
    .where('day', '=', day)
    .where('state', '=', 'open')
    .where('reconciliation_id', '!=', id)
    .where(sql<boolean>`vendor_id <> all (${left_out}::text[])`)
    .execute()

export const findDifference = (tx: Tx, { tenant_id, id }: Place): Promise<DifferenceRow | undefined> =>
  tx
    .selectFrom('reconciliation_difference')
    .select(DIFFERENCE)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst() as Promise<DifferenceRow | undefined>

/** False where it was ended meanwhile. */
export async function endDifference(
  tx: Tx,
  { tenant_id, id }: Place,
  end: Pick<DifferenceRow, 'resolution' | 'resolved_by' | 'note'> & { payment_id?: string },
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('reconciliation_difference')
    .set({ ...end, state: 'resolved', resolved_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '=', 'open')
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export type WantedDifferences = {
  state?: 'open' | 'resolved'
  reconciliation_id?: string
  connection_id?: string
}

export function listDifferences(
  tx: Tx,
  tenant_id: string,
  wanted: WantedDifferences,
  limit: number,
  before: string | null,
): Promise<DifferenceRow[]> {
  return tx
    .selectFrom('reconciliation_difference')
    .select(DIFFERENCE)
    .where('tenant_id', '=', tenant_id)
    .$call(newest(wanted, limit, before))
    .execute() as Promise<DifferenceRow[]>
}

/** Connections with payments, found by leaps over the index and not by reading the payments. */
export async function listPaying(db: Db): Promise<{ tenant_id: string; connection_id: string }[]> {
  const { rows } = await sql<{ tenant_id: string; connection_id: string }>`
    with recursive paying as (
      (select tenant_id, connection_id from payment order by tenant_id, connection_id limit 1)
      union all
      select next.tenant_id, next.connection_id
        from paying p
        cross join lateral (
          select tenant_id, connection_id from payment
           where (tenant_id, connection_id) > (p.tenant_id, p.connection_id)
           order by tenant_id, connection_id limit 1) next)
    select tenant_id, connection_id from paying`.execute(db)
  return rows
}
