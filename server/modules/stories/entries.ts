import { inTenant, type Tx } from '../../platform/database/database.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { findBatch } from '../batches/batches.ts'
import { findDeferred, listAttemptsOfCalls, listCallsOf } from '../calls/calls.ts'
import { listEventsOf } from '../events/events.ts'
import { listMessagesOf, listProofsOf, senderAt } from '../inbound/inbound.ts'
import { listAttemptsOf, listDeliveriesOf, listNames } from '../outbound/outbound.ts'
import type { Entry } from './schema.ts'

/** What is told of each record, from the rows alone: when, how it ended, how long it took and waited. */

const MOST_DELIVERIES = 200
const MOST_ATTEMPTS = 500
const MOST_DEFERRED = 10

export type Told = { entries: Entry[]; is_more: boolean }

const entry = (
  at: Date,
  told: Omit<Entry, 'at' | 'detail' | 'status' | 'duration_ms' | 'waited_ms'> & Partial<Entry>,
): Entry => ({
  detail: null,
  status: null,
  duration_ms: null,
  waited_ms: null,
  ...told,
  at: at.toISOString(),
})

const between = (from: Date, to: Date): number => Math.max(0, to.getTime() - from.getTime())

export async function tellMessages(app: App, tenant_id: string, ids: readonly string[]): Promise<Entry[]> {
  if (ids.length === 0) return []
  const entries: Entry[] = []
  const { rows, proofs } = await inTenant(app.db, tenant_id, async (tx) => ({
    rows: await listMessagesOf(tx, tenant_id, ids),
    proofs: await listProofsOf(tx, tenant_id, ids),
  }))
  for (const row of rows) {
    const sender = await senderAt(app, toWire('source', row.source_id))
    const came = timeOfId(row.id)
    const named = `${sender ?? 'a source that is gone'}: ${row.event_type ?? row.event_key}`
    const about = {
      id: toWire('message', row.id),
      title: named,
      links: { message_id: toWire('message', row.id), source_id: toWire('source', row.source_id) },
    }
    const proof = proofs.get(row.id)
    const detail = [...(proof ? [`verified by ${proof}`] : []), ...row.flags].join(', ')
    entries.push(entry(came, { ...about, kind: 'received', state: 'received', detail: detail || null }))
    if (row.closed_at === null) continue
    const waited_ms = between(came, row.closed_at)
    entries.push(
      entry(row.closed_at, { ...about, kind: 'processed', state: row.state, detail: row.error, waited_ms }),
    )
  }
  return entries
}

export async function tellEvents(tx: Tx, tenant_id: string, ids: readonly string[]): Promise<Entry[]> {
  if (ids.length === 0) return []
  return (await listEventsOf(tx, tenant_id, ids)).map(({ id, type, entity_id, message_id }) =>
    entry(timeOfId(id), {
      kind: 'event',
      id: toWire('event', id),
      state: 'published',
      title: type,
      detail: entity_id && `about ${entity_id}`,
      links: {
        event_id: toWire('event', id),
        ...(message_id && { message_id: toWire('message', message_id) }),
      },
    }),
  )
}

export async function tellDeliveries(tx: Tx, tenant_id: string, event_ids: readonly string[]): Promise<Told> {
  if (event_ids.length === 0) return { entries: [], is_more: false }
  const rows = await listDeliveriesOf(tx, tenant_id, event_ids, MOST_DELIVERIES)
  if (rows.length === 0) return { entries: [], is_more: false }
  const subscriptions = [...new Set(rows.map((row) => row.subscription_id))]
  const names = new Map((await listNames(tx, tenant_id, subscriptions)).map(({ id, name }) => [id, name]))
  const delivery_ids = rows.map(({ id }) => id)
  const attempts = await listAttemptsOf(tx, tenant_id, delivery_ids, MOST_ATTEMPTS)
  const of_delivery = Map.groupBy(attempts, ({ delivery_id }) => delivery_id)
  const entries = rows.flatMap((row) => {
    const name = names.get(row.subscription_id) ?? 'a subscription that is gone'
    const links = {
      delivery_id: toWire('delivery', row.id),
      event_id: toWire('event', row.event_id),
      subscription_id: toWire('subscription', row.subscription_id),
    }
    const { status, error, state } = row
    const told = { id: links.delivery_id, links, title: `${row.event_type} to ${name}` }
    const begun = timeOfId(row.id)
    return [
      entry(begun, {
        ...told,
        kind: 'delivery',
        state,
        status,
        detail: state === 'delivered' ? null : error,
      }),
      ...tellAttempts(begun, of_delivery.get(row.id) ?? [], { ...told, kind: 'attempt' }),
    ]
  })
  return { entries, is_more: rows.length === MOST_DELIVERIES || attempts.length === MOST_ATTEMPTS }
}

type Attempt = {
  id: string
  number: number
  outcome: string
  status: number | null
  duration_ms: number
  error: string | null
}

/** Each when it began; it waited since the one before ended, the first since it was asked for. */
function tellAttempts(
  asked: Date,
  attempts: readonly Attempt[],
  told: Pick<Entry, 'kind' | 'id' | 'links' | 'title'>,
): Entry[] {
  let before = asked
  return attempts.map(({ id, number, outcome, status, duration_ms, error }) => {
    const ended = timeOfId(id)
    const began = new Date(ended.getTime() - duration_ms)
    const waited_ms = between(before, began)
    before = ended
    const title = `attempt ${number}: ${told.title}`
    return entry(began, { ...told, title, state: outcome, status, detail: error, duration_ms, waited_ms })
  })
}

export async function tellCalls(tx: Tx, tenant_id: string, ids: readonly string[]): Promise<Told> {
  if (ids.length === 0) return { entries: [], is_more: false }
  const attempts = await listAttemptsOfCalls(tx, tenant_id, ids, MOST_ATTEMPTS)
  const of_call = Map.groupBy(attempts, ({ call_id }) => call_id)
  const made = await listCallsOf(tx, tenant_id, ids)
  const entries = made.flatMap((row) => {
    const links = {
      call_id: toWire('call', row.id),
      connection_id: toWire('connection', row.connection_id),
      ...(row.parent_id !== null && { parent_id: row.parent_id }),
      ...(row.cause_id !== null && { cause_id: row.cause_id }),
    }
    const told = { id: links.call_id, links, title: row.operation ?? `${row.method} ${row.path}` }
    const { state, status, error: detail, duration_ms } = row
    const begun = timeOfId(row.id)
    return [
      entry(begun, { ...told, kind: 'call', state, status, detail, duration_ms }),
      ...tellAttempts(begun, of_call.get(row.id) ?? [], { ...told, kind: 'call_attempt' }),
    ]
  })
  const known = new Set(made.map(({ id }) => id))
  const later = await tellDeferred(tx, tenant_id, ids.filter((id) => !known.has(id)).slice(0, MOST_DEFERRED))
  return { entries: [...later, ...entries], is_more: attempts.length === MOST_ATTEMPTS }
}

/** Calls that are made later: each try of theirs is a call of its own. */
async function tellDeferred(tx: Tx, tenant_id: string, ids: readonly string[]): Promise<Entry[]> {
  const entries: Entry[] = []
  for (const id of ids) {
    const row = await findDeferred(tx, tenant_id, id)
    if (!row) continue
    const { state, status, error: detail, closed_at } = row
    const links = { call_id: toWire('call', id), connection_id: toWire('connection', row.connection_id) }
    const title = `made later: ${row.operation ?? `${row.method ?? 'a call'} ${row.path ?? ''}`.trim()}`
    const duration_ms = closed_at && between(timeOfId(id), closed_at)
    entries.push(
      entry(timeOfId(id), {
        kind: 'call',
        id: links.call_id,
        state,
        status,
        detail,
        title,
        duration_ms,
        links,
      }),
    )
  }
  return entries
}

export async function tellBatches(tx: Tx, tenant_id: string, ids: readonly string[]): Promise<Entry[]> {
  const entries: Entry[] = []
  for (const id of ids) {
    const row = await findBatch(tx, tenant_id, id)
    if (!row) continue
    const links = {
      batch_id: toWire('batch', row.id),
      connection_id: toWire('connection', row.connection_id),
    }
    const duration_ms = row.closed_at && between(timeOfId(row.id), row.closed_at)
    const title = `a batch of ${row.total} calls`
    const { state } = row
    entries.push(
      entry(timeOfId(row.id), { kind: 'batch', id: links.batch_id, state, title, duration_ms, links }),
    )
  }
  return entries
}
