import { remember } from '../wire.ts'
import { isRefusal, missing, type Refusal, refusal } from './errors.ts'
import { type Form, formOf, listOf, textOf, unknownParam } from './form.ts'
import { MOST, seconds, stripeId, type Tell } from './intents.ts'

/** Cardholders and cards as docs.stripe.com/api/issuing describes them; no number of a card is made, since none is told. */
export type Holder = { id: string; object: 'issuing.cardholder'; status: string; [field: string]: unknown }

export type SpendingLimit = { amount: number; interval: string; categories: string[] | null }
export type Controls = {
  allowed_categories: string[] | null
  blocked_categories: string[] | null
  allowed_merchant_countries: string[] | null
  blocked_merchant_countries: string[] | null
  spending_limits: SpendingLimit[]
  spending_limits_currency: string | null
}

export type Card = {
  id: string
  object: 'issuing.card'
  status: string
  type: string
  currency: string
  cardholder: Holder
  cancellation_reason: string | null
  metadata: Record<string, string>
  spending_controls: Controls
  shipping: Record<string, unknown> | null
  [field: string]: unknown
}

export type Issued = {
  holders: Map<string, Holder>
  cards: Map<string, Card>
  /** Only how often each was set: a PIN is not told. */
  pins: Map<string, number>
  tell: Tell
}

const HOLDER = [
  'billing',
  'company',
  'email',
  'individual',
  'metadata',
  'name',
  'phone_number',
  'status',
  'type',
]

export function createHolder(issued: Issued, form: Form): Holder | Refusal {
  const stranger = unknownParam(form, [...HOLDER, 'preferred_locales', 'spending_controls'])
  if (stranger) return stranger
  const name = textOf(form, 'name')
  const address = formOf((form['billing'] ?? {}) as Form, 'address')
  if (name === null || name.length > 24) return parameter('name')
  for (const field of ['line1', 'city', 'postal_code', 'country'])
    if (!address[field]) return parameter(`billing[address][${field}]`)
  const holder: Holder = {
    id: stripeId('ich'),
    object: 'issuing.cardholder',
    billing: { address },
    created: seconds(),
    email: textOf(form, 'email'),
    individual: formOf(form, 'individual'),
    livemode: false,
    metadata: formOf(form, 'metadata'),
    name,
    phone_number: textOf(form, 'phone_number'),
    requirements: { disabled_reason: null, past_due: [] },
    status: textOf(form, 'status') ?? 'active',
    type: textOf(form, 'type') ?? 'individual',
  }
  remember(issued.holders, holder.id, holder, MOST)
  issued.tell('issuing_cardholder.created', holder)
  return holder
}

const parameter = (param: string): Refusal =>
  refusal(400, { code: 'parameter_missing', message: `Missing required param: ${param}.`, param })

const invalid = (param: string, value: unknown): Refusal =>
  refusal(400, { message: `Invalid ${param}: ${String(value)}`, param })

const CREATE = `cardholder currency exp_month exp_year financial_account lifecycle_controls metadata
  personalization_design pin replacement_for replacement_reason second_line shipping spending_controls status
  type`.split(/\s+/)

export function createCard(issued: Issued, form: Form): Card | Refusal {
  const stranger = unknownParam(form, CREATE)
  if (stranger) return stranger
  const type = textOf(form, 'type')
  const currency = textOf(form, 'currency')
  if (type !== 'virtual' && type !== 'physical') return invalid('type', type)
  if (!currency || !/^[a-z]{3}$/i.test(currency)) return parameter('currency')
  const holder_id = textOf(form, 'cardholder') ?? ''
  const cardholder = issued.holders.get(holder_id)
  if (!cardholder) return missing('issuing.cardholder', holder_id, 'cardholder')
  if (type === 'physical' && !form['shipping']) return parameter('shipping')
  const status = textOf(form, 'status') ?? 'inactive'
  if (status !== 'active' && status !== 'inactive') return invalid('status', status)
  const spending_controls = readControls(form, currency)
  if (isRefusal(spending_controls)) return spending_controls
  const card = newCard(form, { type, currency, cardholder, status, spending_controls })
  remember(issued.cards, card.id, card, MOST)
  issued.tell('issuing_card.created', card)
  return card
}

type Known = Pick<Card, 'type' | 'currency' | 'cardholder' | 'status' | 'spending_controls'>

const newCard = (form: Form, known: Known): Card => ({
  id: stripeId('ic'),
  object: 'issuing.card',
  brand: 'Visa',
  cancellation_reason: null,
  created: seconds(),
  exp_month: 8,
  exp_year: new Date().getUTCFullYear() + 4,
  last4: String(1000 + (seconds() % 9000)),
  livemode: false,
  metadata: formOf(form, 'metadata'),
  replaced_by: null,
  replacement_for: textOf(form, 'replacement_for'),
  replacement_reason: textOf(form, 'replacement_reason'),
  shipping: known.type === 'physical' ? newShipping(form['shipping'] as Form) : null,
  wallets: { apple_pay: { eligible: true, ineligible_reason: null }, primary_account_identifier: null },
  ...known,
  currency: known.currency.toLowerCase(),
})

const newShipping = (form: Form) => ({
  address: formOf(form, 'address'),
  carrier: null,
  eta: null,
  name: textOf(form, 'name'),
  service: textOf(form, 'service') ?? 'standard',
  status: 'pending',
  tracking_number: null,
  tracking_url: null,
  type: 'individual',
})

const LISTS = [
  'allowed_categories',
  'blocked_categories',
  'allowed_merchant_countries',
  'blocked_merchant_countries',
] as const
const INTERVALS = ['per_authorization', 'daily', 'weekly', 'monthly', 'yearly', 'all_time']

/** An empty value takes a list back; of allowed and blocked only one may be set. */
function readControls(form: Form, currency: string): Controls | Refusal {
  const given = (typeof form['spending_controls'] === 'object' ? form['spending_controls'] : {}) as Form
  const stranger = unknownParam(given, [...LISTS, 'spending_limits', 'spending_limits_currency'])
  if (stranger) return stranger
  const lists = Object.fromEntries(LISTS.map((name) => [name, given[name] ? listOf(given, name) : null]))
  for (const [allowed, blocked] of [LISTS.slice(0, 2), LISTS.slice(2)])
    if (allowed && blocked && lists[allowed] && lists[blocked])
      return invalid(`spending_controls[${blocked}]`, 'both')
  const spending_limits = Object.values(given['spending_limits'] ?? {}).map((one) => ({
    amount: Number(textOf(one as Form, 'amount')),
    interval: textOf(one as Form, 'interval') ?? '',
    categories: (one as Form)['categories'] ? listOf(one as Form, 'categories') : null,
  }))
  const wrong = spending_limits.find(
    ({ amount, interval }) => !INTERVALS.includes(interval) || !Number.isInteger(amount) || amount < 1,
  )
  if (wrong) return invalid('spending_controls[spending_limits]', JSON.stringify(wrong))
  return {
    ...lists,
    spending_limits,
    spending_limits_currency: spending_limits.length ? currency : null,
  } as Controls
}

const UPDATE =
  'cancellation_reason metadata personalization_design pin shipping spending_controls status'.split(' ')

export function updateCard(issued: Issued, card: Card, form: Form): Card | Refusal {
  const stranger = unknownParam(form, UPDATE)
  if (stranger) return stranger
  const status = textOf(form, 'status')
  if (card.status === 'canceled')
    return refusal(400, { message: 'You cannot update a canceled card.', code: 'card_canceled' })
  if (status !== null && !['active', 'inactive', 'canceled'].includes(status))
    return invalid('status', status)
  const reason = textOf(form, 'cancellation_reason')
  if (reason !== null && !['lost', 'stolen'].includes(reason)) return invalid('cancellation_reason', reason)
  const pin = readPin(form)
  if (isRefusal(pin)) return pin
  if (form['spending_controls'] !== undefined) {
    const controls = readControls(form, card.currency)
    if (isRefusal(controls)) return controls
    card.spending_controls = controls
  }
  if (pin) issued.pins.set(card.id, (issued.pins.get(card.id) ?? 0) + 1)
  card.metadata = { ...card.metadata, ...formOf(form, 'metadata') }
  card.status = status ?? card.status
  card.cancellation_reason = card.status === 'canceled' ? reason : null
  issued.tell('issuing_card.updated', card)
  return card
}

/** docs.stripe.com/issuing/cards/pin-management: encrypted under Stripe's key, as a JWE. */
function readPin(form: Form): boolean | Refusal {
  if (form['pin'] === undefined) return false
  const text = textOf(form['pin'] as Form, 'encrypted_number') ?? ''
  return text.split('.').length === 5 ? true : invalid('pin[encrypted_number]', 'not encrypted')
}

const SHIPPING: Record<string, string> = {
  submit: 'submitted',
  ship: 'shipped',
  deliver: 'delivered',
  return: 'returned',
  fail: 'failure',
}

/** `POST /v1/test_helpers/issuing/cards/:id/shipping/:act` */
export function moveShipping(issued: Issued, card: Card, act = ''): Card | Refusal {
  const status = SHIPPING[act]
  if (!status || !card.shipping) return invalid('shipping', act)
  card.shipping['status'] = status
  if (status === 'shipped') Object.assign(card.shipping, { carrier: 'usps', tracking_number: '9400' })
  issued.tell('issuing_card.updated', card)
  return card
}
