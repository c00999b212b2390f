import { modulo10, modulo11 } from './check_digits.ts'
import { daysOf } from './days.ts'
import { dueDateOf } from './due_factor.ts'
import { type Refusal, refuse } from './refusal.ts'

/**
 * Boletos, read from their barcode (44 digits) or their typeable line (47 of a bank, 48 of a collection: taxes, bills of
 * water, light and telephone). Every check digit is verified, and each failure has a rule of its own. Whether a boleto
 * was ever registered only a bank can say. Sources: Carta-Circular BCB 2.926/2000, FEBRABAN's "Layout Padrão de
 * Arrecadação/Recebimento com Utilização do Código de Barras".
 */
export type Boleto = {
  valid: true
  kind: 'bank' | 'collection'
  /** 44 digits. */
  barcode: string
  /** 47 digits, or 48 of a collection. */
  line: string
  /** The line as it is printed. */
  formatted: string
  /** COMPE code; null for a collection. */
  bank: string | null
  /** Whole cents, of 11 digits at most; 0 where the payer says how much, null where `quantity` stands in its place. */
  amount: number | null
  /** 0 to 9999, of a bank alone. */
  due_factor: number | null
  /** `YYYY-MM-DD`; null where there is none or, in a collection, none that all billers write alike. */
  due_date: string | null
  /** 1 to 7, or 9; null for a bank. */
  segment: string | null
  /** What a collection says in place of an amount: units of an index, not money. */
  quantity: number | null
  /** What the bank (25 digits) or the biller (29, its own number first) makes of it. */
  free_field: string
}

export const BOLETO_RULES = {
  reference_date: 'The reference date must be a day that exists, written YYYY-MM-DD.',
  characters: 'A boleto holds digits, spaces, dots and hyphens, nothing else.',
  length: 'A barcode has 44 digits, the line of a bank 47, the line of a collection 48.',
  product: 'The line of a collection, 48 digits, begins with 8; that of a bank, 47 digits, never does.',
  value_identifier: 'The third digit of a collection is 6, 7, 8 or 9.',
  segment: 'The second digit of a collection is 1 to 7, or 9.',
  field_1_check_digit: 'The check digit of the first field is wrong.',
  field_2_check_digit: 'The check digit of the second field is wrong.',
  field_3_check_digit: 'The check digit of the third field is wrong.',
  field_4_check_digit: 'The check digit of the fourth field is wrong.',
  currency: 'The fourth digit of a bank’s boleto is 9, for reais.',
  general_check_digit: 'The check digit of the whole barcode is wrong.',
} as const

export type BoletoRule = keyof typeof BOLETO_RULES

const no = (rule: BoletoRule): Refusal<BoletoRule> => refuse(rule, BOLETO_RULES[rule])

/** Spaces, dots and hyphens may stand anywhere. `reference_date` (`YYYY-MM-DD`) tells the cycle of the due date. */
export function readBoleto(text: string, reference_date: string): Boleto | Refusal<BoletoRule> {
  const reference_day = daysOf(reference_date)
  if (reference_day === null) return no('reference_date')
  const digits = text.replace(/[\s.-]+/g, '')
  if (/\D/.test(digits)) return no('characters')
  const is_collection = digits.startsWith('8')
  if (digits.length === 44) return is_collection ? ofCollection(digits) : ofBank(digits, reference_day)
  if (digits.length !== 47 && digits.length !== 48) return no('length')
  if (is_collection !== (digits.length === 48)) return no('product')
  return is_collection ? readCollectionLine(digits) : readBankLine(digits, reference_day)
}

function readBankLine(line: string, reference_day: number): Boleto | Refusal<BoletoRule> {
  const fields = [line.slice(0, 10), line.slice(10, 21), line.slice(21, 32)]
  const wrong = wrongField(fields, modulo10)
  if (wrong) return no(wrong)
  const [first = '', second = '', third = ''] = fields.map((field) => field.slice(0, -1))
  return ofBank(first.slice(0, 4) + line.slice(32) + first.slice(4) + second + third, reference_day)
}

function readCollectionLine(line: string): Boleto | Refusal<BoletoRule> {
  const modulo = collectionModulo(line)
  if (!modulo) return no('value_identifier')
  const fields = [line.slice(0, 12), line.slice(12, 24), line.slice(24, 36), line.slice(36)]
  const wrong = wrongField(fields, modulo)
  return wrong ? no(wrong) : ofCollection(fields.map((field) => field.slice(0, -1)).join(''))
}

/** The rule of the first field that does not end in its check digit. */
function wrongField(fields: string[], modulo: (digits: string) => number): BoletoRule | null {
  const wrong = fields.findIndex((field) => modulo(field.slice(0, -1)) !== Number(field.at(-1)))
  return FIELD_RULES[wrong] ?? null
}

const FIELD_RULES: readonly BoletoRule[] = [
  'field_1_check_digit',
  'field_2_check_digit',
  'field_3_check_digit',
  'field_4_check_digit',
]

function ofBank(barcode: string, reference_day: number): Boleto | Refusal<BoletoRule> {
  if (barcode[3] !== '9') return no('currency')
  if (bankCheckDigit(barcode) !== Number(barcode[4])) return no('general_check_digit')
  const line = toBankLine(barcode)
  const due_factor = Number(barcode.slice(5, 9))
  return {
    valid: true,
    kind: 'bank',
    barcode,
    line,
    formatted: line.replace(/^(.{5})(.{5})(.{5})(.{6})(.{5})(.{6})(.)(.{14})$/, '$1.$2 $3.$4 $5.$6 $7 $8'),
    bank: barcode.slice(0, 3),
    amount: Number(barcode.slice(9, 19)),
    due_factor,
    due_date: dueDateOf(due_factor, reference_day),
    segment: null,
    quantity: null,
    free_field: barcode.slice(19),
  }
}

function ofCollection(barcode: string): Boleto | Refusal<BoletoRule> {
  const modulo = collectionModulo(barcode)
  if (!modulo) return no('value_identifier')
  if (!/^.[1-79]/.test(barcode)) return no('segment')
  if (modulo(withoutCheckDigit(barcode, 3)) !== Number(barcode[3])) return no('general_check_digit')
  const fields = [barcode.slice(0, 11), barcode.slice(11, 22), barcode.slice(22, 33), barcode.slice(33)]
  const value = Number(barcode.slice(4, 15))
  const is_money = barcode[2] === '6' || barcode[2] === '8'
  return {
    valid: true,
    kind: 'collection',
    barcode,
    line: fields.map((field) => `${field}${modulo(field)}`).join(''),
    formatted: fields.map((field) => `${field}-${modulo(field)}`).join(' '),
    bank: null,
    amount: is_money ? value : null,
    due_factor: null,
    due_date: null,
    segment: barcode.slice(1, 2),
    quantity: is_money ? null : value,
    free_field: barcode.slice(15),
  }
}

function toBankLine(barcode: string): string {
  const free = barcode.slice(19)
  const fields = [barcode.slice(0, 4) + free.slice(0, 5), free.slice(5, 15), free.slice(15)]
  return fields.map((field) => `${field}${modulo10(field)}`).join('') + barcode.slice(4, 19)
}

/** By its third digit: 6 and 7 are checked modulo 10, 8 and 9 modulo 11. */
export function collectionModulo(barcode: string): ((digits: string) => number) | null {
  if (barcode[2] === '6' || barcode[2] === '7') return modulo10
  return barcode[2] === '8' || barcode[2] === '9' ? modulo11 : null
}

/** The digit for the fifth place of a bank's barcode; what stands there already does not count. */
export const bankCheckDigit = (barcode: string): number =>
  modulo11(withoutCheckDigit(barcode, 4), { otherwise: 1 })

export const withoutCheckDigit = (barcode: string, at: number): string =>
  barcode.slice(0, at) + barcode.slice(at + 1)
