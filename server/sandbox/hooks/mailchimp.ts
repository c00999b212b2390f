import { createHmac, randomBytes } from 'node:crypto'
import type { Made, Making, Seen } from './hooks.ts'

const FORM = 'application/x-www-form-urlencoded'

/** A form, not signed: the secret is in the address. mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks */
export function makeMailchimp(
  { url, forged, type = 'subscribe', payload }: Making,
  n: number,
  at_s: number,
): Made {
  const about = {
    id: randomBytes(5).toString('hex'),
    list_id: 'a6b5da1054',
    email: `cliente${n}@example.com`,
  }
  const fields = new URLSearchParams({
    type,
    fired_at: new Date(at_s * 1000).toISOString().slice(0, 19).replace('T', ' '),
  })
  for (const [name, value] of Object.entries(payload ?? about)) fields.set(`data[${name}]`, String(value))
  const headers = { 'content-type': FORM, 'user-agent': 'MailChimp' }
  return { body: fields.toString(), headers, ...(forged && { url: `${url}_wrong` }) }
}

/** Signed over the address and the form: mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks */
export function makeMandrill({ url, secret, type = 'send', payload }: Making, n: number, at_s: number): Made {
  const id = randomBytes(16).toString('hex')
  const message = payload ?? {
    email: `cliente${n}@example.com`,
    state: 'sent',
    subject: `Pedido ${n}`,
    _id: id,
  }
  const events = JSON.stringify([{ event: type, msg: message, _id: id, ts: at_s }])
  const signature = createHmac('sha1', secret).update(`${url}mandrill_events${events}`).digest('base64')
  return {
    body: new URLSearchParams({ mandrill_events: events }).toString(),
    headers: {
      'content-type': FORM,
      'user-agent': 'Mandrill-Webhook/1.0',
      'x-mandrill-signature': signature,
    },
  }
}

/** Both try the address first. */
export const askEmpty = (method: 'GET' | 'HEAD') => () => ({
  request: { method, headers: {} },
  query: '',
  isRight: ({ status }: Seen) => status === 200,
})
