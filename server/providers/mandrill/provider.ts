import { apiKey } from '../../kit/auth.ts'
import { newsName, type Refusal, type RefusalReason, reasonOfStatus } from '../../kit/news.ts'
import { defineProvider, get } from '../../kit/provider.ts'
import { read, words } from '../../kit/reads.ts'
import { addressAndForm } from '../../kit/signatures.ts'
import { type Envelope, enveloped } from '../../kit/transports/enveloped.ts'
import { rawElements, textMember } from '../../kit/wire_json.ts'
import { registration } from './registration.ts'
import { MandrillError, MandrillEvents } from './wire.ts'

/** Mandrill wants the key in the body of what is posted; where a body names one itself, that stays. */
const withKey: Envelope = {
  wrap(body, { api_key }) {
    if (!body.startsWith('{') || textMember(body, 'key') !== null) return body
    const rest = body.slice(1).trimStart()
    return `{"key":${JSON.stringify(api_key)}${rest.startsWith('}') ? '' : ','}${rest}`
  },
}

const REASONS = words<RefusalReason>({
  Invalid_Key: 'credentials_refused',
  Unknown_Webhook: 'not_found',
  ValidationError: 'invalid_request',
})

function toRefusal(status: number, body: unknown): Refusal {
  const reply = read(MandrillError, body)
  const { name = null, message = null } = reply.ok ? reply.value : {}
  return { reason: REASONS[name ?? ''] ?? reasonOfStatus(status), code: name, message }
}

/** The one of a message with one event; a batch is about nothing in particular. */
const onlyOf = (events: MandrillEvents) => (events.length === 1 ? events[0] : undefined)

export const mandrill = defineProvider({
  id: 'mandrill',
  name: 'Mailchimp Transactional (Mandrill)',
  category: 'messaging',
  docs: 'https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks',
  base_url: { live: 'https://mandrillapp.com/api/1.0', test: 'https://mandrillapp.com/api/1.0' },
  fields: [
    { key: 'base_url', label: 'Base URL', hint: 'only for a sandbox or a gateway in between', type: 'url' },
  ],
  auth: apiKey('query', 'key', 'api_key'),
  transport: enveloped(() => withKey),
  refusal: toRefusal,
  sensitive: ['auth_key'],
  limits: { timeout_ms: 30_000 },
  test: get('/users/ping2.json'),
  webhooks: {
    registration,
    signature: addressAndForm('x-mandrill-signature'),
    form: { json_in: 'mandrill_events' },
    challenge: ({ method }) =>
      method === 'POST' ? null : { status: 200, content_type: 'text/plain', body: '' },
    reads: MandrillEvents,
    event_id: (events) => {
      const only = onlyOf(events)
      return only?._id ? `${only._id}:${only.event ?? only.type ?? ''}:${only.ts ?? ''}` : null
    },
    event_type: (events) => events[0]?.event ?? events[0]?.type ?? null,
    entity_id: (events) => onlyOf(events)?._id ?? null,
    translate: (_events, { text }) =>
      rawElements(text).map((one) => ({
        type: newsName('mandrill', textMember(one, 'event') ?? textMember(one, 'type')),
        data: one,
      })),
  },
})
