import { sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'
import { type AttemptRow, CALL, type CallRow } from './queries.ts'

/** Every statement of those who watch calls as they are made, or look at many of them together. */

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

export const listCallsOf = (tx: Tx, tenant_id: string, ids: readonly string[]): Promise<CallRow[]> =>
  tx.selectFrom('call').select(CALL).where('tenant_id', '=', tenant_id).where('id', 'in', ids).execute()

/** Of calls that belong to what has these ids on the wire, or that it made necessary; of each at most 20. */
export async function listBelonging(
  tx: Tx,
  tenant_id: string,
  wire_ids: readonly string[],
  limit: number,
): Promise<string[]> {
  if (wire_ids.length === 0) return []
  const { rows } = await sql<{ id: string }>`
    select distinct c.id from unnest(${wire_ids}::text[]) i(id) cross join lateral (
      (select id from call where tenant_id = ${tenant_id} and parent_id = i.id order by id limit 20 offset 0)
      union all
      (select id from call where tenant_id = ${tenant_id} and cause_id = i.id order by id limit 20 offset 0)) c
     limit ${limit}`.execute(tx)
  return rows.map(({ id }) => id)
}

export type ShortAttempt = Pick<
  AttemptRow,
  'id' | 'number' | 'outcome' | 'status' | 'duration_ms' | 'error'
> & {
  call_id: string
}

/** Of these calls, in the order they ended. An attempt is never older than its call. */
export const listAttemptsOfCalls = (
  tx: Tx,
  tenant_id: string,
  call_ids: readonly string[],
  limit: number,
): Promise<ShortAttempt[]> =>
  tx
    .selectFrom('call_attempt')
    .select(['id', 'call_id', 'number', 'outcome', 'status', 'duration_ms', 'error'])
    .where('tenant_id', '=', tenant_id)
    .where('call_id', 'in', call_ids)
    .where('id', '>', [...call_ids].sort()[0] ?? '')
    .orderBy('id')
    .limit(limit)
    .execute()
