import { type Db, hot, type Statement } from './database/database.ts'
import { type Claimed, LEASE_MS, type QueueState, type Work } from './queue.ts'

/**
 * The statements that every queue has alike, for a table that its owner names. Such a table has `due`, `claim` and
 * `attempts`, an index on `due`, and the key `(tenant_id, id)` unless it says otherwise.
 */
export type Queue = {
  claim: Statement
  extend: Statement
  depth: Statement
}

/** A queue whose owners take turns, by its column `subscription_id`. */
export type TurnQueue = Queue & {
  /** Who has work at all, and when it is due: those after $1 in the order of their ids, at most $2. */
  waiting: Statement
  /** Takes from each in turn. */
  turns: Statement
}

type Described = {
  /** Of the prepared statements: `delivery` makes `delivery_claim`. */
  name: string
  table: string
  /** Columns of the row that the work needs, besides `attempts` and the key. */
  columns: readonly string[]
  keys?: readonly string[]
  lease_ms?: number
  /** What else a claim sets, of `q`: `, cuts = …`. */
  sets?: string
  /** What is fetched beside each row `t`, by its key: columns, and a lateral subselect called `m`. */
  joined?: {
    columns: readonly string[]
    lateral: string /** Also rows beside which there is nothing. */
    outer?: boolean
  }
  /** A further figure told with the last row, as `also`. */
  also?: string
}

const NOT_DEAD = `due >= coalesce($3::timestamptz - interval '2 s', '-infinity')`

/*
 * The claim moves `due` ahead by the lease and makes `claim` ours; attempts rise here, so that work that brings the
 * process down still runs out of them. Rows of a killed worker fall due when its lease ends. `from` ($3) skips the dead
 * rows below the last claim, which pile up while somebody holds a snapshot. The last row says when to look again: when
 * the next row falls due, or after a lease where another worker is taking what is due now and may yet die. No
 * `returning` here names another relation than the one that changes: where a row was changed by somebody else in
 * between, PostgreSQL 18.4 then reads memory that is not there and goes down.
 */
export function queueStatements(queue: Described): Queue {
  const { name, table, also = 'null' } = queue
  const { key, taken, shown, blank, lease_ms } = partsOf(queue)
  const claim = `
    with c as materialized (
      select ${key}, due, ctid as at from ${table} where due <= now() and ${NOT_DEAD} order by due limit $2 for no key update skip locked),
     ${taken}
    ${shown}
    union all
    select ${blank}(select max(due) from c),
           least(extract(epoch from (select min(due) from ${table} where due > now()) - now())::float8 * 1000,
                 case when exists (select from ${table} where due <= now() and ${NOT_DEAD} and ctid <> all (array(select at from c))) then ${lease_ms}::float8 end),
           ${also}`
  const extend = `
    update ${table} q set due = now() + interval '${lease_ms} ms' from unnest($1::uuid[], $2::uuid[], $3::uuid[]) r(t, i, c)
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

function partsOf(queue: Described) {
  const { table, columns, keys = ['tenant_id', 'id'], lease_ms = LEASE_MS, sets = '', joined } = queue
  const key = keys.join(', ')
  const own = [...keys, 'attempts', ...columns]
  const beside = joined?.columns ?? []
  const taken = `t as (update ${table} q set claim = $1, due = now() + interval '${lease_ms} ms', attempts = q.attempts + 1${sets}
             from c where ${keys.map((column) => `q.${column} = c.${column}`).join(' and ')}
           returning ${own.map((column) => `q.${column}`).join(', ')})`
  const all = [...own.map((column) => `t.${column}`), ...beside.map((column) => `m.${column}`)]
  const shown = `select ${all.join(', ')}, null::timestamptz as was, null::float8 as wait_ms, null::float8 as also
      from t ${joined ? `${joined.outer ? 'left' : 'inner'} join lateral (${joined.lateral}) m on true` : ''}`
  return { key, taken, shown, blank: 'null, '.repeat(all.length), lease_ms }
}

/*
 * Turns, so that nobody starves. `waiting` hops over the index (subscription_id, (attempts > 0 and claim is null), due)
 * from one owner to the next, three probes for each, however much each of them has. `turns` takes from the owners in
 * the order given ($3), first attempts or retries ($4; what was cut off is none), no more from each than it has room
 * for ($5): to filter one list by `due` would read all that a hung receiver has waiting.
 */
export function turnStatements(queue: Described): TurnQueue {
  const { name, table } = queue
  const { key, taken, shown } = partsOf(queue)
  const soonest = (again: boolean) => `
     left join lateral (select extract(epoch from due - now())::float8 * 1000 as ms from ${table}
                         where subscription_id = w.subscription_id and (attempts > 0 and claim is null) = ${again} order by due limit 1)`
  const waiting = `
    with recursive w as (
      (select subscription_id, tenant_id from ${table} where subscription_id > $1 order by subscription_id limit 1)
      union all
      select n.* from w cross join lateral (
        select subscription_id, tenant_id from ${table} where subscription_id > w.subscription_id order by subscription_id limit 1) n)
    select w.tenant_id, w.subscription_id, f.ms as first_ms, a.ms as again_ms
      from (select * from w limit $2) w ${soonest(false)} f on true ${soonest(true)} a on true`
  const turns = `
    with turn as materialized (select * from unnest($3::uuid[], $4::bool[], $5::int[]) r(s, again, room)),
     c as materialized (
      select x.* from turn cross join lateral (
        select ${key}, due from ${table} where subscription_id = turn.s and (attempts > 0 and claim is null) = turn.again and due <= now()
         order by due limit turn.room for no key update skip locked) x limit $2),
     ${taken}
    ${shown}`
  return {
    ...queueStatements(queue),
    waiting: { name: `${name}_waiting`, text: waiting },
    turns: { name: `${name}_turns`, text: turns },
  }
}

/*
 * Where the planner may not hash a join (see the settings of the worker), it compares each row of a batch with each:
 * settling 80 deliveries took twice as long for it. A membership it may not turn into a join is hashed all the same.
 */
export const within = (row: string, rows: string): string => `(${row} in (${rows})) is true`

type ClaimRow<Item> = Item & { was: Date | null; wait_ms: number | null; also: number | null }

const toItem = <Item extends Work>(row: ClaimRow<Item>, claim: string): Item => {
  const { was: _was, wait_ms: _wait_ms, also: _also, ...item } = row
  return { ...item, claim } as unknown as Item
}

/** Takes what is due; `also` is the further figure of the statement. */
export async function claimFrom<Item extends Work>(
  db: Db,
  queue: Queue,
  claim: { id: string; limit: number; from: Date | null },
): Promise<Claimed<Item> & { also: number | null }> {
  const rows = await hot<ClaimRow<Item>>(db, queue.claim, [claim.id, claim.limit, claim.from])
  const last = rows.pop()
  return {
    items: rows.map((row) => toItem<Item>(row, claim.id)),
    wait_ms: last?.wait_ms ?? null,
    reached: last?.was ?? null,
    also: last?.also ?? null,
  }
}

/** Milliseconds until the first of it is due, null where there is none; 0 and less is due now. */
export type Waiting = {
  tenant_id: string
  subscription_id: string
  first_ms: number | null
  again_ms: number | null
}

export const listWaiting = (db: Db, queue: TurnQueue, after: string, limit: number): Promise<Waiting[]> =>
  hot<Waiting>(db, queue.waiting, [after, limit])

/** `again` takes what was attempted before, else what was not. */
export type Turn = { subscription_id: string; again: boolean; room: number }

export async function claimTurns<Item extends Work>(
  db: Db,
  queue: TurnQueue,
  claim: { id: string; limit: number },
  turns: Turn[],
): Promise<Item[]> {
  const rows = await hot<ClaimRow<Item>>(db, queue.turns, [
    claim.id,
    claim.limit,
    turns.map((turn) => turn.subscription_id),
    turns.map((turn) => turn.again),
    turns.map((turn) => turn.room),
  ])
  return rows.map((row) => toItem<Item>(row, claim.id))
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
