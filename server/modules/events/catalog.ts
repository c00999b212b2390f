import Type, { type TSchema } from 'typebox'
import { ALERT_TYPES } from './alert_types.ts'
import { BANKING_TYPES } from './banking_types.ts'
import { CARD_TYPES } from './card_types.ts'
import { PAYMENT_TYPES } from './payment_types.ts'
import { TRANSFER_TYPES } from './transfer_types.ts'

/**
 * The event types that ship with the product: our vocabulary, each with a JSON Schema and an example. A tenant
 * adds its own beside them.
 */
export type EventType = { name: string; description: string; schema: TSchema; example: unknown }

const breaker = (
  move: 'opened' | 'half_open' | 'closed',
  description: string,
  reason: string,
): EventType => ({
  name: `connection.breaker_${move}`,
  description,
  schema: Type.Object({
    connection_id: Type.String(),
    reason: Type.String({ description: 'In words' }),
  }),
  example: { connection_id: 'con_01jz8k3v9mf2tb7xq4c5n6p8rs', reason },
})

const CallOutcome = Type.Object({
  call_id: Type.String({ description: 'As it was answered to who asked, also where it was made later' }),
  try_id: Type.Optional(Type.String({ description: 'Of a call that was made later: its last try' })),
  batch_id: Type.Optional(Type.String({ description: 'Of a call of a batch' })),
  connection_id: Type.String(),
  operation: Type.Union([Type.String(), Type.Null()]),
  method: Type.String(),
  path: Type.String({ description: 'Secrets masked' }),
  reason: Type.String({ description: 'In words' }),
})
const CALL = {
  call_id: 'call_01jz8k3v9mf2tb7xq4c5n6p8rs',
  connection_id: 'con_01jz8k3v9mf2tb7xq4c5n6p8rs',
  operation: 'payments.create',
  method: 'POST',
  path: '/v1/payment_intents',
}

const Delivery = Type.Object({
  delivery_id: Type.String(),
  subscription_id: Type.String(),
  event_id: Type.String(),
  event_type: Type.String(),
  attempts: Type.Integer(),
  status: Type.Union([Type.Integer(), Type.Null()]),
  error: Type.Union([Type.String(), Type.Null()]),
})

const delivery = (
  what: string,
  description: string,
  last: { attempts: number; status: number | null; error: string | null },
): EventType => ({
  name: `delivery.${what}`,
  description,
  schema: Delivery,
  example: {
    delivery_id: 'dlv_01jz8k3v9mf2tb7xq4c5n6p8rs',
    subscription_id: 'sub_01jz8k3v9mf2tb7xq4c5n6p8rs',
    event_id: 'evt_01jz8k3v9mf2tb7xq4c5n6p8rs',
    event_type: 'payment.completed',
    ...last,
  },
})

const call = (
  what: string,
  description: string,
  ended: { state: string; status: number | null; error: string | null },
): EventType => ({
  name: `call.${what}`,
  description,
  schema: Type.Object({
    call_id: Type.String({
      description: 'GET /v1/calls/{id} has its record, and the report of a deferred one',
    }),
    connection_id: Type.String(),
    operation: Type.Union([Type.String(), Type.Null()]),
    state: Type.String(),
    status: Type.Union([Type.Integer(), Type.Null()]),
    error: Type.Union([Type.String(), Type.Null()]),
    duration_ms: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
  }),
  example: {
    call_id: 'call_01jz8k3v9mf2tb7xq4c5n6p8rs',
    connection_id: 'con_01jz8k3v9mf2tb7xq4c5n6p8rs',
    operation: 'members.add',
    ...ended,
  },
})

const BatchCounts = Type.Object({
  batch_id: Type.String(),
  connection_id: Type.String(),
  total: Type.Integer(),
  succeeded: Type.Integer(),
  refused: Type.Integer(),
  failed: Type.Integer(),
  unknown: Type.Integer(),
  canceled: Type.Integer(),
})

export const CATALOG: readonly EventType[] = [
  ...PAYMENT_TYPES,
  ...CARD_TYPES,
  ...TRANSFER_TYPES,
  ...BANKING_TYPES,
  ...ALERT_TYPES,
  breaker(
    'opened',
    'Nothing is sent through a connection for now, since its vendor failed or somebody said so',
    '5 failures in a row, the last: the vendor answered 503',
  ),
  breaker(
    'half_open',
    'One call at a time goes through a connection, to see whether its vendor is back',
    'one call is let through to see whether the vendor is back',
  ),
  breaker('closed', 'Calls go through a connection again', 'the vendor answers again'),
  {
    name: 'call.unknown',
    description:
      'A call was sent and nobody saw its end: the vendor may have acted on it. It is asked, where it can be',
    schema: CallOutcome,
    example: {
      ...CALL,
      reason: 'the server stopped while this call was under way; ask the vendor what became of it',
    },
  },
  {
    name: 'call.settled',
    description: 'What became of a call that was unknown has been found out by asking the vendor',
    schema: Type.Object({ ...CallOutcome.properties, state: Type.String() }),
    example: {
      ...CALL,
      state: 'succeeded',
      reason: 'unknown at first; settled by call_01jz8k3v9mf2tb7xq4c5n6p8rt',
    },
  },
  {
    name: 'connection.auth_failed',
    description: 'The vendor does not let a connection in any more, and will not until somebody acts',
    schema: Type.Object({
      connection_id: Type.String(),
      reconnect: Type.Boolean({ description: 'Whether somebody has to authorize it again' }),
      reason: Type.String({ description: 'In words' }),
    }),
    example: {
      connection_id: 'con_01jz8k3v9mf2tb7xq4c5n6p8rs',
      reconnect: true,
      reason: 'no access: the token endpoint answered 400 (invalid_grant); reconnect it',
    },
  },
  {
    name: 'connection.health_changed',
    description: 'Checks of a vendor find it better or worse than before',
    schema: Type.Object({
      connection_id: Type.String(),
      status: Type.String({ description: 'healthy, degraded or unhealthy' }),
      before: Type.String(),
      note: Type.Union([Type.String(), Type.Null()], { description: 'What is wrong, in words' }),
    }),
    example: {
      connection_id: 'con_01jz8k3v9mf2tb7xq4c5n6p8rs',
      status: 'unhealthy',
      before: 'degraded',
      note: 'no answer within 10000 ms',
    },
  },
  call('completed', 'A call that was made later succeeded', { state: 'succeeded', status: 200, error: null }),
  call('failed', 'A call that was made later did not succeed, and is not tried again', {
    state: 'refused',
    status: 422,
    error: 'the vendor answered 422',
  }),
  {
    name: 'batch.completed',
    description: 'Every call of a batch is over, however it went',
    schema: BatchCounts,
    example: {
      batch_id: 'bat_01jz8k3v9mf2tb7xq4c5n6p8rs',
      connection_id: 'con_01jz8k3v9mf2tb7xq4c5n6p8rs',
      total: 100,
      succeeded: 97,
      refused: 2,
      failed: 1,
      unknown: 0,
      canceled: 0,
    },
  },
  delivery('failing', 'The fourth attempt failed as well; more follow', {
    attempts: 4,
    status: 503,
    error: 'the receiver answered 503: it is overloaded or down for maintenance',
  }),
  delivery('exhausted', 'The last attempt failed: a dead letter, until somebody replays it', {
    attempts: 10,
    status: null,
    error: 'connection refused',
  }),
  delivery('recovered', 'Delivered after all, once it was told that it fails', {
    attempts: 6,
    status: 200,
    error: null,
  }),
  {
    name: 'subscription.disabled',
    description: 'Nothing is sent to it any more: by hand, by its own wish or after days without a success',
    schema: Type.Object({ subscription_id: Type.String(), reason: Type.String() }),
    example: {
      subscription_id: 'sub_01jz8k3v9mf2tb7xq4c5n6p8rs',
      reason: 'the receiver answered 410 Gone',
    },
  },
  {
    name: 'subscription.failing',
    description: 'Nothing reaches it for a while; it is disabled when that goes on',
    schema: Type.Object({
      subscription_id: Type.String(),
      reason: Type.String({ description: 'In words' }),
      disabled_at: Type.String({ description: 'When it will be, unless something is delivered before' }),
    }),
    example: {
      subscription_id: 'sub_01jz8k3v9mf2tb7xq4c5n6p8rs',
      reason: 'nothing was delivered since 2026-11-20T10:00:00.000Z, and 31 attempts failed',
      disabled_at: '2026-11-25T10:00:00.000Z',
    },
  },
  {
    name: 'webhook.test',
    description: 'Sent to one subscription to try it',
    schema: Type.Object({ subscription_id: Type.String(), sent_by: Type.String() }),
    example: {
      subscription_id: 'sub_01jz8k3v9mf2tb7xq4c5n6p8rs',
      sent_by: 'key_01jz8k3v9mf2tb7xq4c5n6p8rs',
    },
  },
  {
    name: 'webhook.received',
    description: 'For you to publish: a message that reached you by a way of your own; any JSON',
    schema: Type.Object({}, { additionalProperties: true }),
    example: { any: 'JSON the sender wrote' },
  },
]
