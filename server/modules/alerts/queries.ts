import { type Insertable, sql } from 'kysely'
import type { Db, Tx } from '../../platform/database/database.ts'
import type { Tables } from '../../platform/database/tables.ts'
import type { AlertKind } from './kinds.ts'

/** Every statement on rules and alerts. */

export type Severity = 'info' | 'warning' | 'critical'

export type RuleRow = {
  tenant_id: string
  id: string
  kind: AlertKind
  name: string | null
  connection_id: string | null
  severity: Severity
  threshold: number | null
  minutes: number | null
  least_calls: number | null
  enabled: boolean
  created_at: Date
  updated_at: Date
}

const RULE = [
  'tenant_id',
  'id',
  'kind',
  'name',
  'connection_id',
  'severity',
  'threshold',
  'minutes',
  'least_calls',
  'enabled',
  'created_at',
  'updated_at',
] as const

/** Of all tenants, also those that are switched off. */
export const listAllRules = (db: Db, kinds: readonly AlertKind[]): Promise<RuleRow[]> =>
  db.selectFrom('alert_rule').select(RULE).where('kind', 'in', kinds).$castTo<RuleRow>().execute()

/** A tenant has few: they are listed by kind, and not by pages. */
export const listRules = (tx: Tx, tenant_id: string): Promise<RuleRow[]> =>
  tx
    .selectFrom('alert_rule')
    .select(RULE)
    .where('tenant_id', '=', tenant_id)
    .orderBy('id')
    .limit(MOST_RULES)
    .$castTo<RuleRow>()
    .execute()

export const MOST_RULES = 200

export async function countRules(tx: Tx, tenant_id: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from alert_rule where tenant_id = ${tenant_id}`.execute(tx)
  return rows[0]?.n ?? 0
}

export const findRule = (tx: Tx, tenant_id: string, id: string): Promise<RuleRow | undefined> =>
  tx
    .selectFrom('alert_rule')
    .select(RULE)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .$castTo<RuleRow>()
    .executeTakeFirst()

export const insertRule = (tx: Tx, row: Insertable<Tables['alert_rule']>): Promise<RuleRow> =>
  tx.insertInto('alert_rule').values(row).returning(RULE).$castTo<RuleRow>().executeTakeFirstOrThrow()

export type RuleChange = Partial<
  Pick<RuleRow, 'name' | 'severity' | 'threshold' | 'minutes' | 'least_calls' | 'enabled'>
>

export const updateRule = (tx: Tx, tenant_id: string, id: string, change: RuleChange): Promise<RuleRow> =>
  tx
    .updateTable('alert_rule')
    .set({ ...change, updated_at: sql<Date>`now()` })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .returning(RULE)
    .$castTo<RuleRow>()
    .executeTakeFirstOrThrow()

export async function deleteRule(tx: Tx, tenant_id: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('alert_rule')
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  return numDeletedRows > 0n
}

export type AlertRow = {
  id: string
  rule_id: string
  kind: AlertKind
  severity: Severity
  subject: string
  subject_name: string | null
  threshold: number | null
  minutes: number | null
  value: number
  note: string | null
  state: 'firing' | 'acknowledged' | 'resolved'
  acknowledged_at: Date | null
  acknowledged_by: string | null
  muted_until: Date | null
  resolved_at: Date | null
}

const ALERT = [
  'id',
  'rule_id',
  'kind',
  'severity',
  'subject',
  'subject_name',
  'threshold',
  'minutes',
  'value',
  'note',
  'state',
  'acknowledged_at',
  'acknowledged_by',
  'muted_until',
  'resolved_at',
] as const

export const findAlert = (tx: Tx, tenant_id: string, id: string): Promise<AlertRow | undefined> =>
  tx
    .selectFrom('alert')
    .select(ALERT)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .$castTo<AlertRow>()
    .executeTakeFirst()

/** `open` is what has not been resolved. */
export function listAlerts(
  tx: Tx,
  tenant_id: string,
  state: AlertRow['state'] | 'open' | undefined,
  limit: number,
  before: string | null,
): Promise<AlertRow[]> {
  let query = tx.selectFrom('alert').select(ALERT).where('tenant_id', '=', tenant_id)
  if (state === 'open') query = query.where('state', '<>', 'resolved')
  else if (state) query = query.where('state', '=', state)
  if (before) query = query.where('id', '<', before)
  return query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .$castTo<AlertRow>()
    .execute()
}

export type OpenAlert = AlertRow & { tenant_id: string }

/** Of all tenants. */
export const listOpenAlerts = (db: Db, kinds: readonly AlertKind[]): Promise<OpenAlert[]> =>
  db
    .selectFrom('alert')
    .select([...ALERT, 'tenant_id'])
    .where('state', '<>', 'resolved')
    .where('kind', 'in', kinds)
    .$castTo<OpenAlert>()
    .execute()

/** What a rule says of one thing. */
type About = { tenant_id: string; rule_id: string; subject: string }
export type Pending = About & { kind: AlertKind; since: Date }

export const listPending = (db: Db, kinds: readonly AlertKind[]): Promise<Pending[]> =>
  db
    .selectFrom('alert_pending')
    .select(['tenant_id', 'rule_id', 'subject', 'kind', 'since'])
    .where('kind', 'in', kinds)
    .$castTo<Pending>()
    .execute()

export async function insertPending(tx: Tx, row: Pending): Promise<void> {
  await tx
    .insertInto('alert_pending')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function deletePending(tx: Tx, { tenant_id, rule_id, subject }: About) {
  await tx
    .deleteFrom('alert_pending')
    .where('tenant_id', '=', tenant_id)
    .where('rule_id', '=', rule_id)
    .where('subject', '=', subject)
    .execute()
}

/** Until when nobody is to be told of this; null where they are. */
export async function findMute(tx: Tx, { tenant_id, rule_id, subject }: About) {
  const { rows } = await sql<{ until: Date | null }>`
    select max(muted_until) as until from alert
     where tenant_id = ${tenant_id} and rule_id = ${rule_id} and subject = ${subject} and muted_until > now()`.execute(
    tx,
  )
  return rows[0]?.until ?? null
}

/** False where it is firing already: two who watch at once tell of it once. */
export async function insertAlert(tx: Tx, row: Insertable<Tables['alert']>): Promise<boolean> {
  const made = await tx
    .insertInto('alert')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  return made !== undefined
}

type Place = { tenant_id: string; id: string }

export async function measureAlert(
  tx: Tx,
  { tenant_id, id }: Place,
  measured: { value: number; note: string | null },
): Promise<void> {
  await tx
    .updateTable('alert')
    .set(measured)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '<>', 'resolved')
    .execute()
}

/** False where somebody else has. */
export async function resolveAlert(tx: Tx, { tenant_id, id }: Place, at: Date): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('alert')
    .set({ state: 'resolved', resolved_at: at })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '<>', 'resolved')
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

/** Who was first stays; what is resolved is no longer anybody's to take. */
export async function acknowledgeAlert(tx: Tx, { tenant_id, id }: Place, by: string): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('alert')
    .set({ state: 'acknowledged', acknowledged_at: sql<Date>`now()`, acknowledged_by: by })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '=', 'firing')
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

/** All of its rule and subject, so that what is fired again meanwhile is told of no more than this. */
export async function muteAlerts(
  tx: Tx,
  { tenant_id, rule_id, subject }: About,
  { id, until }: { id: string; until: Date | null },
): Promise<void> {
  await sql`
    update alert set muted_until = case when id = ${id} then ${until}::timestamptz end
     where tenant_id = ${tenant_id} and rule_id = ${rule_id} and subject = ${subject}
       and (id = ${id} or muted_until is not null)`.execute(tx)
}

export async function forgetAlerts(db: Db, before: Date): Promise<void> {
  await sql`delete from alert where state = 'resolved' and resolved_at < ${before}`.execute(db)
}
