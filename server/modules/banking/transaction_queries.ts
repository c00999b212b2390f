import { sql } from 'kysely'
import { int4s, type Tx, texts, uuids } from '../../platform/database/database.ts'
import type { Content, Known } from './reconcile.ts'

/** Every statement that writes transactions, and what is read before. Many rows at a time, under the fence of a sync. */

export type AccountPlace = { tenant_id: string; account_id: string }

/** Text and numbers as they are compared: see `Content`. */
const KNOWN = sql`
  t.id, t.vendor_id, t.ordinal, t.status, t.amount::text as amount, t.currency, t.exact, t.kind, t.description,
  to_char(t.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at, t.day::text as day, t.is_final,
  t.vendor_category, t.counterparty::text as counterparty, t.removed_at is not null as removed`

/** Those of the days from `from` to `to`. */
export async function listKnown(
  tx: Tx,
  { tenant_id, account_id }: AccountPlace,
  { from, to }: { from: string; to: string },
): Promise<Known[]> {
  // A day begins where it does in São Paulo; two hours are left for the times when clocks were changed there.
  const { rows } = await sql<Known>`
    select ${KNOWN} from bank_transaction t
     where t.tenant_id = ${tenant_id} and t.account_id = ${account_id}
       and t.at >= (${from}::date - 1)::timestamptz and t.at < (${to}::date + 3)::timestamptz
       and t.day between ${from}::date and ${to}::date`.execute(tx)
  return rows.map(toKnown)
}

/** Those the bank calls so, whatever day they are of. */
export async function listNamed(
  tx: Tx,
  { tenant_id, account_id }: AccountPlace,
  vendor_ids: readonly string[],
): Promise<Known[]> {
  if (vendor_ids.length === 0) return []
  const { rows } = await sql<Known>`
    select t.* from unnest(${texts(vendor_ids)}::text[]) r(v)
     cross join lateral (select ${KNOWN} from bank_transaction t
       where t.tenant_id = ${tenant_id} and t.account_id = ${account_id} and t.vendor_id = r.v offset 0) t`.execute(
    tx,
  )
  return rows.map(toKnown)
}

/** PostgreSQL keeps the members of JSON in an order of its own. */
function toKnown(row: Known): Known {
  if (row.counterparty === null) return row
  const { name, document, bank_code, branch, number } = JSON.parse(row.counterparty) as Record<string, string>
  return { ...row, counterparty: JSON.stringify({ name, document, bank_code, branch, number }) }
}

export type Owner = AccountPlace & { bank_id: string; user_id: string }

const AT_ONCE = 5_000

function* slices<Item>(items: readonly Item[]): Iterable<readonly Item[]> {
  for (let from = 0; from < items.length; from += AT_ONCE) yield items.slice(from, from + AT_ONCE)
}

/** What is there already stays as it is. COPY would be refused under row-level security. */
export async function insertTransactions(
  tx: Tx,
  { tenant_id, bank_id, account_id, user_id }: Owner,
  rows: readonly { id: string; content: Content }[],
): Promise<void> {
  for (const part of slices(rows)) {
    await sql`
      insert into bank_transaction (tenant_id, bank_id, account_id, user_id, id, vendor_id, ordinal, status, amount,
        currency, exact, kind, description, at, day, is_final, vendor_category, counterparty)
      select ${tenant_id}::uuid, ${bank_id}::uuid, ${account_id}::uuid, ${user_id}::text, r.*
        from unnest(${columnsOf(part)}) r
      on conflict (tenant_id, account_id, vendor_id, ordinal) do nothing`.execute(tx)
  }
}

/** Under the ids and the categories they have. What was removed is there again. */
export async function updateTransactions(
  tx: Tx,
  { tenant_id }: AccountPlace,
  rows: readonly { id: string; content: Content }[],
): Promise<void> {
  for (const part of slices(rows)) {
    await sql`
      update bank_transaction t
         set vendor_id = r.vendor_id, ordinal = r.ordinal, status = r.status, amount = r.amount, currency = r.currency,
             exact = r.exact, kind = r.kind, description = r.description, at = r.at, day = r.day, is_final = r.is_final,
             vendor_category = r.vendor_category, counterparty = r.counterparty, removed_at = null, updated_at = now()
        from unnest(${columnsOf(part)})
          r(id, vendor_id, ordinal, status, amount, currency, exact, kind, description, at, day, is_final, vendor_category, counterparty)
       where t.tenant_id = ${tenant_id} and t.id = r.id`.execute(tx)
  }
}

function columnsOf(rows: readonly { id: string; content: Content }[]) {
  const text = (read: (content: Content) => string | null) => texts(rows.map(({ content }) => read(content)))
  return sql`${uuids(rows.map(({ id }) => id))}::uuid[], ${text((row) => row.vendor_id)}::text[],
    ${int4s(rows.map(({ content }) => content.ordinal))}::int4[], ${text((row) => row.status)}::text[],
    ${text((row) => row.amount)}::text[]::bigint[], ${text((row) => row.currency)}::text[], ${text((row) => row.exact)}::text[],
    ${text((row) => row.kind)}::text[], ${text((row) => row.description)}::text[], ${text((row) => row.at)}::text[]::timestamptz[],
    ${text((row) => row.day)}::text[]::date[], ${rows.map(({ content }) => content.is_final)}::bool[],
    ${text((row) => row.vendor_category)}::text[], ${text((row) => row.counterparty)}::text[]::jsonb[]`
}

export async function removeTransactions(
  tx: Tx,
  { tenant_id }: AccountPlace,
  ids: readonly string[],
): Promise<void> {
  for (const part of slices(ids)) {
    await sql`
      update bank_transaction t set removed_at = now(), updated_at = now() from unnest(${uuids(part)}::uuid[]) r(id)
       where t.tenant_id = ${tenant_id} and t.id = r.id`.execute(tx)
  }
}

/** What the transactions that happened come to, in minor units. */
export async function sumBooked(
  tx: Tx,
  { tenant_id, account_id }: AccountPlace,
  currency: string,
): Promise<bigint> {
  const { rows } = await sql<{ sum: string }>`
    select coalesce(sum(amount), 0)::text as sum from bank_transaction
     where tenant_id = ${tenant_id} and account_id = ${account_id} and status = 'booked' and currency = ${currency}
       and removed_at is null`.execute(tx)
  return BigInt(rows[0]?.sum ?? 0)
}
