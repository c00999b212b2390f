import { type Db, hot, type Statement } from './database/database.ts'
import { type Claimed, LEASE_MS, type QueueState, type Work } from './queue.ts'

/**
 * The statements that every queue has alike, for a table that its owner names. Such a table has `tenant_id`, `id`,
 * `due`, `claim` and `attempts`, the primary key `(tenant_id, id)` and an index on `due`.
 */
export type Queue = {
  claim: Statement
  extend: Statement
  depth: Statement
}

type Described = {
  /** Of the prepared statements: `delivery` makes `delivery_claim`. */
  name: string
  table: string
  /** Columns of the row that the work needs, besides what every queue has. */
  columns: readonly string[]
  /** What is fetched beside each row `t`, by its key: columns, and a lateral subselect called `m`. */
  joined?: { columns: readonly string[]; lateral: string }
  /** A further figure told with the last row, as `also`. */
  also?: string
}

/*
 * The claim moves `due` ahead by the lease and makes `claim` ours; attempts rise here, so that work that brings the
 * process down still runs out of them. Rows of a killed worker fall due when its lease ends. `from` ($3) skips the dead
 * rows below the last claim, which pile up while somebody holds a snapshot. The last row says when to look again: when
 * the next row falls due, or after a lease where another worker is taking what is due now and may yet die.
 */
export function queueStatements({ name, table, columns, joined, also }: Described): Queue {
  const own = columns.map((column) => `, q.${column}`).join('')
  const beside = joined?.columns ?? []
  const shown = [...columns.map((column) => `t.${column}`), ...beside.map((column) => `m.${column}`)]
  const blank = shown.map(() => 'null, ').join('')
  const is_due = `due <= now() and due >= coalesce($3::timestamptz - interval '2 s', '-infinity')`
  const claim = `
    with c as materialized (
      select tenant_id, id, due from ${table} where ${is_due} order by due limit $2 for no key update skip locked),
     t as (update ${table} q set claim = $1, due = now() + interval '${LEASE_MS} ms', attempts = q.attempts + 1
             from c where q.tenant_id = c.tenant_id and q.id = c.id
           returning q.tenant_id, q.id, q.attempts${own}, c.due as was)
    select t.tenant_id, t.id, t.attempts, t.was, ${shown.map((column) => `${column}, `).join('')}null::float8 as wait_ms, null::float8 as also
      from t ${joined ? `cross join lateral (${joined.lateral}) m` : ''}
    union all
    select null, null, null, null, ${blank}
           least(extract(epoch from (select min(due) from ${table} where due > now()) - now())::float8 * 1000,
                 case when exists (select from ${table} where ${is_due} and id <> all (array(select id from c))) then ${LEASE_MS}::float8 end),
           ${also ?? 'null'}`
  const extend = `
    update ${table} q set due = now() + interval '${LEASE_MS} ms' from unnest($1::uuid[], $2::uuid[], $3::uuid[]) r(t, i, c)
     where q.tenant_id = r.t and q.id = r.i and q.claim = r.c`
  const depth = `
    select count(*)::int as depth, coalesce(greatest(extract(epoch from now() - min(due)), 0), 0)::float8 as oldest_s
      from ${table}`
  return {
    claim: { name: `${name}_claim`, text: claim },
    extend: { name: `${name}_extend`, text: extend },
    depth: { name: `${name}_depth`, text: depth },
  }
}

type ClaimRow<Item> = Item & { was: Date; wait_ms: number | null; also: number | null }

/** Takes what is due; `also` is the further figure of the statement. */
export async function claimFrom<Item extends Work>(
  db: Db,
  queue: Queue,
  claim: { id: string; limit: number; from: Date | null },
): Promise<Claimed<Item> & { also: number | null }> {
  const rows = await hot<ClaimRow<Item>>(db, queue.claim, [claim.id, claim.limit, claim.from])
  const last = rows.pop()
  return {
    items: rows.map(
      ({ was: _was, wait_ms: _wait_ms, also: _also, ...item }) =>
        ({ ...item, claim: claim.id }) as unknown as Item,
    ),
    wait_ms: last?.wait_ms ?? null,
    reached: rows.at(-1)?.was ?? null,
    also: last?.also ?? null,
  }
}

/** The arrays by which a statement finds its rows and fences on their claims: tenants, ids, claims. */
export const keysOf = (items: Work[]): [string[], string[], string[]] => [
  items.map((item) => item.tenant_id),
  items.map((item) => item.id),
  items.map((item) => item.claim),
]

/** How much work there is, and for how many seconds the longest overdue row has waited. */
export async function readQueueState(db: Db, queue: Queue): Promise<QueueState> {
  const [state] = await hot<QueueState>(db, queue.depth, [])
  return state ?? { depth: 0, oldest_s: 0 }
}
