import { sql } from 'kysely'
import type { Merchant, Verification } from '../../kit/card_news.ts'
import { type Db, newest, type Tx } from '../../platform/database/database.ts'
import type { Spent } from './limits.ts'
import type { Place } from './queries.ts'

/** Every statement on authorizations. */

export type AuthorizationStatus = 'asked' | 'pending' | 'declined' | 'closed' | 'reversed' | 'expired'

export type AuthorizationRow = {
  id: string
  card_id: string
  connection_id: string
  vendor_id: string
  status: AuthorizationStatus
  amount: string
  captured: string
  refunded: string
  currency: string
  merchant_amount: string | null
  merchant_currency: string | null
  merchant: Merchant
  category: string | null
  method: string | null
  wallet: string | null
  verification: Verification
  requests: number
  vendor_reason: string | null
  confirmed: boolean
  made_at: Date
  told_at: Date
  version: number
  updated_at: Date
}

export const AUTHORIZATION = [
  'id',
  'card_id',
  'connection_id',
  'vendor_id',
  'status',
  'amount',
  'captured',
  'refunded',
  'currency',
  'merchant_amount',
  'merchant_currency',
  'merchant',
  'category',
  'method',
  'wallet',
  'verification',
  'requests',
  'vendor_reason',
  'confirmed',
  'made_at',
  'told_at',
  'version',
  'updated_at',
] as const

type Columns = Omit<
  AuthorizationRow,
  'merchant' | 'verification' | 'captured' | 'refunded' | 'version' | 'updated_at'
>
export type NewAuthorization = Columns & { tenant_id: string; merchant: string; verification: string }

export const insertAuthorization = (tx: Tx, row: NewAuthorization): Promise<AuthorizationRow> =>
  tx
    .insertInto('card_authorization')
    .values(row)
    .returning(AUTHORIZATION)
    .executeTakeFirstOrThrow() as Promise<AuthorizationRow>

const select = (tx: Tx, tenant_id: string) =>
  tx.selectFrom('card_authorization').select(AUTHORIZATION).where('tenant_id', '=', tenant_id)

export const findAuthorization = (tx: Tx, { tenant_id, id }: Place): Promise<AuthorizationRow | undefined> =>
  select(tx, tenant_id).where('id', '=', id).executeTakeFirst() as Promise<AuthorizationRow | undefined>

/** By the vendor's id, on a card whose lock the caller holds. */
export const findByVendor = (
  tx: Tx,
  tenant_id: string,
  connection_id: string,
  vendor_id: string,
): Promise<AuthorizationRow | undefined> =>
  select(tx, tenant_id)
    .where('vendor_id', '=', vendor_id)
    .where('connection_id', '=', connection_id)
    .executeTakeFirst() as Promise<AuthorizationRow | undefined>

export type Change = Partial<
  Pick<
    AuthorizationRow,
    'status' | 'amount' | 'captured' | 'refunded' | 'requests' | 'vendor_reason' | 'confirmed' | 'told_at'
  >
>

/** From the version it was judged by, and no other. */
export async function changeAuthorization(
  tx: Tx,
  { tenant_id, id }: Place,
  version: number,
  change: Change,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('card_authorization')
    .set({ ...change, version: sql`version + 1`, updated_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('version', '=', version)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** No sooner than `first` after it was changed or asked for, then after a quarter of its age, and `last` at most. */
const due = (first: string, last: string) => sql`
  updated_at < now() - ${first}::interval
  and (updated_at < now() - ${last}::interval or id >= v7_floor(updated_at - (now() - updated_at) * 4))`

/** Whether there is any whose end is not known, be it time to ask for it or not. */
export const ANY_UNENDED = sql<boolean>`exists (select from card_authorization where status in ('asked', 'pending'))`

/**
 * Of all tenants, those whose end is not known though it is time: answered and not told of since, or held for more than
 * a day. No more than `share` of each kind of one tenant; who waited longest in each tenant comes before all seconds.
 */
export async function listUnended(db: Db, limit: number, share: number): Promise<Place[]> {
  const { rows } = await sql<Place>`
    with recursive issuer as (
      (select tenant_id from card_authorization where status in ('asked', 'pending') order by tenant_id limit 1)
      union all
      select (select tenant_id from card_authorization
               where status in ('asked', 'pending') and tenant_id > i.tenant_id order by tenant_id limit 1)
        from issuer i where i.tenant_id is not null)
    select d.tenant_id, d.id from issuer i cross join lateral (
      select tenant_id, id, updated_at, row_number() over (order by updated_at) as place from (
        (select tenant_id, id, updated_at from card_authorization
          where tenant_id = i.tenant_id and status = 'asked' and ${due('2 minutes', '1 day')}
          order by updated_at limit ${share})
        union all
        (select tenant_id, id, updated_at from card_authorization
          where tenant_id = i.tenant_id and status = 'pending' and ${due('1 day', '7 days')}
          order by updated_at limit ${share})) of_tenant) d
     order by d.place, d.updated_at limit ${limit}`.execute(db)
  return rows
}

export const touchUnended = (tx: Tx, { tenant_id, id }: Place) =>
  tx
    .updateTable('card_authorization')
    .set({ updated_at: sql`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('status', 'in', ['asked', 'pending'])
    .execute()

/** What an authorization counts for: what is held while it is, and what was taken after. */
const COUNTS = sql<string>`
  case when status in ('asked', 'pending') then greatest(amount, captured) else captured end`

type Times = { daily: Date; weekly: Date; monthly: Date; yearly: Date }

/** What was spent on a card `since` then, with what was taken without asking. */
export async function sumSpent(
  tx: Tx,
  { tenant_id, id }: Place,
  since: Date | null,
  { daily, weekly, monthly, yearly }: Times,
): Promise<Spent[]> {
  const from = since === null ? sql`` : sql`and id >= v7_floor(${since})`
  const within = (start: Date) => sql`coalesce(sum(amount) filter (where id >= v7_floor(${start})), 0)::text`
  const { rows } = await sql<Record<keyof Spent, string | null>>`
    with spent as (
      select id, category, ${COUNTS} as amount from card_authorization
       where tenant_id = ${tenant_id} and card_id = ${id} ${from}
      union all
      select id, category, amount from card_transaction
       where tenant_id = ${tenant_id} and card_id = ${id} and authorization_id is null and kind = 'capture' ${from})
    select category, ${within(daily)} as daily, ${within(weekly)} as weekly, ${within(monthly)} as monthly,
           ${within(yearly)} as yearly, coalesce(sum(amount), 0)::text as all_time
      from spent group by category`.execute(tx)
  const units = (text: string | null) => BigInt(text ?? '0')
  return rows.map((row) => ({
    category: row.category,
    daily: units(row.daily),
    weekly: units(row.weekly),
    monthly: units(row.monthly),
    yearly: units(row.yearly),
    all_time: units(row.all_time),
  }))
}

export type WantedAuthorizations = { card_id?: string; status?: AuthorizationStatus; vendor_id?: string }

export function listAuthorizations(
  tx: Tx,
  tenant_id: string,
  wanted: WantedAuthorizations,
  limit: number,
  before: string | null,
): Promise<AuthorizationRow[]> {
  return select(tx, tenant_id)
    .$call(newest(wanted, limit, before))
    .execute() as Promise<AuthorizationRow[]>
}
