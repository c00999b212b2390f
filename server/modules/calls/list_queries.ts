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
  /** Both ends belong to it. */
  statuses?: Range
  /** Ids from this one on. */
  from?: string
  /** Ids below this one. */
  to?: string
  /** No others than these. */
  ids?: string[]
}

export type Range = { low: number; high: number }

type Page = { limit: number; before: string | null }

/** Newest first, one more than the limit. */
export function listCalls(tx: Tx, tenant_id: string, filter: CallFilter, page: Page): Promise<CallRow[]> {
  const { statuses } = filter
  const asked = matching(tx, tenant_id, filter, page)
  if (!statuses) return asked.execute()
  const { low, high } = statuses
  if (low < FIRST_TROUBLE) return asked.where(sql<boolean>`status between ${low} and ${high}`).execute()
  if (low === high) return asked.where('trouble_status', '=', low).execute()
  return listRange(tx, statuses, asked.where(sql<boolean>`trouble_status = one.status`), page)
}

/** Most calls succeed, so those that did are met in their own order; the others are looked for by their status. */
const FIRST_TROUBLE = 300

type Asked = ReturnType<typeof matching>

/** A page of each status in turn: an index that leads to a range of them would give its calls out of order. */
const listRange = (tx: Tx, { low, high }: Range, asked: Asked, { limit }: Page): Promise<CallRow[]> =>
  tx
    .selectFrom(
      sql<{ status: number }>`(select generate_series(${low}::int, ${high}::int)::int2 as status)`.as('one'),
    )
    .innerJoinLateral(asked.as('c'), (join) => join.onTrue())
    .selectAll('c')
    .orderBy('c.id', 'desc')
    .limit(limit + 1)
    .execute()

function matching(tx: Tx, tenant_id: string, filter: CallFilter, { limit, before }: Page) {
  const { connection_id, state, operation, method, from, to, ids } = filter
  let query = tx.selectFrom('call').select(CALL).where('tenant_id', '=', tenant_id)
  if (connection_id !== undefined) query = query.where('connection_id', '=', connection_id)
  if (operation !== undefined) query = query.where('operation', '=', operation)
  if (method !== undefined) query = query.where('method', '=', method)
  if (state !== undefined) query = query.where(inState(state))
  if (from !== undefined) query = query.where('id', '>=', from)
  if (to !== undefined) query = query.where('id', '<', to)
  if (before !== null) query = query.where('id', '<', before)
  if (ids !== undefined) query = query.where('id', 'in', ids)
  return query.orderBy('id', 'desc').limit(limit + 1)
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
