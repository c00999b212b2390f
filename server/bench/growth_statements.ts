import type { Place } from './place.ts'

/** A statement and the blocks (shared, found or read) that it touches: what EXPLAIN (ANALYZE, BUFFERS) would say of it. */
export type Statement = { text: string; blocks: number }

const TIMES = 40

/** What crosses the border is written and worked on by these. */
const HOT = String.raw`query ~ '\m(insert into|update|delete from)\M' and query !~ '\m(metric|traffic|limit_usage|server|job)\M'`

/**
 * As PostgreSQL counts them where the product runs them, with the product's own plans. The least of many times: a page
 * that is just full has another made, and a page that holds dead entries is cleaned, whatever the size of the log.
 */
export async function touched(root: Place['root'], work: () => Promise<void>): Promise<Statement[]> {
  const least = new Map<string, number>()
  for (let at = 0; at < TIMES; at++) {
    await root.query('select pg_stat_statements_reset()')
    await work()
    const { rows } = await root.query<{ text: string; blocks: string }>(`
      select left(regexp_replace(query, '\\s+', ' ', 'g'), 100) as text,
             round(sum(shared_blks_hit + shared_blks_read) / sum(calls)) as blocks
        from pg_stat_statements
       where userid in (select oid from pg_roles where rolname like 'trilho\\_%') and ${HOT} group by 1`)
    for (const { text, blocks } of rows)
      least.set(text.trim(), Math.min(Number(blocks), least.get(text.trim()) ?? Number.POSITIVE_INFINITY))
  }
  return [...least].map(([text, blocks]) => ({ text, blocks }))
}

/** The statements that ran on both sides, in pairs. */
export const changed = (before: Statement[], after: Statement[]): Statement[][] =>
  before.flatMap((one) => {
    const same = after.find(({ text }) => text === one.text)
    return same ? [[one, same]] : []
  })
