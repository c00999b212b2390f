import type { Tx } from '../../platform/database/database.ts'
import { floorId, fromWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { listFound } from '../events/events.ts'
import { type CallFilter, hasIndex, listCalls, type Span, type Status } from './list_queries.ts'
import type { CallRow } from './queries.ts'
import type { CallQuery } from './record_schema.ts'

/** The calls that a caller asks for: by filters, by time, and by what they are found by. */
export type Wanted = { filter: CallFilter; span: Span; q?: string }

export function wantedOf(input: Omit<CallQuery, 'limit' | 'cursor'>): Wanted {
  const { connection_id, state, operation, method, status, cause, cause_id, parent_id, from, to, q } = input
  const { external_reference } = input
  return {
    filter: {
      ...(connection_id !== undefined && {
        connection_id: fromWire('connection', connection_id, 'connection_id'),
      }),
      ...(state !== undefined && { state }),
      ...(operation !== undefined && { operation }),
      ...(method !== undefined && { method }),
      ...(status !== undefined && { status: statusOf(status) }),
      ...(cause !== undefined && { cause }),
      ...(cause_id !== undefined && { cause_id }),
      ...(parent_id !== undefined && { parent_id }),
      ...(external_reference !== undefined && { external_reference }),
    },
    span: {
      ...(from !== undefined && { from: floorId(new Date(from)) }),
      ...(to !== undefined && { to: floorId(new Date(to)) }),
    },
    ...(q !== undefined && { q }),
  }
}

const statusOf = (text: string): Status =>
  text.endsWith('xx') ? { hundreds: Number(text[0]) } : { exactly: Number(text) }

export type CallPage = { rows: CallRow[]; next: string | null }
type Place = { limit: number; before: string | null }

/** The next candidates below an id, and below which id to go on; null where there are no more. */
type Next = (below: string | null, limit: number) => Promise<CallPage>

const CHUNK = 200
const MOST_LOOKED_AT = 1_000

/**
 * A page, newest first, and the id below which the next begins. One filter, or what is searched for, leads to the calls
 * by an index, and the others are held against them. How many one page looks at is bounded: where nearly all are
 * filtered away it may be short, even empty, and still name the next.
 */
export async function pageOf(
  app: App,
  tx: Tx,
  tenant_id: string,
  { filter, span, q }: Wanted,
  { limit, before }: Place,
): Promise<CallPage> {
  const sought = q ?? filter.external_reference
  const lead = sought === undefined ? leadOf(filter) : {}
  const next =
    sought === undefined ? byFilter(tx, tenant_id, lead, span) : byFound(app, tx, tenant_id, span, sought)
  const is_all = Object.keys(lead).length === Object.keys(filter).length
  const chunk = is_all ? limit + 1 : CHUNK
  const rows: CallRow[] = []
  let below = before
  for (let looked = 0; looked < MOST_LOOKED_AT; looked += chunk) {
    const found = await next(below, chunk)
    rows.push(...found.rows.filter((row) => fits(row, filter)))
    if (rows.length > limit) return { rows: rows.slice(0, limit), next: rows[limit - 1]?.id ?? null }
    if (found.next === null) return { rows, next: null }
    below = found.next
  }
  return { rows, next: below }
}

/** The one that leaves the fewest, as a rule. */
const LEADS = ['parent_id', 'cause_id', 'status', 'state', 'operation', 'connection_id', 'method'] as const

function leadOf(filter: CallFilter): CallFilter {
  const name = LEADS.find((one) => filter[one] !== undefined && hasIndex(one, filter))
  return name === undefined ? {} : { [name]: filter[name] }
}

const byFilter =
  (tx: Tx, tenant_id: string, lead: CallFilter, span: Span): Next =>
  async (before, limit) => {
    const rows = await listCalls(tx, tenant_id, lead, { ...span, before, limit })
    return { rows, next: rows.length < limit ? null : (rows.at(-1)?.id ?? null) }
  }

const byFound =
  (app: App, tx: Tx, tenant_id: string, span: Span, q: string): Next =>
  async (below, limit) => {
    const ids = await listFound(app, tx, tenant_id, q, { kind: 'call', below, limit })
    const there = { ...span, ids, before: null, limit }
    const rows = ids.length === 0 ? [] : await listCalls(tx, tenant_id, {}, there)
    return { rows, next: ids.length < limit ? null : (ids.at(-1) ?? null) }
  }

const fits = (row: CallRow, filter: CallFilter): boolean => isOfIt(row, filter) && comesOf(row, filter)

const comesOf = (row: CallRow, { cause, cause_id, parent_id, external_reference }: CallFilter): boolean =>
  (cause === undefined || row.cause_kind === cause) &&
  (cause_id === undefined || row.cause_id === cause_id) &&
  (parent_id === undefined || row.parent_id === parent_id) &&
  (external_reference === undefined || row.external_reference === external_reference)

const isOfIt = (row: CallRow, { connection_id, state, operation, method, status }: CallFilter): boolean =>
  (connection_id === undefined || row.connection_id === connection_id) &&
  (state === undefined || row.state === state) &&
  (operation === undefined || row.operation === operation) &&
  (method === undefined || row.method === method) &&
  (status === undefined || isStatus(row.status, status))

function isStatus(is: number | null, wanted: Status): boolean {
  if (is === null) return false
  return 'exactly' in wanted ? is === wanted.exactly : Math.floor(is / 100) === wanted.hundreds
}
