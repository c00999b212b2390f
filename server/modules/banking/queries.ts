import { sql } from 'kysely'
import { newest, type Tx } from '../../platform/database/database.ts'
import type { Environment } from '../connections/connections.ts'

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
  /** By what the provider's news names the log-in it is read by. */
  login_id: string | null
  /** Since when there is news that no sync has begun for. */
  news_at: Date | null
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
  'login_id',
  'news_at',
  'created_at',
  'updated_at',
  'deleted_at',
] as const

/** Until this transaction ends no other of the room does what goes by the same name. */
export async function takeTurn(tx: Tx, tenant_id: string, name: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`banking ${tenant_id} ${name}`}, 0))`.execute(tx)
}

/** For who does not see the end of this transaction: what is told within it goes out with the commit. Dear, and seldom. */
export async function wakeAtCommit(tx: Tx): Promise<void> {
  await sql`select pg_notify('trilho_job', 'commit new')`.execute(tx)
}

export type NewBank = Place &
  Pick<
    BankRow,
    'user_id' | 'name' | 'bank_code' | 'provider' | 'connection_id' | 'owns_connection' | 'schedule'
  > & { contract_key: Buffer | null }

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

/** Of what was sent by the contract to connect it. */
export const findByContract = (
  tx: Tx,
  tenant_id: string,
  user_id: string,
  contract_key: Buffer,
): Promise<BankRow | undefined> =>
  tx
    .selectFrom('bank')
    .select(BANK)
    .where('tenant_id', '=', tenant_id)
    .where('user_id', '=', user_id)
    .where('contract_key', '=', contract_key)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()

/** Where its connection stands, or stood when it was removed; null where nobody wrote that down. */
export const findStanding = (
  tx: Tx,
  { tenant_id, id }: Place,
): Promise<{ connection_id: string | null; environment: Environment | null } | undefined> =>
  tx
    .selectFrom('bank')
    .select(['connection_id', 'environment'])
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()

export function listBanks(
  tx: Tx,
  tenant_id: string,
  wanted: Partial<Record<'user_id' | 'connection_id', string | undefined>> & {
    state?: BankState | undefined
  },
  limit: number,
  before: string | null,
): Promise<BankRow[]> {
  return tx
    .selectFrom('bank')
    .select(BANK)
    .where('tenant_id', '=', tenant_id)
    .where('deleted_at', 'is', null)
    .$call(newest(wanted, limit, before))
    .execute()
}

/** All that are read by a log-in of this provider. */
export const listByLogin = (
  tx: Tx,
  tenant_id: string,
  provider: string,
  login_id: string,
): Promise<BankRow[]> =>
  tx
    .selectFrom('bank')
    .select(BANK)
    .where('tenant_id', '=', tenant_id)
    .where('login_id', '=', login_id)
    .where('provider', '=', provider)
    .where('deleted_at', 'is', null)
    .orderBy('id')
    .limit(MOST_BANKS)
    .execute()

/** False where there was news already. */
export async function markNews(tx: Tx, { tenant_id, id }: Place, at: Date): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('bank')
    .set({ news_at: at })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('news_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
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
    environment: Environment
    contract_key: null
    login_id: string
    news_at: null
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
