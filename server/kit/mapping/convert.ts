import { type Options, parse as parseCsv } from 'csv-parse/sync'
import { stringify as writeCsv } from 'csv-stringify/sync'
import { formAsJson } from '../forms.ts'
import { formEncode } from '../transports/form.ts'
import { fault } from './fault.ts'
import { put, readPath } from './fields.ts'
import { valueAt } from './paths.ts'
import { copyOf, isRecord, parseExact, scalarText } from './values.ts'
import { readXml, writeXml } from './xml.ts'

/** Between JSON, XML, CSV and forms. Numbers keep their digits; what is read from text is text. */
export type ConvertStep = {
  kind: 'convert'
  from?: Format
  to?: Format
  /** Where the text stands, or is put; the whole value where absent. */
  at?: string
  xml?: { root?: string; lists?: string[] }
  csv?: { delimiter?: string; columns?: string[]; header?: boolean; escape_formulas?: boolean }
}

/** `value` is what JSON holds; the others are text. */
type Format = 'value' | 'json' | 'xml' | 'csv' | 'form'

export const CONTENT_TYPES: Readonly<Partial<Record<Format, string>>> = {
  xml: 'application/xml',
  csv: 'text/csv',
  form: 'application/x-www-form-urlencoded',
}

const MOST_ROWS = 100_000

export function convert(step: ConvertStep, input: unknown): unknown {
  const path = readPath(step.at ?? '', 'at')
  const converted = write(step, read(step, valueAt(input, path)))
  return put(path.length === 0 ? input : copyOf(input), path, converted, [], step.at)
}

function read({ from = 'value', xml, csv }: ConvertStep, value: unknown): unknown {
  if (from === 'value') return value
  if (typeof value !== 'string') throw fault('', `is no text, and cannot be read as ${from}`)
  if (from === 'xml') return readXml(value, xml?.lists)
  if (from === 'form') return JSON.parse(formAsJson(Buffer.from(value), null))
  if (from === 'csv') return readCsv(value, csv)
  try {
    return parseExact(value)
  } catch {
    throw fault('', 'is no JSON')
  }
}

function write({ to = 'value', xml, csv }: ConvertStep, value: unknown): unknown {
  if (to === 'value') return value
  if (to === 'json') return JSON.stringify(value)
  if (to === 'xml') return writeXml(value, xml?.root)
  if (to === 'csv') return rowsToCsv(value, csv)
  if (!isRecord(value)) throw fault('', 'must be an object, to be written as a form')
  return formEncode(digitsOf(value))
}

/** The form writer knows nothing of numbers kept by their digits. */
function digitsOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(digitsOf)
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, digitsOf(v)]))
  return scalarText(value)
}

/** Objects by the names of the first line; lists of texts where there is no such line. */
function readCsv(text: string, options: ConvertStep['csv'] = {}): unknown {
  const { delimiter = ',', header = true, columns } = options
  const rows = parsed(text, {
    delimiter,
    columns: columns ?? header,
    ...(columns && header && { from: 2 }),
    bom: true,
    skip_empty_lines: true,
    to: MOST_ROWS + (columns && header ? 2 : 1), // one more, which tells that some would be left out
  })
  if (rows.length > MOST_ROWS) throw fault('', `is CSV of more than ${MOST_ROWS} rows`)
  return rows
}

function parsed(text: string, options: Options): unknown[] {
  try {
    return parseCsv(text, options)
  } catch (error) {
    throw fault('', `is no CSV: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function rowsToCsv(value: unknown, options: ConvertStep['csv'] = {}): string {
  const { delimiter = ',', header = true, columns, escape_formulas = false } = options
  if (!Array.isArray(value) || !value.every((row) => isRecord(row) || Array.isArray(row)))
    throw fault('', 'must be a list of objects or lists, to be written as CSV')
  const named = columns ?? [...new Set(value.flatMap((row) => (isRecord(row) ? Object.keys(row) : [])))]
  const rows = value.map((row) => (isRecord(row) ? named.map((name) => cellOf(row[name])) : row.map(cellOf)))
  const shows = header && named.length > 0
  return writeCsv(shows ? [named, ...rows] : rows, { delimiter, escape_formulas })
}

const cellOf = (value: unknown): string =>
  value === null || value === undefined ? '' : (scalarText(value) ?? JSON.stringify(value))
