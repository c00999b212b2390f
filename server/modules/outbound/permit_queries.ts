import { type Db, hot, int4s, seek, uuids } from '../../platform/database/database.ts'

/** Every statement on permits: who has how many deliveries of a subscription under way, where it bounds them. */

/** How long permits hold without a sign of life; those of a killed process are free after this. */
export const PERMIT_LEASE_MS = 10_000

/** How many this process wants to hold of a subscription in all, and how many all processes may. */
export type Claimed = { tenant_id: string; subscription_id: string; count: number; most: number }

/*
 * Sets how many a process holds: as many as it wants and the others leave. Locked in the order of their keys, so that
 * workers never wait for each other in a ring, and decided from the locked row. `now()` is from before the lock: another's
 * lease may seem to last longer than it does, never shorter.
 */
const HOLD = {
  name: 'permit_hold',
  text: `
    with w as materialized (select * from unnest($2::uuid[], $3::uuid[], $4::int4[], $5::int4[]) w(t, s, n, most)),
     locked as materialized (
           select q.tenant_id, q.subscription_id, q.holders, w.n, w.most from subscription_permit q join w on ${seek('q.tenant_id', 'w.t')} and q.subscription_id = w.s
            order by w.t, w.s for update of q),
     given as materialized (
           select l.tenant_id, l.subscription_id, o.others, greatest(0, least(l.n, l.most - o.taken)) as granted
             from locked l cross join lateral (
               select coalesce(jsonb_object_agg(h.key, h.value), '{}') as others, coalesce(sum((h.value->>'count')::int4), 0)::int4 as taken
                 from jsonb_each(l.holders) h where h.key <> $1 and (h.value->>'until')::timestamptz > now()) o),
     moved as (
           update subscription_permit q
              set holders = g.others || case when g.granted = 0 then '{}' else
                    jsonb_build_object($1::text, jsonb_build_object('count', g.granted, 'until', now() + interval '${PERMIT_LEASE_MS} ms')) end
             from given g where ${seek('q.tenant_id', 'g.tenant_id')} and q.subscription_id = g.subscription_id)
    select subscription_id, granted from given`,
}

const MAKE = {
  name: 'permit_make',
  text: `
    insert into subscription_permit (tenant_id, subscription_id)
    select distinct t, s from unnest($1::uuid[], $2::uuid[]) r(t, s) order by 1, 2 on conflict do nothing`,
}

const keysOf = (of: Claimed[]) => [
  uuids(of.map((one) => one.tenant_id)),
  uuids(of.map((one) => one.subscription_id)),
]

async function hold(db: Db, holder: string, wanted: Claimed[], known: Map<string, number>): Promise<void> {
  const counts = [int4s(wanted.map(({ count }) => count)), int4s(wanted.map(({ most }) => most))]
  const values = [holder, ...keysOf(wanted), ...counts]
  const rows = await hot<{ subscription_id: string; granted: number }>(db, HOLD, values)
  for (const { subscription_id, granted } of rows) known.set(subscription_id, granted)
}

/** How many the process holds now of each, in the order asked. */
export async function holdPermits(db: Db, holder: string, wanted: Claimed[]): Promise<number[]> {
  const held = new Map<string, number>()
  await hold(db, holder, wanted, held)
  const missing = wanted.filter((one) => !held.has(one.subscription_id) && one.count > 0)
  if (missing.length > 0) {
    await hot(db, MAKE, keysOf(missing))
    await hold(db, holder, missing, held)
  }
  return wanted.map(({ subscription_id }) => held.get(subscription_id) ?? 0)
}
