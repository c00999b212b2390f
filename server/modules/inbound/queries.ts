import { sql } from 'kysely'
import { byteas, type Db, hot, type Tx, texts, uuids } from '../../platform/database/database.ts'
import { type Claimed, LEASE_MS, type QueueState, type Work } from '../../platform/queue.ts'

/** Every statement on sources, the inbox with its queue, the quarantine and the security events. */

export type SourceRow = {
  id: string
  provider: string
  name: string
  connection_id: string | null
  settings: unknown
  state: 'enabled' | 'disabled'
  is_default: boolean
  created_at: Date
  updated_at: Date
}

const SOURCE = [
  'id',
  'provider',
  'name',
  'connection_id',
  'settings',
  'state',
  'is_default',
  'created_at',
  'updated_at',
] as const

type NewSource = Pick<SourceRow, 'id' | 'provider' | 'name' | 'connection_id' | 'is_default'> & {
  tenant_id: string
  settings: Record<string, unknown>
}

export async function insertSource(tx: Tx, row: NewSource): Promise<void> {
  await tx.insertInto('source').values(row).execute()
}

export const findSource = (tx: Tx, tenant_id: string, id: string): Promise<SourceRow | undefined> =>
  tx
    .selectFrom('source')
    .select(SOURCE)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()

export const listSources = (
  tx: Tx,
  tenant_id: string,
  limit: number,
  before: string | null,
): Promise<SourceRow[]> =>
  tx
    .selectFrom('source')
    .select(SOURCE)
    .where('tenant_id', '=', tenant_id)
    .$if(before !== null, (query) => query.where('id', '<', before as string))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()

export type SourceChange = Partial<
  Pick<SourceRow, 'name' | 'state' | 'is_default'> & { settings: Record<string, unknown> }
>

export const updateSource = (
  tx: Tx,
  tenant_id: string,
  id: string,
  change: SourceChange,
): Promise<SourceRow | undefined> =>
  tx
    .updateTable('source')
    .set({ ...change, updated_at: new Date() })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .returning(SOURCE)
    .executeTakeFirst()

export async function deleteSource(tx: Tx, tenant_id: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('source')
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  return numDeletedRows > 0n
}

/** Before a tenant is known: through the gate's own functions. */
export async function findAddress(
  db: Db,
  id: string,
): Promise<{ tenant_id: string; provider: string } | undefined> {
  const { rows } = await sql<{ tenant_id: string; provider: string }>`
    select tenant_id, provider from source_by_id(${id})`.execute(db)
  return rows[0]
}

export async function findDefaults(db: Db, provider: string): Promise<{ tenant_id: string; id: string }[]> {
  const { rows } = await sql<{ tenant_id: string; id: string }>`
    select tenant_id, id from default_sources(${provider})`.execute(db)
  return rows
}

export type NewMessage = {
  tenant_id: string
  id: string
  source_id: string
  event_key: string
  headers: string
  body: Buffer
  fingerprint: Buffer
}

/*
 * One autocommit statement for a batch of many tenants: the first arrival of each event key wins a row in
 * inbox_seen, and only winners get a message and its work. 3.8 to 4.8 times the same rows in a transaction each.
 */
const INGEST = {
  name: 'ingest',
  text: `
    with r as materialized (
      select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bytea[], $7::bytea[])
                    u(t, i, s, k, h, b, f)),
     won as (insert into inbox_seen (tenant_id, source_id, event_key, message_id, fingerprint)
             select t, s, k, i, f from r order by t, s, k on conflict do nothing returning message_id),
     message as (insert into inbox (tenant_id, id, source_id, event_key, headers, body)
                 select t, i, s, k, h, b from r join won on won.message_id = r.i),
     work as (insert into inbox_queue (tenant_id, id, due) select t, i, now() from r join won on won.message_id = r.i)
    select i from r where not exists (select from won where won.message_id = r.i)`,
}

/** Ids of the messages that are copies; the others are the first of their event and are stored now. */
export async function insertMessages(db: Db, messages: NewMessage[]): Promise<Set<string>> {
  const rows = await hot<{ i: string }>(db, INGEST, [
    uuids(messages.map((m) => m.tenant_id)),
    uuids(messages.map((m) => m.id)),
    uuids(messages.map((m) => m.source_id)),
    texts(messages.map((m) => m.event_key)),
    texts(messages.map((m) => m.headers)),
    byteas(messages.map((m) => m.body)),
    byteas(messages.map((m) => m.fingerprint)),
  ])
  return new Set(rows.map((row) => row.i))
}

const FIRST = {
  name: 'inbox_first',
  text: `
    select r.at, s.message_id, s.fingerprint
      from unnest($1::uuid[], $2::uuid[], $3::text[]) with ordinality r(t, s, k, at)
      join inbox_seen s on s.tenant_id = r.t and s.source_id = r.s and s.event_key = r.k`,
}

/** The first message of each event key, for those who came after it; in the order asked. */
export async function findFirsts(db: Db, copies: NewMessage[]) {
  const rows = await hot<{ at: string; message_id: string; fingerprint: Buffer }>(db, FIRST, [
    copies.map((m) => m.tenant_id),
    copies.map((m) => m.source_id),
    copies.map((m) => m.event_key),
  ])
  const firsts: ({ message_id: string; fingerprint: Buffer } | null)[] = copies.map(() => null)
  for (const { at, ...first } of rows) firsts[Number(at) - 1] = first
  return firsts
}

export type Refused = {
  tenant_id: string
  id: string
  security_event_id: string
  source_id: string
  reason: string
  detail: string
  headers: string
  body: Buffer
  ip: string | null
}

const REFUSE = {
  name: 'inbox_refuse',
  text: `
    with kept as (insert into quarantine (tenant_id, id, source_id, reason, detail, headers, body, ip)
                  values ($1, $2, $4, $5, $6, $7, $8, $9))
    insert into security_event (tenant_id, id, kind, subject, ip, detail)
    values ($1, $3, 'webhook.refused', $4::uuid::text, $9, $5::text || ': ' || $6::text)`,
}

/** Keeps a refused message, raw, together with the security event that tells of it. */
export async function insertRefused(db: Db, r: Refused): Promise<void> {
  const { tenant_id, id, security_event_id, source_id, reason, detail, headers, body, ip } = r
  await hot(db, REFUSE, [tenant_id, id, security_event_id, source_id, reason, detail, headers, body, ip])
}

export type DueMessage = Work & { source_id: string; event_key: string; headers: string; body: Buffer }

// As the claim of deliveries, and the message with it: a look-up by key in one partition for each.
const CLAIM = {
  name: 'inbox_claim',
  text: `
    with c as materialized (
      select tenant_id, id, due from inbox_queue
       where due <= now() and due >= coalesce($3::timestamptz - interval '2 s', '-infinity')
       order by due limit $2 for no key update skip locked),
     t as (update inbox_queue q set claim = $1, due = now() + interval '${LEASE_MS} ms', attempts = q.attempts + 1
             from c where q.tenant_id = c.tenant_id and q.id = c.id
           returning q.tenant_id, q.id, q.attempts, c.due as was)
    select t.tenant_id, t.id, t.attempts, t.was, m.source_id, m.event_key, m.headers, m.body, null::float8 as wait_ms
      from t cross join lateral (select source_id, event_key, headers, body from inbox
                                  where tenant_id = t.tenant_id and id = t.id offset 0) m
    union all
    select null, null, null, null, null, null, null, null,
           least(extract(epoch from (select min(due) from inbox_queue where due > now()) - now())::float8 * 1000,
                 case when exists (select from inbox_queue where due <= now() and due >= coalesce($3::timestamptz - interval '2 s', '-infinity')
                                      and id <> all (array(select id from c))) then ${LEASE_MS}::float8 end)`,
}

type ClaimRow = DueMessage & { was: Date; wait_ms: number | null }

export async function claimMessages(
  db: Db,
  claim: { id: string; limit: number; from: Date | null },
): Promise<Claimed<DueMessage>> {
  const rows = await hot<ClaimRow>(db, CLAIM, [claim.id, claim.limit, claim.from])
  const next = rows.pop()
  return {
    items: rows.map(({ was: _was, wait_ms: _wait_ms, ...item }) => ({ ...item, claim: claim.id })),
    wait_ms: next?.wait_ms ?? null,
    reached: rows.at(-1)?.was ?? null,
  }
}

const EXTEND = {
  name: 'inbox_extend',
  text: `
    update inbox_queue q set due = now() + interval '${LEASE_MS} ms'
      from unnest($1::uuid[], $2::uuid[], $3::uuid[]) r(t, i, c)
     where q.tenant_id = r.t and q.id = r.i and q.claim = r.c`,
}

export async function extendMessages(db: Db, items: DueMessage[]): Promise<void> {
  await hot(db, EXTEND, [items.map((m) => m.tenant_id), items.map((m) => m.id), items.map((m) => m.claim)])
}

export type ClosedMessage = {
  item: DueMessage
  state: 'completed' | 'ignored' | 'failed'
  event_type: string | null
  error: string | null
}

/**
 * The fence, first in its transaction: takes the work away and closes the record. Returns the ids that were still
 * ours; the effects of the others belong to whoever holds them now.
 */
export async function closeMessages(tx: Tx, closed: ClosedMessage[]): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    with r as materialized (select * from unnest(
           ${closed.map((c) => c.item.tenant_id)}::uuid[], ${closed.map((c) => c.item.id)}::uuid[],
           ${closed.map((c) => c.item.claim)}::uuid[], ${closed.map((c) => c.item.attempts)}::int2[],
           ${closed.map((c) => c.state)}::text[], ${closed.map((c) => c.event_type)}::text[],
           ${closed.map((c) => c.error)}::text[]) r(t, i, c, n, state, type, error)),
     mine as (delete from inbox_queue q using r where q.tenant_id = r.t and q.id = r.i and q.claim = r.c
              returning q.tenant_id, q.id),
     record as (update inbox m set state = r.state, event_type = r.type, attempts = r.n, error = r.error, closed_at = now()
                  from mine join r on r.t = mine.tenant_id and r.i = mine.id
                 where m.tenant_id = mine.tenant_id and m.id = mine.id)
    select id from mine`.execute(tx)
  return new Set(rows.map((row) => row.id))
}

const RETRY = {
  name: 'inbox_retry',
  text: `
    with kept as (update inbox_queue set claim = null, due = now() + $4::float8 * interval '1 ms'
                   where tenant_id = $1 and id = $2 and claim = $3 returning tenant_id, id)
    update inbox m set attempts = $5, error = $6 from kept where m.tenant_id = kept.tenant_id and m.id = kept.id`,
}

export async function retryMessage(db: Db, item: DueMessage, again_ms: number, error: string): Promise<void> {
  await hot(db, RETRY, [item.tenant_id, item.id, item.claim, again_ms, item.attempts, error])
}

export type MessageRow = {
  id: string
  source_id: string
  event_key: string
  event_type: string | null
  state: 'pending' | 'completed' | 'failed' | 'ignored'
  attempts: number
  error: string | null
  closed_at: Date | null
}

const MESSAGE = [
  'id',
  'source_id',
  'event_key',
  'event_type',
  'state',
  'attempts',
  'error',
  'closed_at',
] as const

export const listMessages = (
  tx: Tx,
  tenant_id: string,
  source_id: string | null,
  limit: number,
  before: string | null,
): Promise<MessageRow[]> => {
  let query = tx.selectFrom('inbox').select(MESSAGE).where('tenant_id', '=', tenant_id)
  if (source_id) query = query.where('source_id', '=', source_id)
  if (before) query = query.where('id', '<', before)
  return query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}

export const findMessage = (tx: Tx, tenant_id: string, id: string) =>
  tx
    .selectFrom('inbox')
    .select([...MESSAGE, 'headers', 'body'])
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()

/** Puts a closed message back to work; false where it is still pending. */
export async function requeueMessage(tx: Tx, tenant_id: string, id: string): Promise<boolean> {
  const { rows } = await sql`
    with moved as (update inbox set state = 'pending', closed_at = null, error = null
                    where tenant_id = ${tenant_id} and id = ${id} and state in ('failed', 'ignored') returning tenant_id, id)
    insert into inbox_queue (tenant_id, id, due) select tenant_id, id, now() from moved returning id`.execute(
    tx,
  )
  return rows.length > 0
}

export type QuarantineRow = {
  id: string
  source_id: string
  reason: string
  detail: string
  ip: string | null
}

const QUARANTINE = ['id', 'source_id', 'reason', 'detail', 'ip'] as const

export const listQuarantine = (
  tx: Tx,
  tenant_id: string,
  source_id: string | null,
  limit: number,
  before: string | null,
): Promise<QuarantineRow[]> => {
  let query = tx.selectFrom('quarantine').select(QUARANTINE).where('tenant_id', '=', tenant_id)
  if (source_id) query = query.where('source_id', '=', source_id)
  if (before) query = query.where('id', '<', before)
  return query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}

export const findQuarantined = (tx: Tx, tenant_id: string, id: string) =>
  tx
    .selectFrom('quarantine')
    .select([...QUARANTINE, 'headers', 'body'])
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()

/** Messages still at work that are older than the id: their partitions may not go. */
export async function countQueuedBefore(db: Db, id: string): Promise<number> {
  const { rows } = await sql<{
    count: number
  }>`select count(*)::int as count from inbox_queue where id < ${id}`.execute(db)
  return rows[0]?.count ?? 0
}

/** Forgets which events were seen before the id, a batch at a time; returns how many. */
export async function deleteSeenBefore(owner: Db, id: string, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from inbox_seen where (tenant_id, source_id, event_key) in (
      select tenant_id, source_id, event_key from inbox_seen where message_id < ${id} order by message_id limit ${limit})`.execute(
    owner,
  )
  return Number(numAffectedRows ?? 0)
}

export async function deleteQuarantined(tx: Tx, tenant_id: string, id: string): Promise<void> {
  await tx.deleteFrom('quarantine').where('tenant_id', '=', tenant_id).where('id', '=', id).execute()
}

/** How much work there is, and for how many seconds the longest overdue row has waited. */
export async function readQueue(db: Db): Promise<QueueState> {
  const { rows } = await sql<QueueState>`
    select count(*)::int as depth, coalesce(greatest(extract(epoch from now() - min(due)), 0), 0)::float8 as oldest_s
      from inbox_queue`.execute(db)
  return rows[0] ?? { depth: 0, oldest_s: 0 }
}
