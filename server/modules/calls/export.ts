import { stringify } from 'csv-stringify/sync'
import { inTenant } from '../../platform/database/database.ts'
import type { Actor, App } from '../app.ts'
import { readPage } from '../wire.ts'
import { pageOf, type Wanted, wantedOf } from './list.ts'
import type { CallRow } from './queries.ts'
import { recorder } from './record.ts'
import type { ExportQuery } from './record_schema.ts'
import { toCall } from './schema.ts'

/**
 * Calls as a file, newest first, a page at a time: neither server nor database holds more than that, and an export that
 * broke off goes on below the last id it gave.
 */
type Format = 'csv' | 'jsonl'

const PAGE = 200

/** Throws what is the caller's fault before the first line is given. */
export function exportCalls(app: App, actor: Actor, input: ExportQuery): AsyncGenerator<string> {
  const { before } = readPage('call', input)
  return lines(app, actor, wantedOf(input), input.format ?? 'csv', before)
}

async function* lines(
  app: App,
  { tenant_id }: Actor,
  wanted: Wanted,
  format: Format,
  from: string | null,
): AsyncGenerator<string> {
  await recorder(app).written()
  if (format === 'csv') yield toCsv([[...COLUMNS]])
  for (let before = from; ; ) {
    const place = { limit: PAGE, before }
    const { rows, next } = await inTenant(app.db, tenant_id, (tx) =>
      pageOf(app, tx, tenant_id, wanted, place),
    )
    if (rows.length > 0) yield WRITERS[format](rows)
    if (next === null) return
    before = next
  }
}

const COLUMNS = [
  'id',
  'connection_id',
  'operation',
  'method',
  'path',
  'state',
  'status',
  'attempts',
  'duration_ms',
  'error',
  'external_reference',
  'actor',
  'request_id',
  'parent_id',
  'created_at',
  'closed_at',
] as const satisfies readonly Exclude<keyof ReturnType<typeof toCall>, 'cause'>[]

const WRITERS: Record<Format, (rows: CallRow[]) => string> = {
  csv: (rows) => toCsv(rows.map(toCall).map((call) => COLUMNS.map((column) => call[column]))),
  jsonl: (rows) => rows.map((row) => `${JSON.stringify(toCall(row))}\n`).join(''),
}

/** No cell is a formula to a spreadsheet: vendors and callers write some of them. RFC 4180. */
const toCsv = (rows: (string | number | null)[][]): string =>
  stringify(rows, { escape_formulas: true, record_delimiter: 'windows' })
