import type { Tx } from '../../platform/database/database.ts'
import type { CallRow } from './queries.ts'

/** Every statement of those who watch calls as they are made. */

const SEEN = [
  'id',
  'connection_id',
  'operation',
  'method',
  'state',
  'status',
  'duration_ms',
  'closed_at',
] as const
export type SeenCall = Pick<CallRow, (typeof SEEN)[number]>

/** From this id on, the newest `limit` of them. */
export const listCallsSince = (
  tx: Tx,
  tenant_id: string,
  from_id: string,
  limit: number,
): Promise<SeenCall[]> =>
  tx
    .selectFrom('call')
    .select(SEEN)
    .where('tenant_id', '=', tenant_id)
    .where('id', '>=', from_id)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()

export const listCallsOf = (tx: Tx, tenant_id: string, ids: readonly string[]): Promise<SeenCall[]> =>
  tx.selectFrom('call').select(SEEN).where('tenant_id', '=', tenant_id).where('id', 'in', ids).execute()
