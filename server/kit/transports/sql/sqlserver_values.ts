import type { TYPES } from 'tedious'
import { hasOffset, instantOf } from './calendar.ts'
import type { ParamType, Value } from './statement.ts'

type Types = typeof TYPES
type Type = Types[keyof Types]
type Parameter = { type: Type; value: unknown; options?: { precision: number; scale: number } }

/** With its type, so that what it is compared with is not converted instead. */
export function toParameter(
  types: Types,
  type: ParamType = 'text',
  value: Value,
): Parameter | { reason: string } {
  if (type === 'boolean') return { type: types.Bit, value }
  if (type === 'integer') return toInteger(types, value)
  if (type === 'decimal') return toDecimal(types, value)
  if (type === 'date' || type === 'timestamp') return toTime(types, type, value)
  return { type: types.NVarChar, value }
}

function toInteger({ BigInt: type }: Types, value: Value): Parameter | { reason: string } {
  if (value === null) return { type, value }
  const fits = BigInt.asIntN(64, BigInt(value)) === BigInt(value)
  return fits ? { type, value } : { reason: 'is longer than the 64 bits of an integer' }
}

/** The client takes decimals as doubles, which hold 15 digits whatever they are. */
function toDecimal({ Decimal: type }: Types, value: Value): Parameter | { reason: string } {
  if (typeof value !== 'string') return { type, value }
  const [, whole = '', fraction = ''] = /^-?0*(\d*)\.?(\d*)$/.exec(value) ?? []
  if (whole.length + fraction.length > 15)
    return { reason: 'has more than 15 digits: declare it as text and cast it in the statement' }
  return { type, value: Number(value), options: { precision: 38, scale: fraction.length } }
}

function toTime(types: Types, kind: 'date' | 'timestamp', value: Value): Parameter | { reason: string } {
  const type =
    kind === 'date' ? types.Date : hasOffset(String(value)) ? types.DateTimeOffset : types.DateTime2
  if (typeof value !== 'string') return { type, value }
  const at = instantOf(value)
  return at ? { type, value: at } : { reason: 'is no day of the calendar' }
}

export type Column = {
  value: unknown
  metadata: { colName: string; type: { name: string }; scale?: number | undefined }
}

/** A row by the names of its columns; text where a column cannot be read to its last digit. */
export function toRow(columns: readonly Column[]): Record<string, unknown> | string {
  const row: Record<string, unknown> = {}
  for (const { value, metadata } of columns) {
    const read = toJson(value, metadata)
    if (read === undefined)
      return `the column ${metadata.colName} holds more than 15 digits: cast it to varchar in the statement`
    row[metadata.colName] = read
  }
  return row
}

/** Undefined: the client read it as a double, which could not hold it. */
function toJson(value: unknown, { type, scale = 0 }: Column['metadata']): unknown {
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (value instanceof Date) return toTimeText(value, type.name)
  if (typeof value !== 'number') return value
  if (/^(Decimal|Numeric)/.test(type.name)) return exact(value, scale)
  return /Money/.test(type.name) ? exact(value, 4) : value
}

/** A double that came of an integer of at most 53 bits divided by a power of ten names it without doubt. */
const exact = (value: number, scale: number): string | undefined =>
  Math.abs(value) * 10 ** scale < Number.MAX_SAFE_INTEGER ? value.toFixed(scale) : undefined

/** As the column means it: only `datetimeoffset` says which moment it is. */
function toTimeText(at: Date, type: string): string {
  const text = at.toISOString()
  if (type === 'Date') return text.slice(0, 10)
  if (type === 'Time') return text.slice(11, -1)
  return type === 'DateTimeOffset' ? text : text.slice(0, -1)
}
