import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { floorId, fromWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import * as replays from '../replays/replays.ts'
import { type Replayed, replayHandler, type Span } from '../replays/replays.ts'
import {
  type Active,
  fanOut,
  isFor,
  matches,
  type Published,
  receiverOf,
  wakeDeliveries,
} from './audience.ts'
import { type CreateReplay, toReplay } from './delivery_schema.ts'
import { findSubscription } from './queries.ts'
import { lockResend } from './queue_queries.ts'
import * as queries from './replay_queries.ts'

/** Sending again in bulk: every ended delivery of a subscription in a span of time, or events that it never got. */

const BATCH = 500

/** An event as a replay of what is missing reads it. */
type PastEvent = {
  id: string
  type: string
  data: string
  entity_id: string | null
  customer: string | null
}
/** A tenant's events between two ids, in their order; `assemble` hands in the events room's own, which stands above us. */
export type ReadEvents = (
  tx: Tx,
  tenant_id: string,
  range: { after: string; before: string },
  limit: number,
) => Promise<PastEvent[]>

export const DELIVERIES: Replayed<queries.DeliveryReplayRow> = {
  kind: 'replay',
  audited_as: 'replay',
  job: 'outbound.replay',
  table: queries.deliveryReplays,
  window: BATCH,
  newTurn: (app) => app.newId(),
  wake: wakeDeliveries,
}

export async function createReplay(app: App, actor: Actor, input: CreateReplay, read: ReadEvents) {
  const { tenant_id } = actor
  const what = readWhat(input)
  const receiver = await receiverOf(app, tenant_id, what.subscription_id)
  const made = await replays.createReplay(app, actor, DELIVERIES, input, {
    async count(tx, span) {
      const subscription = await findSubscription(tx, tenant_id, what.subscription_id)
      if (!subscription) {
        throw new Problem('not_found', { detail: `there is no subscription ${input.subscription_id}` })
      }
      if (!receiver && (what.of_state === 'missing' || !input.dry_run)) throw disabled(input.subscription_id)
      return receiver && what.of_state === 'missing'
        ? countMissing(tx, tenant_id, { ...what, ...span }, receiver, read)
        : queries.countToReplay(tx, tenant_id, { ...what, ...span })
    },
    insert: (tx, row) => queries.insertReplay(tx, { ...what, ...row }),
  })
  return 'dry_run' in made ? made : toReplay(made)
}

function readWhat(input: CreateReplay): queries.ReplayedDeliveries {
  const { state = 'failed', event_types = null, status = null, error = null } = input
  if (state === 'missing' && (status !== null || error !== null)) {
    const field = status !== null ? 'status' : 'error'
    throw new Problem('invalid_request', {
      field,
      detail: `${field} is of deliveries; what is missing was never sent, so leave it out`,
    })
  }
  const subscription_id = fromWire('subscription', input.subscription_id, 'subscription_id')
  return { subscription_id, of_state: state, event_types, status, error }
}

const disabled = (wire_id: string) =>
  new Problem('conflict', { detail: `subscription ${wire_id} is disabled; enable it first` })

/** Goes through the events of the range as the replay will; past so many it stops counting. */
const MOST_COUNTED = 100_000

async function countMissing(
  tx: Tx,
  tenant_id: string,
  range: queries.ReplayedDeliveries & Span,
  receiver: Active,
  read: ReadEvents,
): Promise<number> {
  let after = floorId(range.since)
  let [total, looked_at] = [0, BATCH]
  for (let seen = 0; looked_at === BATCH && seen < MOST_COUNTED; seen += looked_at) {
    const events = await read(tx, tenant_id, { after, before: floorId(range.until) }, BATCH)
    total += (await missingOf(tx, tenant_id, range, receiver, events)).length
    looked_at = events.length
    after = events.at(-1)?.id ?? after
  }
  return total
}

/** Of these events, what the subscription takes and has no delivery of. */
async function missingOf(
  tx: Tx,
  tenant_id: string,
  { event_types }: Pick<queries.ReplayedDeliveries, 'event_types'>,
  receiver: Active,
  events: PastEvent[],
): Promise<Published[]> {
  const wanted = events
    .map((event) => ({ ...event, tenant_id }))
    .filter(
      (event) =>
        isFor(receiver, event) && (event_types?.some((pattern) => matches(pattern, event.type)) ?? true),
    )
  if (wanted.length === 0) return []
  const ids = wanted.map(({ id }) => id)
  const delivered = await queries.listDelivered(tx, tenant_id, receiver.id, ids)
  return wanted.filter(({ id }) => !delivered.has(id))
}

/** The jobs of this room's replays, by kind. */
export const handlers = (app: App, read: ReadEvents) => [
  replayHandler(app, DELIVERIES, async (tenant_id, id) => {
    const asked = await inTenant(app.db, tenant_id, (tx) => DELIVERIES.table.find(tx, tenant_id, id))
    const receiver = asked ? await receiverOf(app, tenant_id, asked.subscription_id) : null
    return (tx, replay, limit) =>
      replay.of_state === 'missing'
        ? sendMissing(app, tx, tenant_id, replay, receiver, read, limit)
        : queries.replayNext(tx, tenant_id, replay, limit)
  }),
]

/** Publishes past events to one subscription; none where that is disabled meanwhile. */
async function sendMissing(
  app: App,
  tx: Tx,
  tenant_id: string,
  replay: queries.DeliveryReplayRow,
  receiver: Active | null,
  read: ReadEvents,
  limit: number,
): Promise<{ looked_at: number; replayed: number }> {
  if (!receiver) return { looked_at: 0, replayed: 0 }
  await lockResend(tx, receiver.id)
  const events = await read(tx, tenant_id, { after: replay.reached, before: floorId(replay.until) }, limit)
  const missing = await missingOf(tx, tenant_id, replay, receiver, events)
  await fanOut(app, tx, missing, new Map([[tenant_id, [receiver]]]))
  await queries.moveCursor(tx, tenant_id, replay.id, events.at(-1)?.id ?? replay.reached, missing.length)
  return { looked_at: events.length, replayed: missing.length }
}
