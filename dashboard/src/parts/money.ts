import { spoken } from '../text/text.ts'

/** Minor units and a currency, as the API has them: `{ amount: "15050", currency: "BRL" }` is R$ 150,50. */
export type Money = { amount: string; currency: string }

/** How many decimals a currency has; two where it is not known. */
export function decimalsOf(currency: string): number {
  try {
    const format = new Intl.NumberFormat('en', { style: 'currency', currency })
    return format.resolvedOptions().maximumFractionDigits ?? 2
  } catch {
    return 2
  }
}

/** As people write it. The digits are moved as text: no amount is too large for that. */
export function money({ amount, currency }: Money): string {
  const decimals = decimalsOf(currency)
  const sign = amount.startsWith('-') ? '-' : ''
  const digits = amount.slice(sign.length).padStart(decimals + 1, '0')
  const whole = `${sign}${digits.slice(0, digits.length - decimals)}${decimals > 0 ? `.${digits.slice(-decimals)}` : ''}`
  const options = { style: 'currency', currency, minimumFractionDigits: decimals } as const
  try {
    return new Intl.NumberFormat(spoken(), options).format(whole as unknown as number)
  } catch {
    return `${whole} ${currency}`
  }
}

/** Whole units as people write them, with all decimals of the currency. */
export function writeUnits(units: number, currency: string): string {
  const decimals = decimalsOf(currency)
  const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals }
  return new Intl.NumberFormat(spoken(), options).format(units)
}

/**
 * What somebody wrote or pasted, in whole units: with a point or a comma before the decimals, whatever language the page
 * speaks, since a separator dropped makes R$ 150,50 a hundred times as much. Null where it is none, or could be two amounts.
 */
export function readUnits(text: string, currency: string): number | null {
  const plain = text.replace(/\s/g, '').replace(/^(?:R\$|US\$|\$|€|[A-Z]{3})/, '')
  const readings = (['.', ','] as const).flatMap((point) => {
    const [comma, decimals] = [point === '.' ? ',' : '.', decimalsOf(currency)]
    const fraction = decimals > 0 ? `(?:[${point}]\\d{1,${decimals}})?` : ''
    if (!new RegExp(`^(?:\\d+|\\d{1,3}(?:[${comma}]\\d{3})+)${fraction}$`).test(plain)) return []
    return [Number(plain.replaceAll(comma, '').replace(point, '.'))]
  })
  const [units = null, other = units] = readings
  return units === other ? units : null
}

/** Whole units, such as 12.5, as minor units. */
export const toMinor = (typed: number, currency: string): string =>
  String(Math.round(typed * 10 ** decimalsOf(currency)))

/** The other way, for a field that somebody changes. */
export const toUnits = ({ amount, currency }: Money): number => Number(amount) / 10 ** decimalsOf(currency)
