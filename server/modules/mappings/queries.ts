import type { Mapping } from '../../kit/mapping/mapping.ts'
import type { Tx } from '../../platform/database/database.ts'

/** Every statement on mappings with a name and on who uses them. */

export type World = 'test' | 'live'

export type MappingRow = {
  name: string
  environment: World
  description: string | null
  definition: Mapping
  version: number
  created_at: Date
  updated_at: Date
}

const MAPPING = [
  'name',
  'environment',
  'description',
  'definition',
  'version',
  'created_at',
  'updated_at',
] as const

type Written = Pick<MappingRow, 'environment' | 'description' | 'definition'>
type Place = { tenant_id: string; name: string }

/** Undefined where there is one of that name already. */
export const insertMapping = (tx: Tx, place: Place, row: Written): Promise<MappingRow | undefined> =>
  tx
    .insertInto('mapping')
    .values({ ...place, ...row, definition: JSON.stringify(row.definition) })
    .onConflict((conflict) => conflict.doNothing())
    .returning(MAPPING)
    .$castTo<MappingRow>()
    .executeTakeFirst()

export const replaceMapping = (tx: Tx, { tenant_id, name }: Place, row: Written): Promise<MappingRow> =>
  tx
    .updateTable('mapping')
    .set((of) => ({
      ...row,
      definition: JSON.stringify(row.definition),
      version: of('version', '+', 1),
      updated_at: new Date(),
    }))
    .where('tenant_id', '=', tenant_id)
    .where('name', '=', name)
    .returning(MAPPING)
    .$castTo<MappingRow>()
    .executeTakeFirstOrThrow()

export async function deleteMapping(tx: Tx, { tenant_id, name }: Place): Promise<void> {
  await tx
    .deleteFrom('mapping')
    .where('tenant_id', '=', tenant_id)
    .where('name', '=', name)
    .executeTakeFirstOrThrow()
}

export const findMapping = (tx: Tx, { tenant_id, name }: Place): Promise<MappingRow | undefined> =>
  tx
    .selectFrom('mapping')
    .select(MAPPING)
    .where('tenant_id', '=', tenant_id)
    .where('name', '=', name)
    .$castTo<MappingRow>()
    .executeTakeFirst()

/** Held until the end of the transaction: nobody begins to use it meanwhile. */
export const lockMapping = (tx: Tx, { tenant_id, name }: Place): Promise<MappingRow | undefined> =>
  tx
    .selectFrom('mapping')
    .select(MAPPING)
    .where('tenant_id', '=', tenant_id)
    .where('name', '=', name)
    .forUpdate()
    .$castTo<MappingRow>()
    .executeTakeFirst()

/** A tenant's mappings; beyond this they are no longer listed whole. */
export const MOST = 1_000

export const listMappings = (tx: Tx, tenant_id: string): Promise<MappingRow[]> =>
  tx
    .selectFrom('mapping')
    .select(MAPPING)
    .where('tenant_id', '=', tenant_id)
    .orderBy('name')
    .limit(MOST)
    .$castTo<MappingRow>()
    .execute()

export async function countMappings(tx: Tx, tenant_id: string): Promise<number> {
  const { count } = await tx
    .selectFrom('mapping')
    .select((row) => row.fn.countAll<string>().as('count'))
    .where('tenant_id', '=', tenant_id)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** A connection, or with `operation` one that is stored on it. */
export type User = { tenant_id: string; connection_id: string; operation: string }

export async function putUse(tx: Tx, user: User, mapping: string): Promise<void> {
  await tx
    .insertInto('mapping_use')
    .values({ ...user, mapping })
    .onConflict((conflict) =>
      conflict.columns(['tenant_id', 'connection_id', 'operation']).doUpdateSet({ mapping }),
    )
    .execute()
}

export async function deleteUse(tx: Tx, { tenant_id, connection_id, operation }: User): Promise<void> {
  await tx
    .deleteFrom('mapping_use')
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', connection_id)
    .where('operation', '=', operation)
    .execute()
}

export const listUsers = (
  tx: Tx,
  { tenant_id, name }: Place,
  limit: number,
): Promise<Pick<User, 'connection_id' | 'operation'>[]> =>
  tx
    .selectFrom('mapping_use')
    .select(['connection_id', 'operation'])
    .where('tenant_id', '=', tenant_id)
    .where('mapping', '=', name)
    .orderBy('connection_id')
    .orderBy('operation')
    .limit(limit)
    .execute()
