/** Numbers as they are spelled, compared without a float: 0.1 and 12345678901234567890.01 keep every digit. */
export type Decimal = {
  negative: boolean
  digits: string /** Of the first digit: 150.5 has 3, 0.05 has -1. */
  point: number
}

const NUMBER = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,6}))?$/
const MOST_DIGITS = 1_000

/** A number of JSON's grammar, or null. */
export function readDecimal(text: string): Decimal | null {
  if (text.length > MOST_DIGITS) return null
  const [, sign, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(text) ?? []
  if (sign === undefined) return null
  const all = whole + fraction
  const digits = all.replace(/^0+/, '')
  const leading = all.length - digits.length
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return { negative: false, digits: '', point: 0 }
  return { negative: sign === '-', digits: significant, point: whole.length - leading + Number(exponent) }
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const [left, right] = [signOf(a), signOf(b)]
  if (left !== right || left === 0) return left - right
  const size = a.point - b.point || compareText(a.digits, b.digits)
  return size * left
}

const signOf = ({ digits, negative }: Decimal) => (digits === '' ? 0 : negative ? -1 : 1)
const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
