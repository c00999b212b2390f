import { versionFaults } from '../../kit/api_version.ts'
import type { Settings } from '../../kit/fields.ts'
import { hubChallenge } from '../../kit/handshakes.ts'
import { newsName, type OtherNews } from '../../kit/news.ts'
import {
  defineProvider,
  type FirstStep,
  get,
  type Handshake,
  path,
  type WebhookMessage,
  type WebhookReply,
} from '../../kit/provider.ts'
import {
  addressAndForm,
  addressToken,
  basicToken,
  hmac,
  jwt,
  mutualTls,
  type SignatureScheme,
  standardWebhooks,
  token,
} from '../../kit/signatures.ts'
import { authFaults, authOf, refusesToken, secondKeyOf } from './auth.ts'
import { CERTIFICATE } from './auth_fields.ts'
import { CONNECTION_FIELDS, SIGNED_TEXTS, SOURCE_FIELDS } from './fields.ts'
import { AnyEvent, placeOf, positionOf, valueAt } from './wire.ts'

const ORDERS = ['sequence', 'time', 'arrival'] as const

/** Any HTTP service: what other providers have in code, this one takes from the settings. */
const text = (settings: Settings, key: string): string => String(settings[key] ?? '')

/** Settings that name no signature are refused by `checkSource`; here they are held to one nobody can meet. */
function signatureOf(settings: Settings): SignatureScheme {
  const tolerance_seconds = Number(settings['tolerance_seconds'] ?? 300)
  const header = text(settings, 'signature_header').toLowerCase()
  switch (settings['signature']) {
    case 'none':
      return { kind: 'none', because: text(settings, 'unsigned_because') }
    case 'hmac':
      return hmacOf(settings, header, tolerance_seconds)
    case 'address_and_form':
      return addressAndForm(header, text(settings, 'body_hash') || null)
    case 'jwt':
      return jwt({
        header,
        prefix: text(settings, 'prefix'),
        body_hash: text(settings, 'body_hash') || null,
        issuer: text(settings, 'issuer') || null,
        audience: text(settings, 'audience') || null,
        tolerance_seconds,
        ...(text(settings, 'keys_from') && { keys: { from: 'set', url: text(settings, 'keys_from') } }),
      })
    case 'query_token':
      return addressToken('query', text(settings, 'token_parameter') || 'token')
    case 'path_token':
      return addressToken('path')
    case 'mtls':
      return mtlsOf(settings)
    case 'token':
      return token(header, text(settings, 'prefix'))
    case 'basic':
      return basicToken()
    default:
      return standardWebhooks(tolerance_seconds)
  }
}

function mtlsOf(settings: Settings): SignatureScheme {
  const verified = text(settings, 'client_verified_header').toLowerCase() || null
  const subjects = text(settings, 'client_subjects').split('|')
  const header = text(settings, 'client_header').toLowerCase() || null
  return mutualTls(header, subjects.filter(isSaid), verified)
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

const isSaid = (text: string) => text.trim() !== ''

function hmacOf(settings: Settings, header: string, tolerance_seconds: number): SignatureScheme {
  const signs = oneOf(SIGNED_TEXTS, settings['signs'])
  return hmac({
    header,
    algorithm: oneOf(['sha256', 'sha512', 'sha1'], settings['algorithm']),
    encoding: oneOf(['hex', 'base64'], settings['encoding']),
    prefix: text(settings, 'prefix'),
    signs,
    timestamp_header: signs.includes('{timestamp}') ? text(settings, 'timestamp_header').toLowerCase() : null,
    id_header: signs.includes('{id}') ? text(settings, 'id_header').toLowerCase() : null,
    secret_encoding: oneOf(['utf8', 'hex', 'base64'], settings['secret_encoding']),
    tolerance_seconds,
  })
}

function challengeOf(handshake: Handshake): WebhookReply | null {
  const { method, settings } = handshake
  if (method === 'POST') return null
  if (settings['handshake'] === 'hub') return hubChallenge(handshake)
  return settings['handshake'] === 'ok' ? { status: 200, content_type: 'text/plain', body: '' } : null
}

const oneOf = <T extends string>(known: readonly [T, ...T[]], value: unknown): T =>
  known.find((one) => one === value) ?? known[0]

/** What nobody signed says only where to look. A place that is not in the message leaves nothing to ask for. */
function readBackOf(event: unknown, message: WebhookMessage): FirstStep | null {
  const template = text(message.settings, 'read_back_path')
  if (template === '') return null
  let missing: string | null = null
  const asked = template.replace(/[{]([^{}]+)[}]/g, (_all, place: string) => {
    const value = valueAt(place, event, message)
    if (value === null) missing = place
    return path`${value ?? ''}`
  })
  return missing === null ? { ask: { path: asked } } : { doubt: `it has no ${missing} to be read back by` }
}

/** Of what was read back only the answer is believed, and not the word of whoever sent us there. */
function toNews(event: unknown, message: WebhookMessage): OtherNews {
  const { settings, read_back } = message
  if (read_back !== undefined) return { type: newsName('http', 'changed'), data: read_back }
  const type = valueAt(text(settings, 'event_type') || 'type', event, message)
  return { type: newsName('http', type), data: message.text }
}

export const http = defineProvider({
  id: 'http',
  name: 'Any HTTP service',
  category: 'generic',
  docs: 'https://www.rfc-editor.org/rfc/rfc9110',
  fields: CONNECTION_FIELDS,
  api_version: {
    pattern: '[A-Za-z0-9][A-Za-z0-9._-]{0,63}',
    example: 'v57.0',
    header: (settings) => text(settings, 'api_version_header') || null,
  },
  faults: (settings) => [
    ...authFaults(settings),
    ...versionFaults(settings, [settings['base_url'], ...listOf(settings['fallback_urls'])]),
  ],
  auth: authOf,
  second_key: secondKeyOf,
  identity: CERTIFICATE.identity,
  refuses_token: refusesToken,
  limits: { timeout_ms: 30_000 },
  headers: ({ default_headers }) => ({ ...(default_headers as Record<string, string> | undefined) }),
  idempotency_header: (settings) => text(settings, 'idempotency_header') || null,
  test: (settings) => get(text(settings, 'test_path') || '/'),
  webhooks: {
    signature: signatureOf,
    fields: SOURCE_FIELDS,
    form: (settings) => ({ json_in: text(settings, 'form_payload') || null }),
    challenge: challengeOf,
    reads: AnyEvent,
    event_id: (event, message) => valueAt(placeOf(message), event, message),
    event_type: (event, message) => valueAt(text(message.settings, 'event_type') || 'type', event, message),
    entity_id: (event, message) => valueAt(text(message.settings, 'entity_id'), event, message),
    order: ({ order }) => ORDERS.find((one) => one === order) ?? null,
    position: (event, message) =>
      positionOf(valueAt(text(message.settings, 'position'), event, message), message.settings['order']),
    external_ids: (event, message) =>
      text(message.settings, 'external_ids')
        .split(',')
        .map((place) => valueAt(place.trim(), event, message)),
    first: readBackOf,
    translate: (event, message) => [toNews(event, message)],
  },
})
