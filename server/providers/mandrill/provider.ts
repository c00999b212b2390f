import { apiKey } from '../../kit/auth.ts'
import { newsName } from '../../kit/news.ts'
import { defineProvider, get } from '../../kit/provider.ts'
import { addressAndForm } from '../../kit/signatures.ts'
import { rawElements, textMember } from '../../kit/wire_json.ts'
import { MandrillEvents } from './wire.ts'

/** The one of a message with one event; a batch is about nothing in particular. */
const onlyOf = (events: MandrillEvents) => (events.length === 1 ? events[0] : undefined)

export const mandrill = defineProvider({
  id: 'mandrill',
  name: 'Mailchimp Transactional (Mandrill)',
  category: 'messaging',
  docs: 'https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks',
  base_url: { live: 'https://mandrillapp.com/api/1.0', test: 'https://mandrillapp.com/api/1.0' },
  auth: apiKey('query', 'key', 'api_key'),
  limits: { timeout_ms: 30_000 },
  test: get('/users/ping2.json'),
  webhooks: {
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
