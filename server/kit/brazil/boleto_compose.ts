import {
  type Boleto,
  type BoletoRule,
  bankCheckDigit,
  collectionModulo,
  readBoleto,
  withoutCheckDigit,
} from './boleto.ts'
import { factorOf } from './due_factor.ts'
import { type Refusal, refuse } from './refusal.ts'

export type BankSlip = {
  /** COMPE code, three digits. */
  bank: string
  /** `YYYY-MM-DD`; null for none. */
  due_date: string | null
  /** Whole cents; 0 where the payer says how much. */
  amount: number
  /** 25 digits, as the bank defines them. */
  free_field: string
}

export type CollectionSlip = {
  segment: string
  /** 6 or 8: `value` is cents. 7 or 9: it is units of an index. 6 and 7 are checked modulo 10, 8 and 9 modulo 11. */
  value_identifier: string
  value: number
  /** 29 digits: the biller's number (4, or 8 of its CNPJ in segment 6) and what it makes of the rest. */
  free_field: string
}

export const COMPOSE_RULES = {
  bank: 'The bank is its COMPE code: three digits, the first of them not 8.',
  due_date:
    'The due date must be a day that exists, written YYYY-MM-DD, not before 3 July 2000, and in the 9,000 days around the reference date that a due-date factor can tell apart.',
  amount: 'The amount is whole cents, of ten digits at most (eleven in a collection).',
  free_field: 'The free field is digits alone: 25 of a bank, 29 of a collection.',
} as const

type Composed = Boleto | Refusal<BoletoRule | keyof typeof COMPOSE_RULES>

const no = (rule: keyof typeof COMPOSE_RULES) => refuse(rule, COMPOSE_RULES[rule])

/** What is composed reads back as it was given, on the reference date; what would not is refused. */
export function composeBank(slip: BankSlip, reference_date: string): Composed {
  if (!/^[0-79]\d\d$/.test(slip.bank)) return no('bank')
  const factor = slip.due_date === null ? 0 : factorOf(slip.due_date)
  if (factor === null) return no('due_date')
  if (!isAmount(slip.amount, 10)) return no('amount')
  if (!/^\d{25}$/.test(slip.free_field)) return no('free_field')
  const [due, amount] = [padded(factor, 4), padded(slip.amount, 10)]
  const unchecked = `${slip.bank}90${due}${amount}${slip.free_field}`
  const read = readBoleto(putAt(unchecked, 4, bankCheckDigit(unchecked)), reference_date)
  return read.valid && read.due_date !== slip.due_date ? no('due_date') : read
}

export function composeCollection(slip: CollectionSlip, reference_date: string): Composed {
  if (!isAmount(slip.value, 11)) return no('amount')
  if (!/^\d{29}$/.test(slip.free_field)) return no('free_field')
  const unchecked = `8${slip.segment}${slip.value_identifier}0${padded(slip.value, 11)}${slip.free_field}`
  const digit = collectionModulo(unchecked)?.(withoutCheckDigit(unchecked, 3)) ?? 0
  return readBoleto(putAt(unchecked, 3, digit), reference_date)
}

const isAmount = (value: number, digits: number): boolean =>
  Number.isInteger(value) && value >= 0 && value < 10 ** digits

const padded = (value: number, digits: number): string => String(value).padStart(digits, '0')

const putAt = (text: string, at: number, digit: number): string =>
  text.slice(0, at) + digit + text.slice(at + 1)
