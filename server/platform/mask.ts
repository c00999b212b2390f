/**
 * Hides personal data and secrets from anything that is written for people to read: log lines, spans, recorded
 * requests. By key where the name tells, by pattern inside text. Patterns do not check digits: a number that
 * looks like a CPF or a card is hidden, since a false alarm costs less than a leak.
 */

const HIDDEN = '[masked]'
const TEXT_LIMIT = 8192
const DEPTH_LIMIT = 8

/** Names of which the value is never shown, in lower case without `-` and `_`. */
const HIDDEN_KEYS = new Set(
  `authorization proxyauthorization cookie setcookie password passwd pwd passphrase senha secret secrets token
  tokens credentials credential apikey xapikey privatekey signingkey masterkey adminkey signature assertion
  cardnumber pan cvv cvc cvn cvv2 cvc2 securitycode track1 track2 pin otp cpf cnpj cpfcnpj rg`.split(/\s+/),
)
const HIDDEN_ENDINGS = /(?:password|secret|token|apikey|signature|privatekey)$/

/** A cheap look: only text that passes it is searched properly. */
const MAY_HIDE =
  /@|%40|\d{11}|\d{3}\.\d{3}|\d{4}[ -]\d{4,6}[ -]|(?:Bearer|Basic) |eyJ|(?:trl|whs[ek][cky]?|[srp]k)_|(?:token|secret|password|senha|key|sig|signature|assertion|code)=/i

const RULES: [RegExp, string][] = [
  [/\b(Bearer|Basic) +[\w.~+/=-]+/gi, `$1 ${HIDDEN}`],
  [/\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?/g, HIDDEN],
  [/\b(trl|whsec|whsk|whpk|sk|rk|pk)_[\w+/=-]{8,}/g, `$1_${HIDDEN}`],
  [
    /([?&;,\s"']|^)([\w.-]*(?:token|secret|password|senha|key|sig|signature|assertion|code))=[^&;,\s"']+/gi,
    `$1$2=${HIDDEN}`,
  ],
  [/[^\s"'<>()[\]{}:;,@/?&=]{1,64}(@|%40)(?=[\w[])/g, '***$1'],
  [/(?<!\w)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)/g, '***.***.***-**'],
  [/(?<!\w)[\dA-Z]{2}\.[\dA-Z]{3}\.[\dA-Z]{3}\/[\dA-Z]{4}-\d{2}(?!\w)/g, '**.***.***/****-**'],
  [/(?<!\w)\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{1,7}(?!\w)|(?<!\w)\d{4}[ -]\d{6}[ -]\d{4,5}(?!\w)/g, '[number]'],
  // eleven digits are a CPF or a phone, thirteen to nineteen a card, a CNPJ or a phone; 1 and twelve more is a time in ms
  [/(?<!\w)(?!1\d{12}(?!\d))(?:\d{13,19}|\d{11})(?!\w)/g, '[number]'],
]

/** The same text with every secret and personal datum hidden, cut at 8,192 characters. */
export function maskText(text: string): string {
  const head = text.length > TEXT_LIMIT ? text.slice(0, TEXT_LIMIT + 64) : text
  const masked = MAY_HIDE.test(head) ? RULES.reduce((rest, [rule, by]) => rest.replace(rule, by), head) : head
  return text.length > TEXT_LIMIT ? `${masked.slice(0, TEXT_LIMIT)}… (${text.length} characters)` : masked
}

/** A copy that is safe to write: plain data only, masked by key and by pattern; what is no data is named. */
export function mask(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return maskText(value)
  if (typeof value === 'number') return Math.abs(value) >= 1e10 ? maskNumber(value) : value
  if (typeof value === 'bigint') return maskText(String(value))
  if (typeof value !== 'object' || value === null) return value
  if (depth >= DEPTH_LIMIT) return '[too deep]'
  if (Array.isArray(value)) return value.map((item) => mask(item, depth + 1))
  if (value instanceof Error) return maskError(value, depth)
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return maskInstance(value, depth)
  return maskObject(value as Record<string, unknown>, depth)
}

/** As `mask`, for the fields of an object. */
export function maskObject(object: Record<string, unknown>, depth = 0): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const key in object) {
    const value = object[key]
    copy[key] = value != null && isHiddenKey(key) ? HIDDEN : mask(value, depth + 1)
  }
  return copy
}

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
