/**
 * JSON in which no number loses a digit or its type: one that a double would not print as it was written is kept as
 * its text (`JSON.rawJSON`), goes through a mapping untouched and is written again as it came.
 */
export type Raw = { readonly rawJSON: string }

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown
// The standard library's types do not know these yet.
const { rawJSON, isRawJSON, parse } = JSON as unknown as {
  rawJSON(text: string): Raw
  isRawJSON(value: unknown): value is Raw
  parse(text: string, reviver: Reviver): unknown
}

/** Throws SyntaxError on what is not JSON. */
export const parseExact = (text: string): unknown =>
  parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value,
  )

/** A number by its digits, as it would stand in JSON. */
export const rawNumber = (digits: string): unknown =>
  String(Number(digits)) === digits ? Number(digits) : rawJSON(digits)

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawJSON(value)

/** Text, a number or a truth value as text; null where it is none of them. */
export function scalarText(value: unknown): string | null {
  if (isRawJSON(value)) return value.rawJSON
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : null
}

/** With inexact numbers as text, as `readJson` gives them: what filters read. */
export const toPlain = (value: unknown): unknown => eachRaw(value, (text) => text)

/** A copy with something else for each number that a double would not print as it was written. */
export function eachRaw(value: unknown, put: (text: string, path: string) => unknown, path = ''): unknown {
  if (isRawJSON(value)) return put(value.rawJSON, path)
  if (Array.isArray(value)) return value.map((member, at) => eachRaw(member, put, `${path}.${at}`))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, eachRaw(member, put, `${path}.${key}`)]),
  )
}

/** Whether a double is the number that stands there: 1.50 and 1e3 survive it, 9007199254740993 does not. */
export function isDouble(text: string): boolean {
  const [own, printed] = [text, String(Number(text))].map(decimalOf)
  return own !== null && own === printed
}

/** Sign, digits without zeros at their ends, and the power of ten of the last; null where it is no number of JSON. */
function decimalOf(text: string): string | null {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (!parts) return null
  const [, sign, whole = '', fraction = '', exponent = '0'] = parts
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const kept = digits.replace(/0+$/, '')
  if (kept === '') return '0'
  return `${sign}${kept}e${Number(exponent) - fraction.length + digits.length - kept.length}`
}

/** A deep copy. `structuredClone` would forget what a raw number is. */
export function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf)
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copyOf(member)]))
}
