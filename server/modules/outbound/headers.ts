import { signStandardWebhook } from '../../kit/webhook_keys.ts'
import { Problem } from '../../platform/errors.ts'
import { USER_AGENT } from '../../platform/version.ts'

/** The headers a subscription adds of its own, and its authentication at the receiver, which is one more header. */

export type Auth =
  | { type: 'basic'; username: string; password: string }
  | { type: 'bearer'; token: string }
  | { type: 'api_key'; header: string; key: string }

/** What of an `Auth` is no secret, kept and shown. */
export type ShownAuth =
  | { type: 'basic'; username: string }
  | { type: 'bearer' }
  | { type: 'api_key'; header: string }

export const showAuth = (auth: Auth): ShownAuth =>
  auth.type === 'basic'
    ? { type: 'basic', username: auth.username }
    : auth.type === 'bearer'
      ? { type: 'bearer' }
      : { type: 'api_key', header: auth.header.toLowerCase() }

/** In place of a value that is kept in the vault. */
export const MASK = '[secret]'

export const MOST_HEADERS = 20
const MOST_VALUE = 4_096

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]{1,100}$/
const VALUE = /^[\x20-\x7e]*$/

/** Ours to say (the signature rests on some of them), or the connection's own. */
const RESERVED = [
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]
const RESERVED_FAMILIES = ['webhook-', 'trilho-', 'proxy-', 'sec-']

export type Signed = {
  /** On the wire. */
  id: string
  type: string
  version: number
  timestamp: Date
  body: string
  content_type: 'json' | 'form'
  secrets: readonly string[]
  subscription_id: string
  attempt: number
}

/** What every delivery carries, with the signature over what is sent, to the byte. */
export const ourHeaders = ({ id, timestamp, body, ...more }: Signed) => ({
  'content-type': more.content_type === 'form' ? 'application/x-www-form-urlencoded' : 'application/json',
  'user-agent': USER_AGENT,
  'webhook-id': id,
  'webhook-timestamp': String(Math.floor(timestamp.getTime() / 1000)),
  'webhook-signature': signStandardWebhook({ secrets: more.secrets, id, timestamp, body }),
  'trilho-event-type': more.type,
  'trilho-event-version': String(more.version),
  'trilho-subscription-id': more.subscription_id,
  'trilho-attempt': String(more.attempt),
})

/** By lower-case name; a Problem names the one that cannot be sent. */
export function checkHeaders(given: Record<string, string>): Record<string, string> {
  const entries = Object.entries(given)
  if (entries.length > MOST_HEADERS) throw refused('headers', `must not be more than ${MOST_HEADERS}`)
  const headers: Record<string, string> = {}
  for (const [name, value] of entries) {
    const key = checkName(name, `headers.${name}`)
    if (Object.hasOwn(headers, key)) throw refused(`headers.${name}`, 'is given twice')
    headers[key] = checkValue(value, `headers.${name}`)
  }
  return headers
}

/** The header that authenticates, as a map of one. */
export function authHeader(auth: Auth): Record<string, string> {
  if (auth.type === 'bearer') return { authorization: `Bearer ${checkValue(auth.token, 'auth.token')}` }
  if (auth.type === 'api_key') {
    return { [checkName(auth.header, 'auth.header')]: checkValue(auth.key, 'auth.key') }
  }
  if (auth.username.includes(':')) throw refused('auth.username', 'must hold no colon')
  return {
    authorization: `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`,
  }
}

function checkName(name: string, field: string): string {
  const key = name.toLowerCase()
  if (!TOKEN.test(key)) throw refused(field, 'must be the name of a header')
  if (RESERVED.includes(key) || RESERVED_FAMILIES.some((family) => key.startsWith(family))) {
    throw refused(field, 'is a header that Trilho or the connection sets; choose another name')
  }
  return key
}

function checkValue(value: string, field: string): string {
  if (value === MASK) throw refused(field, `must be the value itself; ${MASK} is what is shown in its place`)
  if (!VALUE.test(value) || value.length > MOST_VALUE || value.trim() !== value) {
    throw refused(
      field,
      `must be printable ASCII of at most ${MOST_VALUE} characters without spaces at its ends`,
    )
  }
  return value
}

const refused = (field: string, reason: string) =>
  new Problem('invalid_request', { field, detail: `${field} ${reason}` })
