import { sql } from 'kysely'
import { type Db, newest, type Tx } from '../../platform/database/database.ts'

/** Every statement on batches; their calls belong to the room of calls. */
export type BatchState = 'running' | 'completed' | 'canceled'

export type BatchRow = {
  id: string
  connection_id: string
  state: BatchState
  total: number
  concurrency: number
  delay_ms: number
  actor: string
  request_id: string | null
  closed_at: Date | null
}

const BATCH = [
  'id',
  'connection_id',
  'state',
  'total',
  'concurrency',
  'delay_ms',
  'actor',
  'request_id',
  'closed_at',
] as const

export type NewBatch = Omit<BatchRow, 'state' | 'closed_at'> & { tenant_id: string }

export const insertBatch = (tx: Tx, row: NewBatch): Promise<BatchRow> =>
  tx.insertInto('batch').values(row).returning(BATCH).executeTakeFirstOrThrow()

export const findBatch = (tx: Tx, tenant_id: string, id: string): Promise<BatchRow | undefined> =>
  tx
    .selectFrom('batch')
    .select(BATCH)
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .executeTakeFirst()

export const listBatches = (
  tx: Tx,
  tenant_id: string,
  connection_id: string | null,
  limit: number,
  before: string | null,
): Promise<BatchRow[]> =>
  tx
    .selectFrom('batch')
    .select(BATCH)
    .where('tenant_id', '=', tenant_id)
    .$call(newest({ connection_id }, limit, before))
    .execute()

/** False where it was over already. */
export async function closeBatch(
  tx: Tx,
  tenant_id: string,
  id: string,
  state: 'completed' | 'canceled',
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('batch')
    .set({ state, closed_at: new Date() })
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .where('state', '=', 'running')
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function countRunningBefore(db: Db, id: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from batch where state = 'running' and id < ${id}`.execute(db)
  return rows[0]?.count ?? 0
}
