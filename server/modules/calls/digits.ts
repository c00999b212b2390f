import { eachRaw, isDouble, parseExact } from '../../kit/mapping/mapping.ts'
import { mayLoseDigits, rawMember } from '../../kit/wire_json.ts'
import { Problem } from '../../platform/errors.ts'
import type { MakeCall } from './schema.ts'

/** A number in a call reaches the vendor with the digits that its caller wrote: 12345678901234567890, 1.50. */

/** The call with `body` and `input` as its text has them; as JSON is read otherwise, its numbers are doubles. */
export function withDigits(call: MakeCall, text: string): MakeCall {
  if (!mayLoseDigits(text)) return call
  const exact = { ...call }
  for (const field of ['body', 'input'] as const) {
    const raw = call[field] === undefined ? null : rawMember(text, field)
    if (raw !== null) exact[field] = parseExact(raw)
  }
  return exact
}

/** What an operation of a provider takes are doubles: a number that is none is refused, not changed. */
export const inDoubles = (input: unknown): unknown =>
  eachRaw(input, (digits, path) => {
    if (isDouble(digits)) return Number(digits)
    const field = `input${path}`
    throw new Problem('invalid_request', {
      field,
      detail: `${field} is a number of more digits than can be passed on unchanged; send it as text`,
    })
  })
