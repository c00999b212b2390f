import { type BrCodeRule, broken } from './brcode_rules.ts'
import { type Objects, readObjects } from './emv.ts'
import { NO_TXID, pixKeyType } from './pix.ts'
import type { Refusal } from './refusal.ts'

/** What a BR Code says within the arrangement Pix: an account of 26 to 51, a recurrence of 80 to 99, 54 and 62-05. */
export type Arrangement = {
  key: string | null
  url: string | null
  recurrence_url: string | null
  /** The account holds nothing but the GUI, as beside a recurrence alone (2.8.5.1). */
  bare: boolean
  description: string | null
  withdrawal_ispb: string | null
  amount: Amount | null
  /** What 54 holds that is no amount. */
  amount_unread: string | null
  txid: string | null
}

export type Amount = { written: string; cents: number }

export const PIX_GUI = 'br.gov.bcb.pix'

export function readArrangement(objects: Objects): Arrangement | Refusal<BrCodeRule> {
  const account = findPix(objects, 26, 51)
  if (account && 'rule' in account) return account
  if (account === null) return broken('not_pix')
  const recurrence = findPix(objects, 80, 99)
  if (recurrence && 'rule' in recurrence) return recurrence
  const extra = readObjects(objects.get('62') ?? '', '62-')
  if (!(extra instanceof Map)) return extra
  const amount = objects.get('54')
  const read = amount === undefined ? null : readAmount(amount)
  return {
    key: account.get('01') ?? null,
    url: account.get('25') ?? null,
    // The Manual do BR Code shows a template of Pix without a URL there: it is none of a recurrence.
    recurrence_url: recurrence?.get('25') ?? null,
    bare: account.size === 1,
    description: account.get('02') ?? null,
    withdrawal_ispb: account.get('03') ?? null,
    amount: read,
    amount_unread: read === null ? (amount ?? null) : null,
    txid: extra.get('05') ?? null,
  }
}

/** The one template of Pix among the ids, whose GUI may be in either case. */
function findPix(objects: Objects, first: number, last: number): Objects | Refusal<BrCodeRule> | null {
  let found: Objects | null = null
  for (const [id, value] of objects) {
    if (Number(id) < first || Number(id) > last) continue
    const template = readObjects(value, `${id}-`)
    if (!(template instanceof Map)) return template
    if (template.get('00')?.toLowerCase() !== PIX_GUI) continue
    if (found) return broken('pix_repeated', id)
    found = template
  }
  return found
}

/** Reais with a point; never through a float. */
export function readAmount(written: string): Amount | null {
  const [, whole, decimals = ''] = /^(\d+)(?:\.(\d{0,2}))?$/.exec(written) ?? []
  if (whole === undefined || written.length > 13) return null
  return { written, cents: Number(whole + decimals.padEnd(2, '0')) }
}

export function brokenArrangement(pix: Arrangement): Refusal<BrCodeRule> | null {
  const { key, url, recurrence_url } = pix
  if (key !== null && url !== null) return broken('key_and_url')
  if (key === null && url === null && !(pix.bare && recurrence_url !== null)) return broken('key_or_url')
  for (const location of [url, recurrence_url]) {
    if (location !== null && !isLocation(location)) return broken('url', location)
  }
  if (url !== null && recurrence_url !== null && hostOf(url) !== hostOf(recurrence_url))
    return broken('hosts')
  return brokenWithdrawal(pix) ?? (key === null ? null : brokenStatic(pix, key))
}

// RFC 3986 without what a location has not (2.5.2): scheme, user, port, query, fragment.
const LOCATION =
  /^[a-z\d]([a-z\d-]*[a-z\d])?(\.[a-z\d]([a-z\d-]*[a-z\d])?)+(\/([\w.~!$&'()*+,;=:@-]|%[\da-f]{2})+)+\/?$/i

export const isLocation = (text: string): boolean => LOCATION.test(text)

const hostOf = (location: string): string => location.slice(0, location.indexOf('/')).toLowerCase()

function brokenWithdrawal({ withdrawal_ispb, url, recurrence_url }: Arrangement): Refusal<BrCodeRule> | null {
  if (withdrawal_ispb === null) return null
  const alone = url === null && recurrence_url === null
  return alone && /^[\dA-Z]{8}$/.test(withdrawal_ispb) ? null : broken('withdrawal')
}

/** What only counts where no charge behind a URL says it. */
function brokenStatic(pix: Arrangement, key: string): Refusal<BrCodeRule> | null {
  if (pixKeyType(key) === null) return broken('key', key)
  if (pix.amount_unread !== null) return broken('amount', pix.amount_unread)
  if (pix.amount?.cents === 0 && pix.withdrawal_ispb === null) return broken('amount_zero')
  return pix.txid === NO_TXID || /^[a-zA-Z\d-]{1,25}$/.test(pix.txid ?? '') ? null : broken('txid')
}
