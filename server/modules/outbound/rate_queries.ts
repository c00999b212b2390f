import { type Db, hot, seek } from '../../platform/database/database.ts'

/** Every statement on the rates that subscriptions have of their own. */

/** One goes every `gap_ms`, and `burst` of them at once where none went before. */
export type Wanted = { tenant_id: string; subscription_id: string; gap_ms: number; burst: number }

/*
 * Each delivery moves `free_at` on by the gap between two; it may be a burst ahead of now, no further. Locked in the order of
 * their keys, so that workers never wait for each other in a ring, and decided from the locked row.
 */
const TAKE = {
  name: 'rate_take',
  text: `
    with w as materialized (
           select t, s, min(gap) as gap, min(burst) as burst, count(*) as n
             from unnest($1::uuid[], $2::uuid[], $3::float8[], $4::int4[]) r(t, s, gap, burst) group by t, s),
     locked as materialized (
           select q.tenant_id, q.subscription_id, w.n, w.gap, w.burst, greatest(q.free_at, now()) as free_at
             from subscription_rate q join w on ${seek('q.tenant_id', 'w.t')} and q.subscription_id = w.s
            order by w.t, w.s for update of q),
     busy as materialized (select *, extract(epoch from free_at - now())::float8 * 1000 as busy_ms from locked),
     given as materialized (select *, least(n, greatest(0, floor(burst - busy_ms / gap + 0.000001))) as granted from busy),
     moved as (update subscription_rate q set free_at = g.free_at + g.granted * g.gap * interval '1 ms' from given g
                where ${seek('q.tenant_id', 'g.tenant_id')} and q.subscription_id = g.subscription_id)
    select subscription_id, granted::int, (busy_ms + (granted - burst + 1) * gap)::float8 as wait_ms from given`,
}

const MAKE = {
  name: 'rate_make',
  text: `
    insert into subscription_rate (tenant_id, subscription_id, free_at)
    select distinct t, s, now() from unnest($1::uuid[], $2::uuid[]) r(t, s) order by 1, 2 on conflict do nothing`,
}

type Given = { subscription_id: string; granted: number; wait_ms: number }

/** Of each delivery in how many milliseconds it may go, 0 for now; in the order asked. */
export async function takeOf(db: Db, wanted: Wanted[]): Promise<number[]> {
  let rows = await hot<Given>(db, TAKE, valuesOf(wanted))
  const known = new Set(rows.map((row) => row.subscription_id))
  const missing = wanted.filter((one) => !known.has(one.subscription_id))
  if (missing.length > 0) {
    await hot(db, MAKE, valuesOf(missing).slice(0, 2))
    rows = [...rows, ...(await hot<Given>(db, TAKE, valuesOf(missing)))]
  }
  const left = new Map(rows.map((row) => [row.subscription_id, { ...row }]))
  return wanted.map(({ subscription_id, gap_ms }) => {
    const given = left.get(subscription_id)
    if (!given || given.granted <= 0) return Math.max(1, Math.ceil(given?.wait_ms ?? gap_ms))
    given.granted -= 1
    return 0
  })
}

const valuesOf = (wanted: Wanted[]): unknown[] => [
  wanted.map((one) => one.tenant_id),
  wanted.map((one) => one.subscription_id),
  wanted.map((one) => one.gap_ms),
  wanted.map((one) => one.burst),
]
