import { bearer } from '../../kit/auth.ts'
import { newsName } from '../../kit/news.ts'
import { defineProvider, get } from '../../kit/provider.ts'
import { addressToken } from '../../kit/signatures.ts'
import { registration } from './registration.ts'
import { MailchimpEvent } from './wire.ts'

export const mailchimp = defineProvider({
  id: 'mailchimp',
  name: 'Mailchimp',
  category: 'crm',
  docs: 'https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks',
  fields: [
    {
      key: 'base_url',
      label: 'Base URL',
      hint: 'with the data center that ends your API key',
      type: 'url',
      required: true,
      example: 'https://us6.api.mailchimp.com/3.0',
    },
  ],
  auth: bearer('api_key'),
  limits: { timeout_ms: 30_000 },
  test: get('/ping'),
  webhooks: {
    registration,
    signature: addressToken('query', 'secret'), // Mailchimp signs nothing and advises a secret in the address
    form: { json_in: null },
    challenge: ({ method }) =>
      method === 'POST' ? null : { status: 200, content_type: 'text/plain', body: '' },
    reads: MailchimpEvent,
    event_id: () => null, // there is none: copies are known by their body, the time (`fired_at`) in it
    event_type: ({ type }) => type,
    entity_id: (event) => event['data[id]'] ?? null,
    translate: ({ type }, { text }) => [{ type: newsName('mailchimp', type), data: text }],
  },
})
