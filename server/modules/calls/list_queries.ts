import { type ExpressionBuilder, sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'
import type { Tables } from '../../platform/database/tables.ts'
import { CALL, type CallRow, type CallState } from './queries.ts'

/** The list of calls, by any choice of filters. Each of them has an index in which the calls stand in their order. */
export type CallFilter = {
  connection_id?: string
  state?: CallState
  operation?: string
  method?: string
  status?: Status
  /** Ids from this one on. */
  from?: string
  /** Ids below this one. */
  to?: string
  /** No others than these. */
  ids?: string[]
}

/** `404`, or `4xx`. */
export type Status = { exactly: number } | { hundreds: number }

/** Newest first, one more than the limit. */
export function listCalls(
  tx: Tx,
  tenant_id: string,
  filter: CallFilter,
  { limit, before }: { limit: number; before: string | null },
): Promise<CallRow[]> {
  const { connection_id, state, operation, method, status, from, to, ids } = filter
  let query = tx.selectFrom('call').select(CALL).where('tenant_id', '=', tenant_id)
  if (connection_id !== undefined) query = query.where('connection_id', '=', connection_id)
  if (operation !== undefined) query = query.where('operation', '=', operation)
  if (method !== undefined) query = query.where('method', '=', method)
  if (state !== undefined) query = query.where(inState(state))
  if (status !== undefined) query = query.where(ofStatus(status))
  if (from !== undefined) query = query.where('id', '>=', from)
  if (to !== undefined) query = query.where('id', '<', to)
  if (before !== null) query = query.where('id', '<', before)
  if (ids !== undefined) query = query.where('id', 'in', ids)
  return query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}

const FIRST_TROUBLE = 300

/** Most calls succeed, so those that did are met in their own order; the others are looked for by their status. */
const ofStatus = (status: Status) => (eb: ExpressionBuilder<Tables, 'call'>) => {
  if ('exactly' in status) {
    const { exactly } = status
    return eb(exactly < FIRST_TROUBLE ? 'status' : 'trouble_status', '=', exactly)
  }
  const low = status.hundreds * 100
  if (low >= FIRST_TROUBLE) return eb('trouble_class', '=', status.hundreds)
  return eb.between('status', low, low + 99)
}

/** Trouble has an index. A call is under way for some minutes at most, so no older one is looked at. */
const inState = (state: CallState) => (eb: ExpressionBuilder<Tables, 'call'>) => {
  if (state === 'succeeded') return eb('state', '=', state)
  if (state !== 'started') return eb('trouble', '=', state)
  return eb.and([
    eb('state', '=', state),
    eb('id', '>=', sql<string>`v7_floor(now() - interval '20 minutes')`),
  ])
}
