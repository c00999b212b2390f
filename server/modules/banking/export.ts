import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import { toDecimal } from '../../platform/money.ts'
import type { Actor, App } from '../app.ts'
import { type AccountRow, findAccount } from './account_queries.ts'
import { dayOf } from './days.ts'
import type { Mark, TransactionRow } from './list_queries.ts'
import { type OfxSpan, ofxEntry, ofxFoot, ofxHead } from './ofx.ts'
import { pageOf, type Wanted, wantedOf } from './transaction_list.ts'
import type { ExportQuery } from './transaction_schema.ts'

/** Transactions as a file, newest first, a page at a time: neither server nor database holds more than that. */

const PAGE = 200

/** Throws what is the caller's fault before the first line is given. */
export async function exportTransactions(
  app: App,
  { tenant_id }: Actor,
  input: ExportQuery,
): Promise<AsyncGenerator<string>> {
  const wanted = wantedOf(input)
  if (input.format !== 'ofx') return csv(app, tenant_id, wanted)
  if (input.account_id === undefined)
    throw new Problem('invalid_request', {
      field: 'account_id',
      detail: 'an OFX statement is of one account: give its account_id',
    })
  const id = fromWire('bank_account', input.account_id, 'account_id')
  const account = await inTenant(app.db, tenant_id, (tx) => findAccount(tx, { tenant_id, id }))
  if (!account) throw new Problem('not_found', { detail: `there is no bank account ${input.account_id}` })
  const now = app.clock.now()
  const span = { from: input.from ?? null, to: input.to ?? dayOf(now), now }
  return ofx(pages(app, tenant_id, wanted), account, span)
}

/** What has not happened yet is in no statement. */
async function* ofx(
  found: AsyncGenerator<TransactionRow[]>,
  account: AccountRow,
  span: OfxSpan,
): AsyncGenerator<string> {
  yield ofxHead(account, span)
  for await (const rows of found)
    yield rows
      .filter(({ status }) => status === 'booked')
      .map(ofxEntry)
      .join('')
  yield ofxFoot(account)
}

async function* pages(app: App, tenant_id: string, wanted: Wanted): AsyncGenerator<TransactionRow[]> {
  for (let after: Mark | null = null; ; ) {
    const place: { limit: number; after: Mark | null } = { limit: PAGE, after }
    const page = await inTenant(app.db, tenant_id, (tx) => pageOf(tx, tenant_id, wanted, place))
    if (page.rows.length > 0) yield page.rows
    if (page.next === null) return
    after = page.next
  }
}

const COLUMNS = [
  'id',
  'user_id',
  'bank_id',
  'account_id',
  'at',
  'status',
  'amount',
  'currency',
  'kind',
  'description',
  'category',
  'counterparty',
  'vendor_id',
]

async function* csv(app: App, tenant_id: string, wanted: Wanted): AsyncGenerator<string> {
  yield toCsv([COLUMNS])
  for await (const rows of pages(app, tenant_id, wanted)) yield toCsv(rows.map(cellsOf))
}

const cellsOf = (row: TransactionRow): (string | null)[] => [
  toWire('bank_transaction', row.id),
  row.user_id,
  toWire('bank', row.bank_id),
  toWire('bank_account', row.account_id),
  row.at.toISOString(),
  row.status,
  row.exact ?? toDecimal(row),
  row.currency,
  row.kind,
  row.description,
  row.category,
  row.counterparty?.['name'] ?? null,
  row.vendor_id,
]

const toCsv = (rows: readonly (string | null)[][]): string =>
  rows.map((row) => `${row.map((text) => toCell(text ?? '')).join(',')}\r\n`).join('')

/** No cell is a formula to a spreadsheet, but a negative amount stays a number. RFC 4180. */
function toCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-[0-9.]+$/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
