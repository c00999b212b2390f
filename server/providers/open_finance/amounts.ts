import { Problem } from '../../platform/errors.ts'
import { type Money, money } from '../../platform/money.ts'
import type { Amount } from './wire.ts'

/**
 * An amount of two to four decimals as whole minor units. Where the last two say something, it is rounded half to even
 * and the bank's own digits are kept beside it.
 */
export function exactly({ amount, currency }: Amount): { money: Money; exact?: string } {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d{1,15})(?:\.(\d{1,4}))?$/.exec(amount) ?? []
  if (whole === '') throw new Problem('invalid_request', { detail: `"${amount.slice(0, 40)}" is no amount` })
  const parts = BigInt(whole + fraction.padEnd(4, '0'))
  const rounded = halfToEven(parts)
  const exact = parts % 100n === 0n ? {} : { exact: amount }
  return { money: money(`${sign === '-' && rounded !== 0n ? '-' : ''}${rounded}`, currency), ...exact }
}

/** Ten-thousandths as hundredths. */
function halfToEven(parts: bigint): bigint {
  const [whole, rest] = [parts / 100n, parts % 100n]
  if (rest === 50n) return whole + (whole % 2n)
  return rest > 50n ? whole + 1n : whole
}

export const negated = ({ amount, currency }: Money): Money => money(-BigInt(amount), currency)
