import { type Db, hot, seek } from '../../platform/database/database.ts'

/** Every statement on the rates that subscriptions have of their own. */

export type Wanted = { tenant_id: string; subscription_id: string; gap_ms: number }

/** What fits into so much time goes at once: a rate is no metronome. */
const BURST_MS = 1_000

/*
 * Each delivery moves `free_at` on by the gap between two; it may be a burst ahead of now, no further. Locked in the order of
 * their keys, so that workers never wait for each other in a ring, and decided from the locked row.
 */
const TAKE = {
  name: 'rate_take',
  text: `
    with w as materialized (
           select t, s, min(gap) as gap, count(*) as n from unnest($1::uuid[], $2::uuid[], $3::float8[]) r(t, s, gap) group by t, s),
     locked as materialized (
           select q.tenant_id, q.subscription_id, w.n, w.gap, greatest(q.free_at, now()) as free_at
             from subscription_rate q join w on ${seek('q.tenant_id', 'w.t')} and q.subscription_id = w.s
            order by w.t, w.s for update of q),
     given as materialized (
           select *, extract(epoch from free_at - now())::float8 * 1000 as busy_ms,
                  least(n, greatest(case when free_at <= now() then 1 else 0 end,
                                    floor((${BURST_MS} - extract(epoch from free_at - now())::float8 * 1000) / gap))) as granted from locked),
     moved as (update subscription_rate q set free_at = g.free_at + g.granted * g.gap * interval '1 ms' from given g
                where ${seek('q.tenant_id', 'g.tenant_id')} and q.subscription_id = g.subscription_id)
    select subscription_id, granted::int, (busy_ms + granted * gap - greatest(0, ${BURST_MS} - gap))::float8 as wait_ms from given`,
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
  const keys = [wanted.map((one) => one.tenant_id), wanted.map((one) => one.subscription_id)]
  const values = [...keys, wanted.map((one) => one.gap_ms)]
  let rows = await hot<Given>(db, TAKE, values)
  const known = new Set(rows.map((row) => row.subscription_id))
  const missing = wanted.filter((one) => !known.has(one.subscription_id))
  if (missing.length > 0) {
    await hot(db, MAKE, [missing.map((one) => one.tenant_id), missing.map((one) => one.subscription_id)])
    const again = missing.map((one) => one.gap_ms)
    const made = [missing.map((one) => one.tenant_id), missing.map((one) => one.subscription_id), again]
    rows = [...rows, ...(await hot<Given>(db, TAKE, made))]
  }
  const left = new Map(rows.map((row) => [row.subscription_id, { ...row }]))
  return wanted.map(({ subscription_id }) => {
    const given = left.get(subscription_id)
    if (!given || given.granted <= 0) return Math.max(1, Math.ceil(given?.wait_ms ?? BURST_MS))
    given.granted -= 1
    return 0
  })
}
