import { sql } from 'kysely'
import { type Db, newest, type Tx } from '../../platform/database/database.ts'

/** Every statement on sources. */

export type SourceRow = {
  id: string
  provider: string
  name: string
  description: string | null
  connection_id: string | null
  settings: unknown
  options: unknown
  state: 'enabled' | 'disabled'
  is_default: boolean
  created_at: Date
  updated_at: Date
}

const SOURCE = [
  'id',
  'provider',
  'name',
  'description',
  'connection_id',
  'settings',
  'options',
  'state',
  'is_default',
  'created_at',
  'updated_at',
] as const

type NewSource = Pick<
  SourceRow,
  'id' | 'provider' | 'name' | 'description' | 'connection_id' | 'is_default'
> & {
  tenant_id: string
  settings: Record<string, unknown>
  options: Record<string, unknown>
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

/** As `findSource`, and nobody else changes it before this transaction ends. */
export const lockSource = (tx: Tx, tenant_id: string, id: string): Promise<SourceRow | undefined> =>
  tx
    .selectFrom('source')
    .select(SOURCE)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .forUpdate()
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
    .$call(newest({}, limit, before))
    .execute()

export type SourceChange = Partial<
  Pick<SourceRow, 'name' | 'description' | 'state' | 'is_default' | 'connection_id'> & {
    settings: Record<string, unknown>
    options: Record<string, unknown>
  }
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

/** Sources of all tenants that know copies for a shorter time than messages are kept. */
export async function listWindows(
  owner: Db,
): Promise<{ tenant_id: string; id: string; window_hours: number }[]> {
  const { rows } = await sql<{ tenant_id: string; id: string; window_hours: number }>`
    select tenant_id, id, (options #>> '{duplicates,window_hours}')::int as window_hours from source
     where options #> '{duplicates,window_hours}' is not null`.execute(owner)
  return rows
}

type Of = { tenant_id: string; source_id: string }

/** Of these sources of all tenants those that are there no more. */
export async function listDeleted(owner: Db, places: readonly Of[]): Promise<Of[]> {
  const [tenants, ids] = [places.map(({ tenant_id }) => tenant_id), places.map(({ source_id }) => source_id)]
  const { rows } = await sql<Of>`
    select tenant_id, source_id from unnest(${tenants}::uuid[], ${ids}::uuid[]) o(tenant_id, source_id)
     where not exists (select from source s where s.tenant_id = o.tenant_id and s.id = o.source_id)`.execute(
    owner,
  )
  return rows
}
