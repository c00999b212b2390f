import { type RawBuilder, sql } from 'kysely'
import type { OwnLimits } from '../../kit/call_limits.ts'
import type { Settings } from '../../kit/fields.ts'
import type { MappingRef } from '../../kit/mapping/mapping.ts'
import { type Db, newest, type Tx } from '../../platform/database/database.ts'

/** Every statement on connections. */

export type Environment = 'development' | 'staging' | 'production'
export type State = 'enabled' | 'disabled'
export type CallEvents = 'none' | 'failures' | 'all'
export type Health = 'unknown' | 'healthy' | 'degraded' | 'unhealthy'

export type ConnectionRow = {
  id: string
  provider: string
  name: string
  description: string | null
  environment: Environment
  state: State
  settings: Settings
  limits: OwnLimits
  mapping: MappingRef
  keep_bodies_days: number | null
  call_events: CallEvents
  version: number
  health: Health
  health_note: string | null
  last_seen: Date | null
  created_by: string | null
  created_at: Date
  updated_at: Date
}

const CONNECTION = [
  'id',
  'provider',
  'name',
  'description',
  'environment',
  'state',
  'settings',
  'limits',
  'mapping',
  'keep_bodies_days',
  'call_events',
  'version',
  'health',
  'health_note',
  'last_seen',
  'created_by',
  'created_at',
  'updated_at',
] as const

type NewConnection = {
  tenant_id: string
  id: string
  provider: string
  name: string
  description: string | null
  created_by: string
  environment: Environment
  settings: Settings
  limits: OwnLimits
  mapping: MappingRef
  keep_bodies_days: number | null
  call_events: CallEvents
}

export const insertConnection = (tx: Tx, row: NewConnection): Promise<ConnectionRow> =>
  tx
    .insertInto('connection')
    .values({
      ...row,
      settings: JSON.stringify(row.settings),
      limits: JSON.stringify(row.limits),
      mapping: JSON.stringify(row.mapping),
    })
    .returning(CONNECTION)
    .$castTo<ConnectionRow>()
    .executeTakeFirstOrThrow()

export const findConnection = (tx: Tx, tenant_id: string, id: string): Promise<ConnectionRow | undefined> =>
  tx
    .selectFrom('connection')
    .select(CONNECTION)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .$castTo<ConnectionRow>()
    .executeTakeFirst()

/** As `findConnection`, and nobody else changes it before this transaction ends. */
export const lockConnection = (tx: Tx, tenant_id: string, id: string): Promise<ConnectionRow | undefined> =>
  tx
    .selectFrom('connection')
    .select(CONNECTION)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .forUpdate()
    .$castTo<ConnectionRow>()
    .executeTakeFirst()

export const listConnections = (
  tx: Tx,
  tenant_id: string,
  limit: number,
  before: string | null,
): Promise<ConnectionRow[]> =>
  tx
    .selectFrom('connection')
    .select(CONNECTION)
    .where('tenant_id', '=', tenant_id)
    .$call(newest({}, limit, before))
    .$castTo<ConnectionRow>()
    .execute()

type Change = Partial<
  Pick<
    ConnectionRow,
    | 'name'
    | 'description'
    | 'state'
    | 'settings'
    | 'environment'
    | 'limits'
    | 'mapping'
    | 'keep_bodies_days'
    | 'call_events'
  >
>

/** A change makes the health unknown again: what was seen was seen with the settings before. */
export const updateConnection = (
  tx: Tx,
  tenant_id: string,
  id: string,
  change: Change,
): Promise<ConnectionRow> => {
  const { settings, limits, mapping, ...rest } = change
  return tx
    .updateTable('connection')
    .set((column) => ({
      ...rest,
      ...(settings && { settings: JSON.stringify(settings) }),
      ...(limits && { limits: JSON.stringify(limits) }),
      ...(mapping !== undefined && { mapping: JSON.stringify(mapping) }),
      version: column('version', '+', 1),
      health: 'unknown',
      health_note: null,
      updated_at: new Date(),
    }))
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .returning(CONNECTION)
    .$castTo<ConnectionRow>()
    .executeTakeFirstOrThrow()
}

/**
 * Only of the version it was seen with: an answer that comes after a change says nothing about the change. Out of
 * `unhealthy` it goes by one step at a time.
 */
export async function updateHealth(
  tx: Tx,
  { tenant_id, id, version }: { tenant_id: string; id: string; version: number },
  seen: { health: 'healthy' | 'degraded' | 'unhealthy'; health_note: string | null; last_seen: Date | null },
): Promise<void> {
  const { health, health_note, last_seen } = seen
  await sql`
    update connection set health_note = ${health_note}, last_seen = coalesce(${last_seen}::timestamptz, last_seen),
           health = case when health <> 'unhealthy' then ${health}::text
                         when ${health}::text = 'healthy' then 'degraded' else 'unhealthy' end
     where tenant_id = ${tenant_id} and id = ${id} and version = ${version}`.execute(tx)
}

/** `is_seen`: it answered just now. */
export type Found = { health: Health; note: string | null; is_seen?: boolean }

export async function setHealth(
  tx: Tx,
  { tenant_id, id }: { tenant_id: string; id: string },
  { health, note, is_seen = false }: Found,
): Promise<void> {
  await tx
    .updateTable('connection')
    .set({ health, health_note: note, ...(is_seen && { last_seen: sql<Date>`now()` }) })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .execute()
}

export type Summary = { state: State; health: Health; count: number }

/** How many there are of each kind, as far as 10,000. */
export async function summarize(tx: Tx, tenant_id: string): Promise<Summary[]> {
  const { rows } = await sql<Summary>`
    select state, health, count(*)::int as count
      from (select state, health from connection where tenant_id = ${tenant_id} limit 10000) c
     group by state, health`.execute(tx)
  return rows
}

export type LimitedConnection = Pick<
  ConnectionRow,
  'id' | 'name' | 'provider' | 'state' | 'health' | 'limits'
>

/** What is shown of connections beside what they do. One by one: with a list, PostgreSQL 15 reads all of the tenant's. */
export async function listNamed(
  tx: Tx,
  tenant_id: string,
  ids: readonly string[],
): Promise<LimitedConnection[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<LimitedConnection>`
    select c.* from unnest(${ids}::uuid[]) i(id) cross join lateral (
      select id, name, provider, state, health, limits from connection
       where tenant_id = ${tenant_id} and id = i.id offset 0) c`.execute(tx)
  return rows
}

/** Parts of a question. */
export const ANY_UNHEALTHY = sql`exists (select from connection where health = 'unhealthy' and state = 'enabled')`
export const ANY_OWN_LIMITS = sql`exists (select from connection where limits <> '{}')`
export const anyConnectionChangedSince = (from: RawBuilder<unknown>) =>
  sql`exists (select from connection where updated_at >= ${from})`

const MOST_LISTED = 10_000

/** Of all tenants, as for the owner. */
export async function listUnhealthy(
  db: Db,
): Promise<{ tenant_id: string; id: string; health_note: string | null }[]> {
  return db
    .selectFrom('connection')
    .select(['tenant_id', 'id', 'health_note'])
    .where('health', '=', 'unhealthy')
    .where('state', '=', 'enabled')
    .limit(MOST_LISTED)
    .execute()
}

/** Those in use at these providers, of all tenants. */
export async function listEnabledOf(
  db: Db,
  providers: readonly string[],
): Promise<{ tenant_id: string; id: string }[]> {
  if (providers.length === 0) return []
  return db
    .selectFrom('connection')
    .select(['tenant_id', 'id'])
    .where('provider', 'in', providers)
    .where('state', '=', 'enabled')
    .limit(MOST_LISTED)
    .execute()
}

/** Of all tenants: for the owner, whose policy lets it see them. */
export async function countEnabled(db: Db): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from connection where state = 'enabled'`.execute(db)
  return rows[0]?.n ?? 0
}

export async function deleteConnection(tx: Tx, tenant_id: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('connection')
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  return numDeletedRows > 0n
}
