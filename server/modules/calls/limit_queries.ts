import { type RawBuilder, type Selectable, sql } from 'kysely'
import type { Count, Place, Rate, Ring } from '../../kit/call_limits.ts'
import type { Asked, Granted } from '../../kit/limiter.ts'
import { type Db, hot, seek, type Tx, uuids } from '../../platform/database/database.ts'
import type { Tables } from '../../platform/database/tables.ts'

/** Every statement on what calls use of their limits. */

// A row for each count, locked for the length of one statement; a block of calls at a time, so seldom.
const TAKE = {
  name: 'take_rates',
  text: 'select * from take_rates($1::uuid[], $2::uuid[], $3, $4, $5, $6, $7, $8, $9, $10)',
}

type Taken = {
  granted: number
  at_ms: string
  ends_ms: number
  wait_ms: string
  by_ring: number | null
  room: string | null
  bytes_room: string | null
}

export async function takeRates(
  db: Db,
  unordered: readonly Count[],
  { want, unused, bytes }: Asked,
): Promise<Omit<Granted, 'smallest'>> {
  const counts = inOrder(unordered)
  const [row] = await hot<Taken>(db, TAKE, [
    ...keysOf(counts),
    counts.map(({ most }) => most),
    want,
    unused.calls,
    unused.at_ms,
    bytes,
  ])
  if (!row) throw new Error('take_rates gave no row')
  const { granted, at_ms, ends_ms, wait_ms, by_ring, room, bytes_room } = row
  return {
    granted,
    at_ms: Number(at_ms),
    ends_ms,
    wait_ms: Number(wait_ms),
    full: by_ring === null ? null : (counts[by_ring - 1] ?? null),
    room: room === null ? Number.POSITIVE_INFINITY : Number(room),
    bytes_room: bytes_room === null ? Number.POSITIVE_INFINITY : Number(bytes_room),
  }
}

/** By which a count is known, whichever store counts it. */
export const countKey = ({ tenant_id, connection_id, operation, unit, per_s }: Count): string =>
  `${tenant_id} ${connection_id} ${unit} ${per_s} ${operation}`

/** In which rings are locked, so that nobody waits in a circle. */
const inOrder = (counts: readonly Count[]): Count[] =>
  [...counts].sort((a, b) => {
    const [one, other] = [lockKey(a), lockKey(b)]
    return one === other ? a.per_s - b.per_s : one < other ? -1 : 1
  })

const lockKey = ({ tenant_id, connection_id, operation, unit }: Count): string =>
  `${tenant_id} ${connection_id} ${operation} ${unit}`

const keysOf = (counts: readonly Count[]): unknown[] => [
  uuids(counts.map(({ tenant_id }) => tenant_id)),
  uuids(counts.map(({ connection_id }) => connection_id)),
  counts.map(({ operation }) => operation),
  counts.map(({ unit }) => unit),
  counts.map(({ per_s }) => per_s),
]

/** What a vendor said of its own limits in an answer; null where it said nothing of that kind. */
export type VendorWord = { pause_ms: number | null; remaining: number | null; resets_ms: number | null }

// The lower word holds until its time: one that is higher may not have heard of the calls that are on their way.
const HEED = {
  name: 'heed_vendor',
  text: `
    insert into vendor_limit as v (tenant_id, connection_id, operation, paused_until, remaining, resets_at)
    values ($1, $2, $3, clock_timestamp() + $4::float8 * interval '1 ms', $5::bigint, clock_timestamp() + $6::float8 * interval '1 ms')
    on conflict (tenant_id, connection_id, operation) do update
       set paused_until = greatest(v.paused_until, excluded.paused_until),
           (remaining, resets_at) = (
             select x.remaining, x.resets_at
               from (values (v.remaining, v.resets_at), (excluded.remaining, excluded.resets_at)) x(remaining, resets_at)
              where x.resets_at > clock_timestamp() order by x.remaining limit 1)`,
}

export async function heedVendor(
  db: Db,
  place: Place,
  { pause_ms, remaining, resets_ms }: VendorWord,
): Promise<void> {
  const { tenant_id, connection_id, operation } = place
  await hot(db, HEED, [tenant_id, connection_id, operation, pause_ms, remaining, resets_ms])
}

/** Parts of a question: whether since `from` a tenant set a limit; and whether `least` calls were made by one, or any bytes sent. */
export const anyLimitSetSince = (from: RawBuilder<unknown>) =>
  sql`exists (select from rate_limit where updated_at >= ${from})`
export const anyLimitUsedSince = (from: RawBuilder<unknown>, least: RawBuilder<unknown>) =>
  sql`exists (select from rate_window where (head + 1) * rate_slot_ms(per_s) >= extract(epoch from ${from}) * 1000
                and (unit <> 'calls' or (select sum(n) from unnest(taken) n) >= ${least}))`
export const ANY_SHARED_LIMIT = sql`exists (select from rate_limit where rates <> '[]')`

export type Rings = { now_ms: number; rings: (Ring | null)[] }

const READ = {
  name: 'read_rates',
  text: `
    select extract(epoch from clock_timestamp())::float8 * 1000 as now_ms, r.head, r.taken
      from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[]) with ordinality a(t, c, o, u, p, n)
      left join rate_window r on ${seek('r.tenant_id', 'a.t')} and (r.connection_id, r.operation, r.unit, r.per_s) = (a.c, a.o, a.u, a.p)
     order by a.n`,
}

/** The rings of these counts, in their order; null where nothing was ever counted. */
export async function readRings(db: Db, counts: readonly Count[]): Promise<Rings> {
  type Row = { now_ms: number; head: string | null; taken: string[] | null }
  const rows = await hot<Row>(db, READ, keysOf(counts))
  return {
    now_ms: rows[0]?.now_ms ?? 0,
    rings: rows.map(({ head, taken }, at) =>
      taken === null ? null : { per_s: counts[at]?.per_s ?? 0, head: Number(head), taken: taken.map(Number) },
    ),
  }
}

/** Taken elsewhere: of a count, in each slot. */
export type Missed = { count: Count; slots: Map<number, number> }

const ADD_RATES = {
  name: 'add_rates',
  text: 'select add_rates($1::uuid[], $2::uuid[], $3, $4, $5, $6, $7)',
}

export async function addRates(db: Db, missed: readonly Missed[]): Promise<void> {
  const slotsOfKey = new Map(missed.map(({ count, slots }) => [countKey(count), slots]))
  const rows = inOrder(missed.map(({ count }) => count)).flatMap((count) =>
    [...(slotsOfKey.get(countKey(count)) ?? [])].map(([slot, n]) => ({ count, slot, n })),
  )
  if (rows.length === 0) return
  const keys = keysOf(rows.map(({ count }) => count))
  await hot(db, ADD_RATES, [...keys, rows.map(({ slot }) => slot), rows.map(({ n }) => n)])
}

/** Nothing of them counts any more. */
export async function deleteIdle(db: Db): Promise<void> {
  await sql`
    delete from rate_window
     where (head + rate_slots(per_s)) * rate_slot_ms(per_s) < extract(epoch from clock_timestamp()) * 1000`.execute(
    db,
  )
  await sql`
    delete from vendor_limit
     where coalesce(greatest(paused_until, resets_at), '-infinity') < clock_timestamp()`.execute(db)
}

export type VendorLimit = Pick<
  Selectable<Tables['vendor_limit']>,
  'operation' | 'paused_until' | 'remaining' | 'resets_at'
>

/** What its vendor said and what is not over yet, of the connection and of its operations. */
export async function listVendorLimits(
  tx: Tx | Db,
  { tenant_id, connection_id }: { tenant_id: string; connection_id: string },
): Promise<VendorLimit[]> {
  const { rows } = await sql<VendorLimit>`
    select operation, case when paused_until > clock_timestamp() then paused_until end as paused_until,
           case when resets_at > clock_timestamp() then remaining end as remaining,
           case when resets_at > clock_timestamp() then resets_at end as resets_at
      from vendor_limit where tenant_id = ${tenant_id} and connection_id = ${connection_id}
       and greatest(paused_until, resets_at) > clock_timestamp() order by operation`.execute(tx)
  return rows
}

// What tenants and the installation set for all of their connections.

export async function findRates(db: Db, tenant_id: string): Promise<Rate[]> {
  const row = await db
    .selectFrom('rate_limit')
    .select('rates')
    .where('tenant_id', '=', tenant_id)
    .executeTakeFirst()
  return (row?.rates ?? []) as Rate[]
}

export async function putRates(tx: Tx, tenant_id: string, rates: readonly Rate[]): Promise<void> {
  const json = JSON.stringify(rates)
  await sql`
    insert into rate_limit (tenant_id, rates) values (${tenant_id}, ${json}::jsonb)
    on conflict (tenant_id) do update set rates = excluded.rates, updated_at = now()`.execute(tx)
}

// What was used, by the hour.

export type Used = {
  tenant_id: string
  connection_id: string
  calls: number
  bytes: number
  refused: number
}

// Sorted by key, so that servers which write at once wait for each other in one order.
const ADD = {
  name: 'add_limit_usage',
  text: `
    insert into limit_usage as l (tenant_id, connection_id, hour, calls, bytes, refused)
    select t, c, date_trunc('hour', clock_timestamp(), 'UTC'), n, b, r
      from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[]) u(t, c, n, b, r) order by t, c
    on conflict (tenant_id, hour, connection_id) do update
       set calls = l.calls + excluded.calls, bytes = l.bytes + excluded.bytes, refused = l.refused + excluded.refused`,
}

/** Each connection once. */
export async function addUsage(db: Db, used: readonly Used[]): Promise<void> {
  await hot(db, ADD, [
    uuids(used.map(({ tenant_id }) => tenant_id)),
    uuids(used.map(({ connection_id }) => connection_id)),
    used.map(({ calls }) => calls),
    used.map(({ bytes }) => bytes),
    used.map(({ refused }) => refused),
  ])
}

export type UsageRow = { hour: Date; calls: string; bytes: string; refused: string }

/** By the hour, oldest first; of all connections where none is named. */
export async function listUsage(
  tx: Tx,
  tenant_id: string,
  { connection_id, from, to }: { connection_id: string | null; from: Date; to: Date },
): Promise<UsageRow[]> {
  const { rows } = await sql<UsageRow>`
    select hour, sum(calls)::text as calls, sum(bytes)::text as bytes, sum(refused)::text as refused from limit_usage
     where tenant_id = ${tenant_id} and hour >= ${from} and hour < ${to}
           ${connection_id === null ? sql`` : sql`and connection_id = ${connection_id}`}
     group by hour order by hour`.execute(tx)
  return rows
}

export async function deleteOldUsage(db: Db, before: Date, most: number): Promise<number> {
  const { rows } = await sql<{ gone: string }>`
    with old as (select tenant_id, hour, connection_id from limit_usage where hour < ${before} limit ${most}),
         gone as (delete from limit_usage l using old
                   where (l.tenant_id, l.hour, l.connection_id) = (old.tenant_id, old.hour, old.connection_id) returning 1)
    select count(*) as gone from gone`.execute(db)
  return Number(rows[0]?.gone ?? 0)
}
