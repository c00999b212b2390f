import { apiKey } from '../../kit/auth.ts'
import { newsName } from '../../kit/news.ts'
import { defineProvider, post, type WebhookMessage } from '../../kit/provider.ts'
import { jwt } from '../../kit/signatures.ts'
import { type PlaidEvent, PlaidEvent as Reads } from './wire.ts'

const typeOf = ({ webhook_type, webhook_code }: PlaidEvent) => `${webhook_type}.${webhook_code}`

/**
 * The claims of its token, the time among them. Plaid gives its messages no id, and says the same words again
 * (SYNC_UPDATES_AVAILABLE of one item) whenever they are true again: as copies of each other they would be lost.
 */
function claimsOf({ headers }: WebhookMessage): string | null {
  const token = headers['plaid-verification']
  return typeof token === 'string' ? (token.split('.')[1] ?? null) : null
}

export const plaid = defineProvider({
  id: 'plaid',
  name: 'Plaid',
  category: 'banking',
  docs: 'https://plaid.com/docs/api/webhooks/webhook-verification',
  base_url: { live: 'https://production.plaid.com', test: 'https://sandbox.plaid.com' },
  fields: [
    {
      key: 'client_id',
      label: 'Client id',
      hint: 'Dashboard, Developers, Keys',
      required: true,
      pattern: '[0-9a-f]{24}',
      example: '24 hex digits',
    },
    { key: 'base_url', label: 'Base URL', hint: 'only for a sandbox or a gateway in between', type: 'url' },
  ],
  auth: apiKey('header', 'plaid-secret', 'secret'),
  headers: ({ client_id }) => ({ 'plaid-client-id': String(client_id ?? '') }),
  limits: { timeout_ms: 30_000 },
  test: post('/institutions/get', { count: 1, offset: 0, country_codes: ['US'] }),
  webhooks: {
    signature: jwt({
      header: 'plaid-verification',
      algorithms: ['ES256'],
      body_hash: 'request_body_sha256',
      tolerance_seconds: 300,
      keys: {
        from: 'connection',
        path: '/webhook_verification_key/get',
        kid_field: 'key_id',
        unknown: 'INVALID_WEBHOOK_VERIFICATION_KEY_ID',
      },
    }),
    reads: Reads,
    event_id: (_event, message) => claimsOf(message),
    event_type: typeOf,
    entity_id: ({ item_id }) => item_id ?? null,
    translate: (event, { text }) => [{ type: newsName('plaid', typeOf(event)), data: text }],
  },
})
