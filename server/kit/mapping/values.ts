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
export function toPlain(value: unknown): unknown {
  if (isRawJSON(value)) return value.rawJSON
  if (Array.isArray(value)) return value.map(toPlain)
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toPlain(member)]))
}

/** A deep copy. `structuredClone` would forget what a raw number is. */
export function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf)
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copyOf(member)]))
}
