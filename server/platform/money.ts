import assert from 'node:assert/strict'
import { Problem } from './errors.ts'

/**
 * Money is a whole number of the currency's smallest unit, as text, with its ISO 4217 code: R$ 150.50 is
 * `{ amount: '15050', currency: 'BRL' }`. Text, because JSON's numbers are floats to most who read them.
 * Nothing here ever passes through a float.
 */
export type Money = {
  /** Minor units: `-?` and digits, no leading zeros. */
  amount: string
  currency: string
}

/** The active codes of ISO 4217 by the decimals of their minor unit. Source: list one of the standard. */
const CODES: Record<number, string> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  2: `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
    CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL
    HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR
    MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK
    SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD
    XCG YER ZAR ZMW ZWG`,
  3: 'BHD IQD JOD KWD LYD OMR TND',
  4: 'CLF UYW',
}

const DECIMALS = new Map(
  Object.entries(CODES).flatMap(([decimals, codes]) =>
    codes.split(/\s+/).map((code) => [code, Number(decimals)] as const),
  ),
)

/**
 * Money from minor units as a vendor or caller gives them: an integer, or its digits as text. The code may be in
 * lower case. A fraction, an integer too large for a JavaScript number to hold exactly, and an unknown currency
 * throw `invalid_request`; `field` names where they stood.
 */
export function money(minor_units: number | bigint | string, currency: string, field = 'money'): Money {
  const code = currency.toUpperCase()
  decimalsOf(code, field)
  const exact = typeof minor_units === 'number' ? Number.isSafeInteger(minor_units) : true
  if (!exact || !/^-?\d{1,18}$/.test(String(minor_units))) {
    refuse(field, `amount must be a whole number of minor units of at most 18 digits, such as "15050"`)
  }
  return { amount: BigInt(minor_units).toString(), currency: code }
}

/** Money from decimal text such as `150.50`; more decimals than the currency has are refused, not rounded. */
export function moneyFromDecimal(text: string, currency: string, field = 'money'): Money {
  const code = currency.toUpperCase()
  const decimals = decimalsOf(code, field)
  const [, sign, whole, fraction = ''] = /^(-?)(\d{1,18})(?:\.(\d+))?$/.exec(text) ?? []
  if (whole === undefined)
    refuse(field, `must be a decimal number such as "150.50", with a point and no exponent`)
  if (fraction.length > decimals)
    refuse(field, `${code} has ${decimals} decimals; "${text}" has ${fraction.length}`)
  return money(`${sign}${whole}${fraction.padEnd(decimals, '0')}`, code, field)
}

/** The decimal text of money, with all the decimals of its currency: `150.50`, `1500`, `0.005`. */
export function toDecimal({ amount, currency }: Money): string {
  const decimals = decimalsOf(currency, 'currency')
  const sign = amount.startsWith('-') ? '-' : ''
  const digits = amount.slice(sign.length).padStart(decimals + 1, '0')
  if (decimals === 0) return sign + digits
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`
}

/** Minor units as a number, for a vendor that takes a JSON integer. Refuses what a number cannot hold exactly. */
export function minorUnits(amount: string, field = 'amount'): number {
  const units = Number(amount)
  if (!/^-?\d+$/.test(amount) || !Number.isSafeInteger(units))
    refuse(field, 'is not a whole number below 2^53')
  return units
}

/** Both must be of one currency; anything else is our bug. */
export function addMoney(a: Money, b: Money): Money {
  return { amount: (BigInt(a.amount) + BigInt(b.amount)).toString(), currency: sameCurrency(a, b) }
}

export function subtractMoney(a: Money, b: Money): Money {
  return { amount: (BigInt(a.amount) - BigInt(b.amount)).toString(), currency: sameCurrency(a, b) }
}

/** Below zero, zero or above, as `sort` wants it. */
export function compareMoney(a: Money, b: Money): number {
  sameCurrency(a, b)
  const difference = BigInt(a.amount) - BigInt(b.amount)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

function sameCurrency(a: Money, b: Money): string {
  assert.equal(a.currency, b.currency, 'money of two currencies cannot be reckoned together')
  return a.currency
}

function decimalsOf(code: string, field: string): number {
  const decimals = DECIMALS.get(code)
  if (decimals === undefined)
    refuse(field, `currency must be an active ISO 4217 code such as BRL, not "${code.slice(0, 20)}"`)
  return decimals
}

function refuse(field: string, reason: string): never {
  throw new Problem('invalid_request', { field, detail: `${field}: ${reason}`, errors: [{ field, reason }] })
}
