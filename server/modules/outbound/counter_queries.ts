import { sql } from 'kysely'
import type { Db, Tx } from '../../platform/database/database.ts'

/** What the attempts of a subscription came to. They are counted by the statement that writes them, in a row each minute. */
export type CounterRow = {
  attempts: string
  delivered: string
  failed: string
  last_attempt_at: Date | null
  last_delivered_at: Date | null
}

export async function readCounterRow(tx: Tx, tenant_id: string, id: string): Promise<CounterRow | undefined> {
  const { rows } = await sql<CounterRow>`
    select coalesce(sum(attempts), 0)::text as attempts, coalesce(sum(delivered), 0)::text as delivered, coalesce(sum(failed), 0)::text as failed,
           max(last_attempt_at) as last_attempt_at, max(last_delivered_at) as last_delivered_at
      from subscription_counter where tenant_id = ${tenant_id} and subscription_id = ${id}`.execute(tx)
  return rows[0]
}

/** Nobody counts in a minute so long past, whatever their clocks say. */
const PAST = sql`minute > '-infinity' and minute < now() - interval '1 hour'`

export const ANY_COUNTED_LONG_AGO = sql<boolean>`exists (select from subscription_counter where ${PAST})`

/** Of all tenants, for the owner: adds at most `most` minutes to what is past. Returns how many they were. */
export async function addUpCounters(owner: Db, most: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    with past as (
      delete from subscription_counter
       where ctid = any (array(select ctid from subscription_counter where ${PAST} limit ${most} for update skip locked))
      returning *),
     added as (
      insert into subscription_counter as k (tenant_id, subscription_id, minute, attempts, delivered, failed, last_attempt_at, last_delivered_at)
      select tenant_id, subscription_id, '-infinity', sum(attempts), sum(delivered), sum(failed), max(last_attempt_at), max(last_delivered_at)
        from past group by tenant_id, subscription_id order by tenant_id, subscription_id
      on conflict (tenant_id, subscription_id, minute) do update set
        attempts = k.attempts + excluded.attempts, delivered = k.delivered + excluded.delivered, failed = k.failed + excluded.failed,
        last_attempt_at = greatest(k.last_attempt_at, excluded.last_attempt_at),
        last_delivered_at = greatest(k.last_delivered_at, excluded.last_delivered_at))
    select count(*)::int as count from past`.execute(owner)
  return rows[0]?.count ?? 0
}
