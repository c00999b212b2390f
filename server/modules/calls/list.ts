import type { Tx } from '../../platform/database/database.ts'
import { floorId, fromWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { listFound } from '../events/events.ts'
import { type CallFilter, listCalls, type Status } from './list_queries.ts'
import type { CallRow } from './queries.ts'
import type { CallQuery } from './record_schema.ts'

/** The calls that a caller asks for: by filters, and by what they are found by. */
export type Wanted = CallFilter & { q?: string }

export function wantedOf(input: Omit<CallQuery, 'limit' | 'cursor'>): Wanted {
  const { connection_id, state, operation, method, status, from, to, q } = input
  return {
    ...(connection_id !== undefined && {
      connection_id: fromWire('connection', connection_id, 'connection_id'),
    }),
    ...(state !== undefined && { state }),
    ...(operation !== undefined && { operation }),
    ...(method !== undefined && { method }),
    ...(status !== undefined && { status: statusOf(status) }),
    ...(from !== undefined && { from: floorId(new Date(from)) }),
    ...(to !== undefined && { to: floorId(new Date(to)) }),
    ...(q !== undefined && { q }),
  }
}

const statusOf = (text: string): Status =>
  text.endsWith('xx') ? { hundreds: Number(text[0]) } : { exactly: Number(text) }

export type CallPage = { rows: CallRow[]; next: string | null }
type Place = { limit: number; before: string | null }

/** A page, newest first, and the id below which the next begins. */
export async function pageOf(
  app: App,
  tx: Tx,
  tenant_id: string,
  wanted: Wanted,
  place: Place,
): Promise<CallPage> {
  const { q, ...filter } = wanted
  if (q !== undefined) return pageOfFound(app, tx, tenant_id, filter, q, place)
  return toPage(await listCalls(tx, tenant_id, filter, place), place.limit)
}

function toPage(rows: CallRow[], limit: number): CallPage {
  const page = rows.slice(0, limit)
  return { rows: page, next: rows.length > limit ? (page.at(-1)?.id ?? null) : null }
}

const CHUNK = 100
const MOST_LOOKED_AT = 2_000

/**
 * Those that a value leads to, as far as the filter lets them through. What one page looks at is bounded: where nearly
 * all is filtered away it may be short, even empty, and still name the next.
 */
async function pageOfFound(
  app: App,
  tx: Tx,
  tenant_id: string,
  filter: CallFilter,
  q: string,
  { limit, before }: Place,
): Promise<CallPage> {
  const rows: CallRow[] = []
  let below = before
  for (let looked = 0; looked < MOST_LOOKED_AT; looked += CHUNK) {
    const ids = await listFound(app, tx, tenant_id, q, { kind: 'call', below, limit: CHUNK })
    if (ids.length > 0)
      rows.push(...(await listCalls(tx, tenant_id, { ...filter, ids }, { limit: CHUNK, before: null })))
    below = ids.at(-1) ?? below
    if (rows.length > limit || ids.length < CHUNK) return toPage(rows, limit)
  }
  return { rows, next: below }
}
