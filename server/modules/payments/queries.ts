import { sql } from 'kysely'
import type { Refusal } from '../../kit/news.ts'
import type { Tx } from '../../platform/database/database.ts'
import { timeOfId } from '../../platform/ids.ts'
import { chainOf } from '../../platform/jobs/jobs.ts'
import { isTaken, type Standing, type Status } from './moves.ts'
import { CHANGED } from './stuck.ts'

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
  due_date: string | null
  route_id: string | null
  try_number: number
  may_move_on: boolean
  expires_at: Date | null
  pix_code: string | null
  settlement_id: string | null
  completed_at: Date | null
  updated_at: Date
}

export const PAYMENT = [
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
  'due_date',
  'route_id',
  'try_number',
  'may_move_on',
  'expires_at',
  'pix_code',
  'settlement_id',
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
  ...row
}: PaymentRow): Standing => ({
  status,
  vendor_id,
  amount: BigInt(amount),
  captured: BigInt(captured),
  refunded: BigInt(refunded),
  failure,
  settlement_id: row.settlement_id,
  expires_at: row.expires_at?.toISOString() ?? null,
  pix_code: row.pix_code,
})

/** Payments are never deleted. */
export function must<Row>(row: Row | null | undefined): Row {
  if (row === null || row === undefined) throw new Error('a payment is gone')
  return row
}

/** One that was held is sent when somebody confirms it, one that was routed again with each try, any other when it is made. */
export const sentAt = ({ id, sent_at }: Pick<PaymentRow, 'id' | 'sent_at'>): Date => sent_at ?? timeOfId(id)

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
    | 'due_date'
  > & {
    metadata: string
    request: Buffer | null
    actor: string
    sent_at?: Date | null
    route_id?: string | null
    try_number?: number
    may_move_on?: boolean
  }

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
  const { status, vendor_id, captured, refunded, settlement_id, expires_at, pix_code } = after
  const failure = after.failure && JSON.stringify(after.failure)
  const { rows } = await sql`
    with moved as (
      update payment
         set status = ${status}, vendor_id = ${vendor_id}, captured = ${captured}, refunded = ${refunded},
             failure = ${failure}::jsonb, settlement_id = ${settlement_id}, expires_at = ${expires_at}::timestamptz,
             pix_code = ${pix_code}, version = version + 1, updated_at = now(), held = false,
             request = case when ${status} = 'processing' then request end,
             completed_at = case when ${isTaken(status)} then coalesce(completed_at, now()) else completed_at end
       where tenant_id = ${tenant_id} and id = ${id} and status = ${before.status} and version = ${before.version}
      returning tenant_id, id, version)
    insert into payment_move (tenant_id, payment_id, version, status, captured, refunded, cause, cause_id)
    select tenant_id, id, version, ${status}::text, ${captured}::bigint, ${refunded}::bigint, ${cause}::text, ${cause_id}::text from moved
    returning version`.execute(tx)
  return rows.length > 0
}

/** What goes on with a payment until nothing is unknown of it. */
export const SETTLE = 'payments.settle'
export const { relink, enqueueTurn, link } = chainOf('payment', SETTLE)

/** With what is sent now. False where it is not held, or somebody released it before. */
export async function releasePayment(tx: Tx, { tenant_id, id }: Place, request: Buffer): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('payment')
    .set({ held: false, request, sent_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('held', '=', true)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/**
 * Why asking cannot find out what became of it, and what to do; null where its connection is as it was again. Any move
 * takes it away.
 */
export const noteWait = (tx: Tx, { tenant_id, id }: Place, why: Refusal | null) =>
  tx
    .updateTable('payment')
    .set({ failure: why && JSON.stringify(why), updated_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('status', '=', 'processing')
    .where(why ? sql<boolean>`failure is null` : sql<boolean>`failure ->> 'code' = ${CHANGED.code}`)
    .execute()

/** What is asked of its vendor from now on is another question, under another key. */
export const askAnew = (tx: Tx, { tenant_id, id }: Place, { version }: Pick<PaymentRow, 'version'>) =>
  tx
    .updateTable('payment')
    .set({ version: version + 1 })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('version', '=', version)
    .execute()

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
