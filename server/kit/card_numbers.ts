import { Problem } from '../platform/errors.ts'
import { hasCardNumber } from './masking.ts'

/** Refuses a card number wherever it stands in what somebody sends, and names the place without saying the number. */
export function refuseCardNumbers(value: unknown, field = ''): void {
  if (typeof value === 'string' && hasCardNumber(value)) throw refusal(field || 'the text')
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) {
    if (hasCardNumber(name)) throw refusal(field === '' ? 'the name of a field' : `a name in ${field}`)
    refuseCardNumbers(inner, field === '' ? name : `${field}.${name}`)
  }
}

const refusal = (field: string): Problem =>
  new Problem('invalid_request', {
    field,
    detail: `${field} holds a card number; numbers of cards are not taken here, only the vendor's tokens`,
  })
