import { randomBytes, randomInt } from 'node:crypto'
import { hubSignature } from './github.ts'
import type { Made, Order, Seen } from './hooks.ts'

/** One message, or one status where `type` is its word: developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components */
export function makeWhatsApp(order: Order, n: number, at_s: number): Made {
  const { secret, type = 'received', payload } = order
  const id = `wamid.${randomBytes(24).toString('base64')}`
  const person = { wa_id: '5511999999999', profile: { name: 'João' } }
  const item =
    type === 'received'
      ? {
          contacts: [person],
          messages: [
            { from: person.wa_id, id, timestamp: String(at_s), type: 'text', text: { body: `Olá ${n}` } },
          ],
        }
      : { statuses: [{ id, status: type, timestamp: String(at_s), recipient_id: person.wa_id }] }
  const metadata = { display_phone_number: '15550783881', phone_number_id: '106540352242922' }
  const value = payload ?? { messaging_product: 'whatsapp', metadata, ...item }
  const whole = {
    object: 'whatsapp_business_account',
    entry: [{ id: '102290129340398', changes: [{ value, field: 'messages' }] }],
  }
  const body = escaped(JSON.stringify(whole))
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'facebookexternalua',
      'x-hub-signature-256': hubSignature(secret, body),
    },
  }
}

/** Meta escapes what is not ASCII, with lower case hex, and signs that. */
const escaped = (json: string): string =>
  json.replace(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** developers.facebook.com/docs/graph-api/webhooks/getting-started: the challenge is a number and comes back bare. */
export function askWhatsApp({ verify_token = '' }: Order) {
  const challenge = String(randomInt(1_000_000_000))
  const query = new URLSearchParams({
    'hub.mode': 'subscribe',
    'hub.challenge': challenge,
    'hub.verify_token': verify_token,
  })
  const isRight = ({ status, text }: Seen) => status === 200 && text === challenge
  return { request: { method: 'GET' as const, headers: {} }, query: `?${query}`, isRight }
}
