import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, parseWire, timeOfId, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { listFound } from '../events/events.ts'
import { noteTraffic } from '../metrics/metrics.ts'
import { audit } from '../tenants/tenants.ts'
import { readPage, toPage } from '../wire.ts'
import * as queries from './message_queries.ts'
import { type MessageQuery, type TypesQuery, toMessage, toPlace, toRaw, toWaiting } from './schema.ts'
import { openBody } from './sealing.ts'
import { findSource } from './source_queries.ts'
import { findActiveSource } from './sources.ts'
import * as lanes from './waiting_queries.ts'

/** The inbox: what came in, what became of it, and taking it up again. */

export async function listMessages(app: App, actor: Actor, input: MessageQuery) {
  const { limit, before } = readPage('message', input)
  const { tenant_id } = actor
  const { rows, reached } = await inTenant(app.db, tenant_id, async (tx) => {
    const ids = input.q === undefined ? null : await idsBy(app, tx, tenant_id, input.q, before)
    if (ids?.length === 0) return { rows: [], reached: null }
    const filter = { ...readFilter(input), ids }
    const found = await queries.listMessages(tx, tenant_id, filter, limit, before)
    return ids?.length === MOST_FOUND ? { ...found, reached: ids.at(-1) ?? null } : found
  })
  const page = toPage('message', rows, limit, toMessage)
  return page.next_cursor === null && reached ? { ...page, next_cursor: toWire('message', reached) } : page
}

/** Of those that an id leads to, one page looks at so many. */
const MOST_FOUND = 500

/** `q` is any id by which a message is found: the vendor's, that of a thing it is about, or its own. */
async function idsBy(app: App, tx: Tx, tenant_id: string, q: string, below: string | null) {
  const own = parseWire('message', q)
  if (own) return [own]
  return listFound(app, tx, tenant_id, q, { kind: 'message', below, limit: MOST_FOUND })
}

const DAY_MS = 86_400_000
const MOST_TYPES = 200

/** What came in, by the vendor's word for it and what became of it: the busiest types first. */
export async function countTypes(app: App, actor: Actor, input: TypesQuery) {
  const until = input.until === undefined ? app.clock.now() : new Date(input.until)
  const since = input.since === undefined ? new Date(until.getTime() - DAY_MS) : new Date(input.since)
  const filter = { ...readFilter(input), since, until }
  const { rows, reached } = await inTenant(app.db, actor.tenant_id, (tx) =>
    queries.countTypes(tx, actor.tenant_id, filter),
  )
  const types = [...Map.groupBy(rows, ({ event_type }) => event_type)].map(([event_type, own]) => ({
    event_type,
    count: own.reduce((sum, { count }) => sum + count, 0),
    states: Object.fromEntries(own.map(({ state, count }) => [state, count])),
  }))
  return {
    since: since.toISOString(),
    until: until.toISOString(),
    counted: types.reduce((sum, { count }) => sum + count, 0),
    counted_since: reached && timeOfId(reached).toISOString(),
    types: types.sort((a, b) => b.count - a.count).slice(0, MOST_TYPES),
  }
}

const readFilter = (input: MessageQuery): queries.MessageFilter => ({
  source_id: input.source_id ? fromWire('source', input.source_id, 'source_id') : null,
  state: input.state ?? null,
  event_type: input.event_type ?? null,
  since: input.since ? new Date(input.since) : null,
  until: input.until ? new Date(input.until) : null,
  ids: null,
})

export async function readMessage(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('message', wire_id)
  const { tenant_id } = actor
  return inTenant(app.db, tenant_id, async (tx) => {
    const row = await found(tx, tenant_id, id)
    const place = row.state === 'pending' ? await lanes.findPlace(tx, tenant_id, id) : undefined
    const raw = toRaw(await openBody(app, tx, tenant_id, row))
    return { ...toMessage(row), ...raw, order: place ? toPlace(place) : null }
  })
}

/** Takes away the bytes and headers of a message for good. That it came, and what it became, stays on record. */
export async function eraseMessage(app: App, actor: Actor, wire_id: string): Promise<void> {
  const id = fromWire('message', wire_id)
  const { tenant_id } = actor
  await inTenant(app.db, tenant_id, async (tx) => {
    await found(tx, tenant_id, id)
    if (!(await queries.eraseMessage(tx, tenant_id, id))) {
      throw new Problem('conflict', {
        detail: `message ${wire_id} is still worked on; erase it when that has ended`,
      })
    }
    await audit(tx, actor, 'message.erase', wire_id)
  })
}

/** Reads and translates a message again, at once: one that has ended, or one whose entity waits for it. */
export async function replayMessage(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('message', wire_id)
  const { tenant_id } = actor
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    const message = await found(tx, tenant_id, id)
    if (!(await queries.requeueMessage(tx, tenant_id, id)) && !(await freeHead(tx, tenant_id, id))) {
      throw new Problem('conflict', {
        detail: `message ${wire_id} is ${message.state}; only one that failed, was ignored or parked is processed again, or one for which its entity waits`,
      })
    }
    await audit(tx, actor, 'message.replay', wire_id)
    return found(tx, tenant_id, id)
  })
  app.db.notify('trilho_inbox', 'new')
  return toMessage(row)
}

/** Gives up a message for which its entity waits, so that the entity goes on. */
export async function skipMessage(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('message', wire_id)
  const { tenant_id } = actor
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    const { error } = await found(tx, tenant_id, id)
    const because = `skipped by ${actor.id}${error === null ? '' : `: ${error}`}`
    if (!(await freeHead(tx, tenant_id, id)) || !(await lanes.skipMessage(tx, tenant_id, id, because))) {
      throw new Problem('conflict', {
        detail: `nothing waits for message ${wire_id}; see GET /v1/sources/{id}/waiting`,
      })
    }
    await audit(tx, actor, 'message.skip', wire_id)
    return found(tx, tenant_id, id)
  })
  app.db.notify('trilho_inbox', 'lane')
  const source = await findActiveSource(app, toWire('source', row.source_id))
  const duration_ms = app.clock.now().getTime() - timeOfId(id).getTime()
  const subject = source ? source.provider.id : 'none'
  noteTraffic(app, { tenant_id, direction: 'inbound', subject, outcome: 'failed', duration_ms })
  return toMessage(row)
}

async function freeHead(tx: Tx, tenant_id: string, id: string): Promise<boolean> {
  const place = await lanes.findPlace(tx, tenant_id, id)
  return place?.is_head === true && lanes.freeLane(tx, tenant_id, place.lane)
}

const MOST_WAITING = 200

/** The entities of a source that stand still, each with the message it waits at; the longest waiting first. */
export async function listWaiting(app: App, actor: Actor, wire_id: string) {
  const id = fromWire('source', wire_id)
  const { tenant_id } = actor
  const rows = await inTenant(app.db, tenant_id, async (tx) => {
    if (!(await findSource(tx, tenant_id, id))) {
      throw new Problem('not_found', { detail: `there is no source ${wire_id}` })
    }
    return lanes.listWaitingLanes(tx, tenant_id, id, MOST_WAITING)
  })
  return { data: rows.map(toWaiting) }
}

async function found(tx: Tx, tenant_id: string, id: string) {
  const row = await queries.findMessage(tx, tenant_id, id)
  if (!row) throw new Problem('not_found', { detail: `there is no message ${toWire('message', id)}` })
  return row
}
