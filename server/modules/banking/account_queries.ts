import { sql } from 'kysely'
import type { VendorAccount } from '../../kit/banking.ts'
import type { Tx } from '../../platform/database/database.ts'
import type { Place } from './queries.ts'

/** Every statement on accounts and their balances. Amounts are bigints in the database and text here. */

export type AccountRow = {
  id: string
  bank_id: string
  user_id: string
  vendor_id: string
  kind: VendorAccount['kind']
  name: string | null
  bank_code: string | null
  branch: string | null
  number_masked: string | null
  currency: string
  available: string | null
  current: string | null
  blocked: string | null
  overdraft_limit: string | null
  balance_at: Date | null
  opening: string | null
  drift: string | null
  /** Days. */
  read_to: string | null
  read_on: string | null
  gone_at: Date | null
  updated_at: Date
}

const ACCOUNT = sql.raw(`
  id, bank_id, user_id, vendor_id, kind, name, bank_code, branch, number_masked, currency, available, current, blocked,
  overdraft_limit, balance_at, opening, drift, read_to::text as read_to, read_on::text as read_on, gone_at, updated_at`)

/** A new one under `id`; of one that is known, what the bank says of it now. */
export async function upsertAccount(
  tx: Tx,
  owner: { tenant_id: string; bank_id: string; user_id: string },
  id: string,
  told: VendorAccount,
): Promise<AccountRow> {
  const { tenant_id, bank_id, user_id } = owner
  const { vendor_id, kind, name, bank_code, branch, number_masked, currency } = told
  const { rows } = await sql<AccountRow>`
    insert into bank_account as a (tenant_id, id, bank_id, user_id, vendor_id, kind, name, bank_code, branch, number_masked, currency)
    values (${tenant_id}, ${id}, ${bank_id}, ${user_id}, ${vendor_id}, ${kind}, ${name}, ${bank_code}, ${branch}, ${number_masked}, ${currency})
    on conflict (tenant_id, bank_id, vendor_id) do update
      set kind = excluded.kind, name = excluded.name, bank_code = excluded.bank_code, branch = excluded.branch,
          number_masked = excluded.number_masked, currency = excluded.currency, gone_at = null, updated_at = now()
    returning ${ACCOUNT}`.execute(tx)
  return rows[0] as AccountRow
}

/** Those of a bank that it tells of no more; their transactions stay. */
export async function leaveAccounts(
  tx: Tx,
  { tenant_id, id }: Place,
  kept: readonly string[],
): Promise<void> {
  await sql`
    update bank_account set gone_at = now(), updated_at = now()
     where tenant_id = ${tenant_id} and bank_id = ${id} and gone_at is null and id <> all (${kept}::uuid[])`.execute(
    tx,
  )
}

export async function findAccount(tx: Tx, { tenant_id, id }: Place): Promise<AccountRow | undefined> {
  const { rows } = await sql<AccountRow>`
    select ${ACCOUNT} from bank_account where tenant_id = ${tenant_id} and id = ${id}`.execute(tx)
  return rows[0]
}

/** Of a bank, all of them. */
export async function listAccounts(tx: Tx, { tenant_id, id }: Place): Promise<AccountRow[]> {
  const { rows } = await sql<AccountRow>`
    select ${ACCOUNT} from bank_account where tenant_id = ${tenant_id} and bank_id = ${id} order by id`.execute(
    tx,
  )
  return rows
}

/** Newest first; those of a person or of a bank, where one is named. */
export async function listAccountPage(
  tx: Tx,
  tenant_id: string,
  { user_id, bank_id }: { user_id?: string | undefined; bank_id?: string | undefined },
  limit: number,
  before: string | null,
): Promise<AccountRow[]> {
  const { rows } = await sql<AccountRow>`
    select ${ACCOUNT} from bank_account
     where tenant_id = ${tenant_id}
       ${bank_id === undefined ? sql`` : sql`and bank_id = ${bank_id}`}
       ${user_id === undefined ? sql`` : sql`and user_id = ${user_id}`}
       ${before === null ? sql`` : sql`and id < ${before}`}
     order by id desc limit ${limit + 1}`.execute(tx)
  return rows
}

/** Of a person, over all banks that are there. */
export async function listAccountsOf(
  tx: Tx,
  tenant_id: string,
  user_id: string,
): Promise<(AccountRow & { bank_name: string })[]> {
  const { rows } = await sql<AccountRow & { bank_name: string }>`
    select a.*, b.name as bank_name
      from (select ${ACCOUNT} from bank_account where tenant_id = ${tenant_id} and user_id = ${user_id} and gone_at is null) a
      cross join lateral (select name from bank where tenant_id = ${tenant_id} and id = a.bank_id and deleted_at is null) b
     order by a.id`.execute(tx)
  return rows
}

/** Up to which day its transactions are known, and when they were read. Never back; null leaves it as it is. */
export async function moveRead(
  tx: Tx,
  { tenant_id, id }: Place,
  read: { read_to: string | null; read_on: string | null },
): Promise<void> {
  await sql`
    update bank_account set read_to = greatest(read_to, ${read.read_to}::date),
                            read_on = coalesce(${read.read_on}::date, read_on)
     where tenant_id = ${tenant_id} and id = ${id}`.execute(tx)
}

export type NewBalance = Pick<AccountRow, 'available' | 'current' | 'blocked' | 'overdraft_limit'> & {
  at: Date
  /** What the transactions that happened come to. */
  sum: string
}

/**
 * The first balance says what there was before the first transaction known; what a later one moves by without a
 * transaction is the drift, which it gives.
 */
export async function setBalance(tx: Tx, { tenant_id, id }: Place, balance: NewBalance): Promise<string> {
  const { available, current, blocked, overdraft_limit, at, sum } = balance
  const { rows } = await sql<{ drift: string }>`
    update bank_account
       set available = ${available}, current = ${current}, blocked = ${blocked}, overdraft_limit = ${overdraft_limit},
           balance_at = ${at}, updated_at = now(),
           opening = coalesce(opening, ${current}::bigint - ${sum}::bigint),
           drift = ${current}::bigint - ${sum}::bigint - coalesce(opening, ${current}::bigint - ${sum}::bigint)
     where tenant_id = ${tenant_id} and id = ${id}
    returning drift`.execute(tx)
  return rows[0]?.drift ?? '0'
}
