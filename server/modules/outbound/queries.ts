import { sql } from 'kysely'
import { type Db, newest, type Tx } from '../../platform/database/database.ts'
import type { Ordering } from './order.ts'
import type { ShownReceiverAuth } from './receiver_auth.ts'
import type { PreviousSecret } from './secret_queries.ts'

/** Every statement on subscriptions and on how their receivers are doing. */

export type SubscriptionRow = {
  id: string
  /** Of the tenant, whose it is; it does not change. */
  customer: string | null
  name: string
  description: string | null
  metadata: Record<string, string>
  url: string
  event_types: string[]
  /** JSON text. */
  filter: string | null
  header_names: string[]
  auth: ShownReceiverAuth | null
  timeout_ms: number | null
  retry_schedule_s: number[] | null
  disable_after_hours: number | null
  ordering: Ordering | null
  max_concurrency: number | null
  expire_after_s: number | null
  rate_count: number | null
  rate_per_s: number | null
  content_type: 'json' | 'form'
  /** JSON text of a `PayloadShape`. */
  payload: string | null
  weight: number
  /** Who made it, on the wire; null of those made before that was written down. */
  created_by: string | null
  state: 'enabled' | 'paused' | 'disabled'
  state_note: string | null
  previous_secret_until: Date | null
  created_at: Date
  updated_at: Date
}

const SUBSCRIPTION = [
  'id',
  'customer',
  'name',
  'description',
  'metadata',
  'url',
  'event_types',
  'filter',
  'header_names',
  'auth',
  'timeout_ms',
  'retry_schedule_s',
  'disable_after_hours',
  'ordering',
  'max_concurrency',
  'expire_after_s',
  'rate_count',
  'rate_per_s',
  'content_type',
  'payload',
  'weight',
  'created_by',
  'state',
  'state_note',
  'previous_secret_until',
  'created_at',
  'updated_at',
] as const

/** What may be set; what is absent stays as it is. `metadata`, `auth`, `ordering` and `previous_secrets` are JSON text. */
export type SubscriptionChange = Partial<
  Omit<SubscriptionRow, 'id' | 'created_at' | 'updated_at' | 'metadata' | 'auth' | 'ordering'> & {
    metadata: string
    auth: string | null
    ordering: string | null
    previous_secrets: string
  }
>

/** Until the end of the transaction: of two who count and then add one the second counts the first's. */
export async function lockSubscriptions(tx: Tx, tenant_id: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`subscriptions ${tenant_id}`}, 0))`.execute(tx)
}

/** How many a tenant has, or one of its customers. */
export async function countSubscriptions(
  tx: Tx,
  tenant_id: string,
  customer: string | null = null,
): Promise<number> {
  const { count } = await tx
    .selectFrom('subscription')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('tenant_id', '=', tenant_id)
    .$if(customer !== null, (query) => query.where('customer', '=', customer))
    .executeTakeFirstOrThrow()
  return Number(count)
}

export async function insertSubscription(
  tx: Tx,
  row: SubscriptionChange & {
    tenant_id: string
    id: string
    name: string
    url: string
    event_types: string[]
  },
): Promise<void> {
  await tx.insertInto('subscription').values(row).execute()
}

export const listNames = (tx: Tx, tenant_id: string, ids: readonly string[]) =>
  tx
    .selectFrom('subscription')
    .select(['id', 'name'])
    .where('tenant_id', '=', tenant_id)
    .where('id', 'in', ids)
    .execute()

const subscriptionOf = (tx: Tx, tenant_id: string, id: string) =>
  tx
    .selectFrom('subscription')
    .select(SUBSCRIPTION)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .$narrowType<Json>()

type Found = Promise<SubscriptionRow | undefined>

export const findSubscription = (tx: Tx, tenant_id: string, id: string): Found =>
  subscriptionOf(tx, tenant_id, id).executeTakeFirst()

/** Nobody else changes it until the transaction ends. */
export const lockSubscription = (tx: Tx, tenant_id: string, id: string): Found =>
  subscriptionOf(tx, tenant_id, id).forNoKeyUpdate().executeTakeFirst()

/** Whether a subscription is a customer's. */
export async function isOfCustomer(
  tx: Tx,
  tenant_id: string,
  customer: string,
  id: string,
): Promise<boolean> {
  const row = await tx
    .selectFrom('subscription')
    .select('id')
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('customer', '=', customer)
    .executeTakeFirst()
  return row !== undefined
}

/** What is kept as JSON comes back as what was put in. */
type Json = Pick<SubscriptionRow, 'metadata' | 'auth' | 'ordering' | 'content_type'>

export const listSubscriptions = (
  tx: Tx,
  tenant_id: string,
  customer: string | null,
  limit: number,
  before: string | null,
): Promise<SubscriptionRow[]> =>
  tx
    .selectFrom('subscription')
    .select(SUBSCRIPTION)
    .where('tenant_id', '=', tenant_id)
    .$call(newest({ customer }, limit, before))
    .$narrowType<Json>()
    .execute()

export type ActiveRow = SubscriptionRow & { previous_secrets: PreviousSecret[] }

/** First in its transaction, all of which then reads one moment: the new credentials of an address are not shown to the old one. */
export const readAsOfNow = (tx: Tx): Promise<unknown> =>
  sql`set transaction isolation level repeatable read`.execute(tx)

/** The enabled and the paused. */
export const listActiveSubscriptions = (tx: Tx, tenant_id: string): Promise<ActiveRow[]> =>
  tx
    .selectFrom('subscription')
    .select([...SUBSCRIPTION, 'previous_secrets'])
    .where('tenant_id', '=', tenant_id)
    .where('state', '<>', 'disabled')
    .$narrowType<Json & { previous_secrets: PreviousSecret[] }>()
    .execute()

export const updateSubscription = (
  tx: Tx,
  tenant_id: string,
  id: string,
  change: SubscriptionChange,
): Promise<SubscriptionRow | undefined> =>
  tx
    .updateTable('subscription')
    .set({ ...change, updated_at: new Date() })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .returning(SUBSCRIPTION)
    .$narrowType<Json>()
    .executeTakeFirst()

/** False where it was disabled already, or is gone. */
export async function disableSubscription(
  tx: Tx,
  tenant_id: string,
  id: string,
  note: string,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('subscription')
    .set({ state: 'disabled', state_note: note, updated_at: new Date() })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '<>', 'disabled')
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

/** What went before counts nothing: another rate begins now. */
export const forgetRate = (tx: Tx, tenant_id: string, id: string): Promise<unknown> =>
  tx
    .deleteFrom('subscription_rate')
    .where('tenant_id', '=', tenant_id)
    .where('subscription_id', '=', id)
    .execute()

/** With what is kept beside it. */
export async function deleteSubscription(tx: Tx, tenant_id: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('subscription')
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  for (const table of ['subscription_counter', 'subscription_rate', 'subscription_permit'] as const) {
    await tx.deleteFrom(table).where('tenant_id', '=', tenant_id).where('subscription_id', '=', id).execute()
  }
  return numDeletedRows > 0n
}

export type Subscribed = { tenant_id: string; subscription_id: string }

export type Failing = Subscribed & {
  since: Date
  failures: number
  /** Warnings given. */
  warned: number
  is_new: boolean
}

/** Adds failed attempts to what their subscriptions have; sorted, so that workers never wait for each other in a ring. */
export async function countFailures(tx: Tx, attempts: Subscribed[]): Promise<Failing[]> {
  const { rows } = await sql<Failing>`
    insert into subscription_failing (tenant_id, subscription_id, failures)
    select t, s, count(*) from unnest(${attempts.map((one) => one.tenant_id)}::uuid[],
                                      ${attempts.map((one) => one.subscription_id)}::uuid[]) r(t, s)
     group by t, s order by t, s
    on conflict (tenant_id, subscription_id) do update set failures = subscription_failing.failures + excluded.failures
    returning tenant_id, subscription_id, since, failures, warned, xmax = 0 as is_new`.execute(tx)
  return rows
}

/** False where it was noted before, or the subscription delivers again. */
export async function noteWarning(
  tx: Tx,
  tenant_id: string,
  subscription_id: string,
  nth: number,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('subscription_failing')
    .set({ warned: nth })
    .where('tenant_id', '=', tenant_id)
    .where('subscription_id', '=', subscription_id)
    .where('warned', '<', nth)
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

export const listFailing = (db: Db, tenant_id: string): Promise<{ subscription_id: string }[]> =>
  db.selectFrom('subscription_failing').select('subscription_id').where('tenant_id', '=', tenant_id).execute()

/** One success forgives what came before it. */
export async function forgiveFailures(tx: Tx, tenant_id: string, subscription_id: string): Promise<void> {
  await tx
    .deleteFrom('subscription_failing')
    .where('tenant_id', '=', tenant_id)
    .where('subscription_id', '=', subscription_id)
    .execute()
}
