import { randomUUID } from 'node:crypto'
import { type Citizen, ok, type Send, stripeHeaders } from './world.ts'

/** A card, what a merchant asked of it and took from it, as the vendor tells; and a rule for such questions. */
export async function issueOnce(send: Send, sandbox_url: string, citizen: Citizen): Promise<void> {
  const { connection: connection_id, test_key: key, live_key } = citizen
  const cardholder = await holderAt(sandbox_url)
  const json = {
    connection_id,
    cardholder,
    kind: 'virtual',
    currency: 'BRL',
    active: true,
    customer: 'shop-1042',
  }
  const limits = { spending: [{ amount: '100000', interval: 'monthly' }] }
  const { vendor_id } = await ok(send('POST', '/v1/cards', { key, json: { ...json, limits } }))
  for (const one of [key, live_key]) {
    const rule = { name: 'Casinos', position: 1, action: 'decline', conditions: { category_codes: ['7995'] } }
    await ok(send('POST', '/v1/cards/rules', { key: one, json: rule }))
  }
  const number = randomUUID().replaceAll('-', '')
  for (const event of purchase(String(vendor_id), number)) await tell(send, citizen, event)
}

async function holderAt(sandbox_url: string): Promise<string> {
  const address = 'billing[address][line1]=A+1&billing[address][city]=B&billing[address][postal_code]=1'
  const reply = await fetch(`${sandbox_url}/stripe/v1/issuing/cardholders`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk_test_abcdef123456' },
    body: new URLSearchParams(`name=Ana&type=individual&${address}&billing[address][country]=BR`),
  })
  return ((await reply.json()) as { id: string }).id
}

type Told = { id: string; type: string; object: object }

/** It is asked for, held and taken. */
function purchase(card: string, number: string): Told[] {
  const merchant_data = {
    name: 'Rides',
    category: 'taxicabs_limousines',
    category_code: '4121',
    country: 'BR',
  }
  const money = { amount: 700, currency: 'brl', merchant_amount: 700, merchant_currency: 'brl' }
  const about = { id: `iauth_${number}`, card, created: 1_767_366_000, merchant_data, status: 'pending' }
  const asked = {
    ...about,
    ...money,
    amount: 0,
    approved: false,
    request_history: [],
    pending_request: money,
  }
  const held = {
    ...about,
    ...money,
    approved: true,
    request_history: [{ approved: true, reason: 'webhook_approved' }],
  }
  const taken = {
    ...about,
    ...money,
    id: `ipi_${number}`,
    amount: -700,
    type: 'capture',
    authorization: about.id,
  }
  return [
    { id: `evt_a${number}`, type: 'issuing_authorization.request', object: asked },
    { id: `evt_b${number}`, type: 'issuing_authorization.created', object: held },
    { id: `evt_c${number}`, type: 'issuing_transaction.created', object: taken },
  ]
}

async function tell(
  send: Send,
  { source, signing_secret }: Citizen,
  { id, type, object }: Told,
): Promise<void> {
  const json = { id, object: 'event', type, created: 1_767_366_000, data: { object } }
  const headers = stripeHeaders(JSON.stringify(json), signing_secret)
  await ok(send('POST', `/webhooks/stripe/${source}`, { json, headers }))
}
