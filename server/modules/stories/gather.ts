import { inTenant, type Tx } from '../../platform/database/database.ts'
import { type Kind, parseWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { findDeferred, listBelonging, listCallsOf, listOfBatch } from '../calls/calls.ts'
import { listEventsOf, search } from '../events/events.ts'
import { findDelivery } from '../outbound/outbound.ts'

/** Which records a story is about: from one id to all that hang together. */

export type Gathered = {
  messages: Set<string>
  events: Set<string>
  /** Asked for by its own id: told even where its event is gone. */
  deliveries: Set<string>
  calls: Set<string>
  batches: Set<string>
  quarantine: Set<string>
  is_more: boolean
}

const MOST: Record<'messages' | 'events' | 'calls', number> = { messages: 50, events: 50, calls: 100 }
/** Of one batch. */
const MOST_OF_BATCH = 100
const MOST_ENTITIES = 5

const SETS: Partial<Record<Kind, 'messages' | 'events' | 'deliveries' | 'calls' | 'batches' | 'quarantine'>> =
  {
    message: 'messages',
    event: 'events',
    delivery: 'deliveries',
    call: 'calls',
    batch: 'batches',
    quarantine: 'quarantine',
  }

/** The kind of an id of ours that has a story; null of any other text. */
export const kindOf = (id: string): Kind | null =>
  (Object.keys(SETS) as Kind[]).find((kind) => parseWire(kind, id) !== null) ?? null

export async function gather(app: App, actor: Actor, id: string): Promise<Gathered> {
  const all: Gathered = {
    messages: new Set(),
    events: new Set(),
    deliveries: new Set(),
    calls: new Set(),
    batches: new Set(),
    quarantine: new Set(),
    is_more: false,
  }
  await addFound(app, actor, all, id)
  const { tenant_id } = actor
  await inTenant(app.db, tenant_id, (tx) => addBehind(tx, tenant_id, all))
  for (const message of [...all.messages]) await addFound(app, actor, all, toWire('message', message))
  const entities = await inTenant(app.db, tenant_id, (tx) => addMessages(tx, tenant_id, all))
  for (const entity of entities) await addFound(app, actor, all, entity)
  await inTenant(app.db, tenant_id, async (tx) => {
    await addMessages(tx, tenant_id, all)
    await addBelonging(tx, tenant_id, all)
  })
  return all
}

/** What an id leads to: ours to itself and what it is noted with, another's by the blind index. */
async function addFound(app: App, actor: Actor, all: Gathered, q: string): Promise<void> {
  const { data, is_more } = await search(app, actor, q)
  all.is_more ||= is_more
  for (const { kind, id } of data) {
    const name = SETS[kind as Kind]
    const ref = parseWire(kind as Kind, id)
    if (!name || ref === null) continue
    const most = name in MOST ? MOST[name as keyof typeof MOST] : MOST_OF_BATCH
    if (all[name].size < most) all[name].add(ref)
    else if (!all[name].has(ref)) all.is_more = true
  }
}

/** The event of a delivery, the tries of a deferred call and its batch, the calls of a batch. */
async function addBehind(tx: Tx, tenant_id: string, all: Gathered): Promise<void> {
  for (const id of all.deliveries) {
    const delivery = await findDelivery(tx, tenant_id, id)
    if (delivery) all.events.add(delivery.event_id)
  }
  for (const id of all.batches) {
    const rows = await listOfBatch(tx, tenant_id, id, 0, MOST_OF_BATCH)
    if (rows.length > MOST_OF_BATCH) all.is_more = true
    for (const row of rows.slice(0, MOST_OF_BATCH)) for (const call of row.call_ids) all.calls.add(call)
  }
  for (const id of [...all.calls].slice(0, MOST_ENTITIES)) {
    const deferred = await findDeferred(tx, tenant_id, id)
    if (deferred?.batch_id) all.batches.add(deferred.batch_id)
    for (const call of deferred?.call_ids ?? []) all.calls.add(call)
  }
}

/** The calls that calls belong to, those that belong to them, and those that messages made necessary. */
async function addBelonging(tx: Tx, tenant_id: string, all: Gathered): Promise<void> {
  const begun = [...all.calls].slice(0, MOST_ENTITIES)
  const above = begun.length === 0 ? [] : await listCallsOf(tx, tenant_id, begun)
  const parents = above.flatMap(({ parent_id }) => parseWire('call', parent_id ?? '') ?? [])
  const messages = [...all.messages].map((id) => toWire('message', id))
  const calls = [...all.calls].map((id) => toWire('call', id))
  const found = await listBelonging(tx, tenant_id, [...messages, ...calls], MOST.calls)
  for (const id of [...parents, ...found]) {
    if (all.calls.size < MOST.calls) all.calls.add(id)
    else if (!all.calls.has(id)) all.is_more = true
  }
}

/** The messages that events came from; returns what the events are about. */
async function addMessages(tx: Tx, tenant_id: string, all: Gathered): Promise<string[]> {
  if (all.events.size === 0) return []
  const events = await listEventsOf(tx, tenant_id, [...all.events])
  for (const { message_id } of events) if (message_id) all.messages.add(message_id)
  return [...new Set(events.flatMap(({ entity_id }) => entity_id ?? []))].slice(0, MOST_ENTITIES)
}
