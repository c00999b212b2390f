import { createHash } from 'node:crypto'
import { Agent } from 'undici'
import { json, remember, type SandboxReply, type SandboxRequest } from '../wire.ts'
import { sendOne, sendWebhooks } from './control.ts'
import { closeDispute, type Disputes, disputeByCard, updateDispute } from './disputes.ts'
import { changeEndpoint, createEndpoint, deleteEndpoint, type Endpoint, shownEndpoints } from './endpoints.ts'
import { checkKey, isRefusal, missing, type Refusal, refusal, toReply } from './errors.ts'
import { API_VERSION, newEvent, type StripeEvent, ship } from './events.ts'
import { type Form, formOf, readForm, textOf, unknownParam } from './form.ts'
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
import type { Purchases } from './issuing_authorizations.ts'
import { answerIssuing, helpIssuing, setPatience } from './issuing_routes.ts'
import { expand, list } from './lists.ts'
import { createRefund } from './refunds.ts'

/**
 * Stripe as docs.stripe.com/api describes it: payment intents, charges, refunds, disputes, issuing, balance, events and webhook
 * endpoints under `/stripe/v1`, form-encoded in and JSON out, with idempotency keys, test cards and signed
 * webhooks to every registered endpoint. Below `/stripe/_control` stands what the real one does not have.
 */
export type Stripe = {
  vendor(request: SandboxRequest): SandboxReply | Promise<SandboxReply>
  close(): Promise<void>
}

type Answered = { fingerprint: string; reply: SandboxReply }

type State = Ledger &
  Disputes &
  Purchases & {
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
    holders: new Map(),
    cards: new Map(),
    pins: new Map(),
    authorizations: new Map(),
    transactions: new Map(),
    patience_ms: 2_000,
    decider: () => endpointsFor(state, 'issuing_authorization.request')[0] ?? null,
    events: new Map(),
    endpoints: new Map(),
    keys: new Map(),
    dispatcher,
    disputes: new Map(),
    charged: (charge) => disputeByCard(state, charge),
    tell: (type, object) => tell(state, type, object),
  }
  return {
    vendor(request) {
      if (request.path === '/_control/webhooks') return sendWebhooks(request.body, dispatcher)
      if (request.path === '/_control/send') return sendOne(request.body, dispatcher)
      if (request.path === '/_control/issuing') return setPatience(state, request.body)
      return isOfMerchants(request) ? actAsMerchant(state, request) : answer(state, request)
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

const MERCHANTS = '/v1/test_helpers/issuing/'
const isOfMerchants = ({ method, path }: SandboxRequest): boolean =>
  method === 'POST' && path.startsWith(MERCHANTS)

/** What a merchant does may have to wait for whoever decides. */
async function actAsMerchant(state: State, request: SandboxRequest): Promise<SandboxReply> {
  const refused = checkKey(request.headers.authorization)
  if (refused) return toReply(refused)
  const form = readForm(new URLSearchParams(request.body.toString()))
  const result = await helpIssuing(state, request.path.slice(MERCHANTS.length).split('/'), form)
  return isRefusal(result) ? toReply(result) : json(200, result)
}

function perform(state: State, request: SandboxRequest): SandboxReply {
  const form = readForm(
    request.method === 'GET' ? request.query : new URLSearchParams(request.body.toString()),
  )
  const result = route(state, request, form)
  return isRefusal(result) ? toReply(result) : json(200, expand(state.charges, result, form))
}

type Answer = Record<string, unknown> | Refusal

function route(state: State, request: SandboxRequest, form: Form): Answer {
  const [, version, resource, id, act] = request.path.split('/')
  const which = `${request.method} ${resource}${id === undefined ? '' : '/:id'}${act === undefined ? '' : `/${act}`}`
  if (version !== 'v1') return unrecognized(request)
  if (resource === 'issuing') return issue(state, request, form)
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
      return list(ofPayment(state.refunds, form), request, '/v1/refunds')
    case 'GET refunds/:id':
      return find(state.refunds, 'refund', id, 'id')
    case 'GET disputes':
      return list(ofPayment(state.disputes, form), request, '/v1/disputes')
    case 'GET disputes/:id':
      return find(state.disputes, 'dispute', id, 'dispute')
    case 'POST disputes/:id':
      return updateDispute(state, id ?? '', form)
    case 'POST disputes/:id/close':
      return closeDispute(state, id ?? '')
    case 'GET events':
      return list(state.events, request, '/v1/events')
    case 'GET events/:id':
      return find(state.events, 'event', id, 'id')
    case 'GET balance':
      return balance(state)
    case 'POST webhook_endpoints':
      return createEndpoint(state.endpoints, form)
    case 'GET webhook_endpoints':
      return list(shownEndpoints(state.endpoints), request, '/v1/webhook_endpoints')
    case 'GET webhook_endpoints/:id':
      return find(shownEndpoints(state.endpoints), 'webhook_endpoint', id, 'webhook_endpoint')
    case 'POST webhook_endpoints/:id':
      return changeEndpoint(state.endpoints, id, form)
    case 'DELETE webhook_endpoints/:id':
      return deleteEndpoint(state.endpoints, id)
    default:
      return unrecognized(request)
  }
}

function issue(state: State, request: SandboxRequest, form: Form): Answer {
  const answer = answerIssuing(state, request.method, request.path.split('/').slice(3), form)
  return answer instanceof Map ? list(answer, request, request.path) : answer
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

function ofPayment(kept: Map<string, Record<string, unknown>>, form: Form): Map<string, unknown> {
  const [intent, charge] = [textOf(form, 'payment_intent'), textOf(form, 'charge')]
  const wanted = [...kept].filter(
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

const endpointsFor = ({ endpoints }: State, type: string): Endpoint[] =>
  [...endpoints.values()].filter(
    ({ enabled_events }) => enabled_events.includes('*') || enabled_events.includes(type),
  )

/** Remembers the event and sends it to every endpoint that asked for its type, three times at most. */
function tell(state: State, type: string, object: unknown): void {
  const wanting = endpointsFor(state, type)
  const event = newEvent(type, object, { id: stripeId('req'), idempotency_key: null })
  remember(state.events, event.id, event, 2000)
  for (const { url, secret } of wanting) {
    const body = JSON.stringify(event, null, 2)
    const times = { attempts: 3, retry_delay_ms: 1000, timeout_ms: 20_000 }
    void ship({ url, secret, body, event, kind: 'original', ...times }, state.dispatcher)
  }
}
