import { modulo11 } from './check_digits.ts'
import { type Refusal, refuse } from './refusal.ts'

/**
 * CPF and CNPJ, bare or with their punctuation. A CNPJ may hold capital letters in its first twelve places since July
 * 2026 (IN RFB 2.229/2024). Whether somebody bears the number only the Receita Federal can say.
 */
export type Document = {
  valid: true
  kind: 'cpf' | 'cnpj'
  /** Without punctuation. */
  value: string
  /** `529.982.247-25`, `12.ABC.345/01DE-35`. */
  formatted: string
}

export const DOCUMENT_RULES = {
  characters: 'It holds a sign that belongs to neither a CPF nor a CNPJ.',
  length: 'A CPF has 11 digits and a CNPJ 14 signs; this has another number of them.',
  letters: 'A CPF holds no letters, and a CNPJ none in its two check digits.',
  letter_case: 'The letters of a CNPJ are capitals.',
  repeated: 'One sign repeated is the number of nobody, whatever its check digits.',
  check_digit_1: 'The first of the two check digits is wrong.',
  check_digit_2: 'The second of the two check digits is wrong.',
} as const

type DocumentRule = keyof typeof DOCUMENT_RULES

const SEPARATORS = /[\s./-]+/g

/** Which of the two a text is, or the rule it breaks. Never throws. */
export function readDocument(text: string): Document | Refusal<DocumentRule> {
  const value = text.replace(SEPARATORS, '')
  const kind = value.length === 11 ? 'cpf' : 'cnpj'
  const rule = brokenForm(value) ?? brokenRule(kind, value)
  if (rule !== null) return refuse(rule, DOCUMENT_RULES[rule])
  return { valid: true, kind, value, formatted: kind === 'cpf' ? formatCpf(value) : formatCnpj(value) }
}

function brokenForm(value: string): DocumentRule | null {
  if (/[^\dA-Za-z]/.test(value)) return 'characters'
  if (value.length !== 11 && value.length !== 14) return 'length'
  return null
}

/** The first rule that the bare text breaks. */
function brokenRule(kind: Document['kind'], value: string): DocumentRule | null {
  const { letters, digits } = FORMS[kind]
  if (!digits.test(value)) return letters.test(value) ? 'letter_case' : 'letters'
  if (/^(.)\1*$/.test(value)) return 'repeated'
  const [first, second] = checkDigits(kind, value)
  if (first !== value.charCodeAt(value.length - 2) - 48) return 'check_digit_1'
  return second === value.charCodeAt(value.length - 1) - 48 ? null : 'check_digit_2'
}

const FORMS = {
  cpf: { digits: /^\d{11}$/, letters: /^(?!)/ },
  cnpj: { digits: /^[\dA-Z]{12}\d{2}$/, letters: /^[\dA-Za-z]{12}\d{2}$/ },
}

/** Each counts what stands before it, the second the first too. */
function checkDigits(kind: Document['kind'], value: string): [first: number, second: number] {
  const heaviest = kind === 'cpf' ? 11 : 9
  return [modulo11(value.slice(0, -2), { heaviest }), modulo11(value.slice(0, -1), { heaviest })]
}

/** Whether a bare text of 11 digits is a CPF. */
export const isCpf = (value: string): boolean => brokenRule('cpf', value) === null

/** Whether a bare text of 14 signs is a CNPJ. */
export const isCnpj = (value: string): boolean => brokenRule('cnpj', value) === null

const formatCpf = (cpf: string): string => cpf.replace(/^(...)(...)(...)(..)$/, '$1.$2.$3-$4')
const formatCnpj = (cnpj: string): string => cnpj.replace(/^(..)(...)(...)(....)(..)$/, '$1.$2.$3/$4-$5')
