import { type RawBuilder, sql } from 'kysely'
import type { Rate } from '../../kit/call_limits.ts'
import type { Tx } from '../../platform/database/database.ts'
import type { Definition } from './schema.ts'

/** Every statement on stored operations. */

export type OperationRow = {
  connection_id: string
  name: string
  state: 'enabled' | 'disabled'
  method: Definition['method']
  path: string
  more: Omit<Definition, 'method' | 'path'>
  version: number
  created_at: Date
  updated_at: Date
}

const OPERATION = [
  'connection_id',
  'name',
  'state',
  'method',
  'path',
  'more',
  'version',
  'created_at',
  'updated_at',
] as const

type Written = Pick<OperationRow, 'state' | 'method' | 'path' | 'more'>
export type Place = { tenant_id: string; connection_id: string; name: string }

/** Null where there is one of that name already. */
export const insertOperation = (tx: Tx, place: Place, row: Written): Promise<OperationRow | undefined> =>
  tx
    .insertInto('operation')
    .values({ ...place, ...row, more: JSON.stringify(row.more) })
    .onConflict((conflict) => conflict.doNothing())
    .returning(OPERATION)
    .$castTo<OperationRow>()
    .executeTakeFirst()

export const replaceOperation = (
  tx: Tx,
  { tenant_id, connection_id, name }: Place,
  written: Written,
): Promise<OperationRow | undefined> =>
  tx
    .updateTable('operation')
    .set((row) => ({
      ...written,
      more: JSON.stringify(written.more),
      version: row('version', '+', 1),
      updated_at: new Date(),
    }))
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', connection_id)
    .where('name', '=', name)
    .returning(OPERATION)
    .$castTo<OperationRow>()
    .executeTakeFirst()

export async function deleteOperation(tx: Tx, { tenant_id, connection_id, name }: Place): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('operation')
    .where('tenant_id', '=', tenant_id)
    .where('connection_id', '=', connection_id)
    .where('name', '=', name)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** All of the tenant's, or those of one connection, by name. */
export const listOperations = (
  tx: Tx,
  tenant_id: string,
  connection_id: string | null,
): Promise<OperationRow[]> =>
  tx
    .selectFrom('operation')
    .select(OPERATION)
    .where('tenant_id', '=', tenant_id)
    .$if(connection_id !== null, (query) => query.where('connection_id', '=', connection_id as string))
    .orderBy('connection_id')
    .orderBy('name')
    .limit(MOST)
    .$castTo<OperationRow>()
    .execute()

/** A tenant's stored operations; beyond this they are no longer listed whole. */
export const MOST = 1_000

export async function countOperations(tx: Tx, tenant_id: string): Promise<number> {
  const { count } = await tx
    .selectFrom('operation')
    .select((row) => row.fn.countAll<string>().as('count'))
    .where('tenant_id', '=', tenant_id)
    .executeTakeFirstOrThrow()
  return Number(count)
}

export type RatedOperation = { connection_id: string; name: string; rates: Rate[] }

/** Those of these connections that have limits of their own. */
export async function listRated(
  tx: Tx,
  tenant_id: string,
  connection_ids: readonly string[],
): Promise<RatedOperation[]> {
  const { rows } = await sql<RatedOperation>`
    select connection_id, name, more->'rates' as rates from operation
     where tenant_id = ${tenant_id} and connection_id = any (${connection_ids}::uuid[]) and more ? 'rates'`.execute(
    tx,
  )
  return rows
}

/** Parts of a question. */
export const ANY_RATED = sql`exists (select from operation where more ? 'rates')`
export const anyRatedSince = (from: RawBuilder<unknown>) =>
  sql`exists (select from operation where more ? 'rates' and updated_at >= ${from})`
