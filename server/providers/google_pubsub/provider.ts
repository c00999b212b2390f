import { noAuth } from '../../kit/auth.ts'
import type { Settings } from '../../kit/fields.ts'
import { newsName } from '../../kit/news.ts'
import { defineProvider, get } from '../../kit/provider.ts'
import { jwt } from '../../kit/signatures.ts'
import { type PushedMessage, PushedMessage as Reads } from './wire.ts'

const GOOGLE_KEYS = 'https://www.googleapis.com/oauth2/v3/certs'
const ISSUER = 'https://accounts.google.com'

/** Anybody can have Google sign a token for any audience: it is the service account that says who sends. */
const signatureOf = ({ audience, service_account, keys_from }: Settings) =>
  jwt({
    header: 'authorization',
    prefix: 'Bearer ',
    algorithms: ['RS256'],
    issuer: ISSUER,
    audience: String(audience ?? ''),
    claims: { email: String(service_account ?? ''), email_verified: true },
    keys: { from: 'set', url: typeof keys_from === 'string' ? keys_from : GOOGLE_KEYS },
  })

/** Cloud Storage says `eventType` in the attributes, CloudEvents over Pub/Sub `ce-type`; most say nothing. */
const typeOf = ({ message }: PushedMessage): string =>
  message.attributes?.['eventType'] ?? message.attributes?.['ce-type'] ?? 'message'

export const googlePubsub = defineProvider({
  id: 'google_pubsub',
  name: 'Google Cloud Pub/Sub',
  category: 'messaging',
  docs: 'https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions',
  base_url: { live: 'https://pubsub.googleapis.com', test: 'https://pubsub.googleapis.com' },
  auth: noAuth,
  limits: { timeout_ms: 30_000 },
  test: get('/$discovery/rest', { version: 'v1' }),
  webhooks: {
    signature: signatureOf,
    fields: [
      {
        key: 'audience',
        label: 'Audience',
        hint: 'as the push subscription has it; the address of this source unless you set another',
        required: true,
      },
      {
        key: 'service_account',
        label: 'Service account',
        hint: 'the e-mail address of the one the subscription signs as',
        required: true,
        pattern: '[^@\\s]+@[^@\\s]+',
        example: 'push@my-project.iam.gserviceaccount.com',
      },
      { key: 'keys_from', label: 'Address of the keys', hint: 'only for a sandbox', type: 'url' },
    ],
    reads: Reads,
    event_id: ({ message }) => message.messageId,
    event_type: typeOf,
    entity_id: ({ message }) => message.orderingKey || null,
    translate: (event, { text }) => [{ type: newsName('google_pubsub', typeOf(event)), data: text }],
  },
})
