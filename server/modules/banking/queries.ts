import { sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'

/** Every statement on banks. */

export type Place = { tenant_id: string; id: string }
export type BankState = 'active' | 'inactive' | 'error'

export type BankRow = {
  id: string
  number: number
  user_id: string
  name: string
  bank_code: string
  provider: string
  connection_id: string | null
  owns_connection: boolean
  state: BankState
  reason: string | null
  schedule: string | null
  cursor: string | null
  last_synced_at: Date | null
  created_at: Date
  updated_at: Date
  deleted_at: Date | null
}

const BANK = [
  'id',
  'number',
  'user_id',
  'name',
  'bank_code',
  'provider',
  'connection_id',
  'owns_connection',
  'state',
  'reason',
  'schedule',
  'cursor',
  'last_synced_at',
  'created_at',
  'updated_at',
  'deleted_at',
] as const

/** Until this transaction ends no other of the room does what goes by the same name. */
export async function takeTurn(tx: Tx, tenant_id: string, name: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`banking ${tenant_id} ${name}`}, 0))`.execute(tx)
}

export type NewBank = Place &
  Pick<
    BankRow,
    'user_id' | 'name' | 'bank_code' | 'provider' | 'connection_id' | 'owns_connection' | 'schedule'
  >

/** Under the next number of the tenant; numbers are never given again, since a bank's row stays. */
export async function insertBank(tx: Tx, row: NewBank): Promise<BankRow> {
  await takeTurn(tx, row.tenant_id, 'number')
  const last = await tx
    .selectFrom('bank')
    .select('number')
    .where('tenant_id', '=', row.tenant_id)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  return tx
    .insertInto('bank')
    .values({ ...row, number: (last?.number ?? 0) + 1 })
    .returning(BANK)
    .executeTakeFirstOrThrow()
}

/** Unless it was removed. */
export const findBank = (tx: Tx, { tenant_id, id }: Place): Promise<BankRow | undefined> =>
  tx
    .selectFrom('bank')
    .select(BANK)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()

export const lockBank = (tx: Tx, { tenant_id, id }: Place): Promise<BankRow | undefined> =>
  tx
    .selectFrom('bank')
    .select(BANK)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .forUpdate()
    .executeTakeFirst()

export const findByNumber = (
  tx: Tx,
  tenant_id: string,
  user_id: string,
  number: number,
): Promise<BankRow | undefined> =>
  tx
    .selectFrom('bank')
    .select(BANK)
    .where('tenant_id', '=', tenant_id)
    .where('number', '=', number)
    .where('user_id', '=', user_id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()

export function listBanks(
  tx: Tx,
  tenant_id: string,
  wanted: { user_id?: string | undefined; state?: BankState | undefined },
  limit: number,
  before: string | null,
): Promise<BankRow[]> {
  let query = tx
    .selectFrom('bank')
    .select(BANK)
    .where('tenant_id', '=', tenant_id)
    .where('deleted_at', 'is', null)
  if (wanted.user_id !== undefined) query = query.where('user_id', '=', wanted.user_id)
  if (wanted.state !== undefined) query = query.where('state', '=', wanted.state)
  if (before !== null) query = query.where('id', '<', before)
  return query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}

/** Whether a bank that is there stands on this connection. */
export async function isStoodOn(tx: Tx, { tenant_id, id }: Place): Promise<boolean> {
  const row = await tx
    .selectFrom('bank')
    .select('id')
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', id)
    .where('deleted_at', 'is', null)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** All of one person's, oldest first. */
export const listOwn = (tx: Tx, tenant_id: string, user_id: string): Promise<BankRow[]> =>
  tx
    .selectFrom('bank')
    .select(BANK)
    .where('tenant_id', '=', tenant_id)
    .where('user_id', '=', user_id)
    .where('deleted_at', 'is', null)
    .orderBy('id')
    .limit(MOST_BANKS)
    .execute()

/** Of one person. */
export const MOST_BANKS = 200

export async function countOwn(tx: Tx, tenant_id: string, user_id: string): Promise<number> {
  return (await listOwn(tx, tenant_id, user_id)).length
}

export type BankChange = Partial<
  Pick<BankRow, 'name' | 'state' | 'reason' | 'schedule' | 'cursor' | 'last_synced_at' | 'connection_id'> & {
    deleted_at: Date
  }
>

export const updateBank = (tx: Tx, { tenant_id, id }: Place, change: BankChange): Promise<BankRow> =>
  tx
    .updateTable('bank')
    .set({ ...change, updated_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .returning(BANK)
    .executeTakeFirstOrThrow()

/** Whether a bank of this tenant's is theirs, or was. */
export async function isKnownUser(tx: Tx, tenant_id: string, user_id: string): Promise<boolean> {
  const row = await tx
    .selectFrom('bank')
    .select('id')
    .where('tenant_id', '=', tenant_id)
    .where('user_id', '=', user_id)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}
