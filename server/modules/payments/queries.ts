import { sql } from 'kysely'
import type { Refusal } from '../../kit/news.ts'
import { type Db, hot, type Tx } from '../../platform/database/database.ts'
import { isTaken, type Standing, type Status } from './moves.ts'

/** Every statement on payments and their moves. */

export type Place = { tenant_id: string; id: string }
export type Method = 'card' | 'pix' | 'boleto'
export type Capture = 'automatic' | 'manual'

/** Amounts are bigints in the database and text here. */
export type PaymentRow = {
  id: string
  connection_id: string
  provider: string
  vendor_id: string | null
  status: Status
  method: Method
  capture: Capture
  amount: string
  currency: string
  captured: string
  refunded: string
  customer: string | null
  description: string | null
  metadata: Record<string, string>
  failure: Refusal | null
  held: boolean
  sent_at: Date | null
  version: number
  job_id: string | null
  completed_at: Date | null
  updated_at: Date
}

const PAYMENT = [
  'id',
  'connection_id',
  'provider',
  'vendor_id',
  'status',
  'method',
  'capture',
  'amount',
  'currency',
  'captured',
  'refunded',
  'customer',
  'description',
  'metadata',
  'failure',
  'held',
  'sent_at',
  'version',
  'job_id',
  'completed_at',
  'updated_at',
] as const

export const standingOf = ({
  status,
  vendor_id,
  amount,
  captured,
  refunded,
  failure,
}: PaymentRow): Standing => ({
  status,
  vendor_id,
  amount: BigInt(amount),
  captured: BigInt(captured),
  refunded: BigInt(refunded),
  failure,
})

/** What led to a move, and its id on the wire. */
export type Cause = {
  cause: 'request' | 'risk' | 'reply' | 'news' | 'answer' | 'refund'
  cause_id: string | null
}

export type NewPayment = Place &
  Pick<
    PaymentRow,
    | 'connection_id'
    | 'provider'
    | 'method'
    | 'capture'
    | 'amount'
    | 'currency'
    | 'customer'
    | 'description'
    | 'held'
  > & { metadata: string; request: Buffer; actor: string }

/** With its first move. */
export async function insertPayment(tx: Tx, row: NewPayment): Promise<PaymentRow> {
  const made = await tx
    .insertInto('payment')
    .values({ ...row, status: 'processing' })
    .returning(PAYMENT)
    .executeTakeFirstOrThrow()
  await tx
    .insertInto('payment_move')
    .values({
      tenant_id: row.tenant_id,
      payment_id: row.id,
      version: made.version,
      status: made.status,
      captured: '0',
      refunded: '0',
      cause: 'request',
      cause_id: row.actor,
    })
    .execute()
  return made as PaymentRow
}

export const findPayment = (tx: Tx, { tenant_id, id }: Place): Promise<PaymentRow | undefined> =>
  tx
    .selectFrom('payment')
    .select(PAYMENT)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst() as Promise<PaymentRow | undefined>

/** Nobody else moves it, or asks a part of it back, before this transaction ends. */
export const lockPayment = (tx: Tx, { tenant_id, id }: Place): Promise<PaymentRow | undefined> =>
  tx
    .selectFrom('payment')
    .select(PAYMENT)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst() as Promise<PaymentRow | undefined>

/**
 * Moves a payment on from the state it was judged by, and no other, and writes down what moved it. False where it has
 * moved meanwhile. What the vendor was asked is forgotten as soon as its answer is known.
 */
export async function movePayment(
  tx: Tx,
  { tenant_id, id }: Place,
  before: Pick<PaymentRow, 'status' | 'version'>,
  after: Standing,
  { cause, cause_id }: Cause,
): Promise<boolean> {
  const { status, vendor_id, captured, refunded } = after
  const failure = after.failure && JSON.stringify(after.failure)
  const { rows } = await sql`
    with moved as (
      update payment
         set status = ${status}, vendor_id = ${vendor_id}, captured = ${captured}, refunded = ${refunded},
             failure = ${failure}::jsonb, version = version + 1, updated_at = now(), held = false,
             request = case when ${status} = 'processing' then request end,
             completed_at = case when ${isTaken(status)} then coalesce(completed_at, now()) else completed_at end
       where tenant_id = ${tenant_id} and id = ${id} and status = ${before.status} and version = ${before.version}
      returning tenant_id, id, version)
    insert into payment_move (tenant_id, payment_id, version, status, captured, refunded, cause, cause_id)
    select tenant_id, id, version, ${status}::text, ${captured}::bigint, ${refunded}::bigint, ${cause}::text, ${cause_id}::text from moved
    returning version`.execute(tx)
  return rows.length > 0
}

/** Another job asks from now on; null: none. False where `was` is not the job of now. */
export async function relink(
  tx: Tx,
  { tenant_id, id }: Place,
  job_id: string | null,
  was?: string,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('payment')
    .set({ job_id })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .$if(was !== undefined, (query) => query.where('job_id', '=', was as string))
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** False where it is not held, or somebody released it before. */
export async function releasePayment(tx: Tx, { tenant_id, id }: Place): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('payment')
    .set({ held: false, sent_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('held', '=', true)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** What the vendor is asked, sealed; null once its answer is known. */
export async function findRequest(tx: Tx, { tenant_id, id }: Place): Promise<Buffer | null> {
  const row = await tx
    .selectFrom('payment')
    .select('request')
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()
  return row?.request ?? null
}

export type Wanted = {
  status?: Status
  connection_id?: string
  customer?: string
  vendor_id?: string
}

export function listPayments(
  tx: Tx,
  tenant_id: string,
  wanted: Wanted,
  limit: number,
  before: string | null,
): Promise<PaymentRow[]> {
  let query = tx.selectFrom('payment').select(PAYMENT).where('tenant_id', '=', tenant_id)
  for (const [column, value] of Object.entries(wanted))
    query = query.where(column as keyof Wanted, '=', value as never)
  if (before) query = query.where('id', '<', before)
  return query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute() as Promise<PaymentRow[]>
}

export type MoveRow = {
  version: number
  status: string
  captured: string
  refunded: string
  cause: Cause['cause']
  cause_id: string | null
  at: Date
}

const MOST_MOVES = 200

export const listMoves = (tx: Tx, { tenant_id, id }: Place): Promise<MoveRow[]> =>
  tx
    .selectFrom('payment_move')
    .select(['version', 'status', 'captured', 'refunded', 'cause', 'cause_id', 'at'])
    .where('tenant_id', '=', tenant_id)
    .where('payment_id', '=', id)
    .orderBy('version')
    .limit(MOST_MOVES)
    .execute()

/** Whom news may be about: by the vendor's id of it, or by ours that the vendor gave back. */
export type Sought = { tenant_id: string; provider: string; vendor_id: string; id: string | null }
export type Known = Place & { at: number; connection_id: string }

// For each that is sought, by one probe of an index each. One whose vendor's id is known is not found by ours.
const KNOWN = {
  name: 'payment_known',
  text: `
    select (r.at - 1)::int as at, p.tenant_id, p.id, p.connection_id
      from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[]) with ordinality r(t, provider, v, i, at)
      cross join lateral (
        select tenant_id, id, connection_id from payment where tenant_id = r.t and vendor_id = r.v and provider = r.provider
        union all
        select tenant_id, id, connection_id from payment
         where tenant_id = r.t and id = r.i and vendor_id is null and provider = r.provider offset 0) p`,
}

export const findKnown = (db: Db, sought: readonly Sought[]): Promise<Known[]> =>
  hot<Known>(db, KNOWN, [
    sought.map((one) => one.tenant_id),
    sought.map((one) => one.provider),
    sought.map((one) => one.vendor_id),
    sought.map((one) => one.id),
  ])
