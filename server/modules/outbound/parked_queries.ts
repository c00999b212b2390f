import { sql } from 'kysely'
import type { Db, Tx } from '../../platform/database/database.ts'

/** Every statement on lanes that stand still until somebody decides about their heads. */

export type LaneRow = {
  key: string
  pending: number
  attempts: number
  parked: boolean
  delivery_id: string
}

/** Lanes whose head is parked, by key. */
export async function listParked(
  tx: Tx,
  tenant_id: string,
  subscription_id: string,
  limit: number,
): Promise<LaneRow[]> {
  const { rows } = await sql<LaneRow>`
    select l.key, l.pending, l.attempts, l.parked, h.delivery_id
      from delivery_lane l cross join lateral (
        select delivery_id from delivery_line q where (q.tenant_id, q.subscription_id, q.key) = (l.tenant_id, l.subscription_id, l.key)
         order by seq limit 1) h
     where l.tenant_id = ${tenant_id} and l.subscription_id = ${subscription_id} and l.parked order by l.key limit ${limit}`.execute(
    tx,
  )
  return rows
}

/** Lets a parked lane go on with its head as if it were new, but for what was told of it; false where no such lane is parked. */
export async function resumeLane(
  tx: Tx,
  tenant_id: string,
  subscription_id: string,
  key: string,
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update delivery_lane set parked = false, due = now(), attempts = 0, cuts = 0, told = true
     where tenant_id = ${tenant_id} and subscription_id = ${subscription_id} and key = ${key} and parked and claim is null`.execute(
    tx,
  )
  return (numAffectedRows ?? 0n) > 0n
}

/** Ends the head of a parked lane as a dead letter and lets the rest go on; the delivery's id, null where none is parked. */
export async function skipHead(
  tx: Tx,
  tenant_id: string,
  subscription_id: string,
  key: string,
): Promise<string | null> {
  const { rows } = await sql<{ delivery_id: string }>`
    with l as materialized (
           select * from delivery_lane where tenant_id = ${tenant_id} and subscription_id = ${subscription_id} and key = ${key}
              and parked and claim is null for update),
         head as materialized (
           select q.* from l cross join lateral (select * from delivery_line q
            where (q.tenant_id, q.subscription_id, q.key) = (l.tenant_id, l.subscription_id, l.key) order by seq limit 1) q),
         kept as (update delivery_lane x set parked = false, due = now(), attempts = 0, cuts = 0, told = false, pending = x.pending - 1, through = head.seq from l, head
                   where (x.tenant_id, x.subscription_id, x.key) = (l.tenant_id, l.subscription_id, l.key) and l.pending > 1),
         gone as (delete from delivery_lane x using l
                   where (x.tenant_id, x.subscription_id, x.key) = (l.tenant_id, l.subscription_id, l.key) and l.pending = 1),
         out as (delete from delivery_line q using head h where (q.tenant_id, q.subscription_id, q.key, q.seq) = (h.tenant_id, h.subscription_id, h.key, h.seq))
    update delivery d set state = 'failed', next_at = null, closed_at = now() from head h
     where d.tenant_id = h.tenant_id and d.id = h.delivery_id returning d.id as delivery_id`.execute(tx)
  return rows[0]?.delivery_id ?? null
}

/** A lane that nobody can decide about: its subscription is disabled or gone. */
const FOR_NOBODY = sql`parked and claim is null and not exists (
  select from subscription s where s.tenant_id = l.tenant_id and s.id = l.subscription_id and s.state in ('enabled', 'paused'))`

/** Part of a question. */
export const ANY_PARKED_FOR_NOBODY = sql<boolean>`exists (select from delivery_lane l where ${FOR_NOBODY})`

/** Of all tenants, for the owner: the subscriptions of such lanes. */
export async function listParkedForNobody(
  owner: Db,
): Promise<{ tenant_id: string; subscription_id: string }[]> {
  const { rows } = await sql<{ tenant_id: string; subscription_id: string }>`
    select distinct tenant_id, subscription_id from delivery_lane l where ${FOR_NOBODY}`.execute(owner)
  return rows
}
