import { type RawBuilder, sql } from 'kysely'
import { type Db, hot, type Tx } from '../../platform/database/database.ts'
import { spansAs } from './queries.ts'
import type { Grain, Span } from './spans.ts'

/** Every statement on webhooks as they were counted. */

export type Direction = 'inbound' | 'outbound'

export type TrafficRow = {
  tenant_id: string
  grain: Grain
  at: Date
  direction: Direction
  subject: string
  outcome: string
  count: number
  total_ms: number
}

const KEY = 'tenant_id, grain, subject, at, direction, outcome'

/** In place of a subject: all of them together, however many there are. */
export const ALL_SUBJECTS = ''

// In the order of the key, so that two processes that add to the same rows never wait for each other in a circle.
const ADD = {
  name: 'traffic_add',
  text: `
    insert into traffic as t (${KEY}, count, total_ms)
    select ${KEY}, count, total_ms from jsonb_populate_recordset(null::traffic, $1::jsonb) order by ${KEY}
    on conflict (${KEY}) do update set count = t.count + excluded.count, total_ms = t.total_ms + excluded.total_ms`,
}

export async function addTraffic(db: Db, rows: TrafficRow[]): Promise<void> {
  await hot(db, ADD, [JSON.stringify(rows)])
}

export type Flow = Pick<TrafficRow, 'at' | 'direction' | 'outcome' | 'count' | 'total_ms'>

/** Of all subjects together, by each step. */
export async function listTraffic(tx: Tx, tenant_id: string, spans: readonly Span[]): Promise<Flow[]> {
  const { rows } = await sql<Flow>`
    select m.* from ${spansAs(spans)} cross join lateral (
      select at, direction, outcome, count::float8 as count, total_ms::float8 as total_ms from traffic
       where tenant_id = ${tenant_id} and grain = s.g and subject = ${ALL_SUBJECTS} and at >= s.f and at < s.t
      offset 0) m`.execute(tx)
  return rows
}

export type Subject = Omit<Flow, 'at'> & { subject: string }

/** Of each subject over the whole range. */
export async function listSubjects(tx: Tx, tenant_id: string, spans: readonly Span[]): Promise<Subject[]> {
  const { rows } = await sql<Subject>`
    select subject, direction, outcome, sum(count)::float8 as count, sum(total_ms)::float8 as total_ms
      from ${spansAs(spans)} cross join lateral (
        select subject, direction, outcome, count, total_ms from traffic
         where tenant_id = ${tenant_id} and grain = s.g and subject > ${ALL_SUBJECTS} and at >= s.f and at < s.t
        offset 0) m
     group by subject, direction, outcome order by sum(count) desc, subject, outcome limit 1000`.execute(tx)
  return rows
}

/** How many messages were turned away to the quarantine, by five minutes since `from`, of all tenants. */
export async function listQuarantinedSince(
  db: Db,
  from: Date,
): Promise<{ tenant_id: string; at: Date; count: number }[]> {
  const { rows } = await sql<{ tenant_id: string; at: Date; count: number }>`
    select tenant_id, at, count::float8 as count from traffic
     where grain = 'five_minutes' and at >= ${from} and subject = ${ALL_SUBJECTS}
       and direction = 'inbound' and outcome = 'quarantined'`.execute(db)
  return rows
}

/** Part of a question: whether anything went to the quarantine since `from`. */
export const anyQuarantinedSince = (from: RawBuilder<unknown>) =>
  sql`exists (select from traffic where grain = 'five_minutes' and at >= ${from} and subject = ${ALL_SUBJECTS}
                                    and direction = 'inbound' and outcome = 'quarantined')`

const FORGET = { name: 'traffic_forget', text: 'delete from traffic where at < $1' }
const FORGET_FINE = {
  name: 'traffic_forget_fine',
  text: "delete from traffic where grain = 'five_minutes' and at < $1",
}

export async function forgetTraffic(db: Db, before: Date, fine_before: Date): Promise<void> {
  await hot(db, FORGET, [before])
  await hot(db, FORGET_FINE, [fine_before])
}
