import { readFileSync } from 'node:fs'
import type pg from 'pg'
import { stripeEvent } from './stripe_messages.ts'

/** Inboxes that are full before the clock starts, and what is looked at while they empty. */

export type FilledSource = { tenant_id: string; source_id: string }
type Fill = {
  count: number
  /** Part of every event's id. */
  run: string
  /** `pending` has its work beside it; `failed` has ended. */
  state: 'pending' | 'failed'
}

const AT_ONCE = 50_000
const NAME = '@name@'

/**
 * Puts messages into the inbox as the door would have, without their requests: in bulk, by PostgreSQL itself, each with an
 * event of its own of about 1 kB, their times spread over the day so far.
 */
export async function fillInbox(root: pg.Pool, sources: FilledSource[], fill: Fill): Promise<void> {
  const { count, run, state } = fill
  const body = stripeEvent(NAME, Math.floor(Date.now() / 1000))
  const places = [sources.map((one) => one.tenant_id), sources.map((one) => one.source_id)]
  for (let from = 0; from < count; from += AT_ONCE) {
    const many = Math.min(AT_ONCE, count - from)
    await root.query(FILL, [run, from, many, ...places, body, NAME, state, count])
  }
  await root.query('vacuum analyze inbox_queue')
  await root.query('analyze inbox, inbox_seen')
}

const DAY_SO_FAR = `date_trunc('day', now() at time zone 'utc') at time zone 'utc'`
const FILL = `
  with m as materialized (
    select ($4::uuid[])[1 + n % cardinality($4::uuid[])] as t, ($5::uuid[])[1 + n % cardinality($5::uuid[])] as s,
           (left(v7_floor(${DAY_SO_FAR} + (now() - ${DAY_SO_FAR}) * (n / $9::float8))::text, 13) || '-7' || substr(gen_random_uuid()::text, 16))::uuid as i,
           'evt_' || $1::text || n as k, convert_to(replace($6::text, $7::text, $1::text || n), 'utf8') as b
      from generate_series($2::int, $2::int + $3::int - 1) n),
  seen as (insert into inbox_seen (tenant_id, source_id, event_key, message_id, fingerprint) select t, s, k, i, sha256(b) from m),
  work as (insert into inbox_queue (tenant_id, id, due) select t, i, now() from m where $8::text = 'pending')
  insert into inbox (tenant_id, id, source_id, event_key, headers, body, state, event_type, closed_at)
  select t, i, s, k, '{"content-type":"application/json"}', b, $8::text, 'payment_intent.succeeded',
         case when $8::text = 'failed' then now() end from m`

/** How much work is left in the inbox. */
export async function workLeft(root: pg.Pool): Promise<number> {
  const { rows } = await root.query<{ left: number }>('select count(*)::int as left from inbox_queue')
  return rows[0]?.left ?? 0
}

/** What became of all messages: each is to have ended well and to be one event. */
export async function reckonInbox(root: pg.Pool) {
  const messages = await root.query<{ completed: number; replayed: number }>(
    `select count(*) filter (where state = 'completed')::int as completed,
            count(*) filter (where flags = '{replayed}')::int as replayed from inbox`,
  )
  const events = await root.query<{ events: number; told: number }>(
    'select count(message_id)::int as events, count(distinct message_id)::int as told from event', // alerts are events too
  )
  return { completed: 0, replayed: 0, events: 0, told: 0, ...messages.rows[0], ...events.rows[0] }
}

/** Memory that a process holds, in MB; null where the system does not say. */
export function memoryOf(pid: number): number | null {
  try {
    const kb = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kb === undefined ? null : Math.round(Number(kb) / 1024)
  } catch {
    return null
  }
}

export const inMb = (memory: number | null): string => (memory === null ? 'not known' : `${memory} MB`)
