import { bearer } from '../../kit/auth.ts'
import { hubChallenge } from '../../kit/handshakes.ts'
import { newsName, type OtherNews } from '../../kit/news.ts'
import { defineProvider, get } from '../../kit/provider.ts'
import { hmac } from '../../kit/signatures.ts'
import { rawElements, rawMember, textMember } from '../../kit/wire_json.ts'
import { WhatsAppEvent } from './wire.ts'

const elementsAt = (text: string, name: string): string[] => rawElements(rawMember(text, name) ?? '')

/** Meta sends up to a thousand changes at once; each message and each status is news of its own. */
function changeNews(change: string): OtherNews[] {
  const value = rawMember(change, 'value') ?? 'null'
  const news = [
    ...elementsAt(value, 'messages').map((one) => itemNews('received', 'message', one, value)),
    ...elementsAt(value, 'statuses').map((one) => itemNews(textMember(one, 'status'), 'status', one, value)),
  ]
  return news.length > 0 ? news : [{ type: newsName('whatsapp', textMember(change, 'field')), data: change }]
}

/** With the number it came to and who wrote it, which stand beside the item: each part as Meta wrote it. */
function itemNews(word: string | null, name: string, item: string, value: string): OtherNews {
  const beside = ['metadata', 'contacts'].flatMap((part) => {
    const text = rawMember(value, part)
    return text === null ? [] : [`"${part}":${text},`]
  })
  return {
    type: newsName('whatsapp', `message.${word ?? 'unknown'}`),
    data: `{${beside.join('')}"${name}":${item}}`,
  }
}

/** What a message with one item is about; a batch is about nothing in particular. */
function onlyItem({ entry }: WhatsAppEvent): { id: string; status: string } | null {
  const values = entry.flatMap(({ changes }) => changes.map(({ value }) => value))
  const items = values.flatMap(({ messages, statuses }) => [...(messages ?? []), ...(statuses ?? [])])
  const [only, ...more] = items
  return only && more.length === 0 && values.length === 1
    ? { id: only.id, status: only.status ?? 'received' }
    : null
}

function typeOf(event: WhatsAppEvent): string | null {
  const only = onlyItem(event)
  return only ? `message.${only.status}` : (event.entry[0]?.changes[0]?.field ?? null)
}

export const whatsapp = defineProvider({
  id: 'whatsapp',
  name: 'WhatsApp Business',
  category: 'messaging',
  docs: 'https://developers.facebook.com/docs/graph-api/webhooks/getting-started',
  base_url: {
    live: 'https://graph.facebook.com/{api_version}',
    test: 'https://graph.facebook.com/{api_version}',
  },
  api_version: { default: 'v23.0', pattern: 'v[0-9]{1,3}[.][0-9]' },
  auth: bearer('access_token'),
  limits: { timeout_ms: 15_000 },
  reference: { header: 'x-fb-trace-id' },
  test: get('/me', { fields: 'id' }),
  webhooks: {
    signature: hmac({ header: 'x-hub-signature-256', prefix: 'sha256=' }),
    fields: [
      {
        key: 'verify_token',
        label: 'Verify token',
        secret: true,
        hint: 'yours to choose; Meta shows it once, when the address is set',
        pattern: '[\\x21-\\x7e]{8,200}',
        required: true,
      },
    ],
    challenge: hubChallenge,
    reads: WhatsAppEvent,
    event_id: (event) => {
      const only = onlyItem(event)
      return only ? `${only.id}:${only.status}` : null
    },
    event_type: typeOf,
    entity_id: (event) => onlyItem(event)?.id ?? null,
    translate: (_event, { text }) =>
      elementsAt(text, 'entry').flatMap((entry) => elementsAt(entry, 'changes').flatMap(changeNews)),
  },
})
