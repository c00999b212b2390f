import { createHmac } from 'node:crypto'

/** Where one source takes its messages, and what they are signed with. */
export type Target = { path: string; secret: string }

/** Whole HTTP requests, each with an event of its own of about 1 kB, signed as Stripe does; ready to be written. */
export function stripeRequests(targets: Target[], run: string, from: number, count: number): Buffer[] {
  const at_s = Math.floor(Date.now() / 1000)
  return Array.from({ length: count }, (_, n) => {
    const { path, secret } = targets[n % targets.length] as Target
    const body = stripeEvent(`${run}${String(from + n).padStart(8, '0')}`, at_s)
    const signature = createHmac('sha256', secret).update(`${at_s}.${body}`).digest('hex')
    return Buffer.from(
      `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\n` +
        `accept: */*\r\ncontent-type: application/json; charset=utf-8\r\nstripe-signature: t=${at_s},v1=${signature}\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
  })
}

/** The body alone; `name` stands in the ids of the event and of what it is about. */
export const stripeEvent = (name: string, at_s: number): string =>
  JSON.stringify({
    id: `evt_${name}`,
    object: 'event',
    api_version: '2026-10-28.endive',
    created: at_s,
    data: {
      object: {
        id: `pi_${name}`,
        object: 'payment_intent',
        amount: 12_990,
        amount_capturable: 0,
        amount_received: 12_990,
        automatic_payment_methods: { allow_redirects: 'always', enabled: true },
        canceled_at: null,
        cancellation_reason: null,
        capture_method: 'automatic',
        client_secret: `pi_${name}_secret_bench`,
        confirmation_method: 'automatic',
        created: at_s,
        currency: 'brl',
        customer: null,
        description: 'Order of the bench',
        last_payment_error: null,
        latest_charge: `ch_${name}`,
        livemode: false,
        metadata: { order: name, store: 'centro' },
        payment_method: `pm_${name}`,
        payment_method_types: ['card'],
        receipt_email: null,
        setup_future_usage: null,
        shipping: null,
        statement_descriptor: null,
        status: 'succeeded',
      },
    },
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type: 'payment_intent.succeeded',
  })
