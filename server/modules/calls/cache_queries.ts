import { sql } from 'kysely'
import { type Db, hot, seek, type Tx } from '../../platform/database/database.ts'
import type { CachePolicy } from './cache_schema.ts'

/** Every statement on what connections keep of their vendors' answers. */

export type Place = { tenant_id: string; connection_id: string }

export const READS = ['hits', 'misses', 'revalidated', 'stale', 'bypassed', 'joined'] as const
export type Reads = Record<(typeof READS)[number], number>

export async function listPolicies(tx: Tx, { tenant_id, connection_id }: Place): Promise<CachePolicy[]> {
  const rows = await tx
    .selectFrom('cache_policy')
    .select(['path', 'rules', 'invalidate_on'])
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', connection_id)
    .orderBy('position')
    .execute()
  return rows.map(({ path, rules, invalidate_on }) => ({
    path,
    ...(rules as Omit<CachePolicy, 'path' | 'invalidate_on'>),
    ...(invalidate_on.length > 0 && { invalidate_on }),
  }))
}

/** In place of those before. */
export async function putPolicies(tx: Tx, place: Place, policies: readonly CachePolicy[]): Promise<void> {
  await tx
    .deleteFrom('cache_policy')
    .where('tenant_id', '=', place.tenant_id)
    .where('connection_id', '=', place.connection_id)
    .execute()
  if (policies.length === 0) return
  const rows = policies.map(({ path, invalidate_on = [], ...rules }, position) => ({
    ...place,
    position,
    path,
    rules: JSON.stringify(rules),
    invalidate_on,
  }))
  await tx.insertInto('cache_policy').values(rows).execute()
}

export type Watched = { connection_id: string; path: string; invalidate_on: string[] }

/** The policies of a tenant that name types of events. */
export const listWatched = (tx: Tx, tenant_id: string): Promise<Watched[]> =>
  tx
    .selectFrom('cache_policy')
    .select(['connection_id', 'path', 'invalidate_on'])
    .where('tenant_id', '=', tenant_id)
    .where(sql<boolean>`invalidate_on <> '{}'`)
    .orderBy('connection_id')
    .execute()

/** `sealed` is empty where the body is in Redis, under its key and the call that brought it. */
export type Found = { epoch: string; sealed: Buffer | null; call_id: string | null }

// Once for each read that memory does not answer: by itself, without a transaction around it.
const FIND = {
  name: 'cache_find',
  text: `
    select c.epoch, a.sealed, a.call_id
      from connection_cache c
      left join cached_answer a on a.tenant_id = c.tenant_id and a.connection_id = c.connection_id
                               and a.key = $3 and a.expires_at > now()
     where c.tenant_id = $1 and c.connection_id = $2`,
}

/** The kept answer, if any, and the epoch under which a newer one may take its place. */
export async function findAnswer(
  db: Db,
  { tenant_id, connection_id }: Place,
  key: string,
): Promise<Found | null> {
  const rows = await hot<Found>(db, FIND, [tenant_id, connection_id, Buffer.from(key, 'hex')])
  return rows[0] ?? null
}

export async function openSpace(tx: Tx, { tenant_id, connection_id }: Place): Promise<void> {
  await sql`
    insert into connection_cache (tenant_id, connection_id) values (${tenant_id}, ${connection_id})
    on conflict do nothing`.execute(tx)
}

export type NewAnswer = {
  key: string
  path: string
  call_id: string
  sealed: Buffer
  bytes: number
  kept_for_s: number
}

/**
 * Not where something was dropped since `epoch`: the answer may be older than what made it worthless. The lock on the
 * epoch makes whoever drops wait, and then see this row. Of two answers the one of the later call stays.
 */
export async function putAnswer(
  tx: Tx,
  { tenant_id, connection_id }: Place,
  epoch: string,
  { key, path, call_id, sealed, bytes, kept_for_s }: NewAnswer,
): Promise<void> {
  await sql`
    insert into cached_answer as a (tenant_id, connection_id, key, path, call_id, sealed, bytes, expires_at)
    select tenant_id, connection_id, ${Buffer.from(key, 'hex')}, ${path}, ${call_id}, ${sealed}, ${bytes},
           now() + ${kept_for_s} * interval '1 s'
      from connection_cache
     where tenant_id = ${tenant_id} and connection_id = ${connection_id} and epoch = ${epoch}
       for share
    on conflict (tenant_id, connection_id, key) do update
       set call_id = excluded.call_id, sealed = excluded.sealed, bytes = excluded.bytes,
           stored_at = excluded.stored_at, expires_at = excluded.expires_at
     where a.call_id < excluded.call_id`.execute(tx)
}

/** Answers of the paths a pattern covers. Two statements: the second has to see what the first waited for. */
export async function dropAnswers(
  tx: Tx,
  { tenant_id, connection_id }: Place,
  pattern: string,
): Promise<number> {
  const { rows } = await sql`
    update connection_cache set epoch = epoch + 1
     where tenant_id = ${tenant_id} and connection_id = ${connection_id} returning 1`.execute(tx)
  if (rows.length === 0) return 0
  const { numDeletedRows } = await tx
    .deleteFrom('cached_answer')
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', connection_id)
    .where('path', 'like', toLike(pattern))
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}

const toLike = (pattern: string): string => pattern.replace(/[\\%_]/g, '\\$&').replaceAll('*', '%')

export type CacheRow = Reads & { entries: number; bytes: number }

export async function readSpace(tx: Tx, { tenant_id, connection_id }: Place): Promise<CacheRow> {
  const { rows } = await sql<Partial<Record<keyof CacheRow, string>>>`
    select a.entries, a.bytes, c.*
      from (select count(*) as entries, coalesce(sum(bytes), 0) as bytes from cached_answer
             where tenant_id = ${tenant_id} and connection_id = ${connection_id} and expires_at > now()) a
      left join connection_cache c on c.tenant_id = ${tenant_id} and c.connection_id = ${connection_id}`.execute(
    tx,
  )
  const names = [...READS, 'entries', 'bytes'] as const
  return Object.fromEntries(names.map((name) => [name, Number(rows[0]?.[name] ?? 0)])) as CacheRow
}

// What many reads of a moment came to, in one statement: an update for each would be a write per read.
const COUNT = {
  name: 'cache_count',
  text: `
    update connection_cache c
       set hits = c.hits + r.hits, misses = c.misses + r.misses, revalidated = c.revalidated + r.revalidated,
           stale = c.stale + r.stale, bypassed = c.bypassed + r.bypassed, joined = c.joined + r.joined
      from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[], $5::int8[], $6::int8[], $7::int8[], $8::int8[])
           r(tenant_id, connection_id, hits, misses, revalidated, stale, bypassed, joined)
     where ${seek('c.tenant_id', 'r.tenant_id')} and c.connection_id = r.connection_id`,
}

export async function addReads(db: Db, rows: (Place & Reads)[]): Promise<void> {
  const placeOf = ({ tenant_id, connection_id }: Place) => `${tenant_id} ${connection_id}`
  const sorted = rows.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1)) // as whoever drops locks them
  const column = <K extends keyof (Place & Reads)>(key: K) => sorted.map((row) => row[key])
  await hot(db, COUNT, [column('tenant_id'), column('connection_id'), ...READS.map(column)])
}

/*
 * Whoever drops or keeps answers has the connection's epoch locked first, and so do those that sweep. They wait for
 * nobody: what somebody else is at is left for the next time.
 */
const spaces = (of: string): string => `
    select tenant_id, connection_id from connection_cache
     where (tenant_id, connection_id) in (select tenant_id, connection_id from ${of}) for no key update skip locked`

const EXPIRED = {
  name: 'cache_expired',
  text: `
    with e as materialized (select tenant_id, connection_id, key from cached_answer where expires_at <= now()
                             order by expires_at limit 2000),
         c as materialized (${spaces('e')})
    delete from cached_answer a using e join c using (tenant_id, connection_id)
     where ${seek('a.tenant_id', 'e.tenant_id')} and a.connection_id = e.connection_id and a.key = e.key
       and a.expires_at <= now() returning 1`,
}

/** Up to 2,000 of all tenants; returns how many there were. */
export const deleteExpired = async (db: Db): Promise<number> => (await hot(db, EXPIRED, [])).length

const TOO_MUCH = {
  name: 'cache_too_much',
  text: `
    with s as materialized (
      select tenant_id, connection_id, key,
             sum(bytes::bigint) over (partition by tenant_id, connection_id order by stored_at desc, key) as so_far
        from cached_answer),
         c as materialized (${spaces('s where so_far > $1')})
    delete from cached_answer a using s join c using (tenant_id, connection_id)
     where s.so_far > $1 and ${seek('a.tenant_id', 's.tenant_id')} and a.connection_id = s.connection_id and a.key = s.key
    returning 1`,
}

/** Leaves each connection the newest of its answers, as many as there is room for. */
export const deleteTooMuch = async (db: Db, most_bytes: number): Promise<number> =>
  (await hot(db, TOO_MUCH, [most_bytes])).length
