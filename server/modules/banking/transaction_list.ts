import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, parseWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { dayOf } from './days.ts'
import * as queries from './list_queries.ts'
import type { TransactionQuery } from './transaction_schema.ts'

/**
 * The transactions that a caller asks for, newest first. An account, a bank or a person leads to them by an index, and
 * the other filters are held against them.
 */

const CHUNK = 200
const MOST_LOOKED_AT = 1_000

export type Wanted = {
  lead: queries.Lead
  span: queries.Span
  fits: (row: queries.TransactionRow) => boolean
}

export function wantedOf(input: Omit<TransactionQuery, 'limit' | 'cursor'>): Wanted {
  const { account_id, bank_id, user_id, from, to } = input
  const lead: queries.Lead =
    account_id !== undefined
      ? { account_id: fromWire('bank_account', account_id, 'account_id') }
      : bank_id !== undefined
        ? { bank_id: fromWire('bank', bank_id, 'bank_id') }
        : user_id !== undefined
          ? { user_id }
          : {}
  const bank = bank_id === undefined ? undefined : fromWire('bank', bank_id, 'bank_id')
  return {
    lead,
    span: { ...(from !== undefined && { from }), ...(to !== undefined && { to }) },
    fits: fitsOf(input, bank),
  }
}

function fitsOf(
  input: Omit<TransactionQuery, 'limit' | 'cursor'>,
  bank_id: string | undefined,
): (row: queries.TransactionRow) => boolean {
  const { user_id, status, kind, category, min_amount, max_amount, text } = input
  const sought = text?.toLocaleLowerCase('pt-BR')
  const [least, most] = [amountOf(min_amount, 'min_amount'), amountOf(max_amount, 'max_amount')]
  return (row) =>
    row.removed_at === null &&
    (bank_id === undefined || row.bank_id === bank_id) &&
    (user_id === undefined || row.user_id === user_id) &&
    (status === undefined || row.status === status) &&
    (kind === undefined || row.kind === kind) &&
    (category === undefined || row.category === category) &&
    (least === undefined || BigInt(row.amount) >= least) &&
    (most === undefined || BigInt(row.amount) <= most) &&
    (sought === undefined || textsOf(row).some((one) => one.toLocaleLowerCase('pt-BR').includes(sought))) &&
    (input.from === undefined || dayOf(row.at) >= input.from) &&
    (input.to === undefined || dayOf(row.at) <= input.to)
}

const textsOf = ({ description, counterparty }: queries.TransactionRow): string[] => [
  description,
  ...Object.values(counterparty ?? {}),
]

function amountOf(text: string | undefined, field: string): bigint | undefined {
  if (text === undefined) return undefined
  if (/^-?[0-9]{1,18}$/.test(text)) return BigInt(text)
  throw new Problem('invalid_request', { field, detail: `${field} must be whole minor units such as -15050` })
}

export type TransactionPage = { rows: queries.TransactionRow[]; next: queries.Mark | null }

/** At most `limit`, and where the next page begins; it may be short, even empty, where the filters leave little of much. */
export async function pageOf(
  tx: Tx,
  tenant_id: string,
  { lead, span, fits }: Wanted,
  { limit, after }: { limit: number; after: queries.Mark | null },
): Promise<TransactionPage> {
  const rows: queries.TransactionRow[] = []
  let below = after
  for (let looked = 0; looked < MOST_LOOKED_AT; looked += CHUNK) {
    const found = await queries.listTransactions(tx, tenant_id, lead, { ...span, below, limit: CHUNK })
    rows.push(...found.filter(fits))
    const [last, kept] = [found.at(-1), rows[limit - 1]]
    if (rows.length > limit && kept) return { rows: rows.slice(0, limit), next: kept }
    if (!last || found.length < CHUNK) return { rows, next: null }
    below = last
  }
  return { rows, next: below }
}

export async function listTransactions(app: App, { tenant_id }: Actor, input: TransactionQuery) {
  const limit = input.limit === undefined ? 50 : Number(input.limit)
  if (limit < 1 || limit > 200)
    throw new Problem('invalid_request', { field: 'limit', detail: 'limit must be between 1 and 200' })
  const place = { limit, after: readCursor(input.cursor) }
  const { rows, next } = await inTenant(app.db, tenant_id, (tx) =>
    pageOf(tx, tenant_id, wantedOf(input), place),
  )
  return { rows, next_cursor: next && toCursor(next) }
}

/** Rows stand by their time, and of one time by their id. */
export const toCursor = ({ at, id }: queries.Mark): string =>
  `${toWire('bank_transaction', id)}.${at.getTime().toString(36)}`

export function readCursor(text: string | undefined): queries.Mark | null {
  if (text === undefined) return null
  const [wire_id = '', time = ''] = text.split('.')
  const id = parseWire('bank_transaction', wire_id)
  const at = new Date(/^-?[0-9a-z]{1,10}$/.test(time) ? Number.parseInt(time, 36) : Number.NaN)
  if (id !== null && !Number.isNaN(at.getTime())) return { at, id }
  throw new Problem('invalid_cursor', {
    field: 'cursor',
    detail: 'cursor must be the next_cursor of an earlier page of this list',
  })
}
