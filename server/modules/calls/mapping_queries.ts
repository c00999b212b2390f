import type { Tx } from '../../platform/database/database.ts'

/** Every statement on what the mappings of calls came to. */
export async function insertSteps(
  tx: Tx,
  row: { tenant_id: string; id: string; steps: string },
): Promise<void> {
  await tx
    .insertInto('call_mapping')
    .values(row)
    .onConflict((conflict) => conflict.doNothing()) // an answer from the cache has the id of the call it came by
    .execute()
}

/** JSON text; null where nothing was mapped. */
export async function findSteps(tx: Tx, tenant_id: string, id: string): Promise<string | null> {
  const row = await tx
    .selectFrom('call_mapping')
    .select('steps')
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()
  return row?.steps ?? null
}
