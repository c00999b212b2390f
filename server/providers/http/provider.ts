import { type Auth, apiKey, basic, bearer, clientCredentials, noAuth } from '../../kit/auth.ts'
import type { Settings } from '../../kit/fields.ts'
import { newsName } from '../../kit/news.ts'
import { defineProvider, get } from '../../kit/provider.ts'
import { hmac, type SignatureScheme, standardWebhooks } from '../../kit/signatures.ts'
import { CONNECTION_FIELDS, SIGNED_TEXTS, SOURCE_FIELDS } from './fields.ts'
import { AnyEvent, placeOf, valueAt } from './wire.ts'

/** Any HTTP service: what other providers have in code, this one takes from the settings. */
const text = (settings: Settings, key: string): string => String(settings[key] ?? '')

function authOf(settings: Settings): Auth {
  const name = text(settings, 'api_key_name')
  switch (settings['auth']) {
    case 'bearer':
      return bearer('token')
    case 'basic':
      return basic('username', 'password')
    case 'api_key_header':
      return apiKey('header', name, 'api_key', text(settings, 'api_key_prefix'))
    case 'api_key_query':
      return apiKey('query', name, 'api_key', text(settings, 'api_key_prefix'))
    case 'oauth2_client_credentials':
      return clientCredentials(text(settings, 'token_url'), {
        scope: text(settings, 'scope') || null,
        audience: text(settings, 'audience') || null,
        client_auth: settings['client_auth'] === 'body' ? 'body' : 'basic',
      })
    default:
      return noAuth
  }
}

/** Settings that name no signature are refused by `checkSource`; here they are held to one nobody can meet. */
function signatureOf(settings: Settings): SignatureScheme {
  const tolerance_seconds = Number(settings['tolerance_seconds'] ?? 300)
  if (settings['signature'] === 'none') return { kind: 'none', because: text(settings, 'unsigned_because') }
  if (settings['signature'] !== 'hmac') return standardWebhooks(tolerance_seconds)
  const signs = oneOf(SIGNED_TEXTS, settings['signs'])
  return hmac({
    header: text(settings, 'signature_header').toLowerCase(),
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

const oneOf = <T extends string>(known: readonly [T, ...T[]], value: unknown): T =>
  known.find((one) => one === value) ?? known[0]

export const http = defineProvider({
  id: 'http',
  name: 'Any HTTP service',
  category: 'generic',
  docs: 'https://www.rfc-editor.org/rfc/rfc9110',
  fields: CONNECTION_FIELDS,
  auth: authOf,
  limits: { timeout_ms: 30_000 },
  headers: ({ default_headers }) => (typeof default_headers === 'object' ? { ...default_headers } : {}),
  idempotency_header: (settings) => text(settings, 'idempotency_header') || null,
  test: (settings) => get(text(settings, 'test_path') || '/'),
  webhooks: {
    signature: signatureOf,
    fields: SOURCE_FIELDS,
    reads: AnyEvent,
    event_id: (event, message) => valueAt(placeOf(message.settings), event, message),
    event_type: (event, message) => valueAt(text(message.settings, 'event_type') || 'type', event, message),
    entity_id: (event, message) => valueAt(text(message.settings, 'entity_id'), event, message),
    translate: (event, message) => [
      {
        type: newsName('http', valueAt(text(message.settings, 'event_type') || 'type', event, message)),
        data: message.text,
      },
    ],
  },
})
