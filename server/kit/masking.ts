/**
 * What a recorded request or reply must not show: the connection's secrets wherever they stand, members whose name
 * says secret, and card numbers. Works on text of any form, since vendors answer in all of them.
 */
export const MASK = '[masked]'

const SECRET_HEADERS = new Set(['authorization', 'cookie', 'proxy-authorization', 'set-cookie'])
const SAYS_SECRET = /(?:^|[-_])(?:api[-_]?key|access[-_]?key|token|secret|password)$/

/** Masks values of telling names, and known secrets in any value. `also` are names of this connection, lower case. */
export function maskHeaders(
  headers: Readonly<Record<string, string>>,
  secrets: readonly string[],
  also: readonly string[] = [],
): Record<string, string> {
  const masked: Record<string, string> = {}
  for (const name in headers) {
    const lower = name.toLowerCase()
    const hidden = SECRET_HEADERS.has(lower) || SAYS_SECRET.test(lower) || also.includes(lower)
    masked[name] = hidden ? MASK : maskUrl(headers[name] ?? '', secrets)
  }
  return masked
}

// However vendors write them: client_secret, clientSecret, ClientSecret, client-secret.
const SECRET_NAMES = (
  'password|passwd|passphrase|senha|secret|client_secret|api_key|token|access_token|refresh_token|id_token|' +
  'auth_token|session_token|bearer_token|private_key|secret_key|secret_access_key|authorization|cvc|cvv|cvv2|' +
  'security_code|pin|card_number|pan|client_assertion|otp'
).replaceAll('_', '[_-]?')
// A text may be cut off anywhere, inside of a secret too.
const IN_JSON = new RegExp(
  String.raw`("(?:${SECRET_NAMES})"\s*:\s*)(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|-?[0-9][0-9.eE+-]*)`,
  'gi',
)
// JSON in a text of JSON, once: its quotes have a backslash before them, its escapes two.
const IN_TEXT = new RegExp(
  String.raw`(\\"(?:${SECRET_NAMES})\\"\s*:\s*)(?:\\"(?:[^"\\]|\\\\(?:\\\\|\\"|[^"\\]))*(?:\\"|\\*$)|-?[0-9][0-9.eE+-]*)`,
  'gi',
)
const IN_FORM = new RegExp(`((?:^|[?&"\\[]|%5B)(?:${SECRET_NAMES})(?:\\]|%5D)?=)[^&\\s"]*`, 'gi')

/** JSON in a form or an address, and in XML. */
const ENCODED = [
  { quote: '%22', colon: '(?:%20|\\+)*%3A(?:%20|\\+)*', slash: '%5C', other: '[^&\\s"]' },
  { quote: '&quot;', colon: '\\s*:\\s*', slash: '\\\\', other: '[^<"]' },
].map(({ quote, colon, slash, other }) => ({
  quote,
  pattern: new RegExp(
    `(${quote}(?:${SECRET_NAMES})${quote}${colon})(?:${quote}(?:${slash}${slash}|${slash}${quote}|(?!${quote})${other})*(?:${quote})?|-?[0-9][0-9.]*)`,
    'gi',
  ),
}))

/** XML as it is, and where it is text in XML or in JSON. */
const MARKUP = [
  ['<', '>'],
  ['&lt;', '&gt;'],
  ['\\\\u003c', '\\\\u003e'],
] as const
const SAYS_XML = /<|&lt;|\\u003c/i

/** Hides values of elements and attributes of these names, and of parts of multipart. */
export function inMarkup(element: string, part: string): (text: string) => string {
  const xml = [...MARKUP.map((marks) => inElement(element, marks)), inAttribute(element)]
  const multipart = inMultipart(part)
  return (text) => {
    const hidden = SAYS_XML.test(text) ? xml.reduce(hideBy, text) : text
    return hidden.includes('form-data') ? hideBy(hidden, multipart) : hidden
  }
}

const hideBy = (text: string, pattern: RegExp): string => text.replace(pattern, `$1${MASK}`)

const inElement = (names: string, [begin, end]: (typeof MARKUP)[number]): RegExp =>
  new RegExp(
    `(${begin}(?:[\\w.-]+:)?(?:${names})(?:\\s(?:(?!${begin}|${end})[^<>])*)?${end})(?:<!\\[CDATA\\[[\\s\\S]*?(?:\\]\\]>|$)|(?!${begin})[^<])*`,
    'gi',
  )

const inAttribute = (names: string): RegExp =>
  new RegExp(`(\\s(?:[\\w.-]+:)?(?:${names})\\s*=\\s*(\\\\?["']))(?:(?!\\2)[^<>])*`, 'gi')

const inMultipart = (names: string): RegExp =>
  new RegExp(
    `(\\bname="?(?:${names})"?(?:;[^\\r\\n]*)?(?:\\r?\\n[^\\r\\n]+){0,5}\\r?\\n\\r?\\n)[\\s\\S]*?(?=\\r?\\n--|$)`,
    'gi',
  )

const hideInMarkup = inMarkup(SECRET_NAMES, SECRET_NAMES)

/** Where a number may begin: after no letter, but for the last of an escape of JSON (`\\n`) or of a URL (`%3A`). */
export const BEFORE_NUMBER = String.raw`(?:(?<![\w.%-])|(?<=\\(?:[bfnrt]|u[\da-fA-F]{4})|%[\da-fA-F]{2}))`
const BETWEEN_DIGITS = /(%20|[ +-])/
const DIGITS = new RegExp(`${BEFORE_NUMBER}(?:\\d(?:[ +-]|%20)?){12,}\\d(?![0-9A-Za-z_])`, 'g')

/** To look for one sign is far cheaper than to try a pattern that cannot match without it. */
export function maskBody(text: string, secrets: readonly string[]): string {
  let hidden = hideSecrets(text, secrets)
  if (hidden.includes(':')) hidden = hidden.replace(IN_JSON, `$1"${MASK}"`)
  if (hidden.includes('\\"')) hidden = hidden.replace(IN_TEXT, `$1\\"${MASK}\\"`)
  return hideCards(hidePairs(hideInMarkup(hidden)))
}

export function maskUrl(url: string, secrets: readonly string[]): string {
  return hideCards(hidePairs(hideSecrets(url, secrets)))
}

function hidePairs(text: string): string {
  let hidden = text.includes('=') ? hideBy(text, IN_FORM) : text
  for (const { quote, pattern } of ENCODED)
    if (hidden.includes(quote)) hidden = hidden.replace(pattern, `$1${quote}${MASK}${quote}`)
  return hidden
}

/** A secret as it is, as it stands in a URL or form, in JSON, and in base64. Those under 4 letters would hide too much. */
export function hideSecrets(text: string, secrets: readonly string[]): string {
  let hidden = text
  for (const secret of secrets) {
    if (secret.length < 4 || text.length < secret.length) continue // no spelling is shorter than the secret
    for (const spelling of spellings(secret)) {
      if (hidden.includes(spelling)) hidden = hidden.replaceAll(spelling, MASK)
    }
  }
  return hidden
}

/** Reckoned once per secret: a call masks a dozen texts, and this was a third of its cost. */
const spelled = new Map<string, readonly string[]>()
const MOST_SPELLED = 1000

function spellings(secret: string): readonly string[] {
  const known = spelled.get(secret)
  if (known) return known
  const found = [...allSpellings(secret)]
  if (spelled.size >= MOST_SPELLED) spelled.clear()
  spelled.set(secret, found)
  return found
}

function allSpellings(secret: string): Set<string> {
  const base64 = Buffer.from(secret).toString('base64')
  return new Set([
    secret,
    encodeURIComponent(secret.toWellFormed()),
    new URLSearchParams({ a: secret }).toString().slice(2),
    JSON.stringify(secret).slice(1, -1),
    base64,
    encodeURIComponent(base64),
  ])
}

/** Whether a card number stands anywhere in it. */
export const hasCardNumber = (text: string): boolean => hideCards(text) !== text

const hideCards = (text: string): string => text.replace(DIGITS, hideAmong)

/** Numbers that stand together, such as a card's and the month it ends in. */
function hideAmong(digits: string): string {
  if (isCardNumber(digits)) return MASK
  const parts = digits.split(BETWEEN_DIGITS) // each second is what stands between two
  const hidden = new Set<number>()
  for (let from = 0; from < parts.length; from += 2) {
    const end = endOfCard(parts, from)
    for (let at = from; at < end; at++) hidden.add(at)
  }
  return parts.map((part, at) => (hidden.has(at) ? (hidden.has(at - 1) ? '' : MASK) : part)).join('')
}

/** A card is written in groups of three digits and more, and issuers begin with 2 to 6. */
const GROUP = /^\d{3,}$/
const ISSUER = /^[2-6]/

/** The place after the card number that begins at `from`; `from` itself where none does. */
function endOfCard(parts: readonly string[], from: number): number {
  let number = ''
  for (let at = from; at < parts.length && number.length < 19; at += 2) {
    const part = parts[at] ?? ''
    if (!GROUP.test(part)) break
    number += part
    if (ISSUER.test(number) && isCardNumber(number)) return at + 1
  }
  return from
}

/** Luhn, over 13 to 19 digits. */
function isCardNumber(text: string): boolean {
  if (text.length > MOST_SPELLED_OUT) return false
  const digits = [...text.replace(/%20|[ +-]/g, '')].reverse().map(Number)
  if (digits.length < 13 || digits.length > 19 || digits.every((digit) => digit === 0)) return false
  const sum = digits.reduce((total, digit, at) => {
    const double = digit * 2
    return total + (at % 2 === 0 ? digit : double > 9 ? double - 9 : double)
  }, 0)
  return sum % 10 === 0
}

/** Nineteen digits with `%20` between them. */
const MOST_SPELLED_OUT = 19 + 18 * 3
