import { hasOffset, instantOf } from './calendar.ts'
import type { Query } from './engine.ts'
import type { Oracle } from './oracle_client.ts'
import type { ParamType, Value } from './statement.ts'

/** The values in the order of their places. Numbers go as text, which the server turns into numbers to the last digit. */
export function bindsOf(
  oracle: Oracle,
  { names, types, values }: Pick<Query, 'names' | 'types' | 'values'>,
): { values: unknown[] } | { reason: string } {
  const binds: unknown[] = []
  for (const [at, value] of values.entries()) {
    const bound = toBind(oracle, types[at], value)
    if (bound === undefined) return { reason: `params.${names[at]} is no day of the calendar` }
    binds.push(bound)
  }
  return { values: binds }
}

/** Undefined: no day of the calendar. */
function toBind(oracle: Oracle, type: ParamType = 'text', value: Value): unknown {
  if (type === 'boolean') return { val: value === null ? null : Number(value), type: oracle.DB_TYPE_NUMBER }
  if (type !== 'date' && type !== 'timestamp') return { val: value, type: oracle.DB_TYPE_VARCHAR }
  const kind =
    type === 'date'
      ? oracle.DB_TYPE_DATE
      : hasOffset(String(value))
        ? oracle.DB_TYPE_TIMESTAMP_TZ
        : oracle.DB_TYPE_TIMESTAMP
  if (typeof value !== 'string') return { val: value, type: kind }
  const at = instantOf(value)
  if (!at) return undefined
  return { val: hasOffset(value) ? at : toLocal(at), type: kind }
}

/** The client reads and writes a time without an offset by the clock of this machine: the same hands, whatever its zone. */
function toLocal(at: Date): Date {
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()]
  return new Date(
    year,
    month,
    day,
    at.getUTCHours(),
    at.getUTCMinutes(),
    at.getUTCSeconds(),
    at.getUTCMilliseconds(),
  )
}

function fromLocal(at: Date): string {
  const [year, month, day] = [at.getFullYear(), at.getMonth(), at.getDate()]
  const time = [at.getHours(), at.getMinutes(), at.getSeconds(), at.getMilliseconds()] as const
  return new Date(Date.UTC(year, month, day, ...time)).toISOString().slice(0, -1)
}

type Read = { type?: unknown; converter?: (value: unknown) => unknown }

/** How each column is read: numbers as text, bytes as base64, times by whether they say which moment they are. */
export const readerOf =
  (oracle: Oracle) =>
  ({ dbType }: { dbType: unknown }): Read => {
    if (dbType === oracle.DB_TYPE_NUMBER) return { type: oracle.STRING }
    if (dbType === oracle.DB_TYPE_CLOB || dbType === oracle.DB_TYPE_NCLOB) return { type: oracle.STRING }
    if (dbType === oracle.DB_TYPE_BLOB) return { type: oracle.BUFFER, converter: toBase64 }
    if (dbType === oracle.DB_TYPE_RAW) return { converter: toBase64 }
    if (dbType === oracle.DB_TYPE_DATE || dbType === oracle.DB_TYPE_TIMESTAMP)
      return { converter: (value) => (value instanceof Date ? fromLocal(value) : value) }
    return { converter: (value) => (value instanceof Date ? value.toISOString() : value) }
  }

const toBase64 = (value: unknown): unknown => (Buffer.isBuffer(value) ? value.toString('base64') : value)
