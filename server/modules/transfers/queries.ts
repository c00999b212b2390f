import { sql } from 'kysely'
import type { Refusal } from '../../kit/news.ts'
import type { TransferMethod } from '../../kit/transfers.ts'
import { newest, type Tx } from '../../platform/database/database.ts'
import { chainOf } from '../../platform/jobs/jobs.ts'
import type { Standing, Status } from './moves.ts'
import type { Shown } from './schema.ts'

/** Every statement on transfers, their moves and the policy. */

export type Place = { tenant_id: string; id: string }

/** Amounts are bigints in the database and text here. */
export type TransferRow = {
  id: string
  connection_id: string
  provider: string
  number: number | null
  vendor_id: string | null
  status: Status
  method: TransferMethod
  amount: string
  currency: string
  returned: string
  scheduled_for: string | null
  description: string | null
  metadata: Record<string, string>
  shown: Shown
  vendor_word: string | null
  receipt: string | null
  end_to_end_id: string | null
  failure: Refusal | null
  cancel_asked: boolean
  sent_at: Date | null
  account: Buffer | null
  actor: string
  approver: string | null
  approve_by: Date | null
  version: number
  job_id: string | null
  completed_at: Date | null
  updated_at: Date
}

export const TRANSFER = [
  'id',
  'connection_id',
  'provider',
  'number',
  'vendor_id',
  'status',
  'method',
  'amount',
  'currency',
  'returned',
  'scheduled_for',
  'description',
  'metadata',
  'shown',
  'vendor_word',
  'receipt',
  'end_to_end_id',
  'failure',
  'cancel_asked',
  'sent_at',
  'account',
  'actor',
  'approver',
  'approve_by',
  'version',
  'job_id',
  'completed_at',
  'updated_at',
] as const

/** What led to a move, and its id on the wire. */
export type Cause = {
  cause: 'request' | 'approval' | 'schedule' | 'reply' | 'news' | 'answer'
  cause_id: string | null
}

/** Transfers are never deleted. */
export function must<Row>(row: Row | null | undefined): Row {
  if (row === null || row === undefined) throw new Error('a transfer is gone')
  return row
}

export type NewTransfer = Place &
  Pick<
    TransferRow,
    | 'connection_id'
    | 'provider'
    | 'number'
    | 'status'
    | 'method'
    | 'amount'
    | 'currency'
    | 'scheduled_for'
    | 'description'
    | 'actor'
    | 'approve_by'
  > & { metadata: string; shown: string; destination: Buffer }

/** With its first move; null where another transfer has its number. */
export async function insertTransfer(tx: Tx, row: NewTransfer): Promise<TransferRow | null> {
  const made = await tx
    .insertInto('transfer')
    .values(row)
    .onConflict((on) => on.doNothing())
    .returning(TRANSFER)
    .executeTakeFirst()
  if (!made) return null
  const { tenant_id, id: transfer_id, status, actor } = row
  const move = { tenant_id, transfer_id, version: 1, status, cause: 'request' as const, cause_id: actor }
  await tx.insertInto('transfer_move').values(move).execute()
  return made as TransferRow
}

const byPlace = (tx: Tx, { tenant_id, id }: Place) =>
  tx.selectFrom('transfer').select(TRANSFER).where('tenant_id', '=', tenant_id).where('id', '=', id)

export const findTransfer = (tx: Tx, place: Place): Promise<TransferRow | undefined> =>
  byPlace(tx, place).executeTakeFirst() as Promise<TransferRow | undefined>

/** Nobody else moves it before this transaction ends. */
export const lockTransfer = (tx: Tx, place: Place): Promise<TransferRow | undefined> =>
  byPlace(tx, place).forNoKeyUpdate().executeTakeFirst() as Promise<TransferRow | undefined>

/** Where it goes, sealed. */
export async function findDestination(tx: Tx, { tenant_id, id }: Place): Promise<Buffer | null> {
  const row = await tx
    .selectFrom('transfer')
    .select('destination')
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()
  return row?.destination ?? null
}

/** For how long it waits to be sent, however often it was on its way meanwhile. */
export async function pendingFor(tx: Tx, { tenant_id, id }: Place): Promise<number> {
  const { rows } = await sql<{ seconds: number }>`
    select extract(epoch from now() - min(at))::float8 as seconds from transfer_move
     where tenant_id = ${tenant_id} and transfer_id = ${id} and status = 'pending'`.execute(tx)
  return rows[0]?.seconds ?? 0
}

type Before = Pick<TransferRow, 'status' | 'version'>
type Also = { approver?: string; sent?: { at: Date; account: Buffer } }

/**
 * Moves a transfer on from the state it was judged by, and no other, and writes down what moved it. False where it has
 * moved meanwhile. One that is pending was not sent; one that was told as failed nobody lets go any more, since another may
 * have been asked for in its place.
 */
export async function moveTransfer(
  tx: Tx,
  { tenant_id, id }: Place,
  before: Before,
  after: Standing,
  { cause, cause_id }: Cause,
  { approver, sent }: Also = {},
): Promise<boolean> {
  const { status, vendor_id, vendor_word, receipt, end_to_end_id, returned } = after
  const failure = after.failure && JSON.stringify(after.failure)
  const { rows } = await sql`
    with moved as (
      update transfer
         set status = ${status}, vendor_id = ${vendor_id}, vendor_word = ${vendor_word}, receipt = ${receipt},
             end_to_end_id = ${end_to_end_id}, returned = ${String(returned)}::bigint, failure = ${failure}::jsonb,
             version = version + 1, updated_at = now(), approver = coalesce(${approver ?? null}::text, approver),
             sent_at = case when ${status} = 'pending' then null
                            else coalesce(${sent?.at ?? null}::timestamptz, sent_at) end,
             account = case when ${status} = 'pending' then null
                            else coalesce(${sent?.account ?? null}::bytea, account) end,
             cancel_asked = cancel_asked or ${status} = 'failed',
             completed_at = case when ${status} = 'completed' then coalesce(completed_at, now()) else completed_at end
       where tenant_id = ${tenant_id} and id = ${id} and status = ${before.status} and version = ${before.version}
      returning tenant_id, id, version)
    insert into transfer_move (tenant_id, transfer_id, version, status, vendor_word, cause, cause_id)
    select tenant_id, id, version, ${status}::text, ${vendor_word}::text, ${cause}::text, ${cause_id}::text from moved
    returning version`.execute(tx)
  return rows.length > 0
}

/** What goes on with a transfer until nothing is unknown of it. */
export const SETTLE = 'transfers.settle'
export const { relink, enqueueTurn, link } = chainOf('transfer', SETTLE)

/** Nobody lets it go at the bank any more. */
export const noteCancel = (tx: Tx, { tenant_id, id }: Place) =>
  tx
    .updateTable('transfer')
    .set({ cancel_asked: true, updated_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .execute()

/** Why asking cannot find out what became of it; the next move takes it away. */
export const noteWait = (tx: Tx, { tenant_id, id }: Place, why: Refusal) =>
  tx
    .updateTable('transfer')
    .set({ failure: JSON.stringify(why), updated_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('status', '=', 'processing')
    .where('failure', 'is', null)
    .execute()

export type Wanted = {
  status?: Status
  method?: TransferMethod
  connection_id?: string
  vendor_id?: string
  end_to_end_id?: string
}

export function listTransfers(
  tx: Tx,
  tenant_id: string,
  wanted: Wanted,
  limit: number,
  before: string | null,
): Promise<TransferRow[]> {
  return tx
    .selectFrom('transfer')
    .select(TRANSFER)
    .where('tenant_id', '=', tenant_id)
    .$call(newest(wanted, limit, before))
    .execute() as Promise<TransferRow[]>
}

export type MoveRow = { version: number; status: string; vendor_word: string | null; at: Date } & Cause

const MOST_MOVES = 200

export const listMoves = (tx: Tx, { tenant_id, id }: Place): Promise<MoveRow[]> =>
  tx
    .selectFrom('transfer_move')
    .select(['version', 'status', 'vendor_word', 'cause', 'cause_id', 'at'])
    .where('tenant_id', '=', tenant_id)
    .where('transfer_id', '=', id)
    .orderBy('version')
    .limit(MOST_MOVES)
    .execute() as Promise<MoveRow[]>
