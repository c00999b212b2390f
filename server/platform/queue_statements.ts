import { type Db, hot, int4s, int8s, type Statement, seek, uuids } from './database/database.ts'
import { type Claim, type Claimed, LEASE_MS, type QueueState, type Work } from './queue.ts'

/**
 * The statements that every queue has alike, for a table that its owner names. Such a table has `due`, `claim` and
 * `attempts`, an index on `due`, and the key `(tenant_id, id)` unless it says otherwise.
 */
export type Queue = {
  /** When the first of it is due, for `lookAt`: a select of one value. */
  soonest: string
  claim: Statement
  extend: Statement
  depth: Statement
}

/** A queue whose owners take turns, by its column `subscription_id`. */
export type TurnQueue = Queue & {
  /** Who has work at all, and when it is due: those after $1 in the order of their ids, at most $2. */
  waiting: Statement
  /** Of those in $1, what there is from so many milliseconds ago on; with the last row whether anybody else has work. */
  waiting_again: Statement
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
  /** What else is told with the last row, as `also`: a value of jsonb. */
  also?: string
}

/**
 * How often a row was taken up, up to the most that a smallint holds: what is tried until it is delivered may get there,
 * and one row that cannot be counted further would fail every claim that finds it, with all that it takes beside it.
 */
export const oneMore = (count: string): string => `least(${count} + 1, 32767)`

const NOT_DEAD = `due >= coalesce($3::timestamptz - interval '2 s', '-infinity')`

/*
 * The claim moves `due` ahead by the lease and makes `claim` ours; attempts rise here, so that work that brings the
 * process down still runs out of them. Rows of a killed worker fall due when its lease ends. `from` ($3) skips the dead
 * rows below the last claim, which pile up while somebody holds a snapshot. The last row says when to look again, where
 * that is asked ($4) and not everything was taken: when the next row falls due, or after a lease where another worker is
 * taking what is due now and may yet die; to find that out reads what died within the last lease. An `order by` keeps both to
 * the index on `due`: `exists`, and a `min` that was planned while the queue was empty, may read all of another one. No
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
           case when $4 and (select count(*) from c) < $2 then
             least(extract(epoch from (select due from ${table} where due > now() order by due limit 1) - now())::float8 * 1000,
                   case when (select true from ${table} where due <= now() and ${NOT_DEAD} and ctid <> all (array(select at from c)) order by due limit 1) then ${lease_ms}::float8 end)
           end,
           ${also}`
  const extend = `
    update ${table} q set due = now() + interval '${lease_ms} ms' from unnest($1::uuid[], $2::uuid[], $3::uuid[]) r(t, i, c)
     where ${seek('q.tenant_id', 'r.t')} and q.id = r.i and q.claim = r.c`
  const depth = `
    select count(*)::int as depth, coalesce(greatest(extract(epoch from now() - min(due)), 0), 0)::float8 as oldest_s
      from ${table}`
  return {
    soonest: `select due from ${table} order by due limit 1`,
    claim: { name: `${name}_claim`, text: claim },
    extend: { name: `${name}_extend`, text: extend },
    depth: { name: `${name}_depth`, text: depth },
  }
}

function partsOf(queue: Described) {
  const { table, columns, keys = ['tenant_id', 'id'], lease_ms = LEASE_MS, sets = '', joined } = queue
  const key = keys.join(', ')
  const own = [...keys, 'attempts', ...columns]
  // Before PostgreSQL 17 only what begins a key is sought by: more of it among several values may be compared row by row.
  const first = seek(`q.${keys[0]}`, `c.${keys[0]}`)
  const rest = keys.slice(1).map((column) => `q.${column} = c.${column}`)
  const beside = joined?.columns ?? []
  const taken = `t as (update ${table} q set claim = $1, due = now() + interval '${lease_ms} ms', attempts = ${oneMore('q.attempts')}${sets}
             from c where ${[first, ...rest].join(' and ')}
           returning ${own.map((column) => `q.${column}`).join(', ')})`
  const all = [...own.map((column) => `t.${column}`), ...beside.map((column) => `m.${column}`)]
  const shown = `select ${all.join(', ')}, null::timestamptz as was, null::float8 as wait_ms, null::jsonb as also
      from t ${joined ? `${joined.outer ? 'left' : 'inner'} join lateral (${joined.lateral}) m on true` : ''}`
  return { key, taken, shown, blank: 'null, '.repeat(all.length), lease_ms }
}

/*
 * Turns, so that nobody starves. `waiting` hops over the index (subscription_id, (attempts > 0 and claim is null), due)
 * from one owner to the next, two probes for each, however much each of them has: the first row of an owner is its first
 * attempt that is due first, or, where it has none, its retry. `turns` takes from the owners in
 * the order given ($3), first attempts or retries ($4; what was cut off is none), no more from each than it has room
 * for ($5), and nothing that was due before a moment of its own ($6), since all before the first that the look saw
 * is dead: to filter one list by `due` would read all that a hung receiver has waiting. Each is sought between two places
 * of that index: told as equalities, the planner may read all that is due by the index on `due` alone instead, and does
 * once it has seen the queue while most of it was one owner's.
 */
const NOW_MS = 'extract(epoch from now())::float8 * 1000'
const START = `'00000000-0000-0000-0000-000000000000'::uuid`

export function turnStatements(queue: Described): TurnQueue {
  const { name, table } = queue
  const { key, taken, shown } = partsOf(queue)
  const again = '(attempts > 0 and claim is null)'
  const place = `subscription_id, ${again}, due`
  const between = (of: string, from: string, until: string) =>
    `(${place}) >= (${of}, ${from}) and (${place}) <= (${of}, ${until})`
  const next = `select subscription_id, tenant_id, ${again} as again, due from ${table}`
  const first = `order by ${place} limit 1`
  const ms = (due: string) => `extract(epoch from ${due} - now())::float8 * 1000`
  const waiting = `
    with recursive w as (
      (${next} where subscription_id > $1 ${first})
      union all
      select n.* from w cross join lateral (${next} where subscription_id > w.subscription_id ${first}) n)
    select w.tenant_id, w.subscription_id,
           case when not w.again then ${ms('w.due')} end as first_ms, coalesce(case when w.again then ${ms('w.due')} end, a.ms) as again_ms, ${NOW_MS} as at_ms
      from (select * from w limit $2) w
      left join lateral (select ${ms('due')} as ms from ${table}
                          where not w.again and ${between('w.subscription_id, true', "'-infinity'", "'infinity'")} ${first}) a on true`
  const nearest = (is_again: boolean, age_ms: string) =>
    `(select ${ms('due')} from ${table} where ${between(`k.s, ${is_again}`, `now() - ${age_ms} * interval '1 ms'`, "'infinity'")} ${first})`
  const waiting_again = `
    with k as materialized (
      select *, lag(s, 1, ${START}) over (order by s) as before
        from unnest($1::uuid[], $2::int8[], $3::int8[]) k(s, first_age, again_age))
    select k.s as subscription_id, ${nearest(false, 'k.first_age')} as first_ms, ${nearest(true, 'k.again_age')} as again_ms, ${NOW_MS} as at_ms,
           exists (select from ${table} where subscription_id > k.before and subscription_id < k.s) as stranger
      from k
    union all
    select null, null, null, null, exists (select from ${table} where subscription_id > coalesce((select s from k order by s desc limit 1), ${START}))`
  const turns = `
    with turn as materialized (select * from unnest($3::uuid[], $4::bool[], $5::int[], $6::int8[]) r(s, again, room, since_ms)),
     c as materialized (
      select x.* from turn cross join lateral (
        select ${key}, due from ${table} where ${between('turn.s, turn.again', `timestamptz 'epoch' + turn.since_ms * interval '1 ms'`, 'now()')}
         order by ${place} limit turn.room for no key update skip locked) x limit $2),
     ${taken}
    ${shown}`
  return {
    ...queueStatements(queue),
    waiting: { name: `${name}_waiting`, text: waiting },
    waiting_again: { name: `${name}_waiting_again`, text: waiting_again },
    turns: { name: `${name}_turns`, text: turns },
  }
}

type ClaimRow<Item> = Item & { was: Date | null; wait_ms: number | null; also: unknown }

const toItem = <Item extends Work>(row: ClaimRow<Item>, claim: string): Item => {
  const { was: _was, wait_ms: _wait_ms, also: _also, ...item } = row
  return { ...item, claim } as unknown as Item
}

/** Takes what is due; `also` is what else the statement tells. */
export async function claimFrom<Item extends Work>(
  db: Db,
  queue: Queue,
  { id, limit, from, ahead }: Claim,
): Promise<Claimed<Item> & { also: unknown }> {
  const rows = await hot<ClaimRow<Item>>(db, queue.claim, [id, limit, from, ahead])
  const last = rows.pop()
  return {
    items: rows.map((row) => toItem<Item>(row, id)),
    wait_ms: last?.wait_ms ?? null,
    reached: last?.was ?? null,
    also: last?.also ?? null,
  }
}

/** Milliseconds until the first of it is due, null where there is none; 0 and less is due now. `at_ms`: by the database's clock, since 1970. */
export type Waiting = {
  tenant_id: string
  subscription_id: string
  first_ms: number | null
  again_ms: number | null
  at_ms: number
}

export const listWaiting = (db: Db, queue: TurnQueue, after: string, limit: number): Promise<Waiting[]> =>
  hot<Waiting>(db, queue.waiting, [after, limit])

/** Where the first of each may stand: what was due longer ago is dead. */
export type Seen = { tenant_id: string; subscription_id: string; first_age_ms: number; again_age_ms: number }
/** `strangers`: whether anybody else has work. */
export type Looked = { list: Waiting[]; strangers: boolean }

/** `known` in the order of their ids. */
export async function listWaitingAgain(db: Db, queue: TurnQueue, known: Seen[]): Promise<Looked> {
  const tenants = new Map(known.map((one) => [one.subscription_id, one.tenant_id]))
  const rows = await hot<Omit<Waiting, 'tenant_id'> & { stranger: boolean }>(db, queue.waiting_again, [
    uuids(known.map((one) => one.subscription_id)),
    int8s(known.map((one) => Math.ceil(one.first_age_ms))),
    int8s(known.map((one) => Math.ceil(one.again_age_ms))),
  ])
  const list = rows.flatMap(({ stranger: _stranger, ...one }) => {
    const tenant_id = tenants.get(one.subscription_id)
    return tenant_id && (one.first_ms !== null || one.again_ms !== null) ? { tenant_id, ...one } : []
  })
  return { list, strangers: rows.some(({ stranger }) => stranger) }
}

/** `again` takes what was attempted before, else what was not. `since_ms`: by the database's clock; what was due before is not there. */
export type Turn = { subscription_id: string; again: boolean; room: number; since_ms: number }

export async function claimTurns<Item extends Work>(
  db: Db,
  queue: TurnQueue,
  claim: { id: string; limit: number },
  turns: Turn[],
): Promise<Item[]> {
  const rows = await hot<ClaimRow<Item>>(db, queue.turns, [
    claim.id,
    claim.limit,
    uuids(turns.map((turn) => turn.subscription_id)),
    turns.map((turn) => turn.again),
    int4s(turns.map((turn) => turn.room)),
    int8s(turns.map((turn) => Math.floor(turn.since_ms))),
  ])
  return rows.map((row) => toItem<Item>(row, claim.id))
}

/** The arrays by which a statement finds its rows and fences on their claims: tenants, ids, claims. */
export const keysOf = (items: Work[]): [Buffer, Buffer, Buffer] => [
  uuids(items.map((item) => item.tenant_id)),
  uuids(items.map((item) => item.id)),
  uuids(items.map((item) => item.claim)),
]

/** How much work there is, and for how many seconds the longest overdue row has waited. */
export async function readQueueState(db: Db, queue: Queue): Promise<QueueState> {
  const [state] = await hot<QueueState>(db, queue.depth, [])
  return state ?? { depth: 0, oldest_s: 0 }
}
