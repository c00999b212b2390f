import { createHmac, type Hmac, timingSafeEqual } from 'node:crypto'
import { hmacKeys, type StandardKey, standardKeys, verifyEd25519 } from './webhook_keys.ts'

export { isWebhookSecret, newWebhookKeyPair, newWebhookSecret, signStandardWebhook } from './webhook_keys.ts'

/**
 * How a vendor signs what it sends. There is no default: a vendor that signs nothing says why, and its messages are
 * believed only after the entity was read back.
 */
export type SignatureScheme =
  | { kind: 'none'; because: string }
  | { kind: 'stripe'; header: string; tolerance_seconds: number }
  | { kind: 'standard_webhooks'; tolerance_seconds: number }
  | HmacScheme

export type HmacScheme = {
  kind: 'hmac'
  header: string
  algorithm: 'sha1' | 'sha256' | 'sha512'
  encoding: 'hex' | 'base64'
  /** Stands before the signature in its header: `sha256=`. */
  prefix: string
  /** What is signed: text with `{body}`, and `{timestamp}` or `{id}` where their headers are named. */
  signs: string
  timestamp_header: string | null
  id_header: string | null
  tolerance_seconds: number
  /** How the text of a secret stands for its bytes. */
  secret_encoding: 'utf8' | 'hex' | 'base64'
}

export type VerifyInput = {
  /** Names in lower case, as Node gives them. */
  headers: WebhookHeaders
  body: Buffer
  /** All that are in force: while a secret is being replaced there are two. */
  secrets: readonly string[]
  now: Date
}

export type WebhookHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

export type VerifyReason =
  | 'missing_header'
  | 'malformed'
  | 'bad_signature'
  | 'too_old'
  | 'too_new'
  | 'no_secret'

export type Verified = { ok: true } | Refused
type Refused = { ok: false; reason: VerifyReason; detail: string }

/** `t=<unix seconds>,v1=<hex>` over `{t}.{body}`; several `v1` while a secret is rolled. docs.stripe.com/webhooks/signature */
export const stripeSignature = (): SignatureScheme => ({
  kind: 'stripe',
  header: 'stripe-signature',
  tolerance_seconds: 300,
})

/** Standard Webhooks 1.0.0, `v1` (HMAC-SHA256) and `v1a` (ed25519). */
export const standardWebhooks = (tolerance_seconds = 300): SignatureScheme => ({
  kind: 'standard_webhooks',
  tolerance_seconds,
})

/** Any HMAC over the body and what stands around it. A timestamp that is not signed would prove nothing: refused. */
export function hmac(options: Partial<Omit<HmacScheme, 'kind'>> & { header: string }): HmacScheme {
  const scheme: HmacScheme = {
    kind: 'hmac',
    algorithm: 'sha256',
    encoding: 'hex',
    prefix: '',
    signs: '{body}',
    timestamp_header: null,
    id_header: null,
    tolerance_seconds: 300,
    secret_encoding: 'utf8',
    ...options,
  }
  const { signs, timestamp_header, id_header } = scheme
  if (!signs.includes('{body}')) throw new Error('signs must hold {body}')
  if (signs.includes('{timestamp}') !== (timestamp_header !== null)) {
    throw new Error('signs must hold {timestamp} exactly where a timestamp_header is named')
  }
  if (signs.includes('{id}') !== (id_header !== null)) {
    throw new Error('signs must hold {id} exactly where an id_header is named')
  }
  return scheme
}

/**
 * Fails closed and never throws, whatever the bytes. The signature is judged before the clock, so that `too_old` and
 * `too_new` always speak of a true message: skew is told apart from forgery.
 */
export function verify(scheme: SignatureScheme, input: VerifyInput): Verified {
  try {
    switch (scheme.kind) {
      case 'none':
        return { ok: true }
      case 'stripe':
        return verifyStripe(scheme, input)
      case 'standard_webhooks':
        return verifyStandard(scheme, input)
      case 'hmac':
        return verifyHmac(scheme, input)
    }
  } catch {
    return refused('malformed', 'the signature or its secret could not be read')
  }
}

const refused = (reason: VerifyReason, detail: string): Refused => ({ ok: false, reason, detail })
const NO_SECRET = 'no usable signing secret is set here; set the one the sender shows'
const FORGED =
  'no signature matches the bytes received; the secret is another one, or the body was changed on its way'
const LONGEST_HEADER = 4096

/** The one value of a header, or why there is none. */
function headerOf(headers: WebhookHeaders, name: string): string | Refused {
  const value = headers[name]
  if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) {
    return refused('missing_header', `the header ${name} is missing`)
  }
  if (typeof value !== 'string') return refused('malformed', `the header ${name} came more than once`)
  return value.length > LONGEST_HEADER ? refused('malformed', `the header ${name} is too long`) : value
}

function verifyStripe(scheme: { header: string; tolerance_seconds: number }, input: VerifyInput): Verified {
  const value = headerOf(input.headers, scheme.header)
  if (typeof value !== 'string') return value
  const { timestamp, signatures } = readStripeHeader(value)
  if (timestamp === null)
    return refused('malformed', `the header ${scheme.header} holds no single t=<unix seconds>`)
  if (signatures.length === 0)
    return refused('malformed', `the header ${scheme.header} holds no v1 signature`)
  const keys = hmacKeys(input.secrets, 'utf8')
  if (keys.length === 0) return refused('no_secret', NO_SECRET)
  const genuine = keys.some((key) => {
    const signed = createHmac('sha256', key).update(`${timestamp}.`).update(input.body)
    return isAmong(signatures, signed.digest('hex'))
  })
  return genuine
    ? checkTime(timestamp, scheme.tolerance_seconds, input.now)
    : refused('bad_signature', FORGED)
}

function readStripeHeader(value: string): { timestamp: string | null; signatures: string[] } {
  let timestamp: string | null = null
  let times = 0
  const signatures: string[] = []
  for (const part of value.split(',')) {
    if (part.startsWith('v1=')) signatures.push(part.slice(3))
    else if (part.startsWith('t=') && ++times === 1) timestamp = part.slice(2)
  }
  return { timestamp: times === 1 && timestamp !== null && isTime(timestamp) ? timestamp : null, signatures }
}

function verifyStandard(scheme: { tolerance_seconds: number }, input: VerifyInput): Verified {
  const id = headerOf(input.headers, 'webhook-id')
  if (typeof id !== 'string') return id
  const timestamp = headerOf(input.headers, 'webhook-timestamp')
  if (typeof timestamp !== 'string') return timestamp
  const list = headerOf(input.headers, 'webhook-signature')
  if (typeof list !== 'string') return list
  if (!isTime(timestamp)) return refused('malformed', 'the header webhook-timestamp is not unix seconds')
  const signatures = list.split(' ').filter((one) => one.startsWith('v1,') || one.startsWith('v1a,'))
  if (signatures.length === 0)
    return refused('malformed', 'the header webhook-signature holds no v1 or v1a signature')
  const keys = standardKeys(input.secrets)
  if (keys.length === 0) return refused('no_secret', NO_SECRET)
  const genuine = keys.some((key) => isSignedBy(key, `${id}.${timestamp}.`, input.body, signatures))
  return genuine
    ? checkTime(timestamp, scheme.tolerance_seconds, input.now)
    : refused('bad_signature', FORGED)
}

function isSignedBy(key: StandardKey, head: string, body: Buffer, signatures: readonly string[]): boolean {
  if (key.kind === 'v1') {
    const signed = createHmac('sha256', key.bytes).update(head).update(body)
    return isAmong(signatures, `v1,${signed.digest('base64')}`)
  }
  const message = Buffer.concat([Buffer.from(head), body])
  return signatures.some((one) => one.startsWith('v1a,') && verifyEd25519(key.bytes, message, one.slice(4)))
}

function verifyHmac(scheme: HmacScheme, input: VerifyInput): Verified {
  const { headers, body, secrets, now } = input
  const value = headerOf(headers, scheme.header)
  if (typeof value !== 'string') return value
  const timestamp = scheme.timestamp_header === null ? '' : headerOf(headers, scheme.timestamp_header)
  if (typeof timestamp !== 'string') return timestamp
  const id = scheme.id_header === null ? '' : headerOf(headers, scheme.id_header)
  if (typeof id !== 'string') return id
  if (timestamp !== '' && !isTime(timestamp)) {
    return refused('malformed', `the header ${scheme.timestamp_header} is not a unix time`)
  }
  if (!value.startsWith(scheme.prefix)) {
    return refused('malformed', `the header ${scheme.header} does not begin with ${scheme.prefix}`)
  }
  const given = value.slice(scheme.prefix.length)
  const keys = hmacKeys(secrets, scheme.secret_encoding)
  if (keys.length === 0) return refused('no_secret', NO_SECRET)
  const signatures = [scheme.encoding === 'hex' ? given.toLowerCase() : given]
  const genuine = keys.some((key) => {
    const signed = updateAll(createHmac(scheme.algorithm, key), scheme.signs, { timestamp, id, body })
    return isAmong(signatures, signed.digest(scheme.encoding))
  })
  if (!genuine) return refused('bad_signature', FORGED)
  return timestamp === '' ? { ok: true } : checkTime(timestamp, scheme.tolerance_seconds, now)
}

type Signed = { timestamp: string; id: string; body: Buffer }

function updateAll(mac: Hmac, signs: string, signed: Signed): Hmac {
  for (const part of signs.split(/(\{body\}|\{timestamp\}|\{id\})/)) {
    if (part === '{body}') mac.update(signed.body)
    else if (part === '{timestamp}') mac.update(signed.timestamp)
    else mac.update(part === '{id}' ? signed.id : part)
  }
  return mac
}

/** Compares every one in constant time, so that nothing but yes or no can be learnt from how long it takes. */
function isAmong(signatures: readonly string[], expected: string): boolean {
  const wanted = Buffer.from(expected)
  let found = false
  for (const signature of signatures) {
    const given = Buffer.from(signature)
    if (given.length === wanted.length && timingSafeEqual(given, wanted)) found = true
  }
  return found
}

const isTime = (text: string): boolean => /^[0-9]{1,13}$/.test(text)

/** Unix seconds, or milliseconds where there are 12 digits or more. */
function checkTime(timestamp: string, tolerance_seconds: number, now: Date): Verified {
  const seconds = timestamp.length >= 12 ? Number(timestamp) / 1000 : Number(timestamp)
  const age = now.getTime() / 1000 - seconds
  if (age > tolerance_seconds + 1) {
    return refused(
      'too_old',
      `signed ${Math.floor(age)} s ago; ${tolerance_seconds} s are allowed: check both clocks`,
    )
  }
  if (age < -tolerance_seconds - 1) {
    return refused(
      'too_new',
      `signed ${Math.floor(-age)} s ahead of our clock; ${tolerance_seconds} s are allowed: check both clocks`,
    )
  }
  return { ok: true }
}
