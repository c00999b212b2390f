import type { Tx } from '../../platform/database/database.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { listCallsOf, listCallsSince } from '../calls/calls.ts'
import { listEventsSince } from '../events/events.ts'
import { listMessagesOf, listMessagesSince } from '../inbound/inbound.ts'
import { listAttemptsSince } from '../outbound/outbound.ts'
import type { Happening, Kind } from './schema.ts'

/** Where each kind of happening is read, and what of it is told. */

export type Seen = {
  /** By which it is told once: the record, and the state it is in. */
  key: string
  ref: string
  /** It is to be looked at again until it has ended. */
  is_open: boolean
  happening: Happening
}

export type Reader = {
  name: string
  kinds: readonly Kind[]
  /** The newest records from this id on. */
  since(tx: Tx, tenant_id: string, from_id: string, limit: number): Promise<Seen[]>
  /** Those that had not ended when they were told. */
  again?(tx: Tx, tenant_id: string, ids: readonly string[]): Promise<Seen[]>
}

const NOTHING = {
  type: null,
  connection_id: null,
  source_id: null,
  subscription_id: null,
  attempt: null,
  status: null,
  duration_ms: null,
}

type Call = Awaited<ReturnType<typeof listCallsSince>>[number]
const seenCall = (row: Call): Seen => ({
  key: `call ${row.id} ${row.state}`,
  ref: row.id,
  is_open: row.state === 'started',
  happening: {
    ...NOTHING,
    kind: 'call',
    id: toWire('call', row.id),
    at: (row.closed_at ?? timeOfId(row.id)).toISOString(),
    state: row.state,
    type: row.operation ?? row.method,
    connection_id: toWire('connection', row.connection_id),
    status: row.status,
    duration_ms: row.duration_ms,
  },
})

type Message = Awaited<ReturnType<typeof listMessagesSince>>[number]
const seenMessage = (row: Message): Seen => ({
  key: `message ${row.id} ${row.state}`,
  ref: row.id,
  is_open: row.state === 'pending',
  happening: {
    ...NOTHING,
    kind: 'message',
    id: toWire('message', row.id),
    at: (row.closed_at ?? timeOfId(row.id)).toISOString(),
    state: row.state,
    type: row.event_type,
    source_id: toWire('source', row.source_id),
    duration_ms: row.closed_at && Math.max(0, row.closed_at.getTime() - timeOfId(row.id).getTime()),
  },
})

type Event = Awaited<ReturnType<typeof listEventsSince>>[number]
function seenEvent({ id, type, entity_id }: Event): Seen {
  const breaker = type.startsWith('connection.breaker_') ? type.slice('connection.breaker_'.length) : null
  const kind = breaker !== null ? 'breaker' : type === 'connection.health_changed' ? 'health' : 'event'
  return {
    key: `event ${id}`,
    ref: id,
    is_open: false,
    happening: {
      ...NOTHING,
      kind,
      id: toWire('event', id),
      at: timeOfId(id).toISOString(),
      state: breaker ?? (kind === 'health' ? 'changed' : 'published'),
      type,
      connection_id: kind === 'event' ? null : entity_id,
    },
  }
}

type Attempt = Awaited<ReturnType<typeof listAttemptsSince>>[number]
const seenAttempt = (row: Attempt): Seen => ({
  key: `attempt ${row.id}`,
  ref: row.id,
  is_open: false,
  happening: {
    ...NOTHING,
    kind: 'delivery',
    id: toWire('delivery', row.delivery_id),
    at: timeOfId(row.id).toISOString(),
    // An attempt that went wrong is told as such while its delivery goes on.
    state: row.state === 'pending' ? row.outcome : row.state,
    type: row.event_type,
    subscription_id: toWire('subscription', row.subscription_id),
    attempt: row.number,
    status: row.status,
    duration_ms: row.duration_ms,
  },
})

export const READERS: readonly Reader[] = [
  {
    name: 'message',
    kinds: ['message'],
    since: async (...at) => (await listMessagesSince(...at)).map(seenMessage),
    again: async (...at) => (await listMessagesOf(...at)).map(seenMessage),
  },
  {
    name: 'event',
    kinds: ['event', 'breaker', 'health'],
    since: async (...at) => (await listEventsSince(...at)).map(seenEvent),
  },
  {
    name: 'attempt',
    kinds: ['delivery'],
    since: async (...at) => (await listAttemptsSince(...at)).map(seenAttempt),
  },
  {
    name: 'call',
    kinds: ['call'],
    since: async (...at) => (await listCallsSince(...at)).map(seenCall),
    again: async (...at) => (await listCallsOf(...at)).map(seenCall),
  },
]

/** What a credential must hold to be told of it. */
export const SCOPE: Record<Kind, string> = {
  call: 'calls:read',
  message: 'sources:read',
  event: 'events:read',
  delivery: 'subscriptions:read',
  breaker: 'connections:read',
  health: 'connections:read',
}
