import { startBank } from '../sandbox/bank/bank.ts'
import { bringBack, connectionTo, decide } from './bank_customer.ts'
import { undoAfter } from './harness.ts'
import { listen, stripe } from './issuing.ts'
import { eventually, type Json, type Product } from './product.ts'
import { transferringBy } from './transferring.ts'

/** What the pages of the dashboard show, by id. */
export type Made = {
  connection: string
  source: string
  subscription: string
  message: string
  delivery: string
  call: string
  payment: string
  transfer: string
  card: string
  authorization: string
  bank: string
}

/** Every page there is: where things cross the border. */
export const crossing = (made: Made): string[] => [
  '/',
  '/connections',
  `/connections/${made.connection}`,
  '/connections/catalog',
  '/connections/catalog/stripe',
  '/connections/new/http',
  '/calls',
  `/calls/${made.call}`,
  '/calls/tester',
  '/inbound',
  '/inbound/quarantine',
  '/inbound/replays',
  '/inbound/turned_away',
  '/inbound/sources',
  `/inbound/sources/${made.source}`,
  `/inbound/sources/${made.source}/edit`,
  '/outbound',
  '/outbound/deliveries',
  '/outbound/events',
  '/outbound/replays',
  '/outbound/types',
  `/outbound/deliveries/${made.delivery}`,
  `/outbound/subscriptions/${made.subscription}`,
  `/outbound/subscriptions/${made.subscription}/edit`,
]

/** And the others. */
export const beside = (made: Made): string[] => [
  `/story/${made.message}`,
  '/payments',
  '/payments/new',
  `/payments/${made.payment}`,
  '/payments/disputes',
  '/payments/routes',
  '/payments/routes/new',
  '/transfers',
  '/transfers/new',
  `/transfers/${made.transfer}`,
  '/cards',
  '/cards/new',
  '/cards/rules',
  '/cards/rules/new',
  `/cards/authorizations/${made.authorization}`,
  `/cards/${made.card}`,
  `/cards/${made.card}?tab=transactions`,
  `/cards/${made.card}?tab=moves`,
  '/banks',
  '/banks/new',
  '/banks/transactions',
  `/banks/${made.bank}`,
  `/banks/${made.bank}?tab=transactions`,
  `/banks/${made.bank}?tab=consents`,
  `/banks/${made.bank}?tab=syncs`,
  '/analytics',
  '/settings',
  '/settings/members',
  '/settings/keys',
  '/settings/clients',
  '/settings/secrets',
  '/settings/limits',
  '/settings/alerts',
  '/settings/audit',
  '/settings/people',
  '/settings/account',
]

/** One of each thing there is to look at. */
export async function liven(product: Product): Promise<Made> {
  const { api, sandbox } = product
  const connection = await api.ok('POST', '/v1/connections', {
    provider: 'stripe',
    name: 'Stripe of the shop',
    environment: 'development',
    settings: { base_url: `${sandbox.url}/stripe` },
    credentials: { secret_key: 'sk_test_dashboard' },
  })
  const secret = 'whsec_dashboard_0123456789abcdef'
  const source = await api.ok('POST', '/v1/sources', {
    provider: 'stripe',
    name: 'Stripe',
    secrets: [secret],
  })
  const subscription = await api.ok('POST', '/v1/subscriptions', {
    name: 'The shop',
    url: `${sandbox.url}/bin/dashboard`,
    event_types: ['*'],
  })
  const call = await api.ok('POST', `/v1/connections/${connection['id']}/calls`, {
    method: 'GET',
    path: '/v1/payment_intents',
  })
  const payment = await api.ok('POST', '/v1/payments', {
    connection_id: connection['id'],
    money: { amount: '15050', currency: 'BRL' },
    source: 'pm_card_visa',
  })
  const orders = { url: source['url'], secret, events: ['payment_intent.succeeded'], count: 3 }
  await fetch(`${sandbox.url}/stripe/_control/webhooks`, { method: 'POST', body: JSON.stringify(orders) })
  const bank = await livenBank(product)
  const transfer = await (await transferringBy(product)).make({ description: 'Order 1042' })
  const delivery = await eventually(async () => (await api.list('/v1/deliveries?state=delivered'))[0])
  const [message] = await api.list('/v1/messages')
  const card = await livenCard(product, connection)
  const [authorization] = await api.list('/v1/cards/authorizations')
  const id = (thing: Json | undefined) => String(thing?.['id'])
  return {
    connection: id(connection),
    source: id(source),
    subscription: id(subscription),
    message: id(message),
    delivery: id(delivery),
    call: id(call),
    payment: id(payment),
    transfer: transfer.id,
    card,
    authorization: id(authorization),
    bank,
  }
}

/** A bank whose customer agreed, and that was read. */
async function livenBank({ api, url }: Product): Promise<string> {
  const bank = await startBank({ redirect_uri: `${url}/oauth/callback` })
  undoAfter(bank.stop)
  const { id } = await api.ok('POST', '/v1/banks', {
    user_id: 'ana',
    name: bank.name,
    bank_code: bank.ispb,
    provider: 'open_finance',
    ...connectionTo(bank),
  })
  const consent = await api.ok('POST', `/v1/banks/${id}/consents`, { document: '52998224725' })
  await bringBack(await decide(String(consent['redirect_url']), bank, 'approve'))
  const path = `/v1/bank-consents/${consent['id']}`
  await eventually(async () => (await api.ok('GET', path))['state'] === 'AUTHORISED')
  await api.ok('POST', `/v1/banks/${id}/sync`)
  await eventually(async () => (await api.list('/v1/bank-transactions?limit=1')).length > 0)
  return String(id)
}

/** A card that a merchant asked and took money from, a rule, and a payment that its payer disputes. */
async function livenCard(product: Product, { id: connection_id }: Json): Promise<string> {
  const { api, sandbox } = product
  const vendor = { url: `${sandbox.url}/stripe` }
  await listen(product, vendor)
  const name = { name: 'Joana Prado', first_name: 'Joana', last_name: 'Prado' }
  const address = { line1: 'Rua das Flores 12', city: 'Recife', postal_code: '50000-000', country: 'BR' }
  const call = await api.ok('POST', `/v1/connections/${connection_id}/calls`, {
    operation: 'cards.create_cardholder',
    input: { ...name, address },
  })
  const { vendor_id: cardholder } = call['result'] as Json
  const card = await api.ok('POST', '/v1/cards', {
    ...{ connection_id, cardholder, kind: 'virtual', currency: 'BRL', customer: 'shop-1042', active: true },
    limits: { spending: [{ amount: '50000', interval: 'daily' }], blocked_categories: ['bars'] },
  })
  const rule = {
    position: 10,
    action: 'decline',
    conditions: { category_codes: ['7995'], countries: ['US'] },
  }
  await api.ok('POST', '/v1/cards/rules', { name: 'No casinos', ...rule })
  const helper = (path: string, body: string) =>
    stripe('POST', `/v1/test_helpers/issuing/${path}`, body, vendor)
  await helper('authorizations', `card=${card['vendor_id']}&amount=700`)
  await helper('transactions/create_force_capture', `card=${card['vendor_id']}&amount=900`)
  await eventually(async () => (await api.list('/v1/cards/transactions'))[0])
  await eventually(async () => (await api.list('/v1/cards/authorizations'))[0])
  await livenDispute(product, connection_id, vendor)
  return String(card['id'])
}

async function livenDispute({ api }: Product, connection_id: unknown, vendor: { url: string }) {
  const money = { amount: '9900', currency: 'BRL' }
  const { vendor_id } = await api.ok('POST', '/v1/payments', { connection_id, money })
  await stripe(
    'POST',
    `/v1/payment_intents/${vendor_id}/confirm`,
    'payment_method=pm_card_createDispute',
    vendor,
  )
  await eventually(async () => (await api.list('/v1/disputes'))[0])
}
