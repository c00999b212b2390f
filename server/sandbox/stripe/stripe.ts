import { createHash } from 'node:crypto'
import { Agent } from 'undici'
import { json, numberIn, remember, type SandboxReply, type SandboxRequest } from '../wire.ts'
import { sendOne, sendWebhooks } from './control.ts'
import { checkKey, isRefusal, missing, type Refusal, refusal, toReply } from './errors.ts'
import { API_VERSION, newEvent, type StripeEvent, ship } from './events.ts'
import { type Form, formOf, listOf, readForm, textOf, unknownParam } from './form.ts'
import {
  cancelIntent,
  captureIntent,
  confirmIntent,
  createIntent,
  type Intent,
  type Ledger,
  MOST,
  stripeId,
} from './intents.ts'
import { createRefund } from './refunds.ts'

/**
 * Stripe as docs.stripe.com/api describes it: payment intents, charges, refunds, balance, events and webhook
 * endpoints under `/stripe/v1`, form-encoded in and JSON out, with idempotency keys, test cards and signed
 * webhooks to every registered endpoint. Below `/stripe/_control` stands what the real one does not have.
 */
export type Stripe = {
  vendor(request: SandboxRequest): SandboxReply | Promise<SandboxReply>
  close(): Promise<void>
}

type Endpoint = { id: string; url: string; secret: string; enabled_events: string[] }
type Answered = { fingerprint: string; reply: SandboxReply }

type State = Ledger & {
  events: Map<string, StripeEvent>
  endpoints: Map<string, Endpoint>
  keys: Map<string, Answered>
  dispatcher: Agent
}

export function createStripe(): Stripe {
  const dispatcher = new Agent({ connections: 64 })
  const state: State = {
    intents: new Map(),
    charges: new Map(),
    refunds: new Map(),
    events: new Map(),
    endpoints: new Map(),
    keys: new Map(),
    dispatcher,
    tell: (type, object) => tell(state, type, object),
  }
  return {
    vendor(request) {
      if (request.path === '/_control/webhooks') return sendWebhooks(request.body, dispatcher)
      if (request.path === '/_control/send') return sendOne(request.body, dispatcher)
      return answer(state, request)
    },
    close: () => dispatcher.destroy(),
  }
}

function answer(state: State, request: SandboxRequest): SandboxReply {
  const reply = authorized(state, request)
  const version = request.headers['stripe-version']
  return {
    ...reply,
    headers: {
      ...reply.headers,
      'request-id': stripeId('req'),
      'stripe-version': typeof version === 'string' ? version : API_VERSION,
    },
  }
}

function authorized(state: State, request: SandboxRequest): SandboxReply {
  const refused = checkKey(request.headers.authorization)
  if (refused) return toReply(refused)
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string' || request.method !== 'POST') return perform(state, request)
  const fingerprint = createHash('sha256').update(`${request.path}\n`).update(request.body).digest('hex')
  const first = state.keys.get(key)
  if (!first) {
    const reply = perform(state, request)
    remember(state.keys, key, { fingerprint, reply }, MOST)
    return reply
  }
  if (first.fingerprint !== fingerprint) {
    const message = `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`
    return toReply(refusal(400, { type: 'idempotency_error', message }))
  }
  return { ...first.reply, headers: { ...first.reply.headers, 'idempotent-replayed': 'true' } }
}

function perform(state: State, request: SandboxRequest): SandboxReply {
  const form = readForm(
    request.method === 'GET' ? request.query : new URLSearchParams(request.body.toString()),
  )
  const result = route(state, request, form)
  return isRefusal(result) ? toReply(result) : json(200, expand(state, result, form))
}

type Answer = Record<string, unknown> | Refusal

function route(state: State, request: SandboxRequest, form: Form): Answer {
  const [, version, resource, id, act] = request.path.split('/')
  const which = `${request.method} ${resource}${id === undefined ? '' : '/:id'}${act === undefined ? '' : `/${act}`}`
  if (version !== 'v1') return unrecognized(request)
  switch (which) {
    case 'POST payment_intents':
      return createIntent(state, form)
    case 'GET payment_intents':
      return list(state.intents, request, '/v1/payment_intents')
    case 'GET payment_intents/:id':
      if (id === 'search') return search(state, form)
      return find(state.intents, 'payment_intent', id, 'intent')
    case 'POST payment_intents/:id':
      return withIntent(state, id, (intent) => updateIntent(intent, form))
    case 'POST payment_intents/:id/confirm':
      return withIntent(state, id, (intent) => confirmIntent(state, intent, form))
    case 'POST payment_intents/:id/capture':
      return withIntent(state, id, (intent) => captureIntent(state, intent, form))
    case 'POST payment_intents/:id/cancel':
      return withIntent(state, id, (intent) => cancelIntent(state, intent, form))
    case 'GET charges':
      return list(state.charges, request, '/v1/charges')
    case 'GET charges/:id':
      return find(state.charges, 'charge', id, 'id')
    case 'POST refunds':
      return createRefund(state, form)
    case 'GET refunds':
      return list(refundsOf(state, form), request, '/v1/refunds')
    case 'GET refunds/:id':
      return find(state.refunds, 'refund', id, 'id')
    case 'GET events':
      return list(state.events, request, '/v1/events')
    case 'GET events/:id':
      return find(state.events, 'event', id, 'id')
    case 'GET balance':
      return balance(state)
    case 'POST webhook_endpoints':
      return createEndpoint(state, form)
    case 'DELETE webhook_endpoints/:id':
      state.endpoints.delete(id ?? '')
      return { id, object: 'webhook_endpoint', deleted: true }
    default:
      return unrecognized(request)
  }
}

const unrecognized = ({ method, path }: SandboxRequest): Refusal =>
  refusal(404, {
    message: `Unrecognized request URL (${method}: ${path}). If you are trying to list objects, remove the trailing slash. If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code.`,
  })

const find = <T extends Record<string, unknown>>(
  kept: Map<string, T>,
  what: string,
  id = '',
  param: string,
): T | Refusal => kept.get(id) ?? missing(what, id, param)

function withIntent(
  state: State,
  id: string | undefined,
  act: (intent: Intent) => Intent | Refusal,
): Intent | Refusal {
  const intent = find(state.intents, 'payment_intent', id, 'intent')
  return isRefusal(intent) ? intent : act(intent)
}

function updateIntent(intent: Intent, form: Form): Intent | Refusal {
  const stranger = unknownParam(form, ['description', 'metadata', 'payment_method', 'receipt_email'])
  if (stranger) return stranger
  intent.metadata = { ...intent.metadata, ...formOf(form, 'metadata') }
  intent['description'] = textOf(form, 'description') ?? intent['description']
  intent.payment_method = textOf(form, 'payment_method') ?? intent.payment_method
  if (intent.payment_method && intent.status === 'requires_payment_method')
    intent.status = 'requires_confirmation'
  return intent
}

/** Newest first; `starting_after` and `limit` as docs.stripe.com/api/pagination. */
function list(kept: Map<string, unknown>, request: SandboxRequest, url: string): Answer {
  const limit = Math.max(1, numberIn(request.query, 'limit', 10, 100))
  const after = request.query.get('starting_after')
  const newest = ([...kept.values()].reverse() as { id: string; created?: number }[]).filter(
    isCreatedIn(request),
  )
  const from = after === null ? 0 : newest.findIndex((item) => item.id === after) + 1
  if (after !== null && from === 0) return missing('object', after, 'starting_after')
  return {
    object: 'list',
    url,
    has_more: newest.length > from + limit,
    data: newest.slice(from, from + limit),
  }
}

/** `created[gte]`, `created[lt]` and the like, in seconds. */
function isCreatedIn({ query }: SandboxRequest): (one: { created?: number }) => boolean {
  const [least, below] = [query.get('created[gte]'), query.get('created[lt]')]
  return ({ created = 0 }) =>
    (least === null || created >= Number(least)) && (below === null || created < Number(below))
}

/** docs.stripe.com/search: of its language, the one clause `metadata["name"]:"value"`. */
function search(state: State, form: Form): Answer {
  const [, name, value] = /^metadata\["(\w+)"\]:"((?:[^"\\]|\\.)*)"$/.exec(textOf(form, 'query') ?? '') ?? []
  if (name === undefined || value === undefined)
    return refusal(400, { message: 'We were unable to parse your search query.', param: 'query' })
  const wanted = value.replace(/\\(.)/g, '$1')
  const data = [...state.intents.values()].filter(({ metadata }) => metadata[name] === wanted)
  return {
    object: 'search_result',
    url: '/v1/payment_intents/search',
    has_more: false,
    data,
    next_page: null,
  }
}

function refundsOf(state: State, form: Form): Map<string, unknown> {
  const [intent, charge] = [textOf(form, 'payment_intent'), textOf(form, 'charge')]
  const wanted = [...state.refunds].filter(
    ([, one]) =>
      (intent === null || one['payment_intent'] === intent) && (charge === null || one['charge'] === charge),
  )
  return new Map(wanted)
}

function balance(state: State): Answer {
  const totals = new Map<string, number>()
  for (const { amount, amount_refunded, ...charge } of state.charges.values()) {
    const currency = String(charge['currency'])
    if (charge.captured) totals.set(currency, (totals.get(currency) ?? 0) + amount - amount_refunded)
  }
  const available = [...totals].map(([currency, amount]) => ({
    amount,
    currency,
    source_types: { card: amount },
  }))
  const none = [{ amount: 0, currency: 'brl', source_types: { card: 0 } }]
  return {
    object: 'balance',
    available: available.length > 0 ? available : none,
    livemode: false,
    pending: none,
  }
}

function createEndpoint(state: State, form: Form): Answer {
  const url = textOf(form, 'url')
  const enabled_events = listOf(form, 'enabled_events')
  if (!url)
    return refusal(400, { code: 'parameter_missing', message: 'Missing required param: url.', param: 'url' })
  const endpoint = { id: stripeId('we'), url, enabled_events, secret: `whsec_${stripeId('k').slice(2)}` }
  remember(state.endpoints, endpoint.id, endpoint, 100)
  return { ...endpoint, object: 'webhook_endpoint', livemode: false, status: 'enabled', api_version: null }
}

/** `latest_charge` in an intent, `data.latest_charge` in a list of them. */
function expand(state: State, result: Record<string, unknown>, form: Form): Record<string, unknown> {
  const wanted = listOf(form, 'expand')
  const { data } = result
  if (Array.isArray(data) && wanted.includes('data.latest_charge')) {
    return { ...result, data: data.map((item) => withCharge(state, item)) }
  }
  return wanted.includes('latest_charge') ? withCharge(state, result) : result
}

function withCharge(state: State, intent: Record<string, unknown>): Record<string, unknown> {
  const charge = state.charges.get(String(intent['latest_charge']))
  return charge ? { ...intent, latest_charge: charge } : intent
}

/** Remembers the event and sends it to every endpoint that asked for its type, three times at most. */
function tell(state: State, type: string, object: unknown): void {
  const wanting = [...state.endpoints.values()].filter(
    ({ enabled_events }) => enabled_events.includes('*') || enabled_events.includes(type),
  )
  const event = newEvent(type, object, { id: stripeId('req'), idempotency_key: null })
  remember(state.events, event.id, event, 2000)
  for (const { url, secret } of wanting) {
    const body = JSON.stringify(event, null, 2)
    const times = { attempts: 3, retry_delay_ms: 1000, timeout_ms: 20_000 }
    void ship({ url, secret, body, event, kind: 'original', ...times }, state.dispatcher)
  }
}
