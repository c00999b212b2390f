import { sql } from 'kysely'
import {
  byteas,
  type Db,
  hot,
  newest,
  reachedIn,
  type Tx,
  texts,
  uuids,
} from '../../platform/database/database.ts'
import { floorId } from '../../platform/ids.ts'

/** Every statement on the quarantine and the security events of the door. */

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
    with r as materialized (
      select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::text[])
                    u(t, i, e, s, reason, detail, h, b, ip)),
     kept as (insert into quarantine (tenant_id, id, source_id, reason, detail, headers, body, ip)
              select t, i, s, reason, detail, h, b, ip from r)
    insert into security_event (tenant_id, id, kind, subject, ip, detail)
    select t, e, 'webhook.refused', s::text, ip, reason || ': ' || detail from r`,
}

/** Keeps refused messages of many tenants, raw, each together with the security event that tells of it. */
export async function insertRefused(db: Db, refused: Refused[]): Promise<void> {
  await hot(db, REFUSE, [
    uuids(refused.map((r) => r.tenant_id)),
    uuids(refused.map((r) => r.id)),
    uuids(refused.map((r) => r.security_event_id)),
    uuids(refused.map((r) => r.source_id)),
    texts(refused.map((r) => r.reason)),
    texts(refused.map((r) => r.detail)),
    texts(refused.map((r) => r.headers)),
    byteas(refused.map((r) => r.body)),
    texts(refused.map((r) => r.ip)),
  ])
}

const TELL = {
  name: 'inbox_tell',
  text: `
    insert into security_event (tenant_id, id, kind, subject, ip, detail) values ($1, $2, $3, $4::uuid::text, $5, $6)`,
}

export async function insertSecurityEvent(
  db: Db,
  row: { tenant_id: string; id: string; kind: string; source_id: string; ip: string | null; detail: string },
): Promise<void> {
  await hot(db, TELL, [row.tenant_id, row.id, row.kind, row.source_id, row.ip, row.detail])
}

/** How many of a source are kept, counted no further than `most`. */
export async function countQuarantine(
  tx: Tx,
  tenant_id: string,
  source_id: string,
  most: number,
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from (
      select from quarantine where tenant_id = ${tenant_id} and source_id = ${source_id} limit ${most}) q`.execute(
    tx,
  )
  return rows[0]?.count ?? 0
}

export type SecurityEventRow = {
  id: string
  kind: string
  subject: string
  ip: string | null
  detail: string
}
export type SecurityEventFilter = {
  kind: string | null
  source_id: string | null
  ip: string | null
  since: Date | null
  until: Date | null
}

const SECURITY_EVENT = ['id', 'kind', 'subject', 'ip', 'detail'] as const
const MOST_LOOKED_AT = 5_000

/**
 * Newest first. No index leads by kind, source or address: it would cost most in a flood. So a page looks at so many
 * and says by `reached` where it stopped looking.
 */
export async function listSecurityEvents(
  tx: Tx,
  tenant_id: string,
  { kind, source_id, ip, since, until }: SecurityEventFilter,
  limit: number,
  before: string | null,
): Promise<{ rows: SecurityEventRow[]; reached: string | null }> {
  const found = tx
    .selectFrom('security_event')
    .where('tenant_id', '=', tenant_id)
    .$if(since !== null, (query) => query.where('id', '>=', floorId(since as Date)))
    .$if(until !== null, (query) => query.where('id', '<', floorId(until as Date)))
    .$if(before !== null, (query) => query.where('id', '<', before as string))
    .orderBy('id', 'desc')
  const rows = await tx
    .selectFrom(found.select(SECURITY_EVENT).limit(MOST_LOOKED_AT).as('page'))
    .select(SECURITY_EVENT)
    .$call(newest({ kind, subject: source_id, ip }, limit, null))
    .execute()
  if (rows.length > limit) return { rows, reached: null }
  return { rows, reached: await reachedIn(found, MOST_LOOKED_AT) }
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
  return tx
    .selectFrom('quarantine')
    .select(QUARANTINE)
    .where('tenant_id', '=', tenant_id)
    .$call(newest({ source_id }, limit, before))
    .execute()
}

export const findQuarantined = (tx: Tx, tenant_id: string, id: string) =>
  tx
    .selectFrom('quarantine')
    .select([...QUARANTINE, 'headers', 'body'])
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()

/** With their bytes, the oldest first. */
export const listOldest = (
  tx: Tx,
  tenant_id: string,
  source_id: string,
  after: string | null,
  limit: number,
) =>
  tx
    .selectFrom('quarantine')
    .select([...QUARANTINE, 'headers', 'body'])
    .where('tenant_id', '=', tenant_id)
    .where('source_id', '=', source_id)
    .$if(after !== null, (query) => query.where('id', '>', after as string))
    .orderBy('id')
    .limit(limit)
    .execute()

/** Whether it was still there. */
export async function deleteQuarantined(tx: Tx, tenant_id: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('quarantine')
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

export type QuarantineFilter = {
  source_id: string
  reason: string | null
  ip: string | null
  since: Date
  until: Date
}

const fits = (tenant_id: string, { source_id, reason, ip, since, until }: QuarantineFilter) => sql`
  tenant_id = ${tenant_id} and source_id = ${source_id} and id >= ${floorId(since)} and id < ${floorId(until)}
  ${reason === null ? sql`` : sql`and reason = ${reason}`} ${ip === null ? sql`` : sql`and ip = ${ip}`}`

export async function countFitting(tx: Tx, tenant_id: string, filter: QuarantineFilter): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from quarantine where ${fits(tenant_id, filter)}`.execute(tx)
  return rows[0]?.count ?? 0
}

/** The oldest that fit; returns how many. */
export async function deleteFitting(
  tx: Tx,
  tenant_id: string,
  filter: QuarantineFilter,
  limit: number,
): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from quarantine where tenant_id = ${tenant_id} and id = any (array(
      select id from quarantine where ${fits(tenant_id, filter)} order by id limit ${limit}))`.execute(tx)
  return Number(numAffectedRows ?? 0)
}
