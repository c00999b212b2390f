import { type Arrangement, brokenArrangement, readArrangement } from './brcode_pix.ts'
import { type BrCodeRule, broken } from './brcode_rules.ts'
import { crc16 } from './crc16.ts'
import { countCharacters, type Objects, readObjects } from './emv.ts'
import { type PixKeyType, pixKeyType } from './pix.ts'
import type { Refusal } from './refusal.ts'

/**
 * BR Codes, the text in the QR code of a Pix («copia e cola»): Manual do BR Code 2.0.1, Manual de Padrões para
 * Iniciação do Pix 2.10 (2.4 to 2.8), EMV QRCPS merchant-presented mode 1.1. Reading forgives what those who pay are
 * told to ignore (amount and txid beside a URL, objects of others) and what is published against the letter: GUI and
 * checksum in either case, a hyphen in a txid, accents in a name. All else is refused by its rule.
 */
export type BrCode = {
  valid: true
  /** `static`: a key; `dynamic`: a URL; `composite`: either, and a recurrence; `recurrence`: only that. */
  type: 'static' | 'dynamic' | 'composite' | 'recurrence'
  key: string | null
  key_type: PixKeyType | null
  /** Without a scheme, as written: where the charge is told; of a recurrence alone, where that is. */
  url: string | null
  recurrence_url: string | null
  merchant_name: string
  merchant_city: string
  /** `***` where the receiver gave none. Beside a URL it is only what is written: the charge says the right one. */
  txid: string | null
  /** Reais as written: `10.00`, but `10`, `10.` and `10.5` occur. Beside a URL the charge says the right one. */
  amount: string | null
  amount_cents: number | null
  description: string | null
  /** The ISPB of who hands out the cash: it is a Pix Saque. */
  withdrawal_ispb: string | null
  /** It may be paid once. */
  single_use: boolean
  postal_code: string | null
  merchant_category: string
}

const MOST = 512

/** What a text says, or the first rule it breaks. Never throws. White space around it is no part of it. */
export function readBrCode(given: string): BrCode | Refusal<BrCodeRule> {
  const text = given.trim()
  const unread = brokenText(text) ?? brokenCrc(text)
  if (unread) return unread
  const objects = readObjects(text)
  if (!(objects instanceof Map)) return objects
  const header = brokenOrder(objects) ?? brokenHeader(objects)
  if (header) return header
  const pix = readArrangement(objects)
  if ('rule' in pix) return pix
  return brokenArrangement(pix) ?? toBrCode(objects, pix)
}

function brokenText(text: string): Refusal<BrCodeRule> | null {
  if (text === '') return broken('empty')
  if (text.length > MOST && countCharacters(text) > MOST) return broken('length')
  return text.isWellFormed() && !/\p{Cc}/u.test(text) ? null : broken('characters')
}

/** Before the objects are told apart: of a text with a slip in it, the slip is what is to be said. */
function brokenCrc(text: string): Refusal<BrCodeRule> | null {
  const written = /6304([\dA-Fa-f]{4})$/.exec(text)?.[1]?.toUpperCase()
  if (written === undefined) return broken('crc_missing')
  const right = crc16(text.slice(0, -4)).toString(16).toUpperCase().padStart(4, '0')
  return written === right ? null : broken('crc', `${right}, not ${written}`)
}

/** The checksum counts only where it is an object, and the last: else its signs are the end of another's value. */
function brokenOrder(objects: Objects): Refusal<BrCodeRule> | null {
  const ids = [...objects.keys()]
  if (ids[0] !== '00' || objects.get('00') !== '01') return broken('payload_format')
  return ids.at(-1) === '63' && objects.get('63')?.length === 4 ? null : broken('crc_last')
}

const HEADER: [id: string, form: RegExp, rule: BrCodeRule, optional?: 'optional'][] = [
  ['01', /^1[12]$/, 'initiation', 'optional'],
  ['52', /^\d{4}$/, 'merchant_category'],
  ['53', /^986$/, 'currency'],
  ['58', /^BR$/, 'country'],
  ['59', /^.{1,25}$/u, 'merchant_name'],
  ['60', /^.{1,15}$/u, 'merchant_city'],
  ['61', /^.{1,10}$/u, 'postal_code', 'optional'],
]

function brokenHeader(objects: Objects): Refusal<BrCodeRule> | null {
  for (const [id, form, rule, optional] of HEADER) {
    const value = objects.get(id)
    if (value === undefined ? !optional : !form.test(value)) return broken(rule)
  }
  return null
}

function toBrCode(objects: Objects, pix: Arrangement): BrCode {
  const { key, url, recurrence_url, amount } = pix
  return {
    valid: true,
    type: toType(pix),
    key,
    key_type: key === null ? null : pixKeyType(key),
    url: url ?? (key === null ? recurrence_url : null),
    recurrence_url,
    merchant_name: objects.get('59') ?? '',
    merchant_city: objects.get('60') ?? '',
    txid: pix.txid,
    amount: amount?.written ?? null,
    amount_cents: amount?.cents ?? null,
    description: pix.description,
    withdrawal_ispb: pix.withdrawal_ispb,
    single_use: objects.get('01') === '12',
    postal_code: objects.get('61') ?? null,
    merchant_category: objects.get('52') ?? '',
  }
}

function toType({ key, url, recurrence_url }: Arrangement): BrCode['type'] {
  if (recurrence_url !== null) return key === null && url === null ? 'recurrence' : 'composite'
  return url === null ? 'static' : 'dynamic'
}
