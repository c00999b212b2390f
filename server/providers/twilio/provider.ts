import { basic } from '../../kit/auth.ts'
import { newsName } from '../../kit/news.ts'
import { defineProvider, get } from '../../kit/provider.ts'
import { addressAndForm } from '../../kit/signatures.ts'
import { rawElements, textMember } from '../../kit/wire_json.ts'
import { registration } from './registration.ts'
import { type Parameters, TwilioEvent } from './wire.ts'

/** `message.delivered`, `call.completed`; a message that comes in has the status `received`. */
function wordOf(form: Parameters): string | null {
  if (form.RecordingSid) return `recording.${form.RecordingStatus ?? 'unknown'}`
  if (form.MessageSid) return `message.${form.MessageStatus ?? form.SmsStatus ?? 'unknown'}`
  return form.CallSid ? `call.${form.CallStatus ?? 'unknown'}` : null
}

const withoutDomain = (type: string | null): string | null => type?.replace(/^com[.]twilio[.]/, '') ?? null

const typeOf = (event: TwilioEvent): string | null =>
  Array.isArray(event) ? withoutDomain(event[0]?.type ?? null) : wordOf(event)

export const twilio = defineProvider({
  id: 'twilio',
  name: 'Twilio',
  category: 'messaging',
  docs: 'https://www.twilio.com/docs/usage/webhooks/webhooks-security',
  base_url: { live: 'https://api.twilio.com', test: 'https://api.twilio.com' },
  fields: [
    {
      key: 'account_sid',
      label: 'Account SID',
      secret: true,
      required: true,
      pattern: 'AC[0-9a-f]{32}',
      example: 'AC and 32 hex digits',
    },
    { key: 'base_url', label: 'Base URL', hint: 'only for a sandbox or a gateway in between', type: 'url' },
  ],
  auth: basic('account_sid', 'auth_token'),
  encoding: 'form',
  limits: { timeout_ms: 15_000 },
  reference: { header: 'twilio-request-id' },
  test: get('/2010-04-01/Accounts.json', { PageSize: 1 }),
  webhooks: {
    registration,
    signature: addressAndForm('x-twilio-signature', 'bodySHA256'),
    form: { json_in: null },
    // Anything else would be read as instructions, or sent as a message.
    reply: { status: 200, content_type: 'text/xml', body: '<Response/>' },
    reads: TwilioEvent,
    // I-Twilio-Idempotency-Token is not signed: whoever has one message could make copies that look new.
    event_id: (event) => (Array.isArray(event) && event.length === 1 ? (event[0]?.id ?? null) : null),
    event_type: typeOf,
    entity_id: (event) => (Array.isArray(event) ? null : (event.MessageSid ?? event.CallSid ?? null)),
    translate: (event, { text }) =>
      Array.isArray(event)
        ? rawElements(text).map((one) => ({
            type: newsName('twilio', withoutDomain(textMember(one, 'type'))),
            data: one,
          }))
        : [{ type: newsName('twilio', wordOf(event)), data: text }],
  },
})
