import { type Money, minorUnits, money } from '../../platform/money.ts'

/**
 * Stripe counts three currencies otherwise than ISO 4217: for ISK and UGX, which have no decimals, it still wants two
 * zeros; the ariary it counts whole. docs.stripe.com/currencies
 */
const TWO_MORE = new Set(['ISK', 'UGX'])
const TWO_FEWER = new Set(['MGA'])

export function toUnits({ amount, currency }: Money): { amount: number; currency: string } {
  const units = TWO_MORE.has(currency) ? `${amount}00` : TWO_FEWER.has(currency) ? whole(amount) : amount
  return { amount: minorUnits(units, 'money.amount'), currency: currency.toLowerCase() }
}

export function fromUnits(units: number | string, currency: string): Money {
  const code = currency.toUpperCase()
  const text = String(units)
  if (TWO_MORE.has(code)) return money(whole(text), code)
  return money(TWO_FEWER.has(code) ? `${text}00` : text, code)
}

/** Hundredths to wholes. A rest stays in the text as a fraction, which the reader of it refuses by name. */
function whole(hundredths: string): string {
  const digits = hundredths.padStart(3, '0')
  const head = digits.slice(0, -2)
  return digits.endsWith('00') ? head : `${head}.${digits.slice(-2)}`
}
