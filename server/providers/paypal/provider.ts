import { clientCredentials } from '../../kit/auth.ts'
import { newsName } from '../../kit/news.ts'
import { defineProvider, get } from '../../kit/provider.ts'
import { paypalSignature } from '../../kit/signatures.ts'
import { PayPalEvent } from './wire.ts'

export const paypal = defineProvider({
  id: 'paypal',
  name: 'PayPal',
  category: 'payments',
  docs: 'https://developer.paypal.com/api/rest/webhooks/rest',
  base_url: { live: 'https://api-m.paypal.com', test: 'https://api-m.sandbox.paypal.com' },
  fields: [
    { key: 'base_url', label: 'Base URL', hint: 'only for a sandbox or a gateway in between', type: 'url' },
  ],
  auth: clientCredentials('/v1/oauth2/token'),
  limits: { timeout_ms: 30_000 },
  idempotency_header: 'paypal-request-id',
  reference: { header: 'paypal-debug-id' },
  test: get('/v1/notifications/webhooks'),
  webhooks: {
    signature: ({ webhook_id, keys_from }) =>
      paypalSignature(String(webhook_id ?? ''), typeof keys_from === 'string' ? keys_from : null),
    fields: [
      {
        key: 'webhook_id',
        label: 'Webhook id',
        hint: 'PayPal shows it beside the webhook once the address is set',
        required: true,
        pattern: '[A-Za-z0-9-]{5,50}',
        example: '8PT597110X687430LKGECATA',
      },
      {
        key: 'keys_from',
        label: 'Where certificates come from',
        hint: 'only for a sandbox: they are believed for coming from there',
        type: 'url',
      },
    ],
    reads: PayPalEvent,
    event_id: ({ id }) => id,
    event_type: ({ event_type }) => event_type,
    entity_id: ({ resource }) => (typeof resource?.id === 'string' ? resource.id : null),
    translate: ({ event_type }, { text }) => [{ type: newsName('paypal', event_type), data: text }],
  },
})
