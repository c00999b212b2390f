import { isCnpj, isCpf } from './document.ts'
import { type Refusal, refuse } from './refusal.ts'

/**
 * The names Pix goes by: keys, transaction ids, end-to-end ids. Forms from the API DICT, the Manual de Padrões para
 * Iniciação do Pix 2.10 (2.5.1, 2.6.2) and the API Pix 2.9.0. Whether a key belongs to somebody only the DICT can say.
 */
export type PixKeyType = 'cpf' | 'cnpj' | 'phone' | 'email' | 'evp'

export type PixKey = { valid: true; type: PixKeyType /** As the DICT writes it. */; value: string }

export const PIX_KEY_RULES = {
  key_form: 'A Pix key is a CPF, a CNPJ, a mobile number, an e-mail address or a random key (UUID).',
  key_check_digit: 'The check digits of this CPF or CNPJ are wrong.',
  key_phone: 'A telephone that is a key is mobile: +55, a DDD, and nine digits that begin with 9.',
  key_length: 'An e-mail address that is a key has at most 77 characters.',
} as const

type PixKeyRule = keyof typeof PIX_KEY_RULES

const FORMS: [PixKeyType, RegExp][] = [
  ['cpf', /^\d{11}$/],
  ['cnpj', /^[\dA-Z]{12}\d{2}$/],
  ['phone', /^\+[1-9]\d{1,14}$/],
  // The DICT gives random keys of any UUID version: its own examples are of version 1.
  ['evp', /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/],
  // `&` has not been allowed since API DICT 2.6.0; a domain may be of one label there.
  [
    'email',
    /^[a-z\d.!#$'*+/=?^_`{|}~-]+@[a-z\d]([a-z\d-]{0,61}[a-z\d])?(\.[a-z\d]([a-z\d-]{0,61}[a-z\d])?)*$/,
  ],
]

/** Which kind of key is written as the DICT writes it, by its form alone: check digits are not counted. */
export const pixKeyType = (key: string): PixKeyType | null =>
  FORMS.find(([, form]) => form.test(key))?.[0] ?? null

/** A key as people write it (with punctuation, in capitals, without +55), or the rule it breaks. Never throws. */
export function readPixKey(text: string): PixKey | Refusal<PixKeyRule> {
  const key = toDict(text.trim())
  const type = pixKeyType(key)
  if (type === null) return refuse('key_form', PIX_KEY_RULES.key_form)
  const rule = brokenRule(type, key)
  return rule === null ? { valid: true, type, value: key } : refuse(rule, PIX_KEY_RULES[rule])
}

const PUNCTUATED_CPF = /^\d{3}\.?\d{3}\.?\d{3}-?\d{2}$/
const PUNCTUATED_CNPJ = /^[\dA-Z]{2}\.?[\dA-Z]{3}\.?[\dA-Z]{3}\/?[\dA-Z]{4}-?\d{2}$/
const PUNCTUATED_PHONE = /^(\+55 ?)?(\(\d{2}\)|\d{2}) ?\d{4,5}[ -]?\d{4}$/

function toDict(text: string): string {
  if (text.includes('@') || /^[\dA-Fa-f]{8}-/.test(text)) return text.toLowerCase()
  const bare = text.replace(/[^\dA-Z]/g, '')
  // Eleven digits may be both; who means the telephone writes it as one.
  if (PUNCTUATED_CPF.test(text) && (isCpf(bare) || !isMobile(bare))) return bare
  if (PUNCTUATED_CNPJ.test(text)) return bare
  return PUNCTUATED_PHONE.test(text) ? `+${bare.replace(/^(55)?(?=\d{10,11}$)/, '55')}` : text
}

const MOBILE = /^(1[1-9]|2[12478]|3[1-578]|4[1-9]|5[1345]|6[1-9]|7[134579]|8[1-9]|9[1-9])9\d{8}$/

const isMobile = (national: string): boolean => MOBILE.test(national)

function brokenRule(type: PixKeyType, key: string): PixKeyRule | null {
  if (type === 'cpf') return isCpf(key) ? null : 'key_check_digit'
  if (type === 'cnpj') return isCnpj(key) ? null : 'key_check_digit'
  if (type === 'phone') return key.startsWith('+55') && isMobile(key.slice(3)) ? null : 'key_phone'
  return key.length > 77 ? 'key_length' : null
}

/** What a charge at a PSP is known by: 26 to 35 letters and digits. */
export const isChargeTxid = (text: string): boolean => /^[a-zA-Z\d]{26,35}$/.test(text)

/** `***` says that there is none. */
export const NO_TXID = '***'

/** What a static BR Code may carry: 1 to 25 letters and digits, or none. */
export const isStaticTxid = (text: string): boolean => text === NO_TXID || /^[a-zA-Z\d]{1,25}$/.test(text)

/** What we call a refund by: 1 to 35 letters and digits. */
export const isRefundId = (text: string): boolean => /^[a-zA-Z\d]{1,35}$/.test(text)

export type EndToEnd = {
  /** `return` is the way back: the RtrId of a refund. */
  kind: 'payment' | 'return'
  /** Of the participant that made it. */
  ispb: string
  /** To the minute, UTC. */
  at: Date
}

const END_TO_END = /^([ED])([\dA-Z]{8})(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})([a-zA-Z\d]{11})$/

/** `E` or `D`, ISPB, yyyyMMddHHmm in UTC, eleven letters and digits; null where it is none, or on no day there is. */
export function readEndToEndId(text: string): EndToEnd | null {
  const [, letter, ispb = '', ...digits] = END_TO_END.exec(text) ?? []
  if (letter === undefined) return null
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = digits.map(Number)
  const at = new Date(Date.UTC(year, month - 1, day, hour, minute))
  const told = at.toISOString().replace(/\D/g, '').slice(0, 12)
  return told === digits.slice(0, 5).join('')
    ? { kind: letter === 'E' ? 'payment' : 'return', ispb, at }
    : null
}
