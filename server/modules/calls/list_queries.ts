import { type ExpressionBuilder, sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'
import type { Tables } from '../../platform/database/tables.ts'
import { CALL, type CallRow, type CallState } from './queries.ts'

/** The list of calls, each time by one filter that has an index in which they stand in their order. */
export type CallFilter = Partial<{
  connection_id: string
  state: CallState
  operation: string
  method: string
  status: Status
  /** Nothing leads to it. */
  cause: string
  cause_id: string
  parent_id: string
  /** Leads to it through the blind index alone. */
  external_reference: string
}>

/** What leaves out calls by their ids. */
export type Span = Partial<{
  /** Ids from this one on. */
  from: string
  /** Ids below this one. */
  to: string
  /** No others than these. */
  ids: string[]
}>

/** `404`, or `4xx`. */
export type Status = { exactly: number } | { hundreds: number }

/** Newest first, at most `limit`. */
export function listCalls(
  tx: Tx,
  tenant_id: string,
  lead: CallFilter,
  { from, to, ids, before, limit }: Span & { limit: number; before: string | null },
): Promise<CallRow[]> {
  const { connection_id, state, operation, method, status, cause_id, parent_id } = lead
  let query = tx.selectFrom('call').select(CALL).where('tenant_id', '=', tenant_id)
  if (connection_id !== undefined) query = query.where('connection_id', '=', connection_id)
  if (operation !== undefined) query = query.where('operation', '=', operation)
  if (method !== undefined) query = query.where('method', '=', method)
  if (state !== undefined) query = query.where(inState(state as Sought)) // nothing leads to the others
  if (status !== undefined) query = query.where(ofStatus(status))
  if (cause_id !== undefined) query = query.where('cause_id', '=', cause_id)
  if (parent_id !== undefined) query = query.where('parent_id', '=', parent_id)
  if (from !== undefined) query = query.where('id', '>=', from)
  if (to !== undefined) query = query.where('id', '<', to)
  if (before !== null) query = query.where('id', '<', before)
  if (ids !== undefined) query = query.where('id', 'in', ids)
  return query.orderBy('id', 'desc').limit(limit).execute()
}

/** Most calls succeed: nothing leads to those that did, beside all the others. */
export function hasIndex(name: keyof CallFilter, { state, status }: CallFilter): boolean {
  if (name === 'state') return state !== 'succeeded'
  if (name !== 'status' || status === undefined) return true
  return 'exactly' in status ? status.exactly >= FIRST_TROUBLE : status.hundreds * 100 >= FIRST_TROUBLE
}

/** A 304 succeeds. */
const FIRST_TROUBLE = 400

const ofStatus = (status: Status) => (eb: ExpressionBuilder<Tables, 'call'>) =>
  'exactly' in status ? eb('trouble_status', '=', status.exactly) : eb('trouble_class', '=', status.hundreds)

/** Trouble has an index. A call is under way for some minutes at most, so no older one is looked at. */
type Sought = Exclude<CallState, 'succeeded'>

const inState = (state: Sought) => (eb: ExpressionBuilder<Tables, 'call'>) => {
  if (state !== 'started') return eb('trouble', '=', state)
  return eb.and([
    eb('state', '=', state),
    eb('id', '>=', sql<string>`v7_floor(now() - interval '20 minutes')`),
  ])
}
