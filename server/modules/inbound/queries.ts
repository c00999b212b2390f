import { type RawBuilder, sql } from 'kysely'
import {
  byteas,
  type Db,
  hot,
  int8s,
  seek,
  type Tx,
  texts,
  uuids,
  within,
} from '../../platform/database/database.ts'
import type { Claim, Claimed, QueueState, Work } from '../../platform/queue.ts'
import { claimFrom, keysOf, queueStatements, readQueueState } from '../../platform/queue_statements.ts'
import { type ExternalId, foundBy } from '../events/events.ts'

/** Every statement on the inbox and its queue. */

export type NewMessage = {
  tenant_id: string
  id: string
  source_id: string
  event_key: string
  headers: string
  body: Buffer
  fingerprint: Buffer
  /** Where its entity's messages stand in line, and its place there; null where they do not. */
  lane: string | null
  position: number | null
}

/*
 * One autocommit statement for a batch of many tenants: the first arrival of each event key wins a row in
 * inbox_seen, and only winners get a message and its work. 3.8 to 4.8 times the same rows in a transaction each.
 */
const OF_WON = within('r.i', 'select message_id from won')
const ingestText = (flags: string) => `
    with r as materialized (
      select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bytea[], $7::bytea[], $8::uuid[], $9::int8[])
                    u(t, i, s, k, h, b, f, l, p)),
     won as (insert into inbox_seen (tenant_id, source_id, event_key, message_id, fingerprint)
             select t, s, k, i, f from r order by t, s, k on conflict do nothing returning message_id),
     message as (insert into inbox (tenant_id, id, source_id, event_key, headers, body, lane, position, flags)
                 select t, i, s, k, h, b, l, p, '${flags}'::text[] from r where ${OF_WON}),
     work as (insert into inbox_queue (tenant_id, id, due, lane, position, arrived)
              select t, i, now(), l, p, case when l is not null then pg_current_xact_id()::text::int8 end
                from r where ${OF_WON})
    select i from r where not exists (select from won where won.message_id = r.i)`
const INGEST = { name: 'ingest', text: ingestText('{}') }
const INGEST_CHANGED = { name: 'ingest_changed', text: ingestText('{changed}') }

/** Ids of the messages that are copies; the others are the first of their event and are stored now. */
export async function insertMessages(
  db: Db,
  messages: NewMessage[],
  kind: 'first' | 'changed' = 'first',
): Promise<Set<string>> {
  const rows = await hot<{ i: string }>(db, kind === 'first' ? INGEST : INGEST_CHANGED, [
    uuids(messages.map((m) => m.tenant_id)),
    uuids(messages.map((m) => m.id)),
    uuids(messages.map((m) => m.source_id)),
    texts(messages.map((m) => m.event_key)),
    texts(messages.map((m) => m.headers)),
    byteas(messages.map((m) => m.body)),
    byteas(messages.map((m) => m.fingerprint)),
    uuids(messages.map((m) => m.lane)),
    int8s(messages.map((m) => m.position)),
  ])
  return new Set(rows.map((row) => row.i))
}

const FIRST = {
  name: 'inbox_first',
  text: `
    select r.at, s.message_id, s.fingerprint
      from unnest($1::uuid[], $2::uuid[], $3::text[]) with ordinality r(t, s, k, at)
      join inbox_seen s on ${seek('s.tenant_id', 'r.t')} and s.source_id = r.s and s.event_key = r.k`,
}

/** The first message of each event key, for those who came after it; in the order asked. */
export async function findFirsts(db: Db, copies: NewMessage[]) {
  const rows = await hot<{ at: string; message_id: string; fingerprint: Buffer }>(db, FIRST, [
    uuids(copies.map((m) => m.tenant_id)),
    uuids(copies.map((m) => m.source_id)),
    texts(copies.map((m) => m.event_key)),
  ])
  const firsts: ({ message_id: string; fingerprint: Buffer } | null)[] = copies.map(() => null)
  for (const { at, ...first } of rows) firsts[Number(at) - 1] = first
  return firsts
}

export type DueMessage = Work & {
  source_id: string
  event_key: string
  headers: string
  body: Buffer
  flags: string[]
}

/** What a claim takes: a message to work on, or, where it has a lane, the bell that tells of it. */
export type Bell = Work & { source_id: string; lane: string }
export type Due = (DueMessage & { lane: null }) | Bell

// The message comes with its work: a look-up by key in one partition for each. Of a bell nobody needs the body.
const QUEUE = queueStatements({
  name: 'inbox',
  table: 'inbox_queue',
  columns: ['lane'],
  joined: {
    columns: ['source_id', 'event_key', 'flags', 'headers', 'body'],
    lateral: `select source_id, event_key, flags, case when t.lane is null then headers end as headers,
                     case when t.lane is null then body end as body
                from inbox where tenant_id = t.tenant_id and id = t.id offset 0`,
  },
})

export const SOONEST_MESSAGE = QUEUE.soonest

/** Part of a question: whether anything stands in a lane that came before then. It has no due time of its own. */
export const anyInLaneBefore = (before: RawBuilder<unknown>) =>
  sql`exists (select from inbox_queue where due is null and id < v7_floor(${before}))`

export const claimMessages = (db: Db, claim: Claim): Promise<Claimed<Due>> => claimFrom<Due>(db, QUEUE, claim)

export async function extendMessages(db: Db, items: Work[]): Promise<void> {
  await hot(db, QUEUE.extend, keysOf(items))
}

/** How much work there is, and for how many seconds the longest overdue row has waited. */
export const readQueue = (db: Db): Promise<QueueState> => readQueueState(db, QUEUE)

/** What of a queue waits for its turn, counted as far as `MOST_COUNTED` of its rows, the oldest first. */
type Backlog = { depth: number; due: number; oldest_s: number; is_more: boolean }

const MOST_COUNTED = 10_000
/** In the text, where the planner and the reader see it. */
const BOUND = sql.raw(String(MOST_COUNTED))

/** Of one tenant. What stands in a lane has no due time of its own and waits since it came. */
export async function readBacklog(tx: Tx, tenant_id: string): Promise<Backlog> {
  const { rows } = await sql<Backlog>`
    select count(*)::int as depth, count(*) filter (where due <= now())::int as due, count(*) >= ${MOST_COUNTED} as is_more,
           coalesce(extract(epoch from now() - min(due) filter (where due <= now())), 0)::float8 as oldest_s
      from (select coalesce(due, v7_time(id)) as due from inbox_queue
             where tenant_id = ${tenant_id} order by id limit ${BOUND}) q`.execute(tx)
  return rows[0] ?? { depth: 0, due: 0, oldest_s: 0, is_more: false }
}

/** An error may name a field of the message, and PostgreSQL takes no NUL. */
const storable = (error: string | null): string | null => error?.replaceAll('\0', '') ?? null

export type ClosedMessage = {
  item: DueMessage
  state: 'completed' | 'ignored' | 'failed' | 'parked'
  event_type: string | null
  error: string | null
  /** What was found unusual while it was worked on. */
  flags: string[]
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
           ${closed.map((c) => storable(c.error))}::text[], ${closed.map((c) => c.flags.join(' '))}::text[]) r(t, i, c, n, state, type, error, flags)),
     mine as (delete from inbox_queue q using r where ${sql.raw(seek('q.tenant_id', 'r.t'))} and q.id = r.i and q.claim = r.c
              returning q.tenant_id, q.id),
     record as (update inbox m set state = r.state, event_type = r.type, attempts = r.n, error = r.error, closed_at = now(),
                       flags = string_to_array(r.flags, ' ')
                  from r where ${sql.raw(seek('m.tenant_id', 'r.t'))} and m.id = r.i and ${sql.raw(within('(r.t, r.i)', 'select tenant_id, id from mine'))})
    select id from mine`.execute(tx)
  return new Set(rows.map((row) => row.id))
}

/*
 * What an ordinary message is found by is written as it is closed. One that failed may be looked for before that, so it
 * is written here, and again as it is closed to no effect.
 */
const RETRY = {
  name: 'inbox_retry',
  text: `
    with named as (${foundBy(7)}),
     kept as (update inbox_queue set claim = null, due = now() + $4::float8 * interval '1 ms'
                   where tenant_id = $1 and id = $2 and claim = $3 returning tenant_id, id)
    update inbox m set attempts = $5, error = $6 from kept where m.tenant_id = kept.tenant_id and m.id = kept.id`,
}

export async function retryMessage(
  db: Db,
  item: DueMessage,
  again_ms: number,
  error: string,
  ids: ExternalId[],
): Promise<void> {
  const { tenant_id, id, claim, attempts } = item
  await hot(db, RETRY, [tenant_id, id, claim, again_ms, attempts, storable(error), ...columnsOf(ids)])
}

const NOTE = {
  name: 'inbox_note_failure',
  text: `
    with named as (${foundBy(5)})
    update inbox set attempts = $3, error = $4 where tenant_id = $1 and id = $2 and state = 'pending'`,
}

/** What went wrong at the head of a lane that stays, on the record of the message, and by what that is found meanwhile. */
export async function noteFailure(db: Db, item: DueMessage, error: string, ids: ExternalId[]): Promise<void> {
  await hot(db, NOTE, [item.tenant_id, item.id, item.attempts, storable(error), ...columnsOf(ids)])
}

const IDS = { name: 'inbox_ids', text: foundBy(1) }

/** By which a message is found that nobody works on yet. */
export async function insertIds(db: Db, ids: ExternalId[]): Promise<void> {
  await hot(db, IDS, columnsOf(ids))
}

/** As `foundBy` wants them. */
const columnsOf = (ids: ExternalId[]): unknown[] => [
  uuids(ids.map((one) => one.tenant_id)),
  byteas(ids.map((one) => one.value_hmac)),
  texts(ids.map((one) => one.kind)),
  uuids(ids.map((one) => one.ref_id)),
]

/** Messages still at work that are older than the id: their partitions may not go. */
export async function countQueuedBefore(db: Db, id: string): Promise<number> {
  const { rows } = await sql<{
    count: number
  }>`select count(*)::int as count from inbox_queue where id < ${id}`.execute(db)
  return rows[0]?.count ?? 0
}

/** Forgets which events of one source were seen before the id, a batch at a time; returns how many. */
export async function deleteSeenOf(
  owner: Db,
  source: { tenant_id: string; id: string },
  before_id: string,
  limit: number,
): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from inbox_seen where tenant_id = ${source.tenant_id} and source_id = ${source.id} and event_key in (
      select event_key from inbox_seen
       where tenant_id = ${source.tenant_id} and source_id = ${source.id} and message_id < ${before_id} limit ${limit})`.execute(
    owner,
  )
  return Number(numAffectedRows ?? 0)
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
