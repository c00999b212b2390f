import { OBJECT_RULES } from './emv.ts'
import { type Refusal, refuse } from './refusal.ts'

/** What a BR Code is refused for, in the order of looking. */
export const BRCODE_RULES = {
  empty: 'There is no text.',
  length: 'A BR Code has at most 512 characters.',
  characters: 'It holds control characters or broken Unicode.',
  crc_missing: 'It does not end with its checksum: 6304 and four hexadecimal digits.',
  crc: 'The checksum is wrong: something in the text was changed.',
  ...OBJECT_RULES,
  payload_format: 'It does not begin with the payload format 000201.',
  crc_last: 'The checksum (63) is no object of its own at the end.',
  initiation: 'The point of initiation (01), where it stands, is 11 or 12.',
  merchant_category: 'The merchant category (52) must stand there, as four digits.',
  currency: 'The currency (53) must be 986, the real.',
  country: 'The country (58) must be BR.',
  merchant_name: 'The merchant name (59) must stand there, with at most 25 characters.',
  merchant_city: 'The merchant city (60) must stand there, with at most 15 characters.',
  postal_code: 'The postal code (61) has at most 10 characters.',
  not_pix:
    'No account of 26 to 51 belongs to Pix (GUI br.gov.bcb.pix): it may be a code of another arrangement.',
  pix_repeated: 'Pix stands there twice.',
  key_and_url: 'It holds both a key and a URL: nobody can say which is to be paid.',
  key_or_url: 'It holds neither a key nor a URL, nor a recurrence beside a bare account of Pix.',
  key: 'The key is written as no kind of Pix key is.',
  url: 'A URL is host/path without a scheme, with at least one dot in the host.',
  withdrawal:
    'The facilitator of a withdrawal (26-03) is an ISPB of eight signs, and stands beside a key alone.',
  hosts: 'The URLs of the charge and of the recurrence must be of one host.',
  amount: 'The amount (54) is digits with at most two decimals after a point, 13 characters in all.',
  amount_zero: 'The amount (54) of a static code is more than zero, but for a withdrawal.',
  txid: 'The txid (62-05) of a static code must stand there: *** or 1 to 25 letters and digits.',
} as const

export type BrCodeRule = keyof typeof BRCODE_RULES

export const broken = (rule: BrCodeRule, because?: string): Refusal<BrCodeRule> =>
  refuse(rule, because === undefined ? BRCODE_RULES[rule] : `${BRCODE_RULES[rule]} (${because})`)
