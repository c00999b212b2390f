/**
 * Hides personal data and secrets from anything that is written for people to read: log lines, spans, recorded
 * requests. By key where the name tells, by pattern inside text. Patterns do not check digits: a number that
 * looks like a CPF or a card is hidden, since a false alarm costs less than a leak.
 */

const HIDDEN = '[masked]'
const NUMBER = '[number]'
const TEXT_LIMIT = 8192
const DEPTH_LIMIT = 8
const ITEMS_LIMIT = 100

/** Names of which the value is never shown, in lower case without `-` and `_`. */
const HIDDEN_KEYS = new Set(
  `authorization proxyauthorization cookie setcookie password passwd pwd passphrase senha secret secrets token
  tokens credentials credential apikey xapikey privatekey signingkey masterkey adminkey signature assertion
  cardnumber pan cvv cvc cvn cvv2 cvc2 securitycode track1 track2 pin otp cpf cnpj cpfcnpj rg`.split(/\s+/),
)
const HIDDEN_ENDINGS = /(?:password|secret|token|apikey|signature|privatekey)$/

// What a text must hold before a rule is worth trying; found in one pass, since most texts hold none of it.
const AT = 1
const EQUALS = 2
const UNDERSCORE = 4
const SPACE = 8
const DIGITS = 16
const E_Y = 32

type Rule = { needs: number; hide: (text: string) => string }

const PARAMETER =
  /([?&;,\s"']|^)([\w.-]*(?:token|secret|password|senha|key|sig|signature|assertion|code))=[^&;,\s"']+/gi
const LOCAL_PART = /(?:[^\s"'<>()[\]{}:;,@/?&=%]|%(?!40))+((?:@|%40)(?=[\w[]))?/g
const CNPJ = /(?<!\w)[\dA-Z]{2}\.[\dA-Z]{3}\.[\dA-Z]{3}\/[\dA-Z]{4}-\d{2}(?!\w)/g
const GROUPED_CARD = /(?<!\w)(?:\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{1,7}|\d{4}[ -]\d{6}[ -]\d{4,5})(?!\w)/g
// 11 digits are a CPF or a phone, 13 to 19 a card, a CNPJ or a phone; but 1 and 12 more are a time in ms
const BARE_NUMBER = /(?<!\w)(?!1\d{12}(?!\d))(?:\d{13,19}|\d{11})(?!\w)/g

// Each rule walks the text once, whatever the text: none starts again inside a run it has looked at.
const RULES: Rule[] = [
  { needs: SPACE, hide: (text) => text.replace(/\b(Bearer|Basic) +[\w.~+/=-]+/gi, `$1 ${HIDDEN}`) },
  { needs: E_Y, hide: (text) => text.replace(/(?<![\w-])eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?/g, HIDDEN) },
  {
    needs: UNDERSCORE,
    hide: (text) => text.replace(/(?<!\w)(trl|whsec|whsk|sk|rk|pk)_[\w+/=-]{8,}/g, `$1_${HIDDEN}`),
  },
  { needs: EQUALS, hide: (text) => text.replace(PARAMETER, `$1$2=${HIDDEN}`) },
  { needs: AT, hide: (text) => text.replace(LOCAL_PART, (run, at) => (at === undefined ? run : `***${at}`)) },
  { needs: DIGITS, hide: (text) => text.replace(/(?<!\w)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)/g, NUMBER) },
  { needs: DIGITS, hide: (text) => text.replace(CNPJ, NUMBER).replace(GROUPED_CARD, NUMBER) },
  { needs: DIGITS, hide: (text) => text.replace(BARE_NUMBER, NUMBER) },
]

/** The same text with every secret and personal datum hidden, cut at 8,192 characters. */
export function maskText(text: string): string {
  const head = text.length > TEXT_LIMIT ? text.slice(0, TEXT_LIMIT + 64) : text
  const held = whatIsHeld(head)
  let masked = head
  if (held !== 0) for (const { needs, hide } of RULES) if ((held & needs) !== 0) masked = hide(masked)
  return text.length > TEXT_LIMIT ? `${masked.slice(0, TEXT_LIMIT)}… (${text.length} characters)` : masked
}

function whatIsHeld(text: string): number {
  let held = 0
  let digits = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 48 && code <= 57) digits++
    else if (code === 95) held |= UNDERSCORE
    else if (code === 64 || code === 37) held |= AT
    else if (code === 61) held |= EQUALS
    else if (code === 32) held |= SPACE
    else if (code === 101 && text.charCodeAt(i + 1) === 121) held |= E_Y
  }
  // a CNPJ may have letters from 2026 on, but always these marks and its two check digits
  return digits >= 11 || (digits >= 2 && text.includes('/') && text.includes('-')) ? held | DIGITS : held
}

/** A copy that is safe to write: plain data only, masked by key and by pattern; what is no data is named. */
export function mask(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return maskText(value)
  if (typeof value === 'number') return Math.abs(value) >= 1e10 ? maskNumber(value) : value
  if (typeof value === 'bigint') return maskText(String(value))
  if (typeof value !== 'object' || value === null) return value
  if (depth >= DEPTH_LIMIT) return '[too deep]'
  if (Array.isArray(value)) return maskArray(value, depth)
  if (value instanceof Error) return maskError(value, depth)
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return maskInstance(value, depth)
  return maskObject(value as Record<string, unknown>, depth)
}

/** As `mask`, for the fields of an object. */
export function maskObject(object: Record<string, unknown>, depth = 0): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  let room = ITEMS_LIMIT
  for (const key in object) {
    if (room-- === 0) return { ...copy, '…': 'more fields' }
    const value = object[key]
    const masked = value != null && isHiddenKey(key) ? HIDDEN : mask(value, depth + 1)
    if (key === '__proto__') setOwn(copy, key, masked)
    else copy[key] = masked
  }
  return copy
}

/** A field of this name is data like any other, where an assignment would change what the object is. */
const setOwn = (copy: object, key: string, value: unknown) =>
  Object.defineProperty(copy, key, { value, enumerable: true, writable: true, configurable: true })

const judged = new Map<string, boolean>()

/** Whether a field of this name is never shown. */
export function isHiddenKey(key: string): boolean {
  const known = judged.get(key)
  if (known !== undefined) return known
  const bare = key.toLowerCase().replace(/[-_. ]/g, '')
  const hidden = HIDDEN_KEYS.has(bare) || HIDDEN_ENDINGS.test(bare)
  if (judged.size < 1000) judged.set(key, hidden)
  return hidden
}

function maskArray(list: unknown[], depth: number): unknown[] {
  const shown = list.slice(0, ITEMS_LIMIT).map((item) => mask(item, depth + 1))
  return list.length > ITEMS_LIMIT ? [...shown, `… (${list.length} items)`] : shown
}

function maskNumber(value: number): unknown {
  const text = String(value)
  const masked = maskText(text)
  return masked === text ? value : masked
}

function maskError(error: Error, depth: number): Record<string, unknown> {
  return {
    type: error.name,
    message: maskText(error.message),
    stack: maskText(error.stack ?? ''),
    ...maskObject({ ...error }, depth),
    ...(error.cause !== undefined && { cause: mask(error.cause, depth + 1) }),
  }
}

/** Dates, addresses and whatever else says what it is in JSON; bytes by their length; requests by their line. */
function maskInstance(value: object, depth: number): unknown {
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if ('toJSON' in value && typeof value.toJSON === 'function') return mask(value.toJSON(), depth + 1)
  if ('method' in value && 'url' in value) {
    return { method: value.method, url: mask(value.url), ...('ip' in value && { ip: value.ip }) }
  }
  if ('statusCode' in value) return { statusCode: value.statusCode }
  return `[${value.constructor?.name ?? 'object'}]`
}
