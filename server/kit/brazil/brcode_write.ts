import { type BrCode, readBrCode } from './brcode.ts'
import { isLocation, PIX_GUI, readAmount } from './brcode_pix.ts'
import { BRCODE_RULES } from './brcode_rules.ts'
import { crc16 } from './crc16.ts'
import { countCharacters, MOST_CHARACTERS, writeObject } from './emv.ts'
import { isStaticTxid, NO_TXID, PIX_KEY_RULES, readPixKey } from './pix.ts'
import { type Refusal, refuse } from './refusal.ts'

/** What a BR Code is to say: a key or a URL or neither, and perhaps a recurrence. Null is the same as absent. */
export type BrCodeInput = {
  /** As people write it; it is written as the DICT does. */
  key?: string | null | undefined
  /** host/path without a scheme: of the charge, and of the recurrence. */
  url?: string | null | undefined
  recurrence_url?: string | null | undefined
  merchant_name: string
  merchant_city: string
  /** Only beside a key: whoever scans a URL is told by the charge. Reais; always written with two decimals. */
  amount?: string | null | undefined
  txid?: string | null | undefined
  description?: string | null | undefined
  withdrawal_ispb?: string | null | undefined
  postal_code?: string | null | undefined
  /** `0000`, not told, where absent. */
  merchant_category?: string | null | undefined
  /** It may be paid once. */
  single_use?: boolean | undefined
}

/** What writing refuses, besides what reading does. */
export const WRITE_RULES = {
  ...BRCODE_RULES,
  ...PIX_KEY_RULES,
  room: 'Key, description and withdrawal share 99 characters; shorten the description.',
  beside_key: 'It stands only beside a key: else the charge behind the URL says it.',
} as const

type WriteRule = keyof typeof WRITE_RULES

/** The field of the input, or null where none alone is at fault. */
export type Unwritten = Refusal<WriteRule> & { field: keyof BrCodeInput | null }

export type Written = { valid: true; text: string; code: BrCode }

/**
 * The text of a BR Code. What is written is read back, so that nothing leaves that reading would refuse. It is ASCII:
 * the manual allows more, but banks that hold to the letter of EMV refuse accents, so they are taken off. Nothing is cut.
 */
export function writeBrCode(input: BrCodeInput): Written | Unwritten {
  const plain = toPlain(input)
  const key = plain.key === undefined ? null : readPixKey(plain.key)
  if (key && !key.valid) return { ...key, field: 'key' }
  const wrong = brokenInput(plain) ?? (key ? brokenStatic(plain) : brokenBeside(plain))
  if (wrong) return wrong
  const objects = toObjects(plain, key?.value)
  if (objects.some(([, value]) => countCharacters(value) > MOST_CHARACTERS))
    return unwritten(null, 'room', WRITE_RULES.room)
  const body = `${objects.map(([id, value]) => writeObject(id, value)).join('')}6304`
  const text = body + crc16(body).toString(16).toUpperCase().padStart(4, '0')
  const code = readBrCode(text)
  return code.valid ? { valid: true, text, code } : { ...code, field: FIELDS[code.rule] ?? null }
}

const FIELDS: Partial<Record<string, keyof BrCodeInput>> = {
  merchant_category: 'merchant_category',
  withdrawal: 'withdrawal_ispb',
  amount: 'amount',
  amount_zero: 'amount',
}

const unwritten = (field: Unwritten['field'], rule: WriteRule, reason: string): Unwritten => ({
  ...refuse(rule, reason),
  field,
})

type Plain = { [Field in Exclude<keyof BrCodeInput, 'single_use'>]?: string } & { single_use: boolean }

/** Without nulls and white space around, and without accents where words are meant for people. */
function toPlain({ single_use = false, ...texts }: BrCodeInput): Plain {
  const given = Object.entries(texts).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  const plain = given.map(([field, text]) => [field, (SPOKEN.has(field) ? toAscii(text) : text).trim()])
  return { ...Object.fromEntries(plain), single_use }
}

const SPOKEN = new Set(['merchant_name', 'merchant_city', 'description'])

const toAscii = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '')

const MOST: Partial<Record<keyof Plain, number>> = {
  url: 77,
  recurrence_url: 77,
  merchant_name: 25,
  merchant_city: 15,
  postal_code: 10,
}

function brokenInput(input: Plain): Unwritten | null {
  for (const [field, text] of Object.entries(input) as [keyof Plain, string | boolean][]) {
    if (typeof text === 'boolean') continue
    const most = MOST[field] ?? MOST_CHARACTERS
    if (text === '') return unwritten(field, 'empty', 'Leave out what is empty.')
    if (!/^[\x20-\x7e]+$/.test(text))
      return unwritten(field, 'characters', 'It holds signs that ASCII has not.')
    if (text.length > most) return unwritten(field, 'length', `It may have at most ${most} characters.`)
    if (/url$/.test(field) && !isLocation(text)) return unwritten(field, 'url', BRCODE_RULES.url)
  }
  return null
}

/** Reading forgives what a new code need not have. */
function brokenStatic({ txid, amount }: Plain): Unwritten | null {
  if (txid !== undefined && !isStaticTxid(txid)) {
    return unwritten('txid', 'txid', 'The txid of a static code is 1 to 25 letters and digits.')
  }
  if (amount === undefined || readAmount(amount)) return null
  return unwritten('amount', 'amount', BRCODE_RULES.amount)
}

const OF_A_KEY = ['amount', 'txid', 'description', 'withdrawal_ispb'] as const

function brokenBeside(input: Plain): Unwritten | null {
  const field = OF_A_KEY.find((name) => input[name] !== undefined)
  return field === undefined ? null : unwritten(field, 'beside_key', WRITE_RULES.beside_key)
}

function toObjects(input: Plain, key: string | undefined): [id: string, value: string][] {
  const { amount, recurrence_url } = input
  const account = template([
    ['00', PIX_GUI],
    ['01', key],
    ['02', input.description],
    ['03', input.withdrawal_ispb],
    ['25', input.url],
  ])
  return present([
    ['00', '01'],
    ['01', input.single_use ? '12' : undefined],
    ['26', account],
    ['52', input.merchant_category ?? '0000'],
    ['53', '986'],
    ['54', amount === undefined ? undefined : toReais(amount)],
    ['58', 'BR'],
    ['59', input.merchant_name],
    ['60', input.merchant_city],
    ['61', input.postal_code],
    ['62', template([['05', input.txid ?? NO_TXID]])],
    [
      '80',
      recurrence_url &&
        template([
          ['00', PIX_GUI],
          ['25', recurrence_url],
        ]),
    ],
  ])
}

type Maybe = [id: string, value: string | undefined][]

const present = (objects: Maybe): [string, string][] =>
  objects.filter((object): object is [string, string] => object[1] !== undefined)

const template = (objects: Maybe): string =>
  present(objects)
    .map(([id, value]) => writeObject(id, value))
    .join('')

/** Two decimals always: some banks read no other form. */
function toReais(amount: string): string {
  const [whole = '', decimals = ''] = amount.split('.')
  return `${whole}.${decimals.padEnd(2, '0')}`
}
