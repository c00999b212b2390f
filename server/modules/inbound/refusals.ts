import { createBatch } from '../../platform/batch.ts'
import {
  forget,
  inTenant,
  isConnectionLoss,
  once,
  remember,
  type Tx,
} from '../../platform/database/database.ts'
import { type ErrorCode, Problem } from '../../platform/errors.ts'
import type { App } from '../app.ts'
import { noteSource, noteTraffic } from '../metrics/metrics.ts'
import { MOST_QUARANTINED } from './options.ts'
import { countQuarantine, insertRefused, insertSecurityEvent, type Refused } from './quarantine_queries.ts'
import { type Arrival, keptHeaders } from './receive.ts'
import { sealBody } from './sealing.ts'
import type { ActiveSource } from './sources.ts'

/**
 * What happens to a message that is not taken. It is counted by its reason, and what may yet be taken in is kept raw,
 * as far as its source has room for that: a flood of forgeries neither fills the disk nor slows the honest.
 */

/** Beyond this many refusals under way at once their bytes are no longer kept. */
const MOST_REFUSALS = 64

const underWay = once((_app: App) => ({ count: 0 }))

/** `result` is the label under which it is counted. */
export function tellRefused(app: App, provider: string, result: string): void {
  app.telemetry.count('trilho_inbound_messages_total', { provider, result })
}

/** Unread: by who sends it, how or how much, whatever it says. */
export function turnAway(
  app: App,
  { tenant_id, id: source_id, provider }: ActiveSource,
  result: string,
): void {
  tellRefused(app, provider.id, result)
  noteSource(app, { tenant_id, source_id, outcome: 'refused', at: app.clock.now() })
}

/** Of what never becomes work. */
export function noteArrival(app: App, source: ActiveSource, outcome: 'quarantined' | 'duplicate'): void {
  const { tenant_id, id: source_id } = source
  const subject = source.provider.id
  noteTraffic(app, { tenant_id, direction: 'inbound', subject, outcome, duration_ms: 0 })
  noteSource(app, { tenant_id, source_id, outcome, at: app.clock.now() })
}

export type Refusal = { reason: string; detail: string; code: ErrorCode; result: string }

/** Keeps the message with the reason and a security event, where there is room. */
export async function quarantine(
  app: App,
  source: ActiveSource,
  arrival: Arrival,
  { reason, detail, code, result }: Refusal,
): Promise<Problem> {
  tellRefused(app, source.provider.id, result)
  noteArrival(app, source, 'quarantined')
  app.telemetry.count('trilho_security_events_total', { kind: 'webhook.refused' })
  const problem = new Problem(code, { detail })
  const gauge = underWay(app)
  const tellOf = (why: string) =>
    tellSeldom(app, source, 'webhook.not_kept', arrival.ip, `${reason}: not kept, since ${why}`)
  if (gauge.count >= MOST_REFUSALS) {
    tellOf(`${MOST_REFUSALS} others are being written down`)
    return problem
  }
  gauge.count += 1
  try {
    if (await hasRoom(app, source)) await keep(app, source, arrival, reason, detail)
    else tellOf('the quarantine of its source is full (options.quarantine_limit)')
  } catch (error) {
    const about = { crossing: 'inbound', source: source.wire_id, err: error }
    app.log.warn(about, 'a refused message was not kept')
  } finally {
    gauge.count -= 1
  }
  return problem
}

async function keep(app: App, source: ActiveSource, arrival: Arrival, reason: string, detail: string) {
  const refused = {
    tenant_id: source.tenant_id,
    id: app.newId(),
    security_event_id: app.newId(),
    source_id: source.id,
    reason,
    detail: detail.replaceAll('\0', ''), // it may name a field of theirs, and PostgreSQL takes no NUL
    headers: keptHeaders(source, arrival),
    body: arrival.body,
    ip: arrival.ip,
  }
  await writing(app).add(source.options.encrypt_bodies ? await sealBody(app, refused) : refused)
}

/** One statement at a time: of the connections by which what is genuine is stored, a flood of forgeries takes one. */
const writing = once((app: App) =>
  createBatch<Refused, void>({
    size: 16,
    parallel: 1,
    flush: async (refused) => {
      await insertRefused(app.db.ingest, refused)
      return refused.map(() => undefined)
    },
    isFinal: isConnectionLoss,
  }),
)

type Kept = { count: number; at: number }
const QUARANTINED = 'quarantined'
const kept = once((app: App) =>
  remember<Kept>(app.db, { topic: QUARANTINED, load: (key) => countKept(app, key) }),
)
const COUNT_AGAIN_MS = 60_000
const MOST_SOURCES = 10_000

const keyOf = ({ tenant_id, source_id }: Place): string => `${tenant_id} ${source_id}`
type Place = { tenant_id: string; source_id: string }

async function countKept(app: App, key: string): Promise<Kept> {
  const [tenant_id = '', source_id = ''] = key.split(' ')
  const count = await inTenant(app.db, tenant_id, (tx) =>
    countQuarantine(tx, tenant_id, source_id, MOST_QUARANTINED),
  )
  return { count, at: app.clock.monotonic() }
}

/** Counted once a minute by each process and after something was taken out, and in between by what it added itself. */
async function hasRoom(app: App, { tenant_id, id, options }: ActiveSource): Promise<boolean> {
  const key = keyOf({ tenant_id, source_id: id })
  const known = await kept(app).get(key)
  if (app.clock.monotonic() - known.at > COUNT_AGAIN_MS) Object.assign(known, await countKept(app, key))
  if (known.count >= options.quarantine_limit) return false
  known.count += 1
  return true
}

/** Something was taken out: every process counts anew before it refuses to keep more. */
export const makeRoom = (tx: Tx, place: Place): void => forget(tx, QUARANTINED, keyOf(place))

const told = once((_app: App) => new Map<string, { since: number; more: number }>())
const TELL_AGAIN_MS = 60_000

/**
 * For what is refused unread, or for want of room: nothing of it is kept but a security event, at most one a minute of each source and kind, which
 * says how many there were since the last.
 */
export function tellSeldom(
  app: App,
  source: ActiveSource,
  kind: string,
  ip: string | null,
  detail: string,
): void {
  app.telemetry.count('trilho_security_events_total', { kind })
  const seldom = told(app)
  const now = app.clock.monotonic()
  const what = `${source.id} ${kind}`
  const last = seldom.get(what)
  if (last && now - last.since < TELL_AGAIN_MS) {
    last.more += 1
    return
  }
  if (seldom.size >= MOST_SOURCES) seldom.clear()
  seldom.set(what, { since: now, more: 0 })
  const said = last && last.more > 0 ? `${detail}; and ${last.more} more since the last` : detail
  const { tenant_id, wire_id } = source
  app.log.warn({ crossing: 'inbound', source: wire_id, kind, ip }, said)
  insertSecurityEvent(app.db.ingest, {
    tenant_id,
    id: app.newId(),
    kind,
    source_id: source.id,
    ip,
    detail: said,
  }).catch((error) => app.log.warn({ crossing: 'inbound', err: error }, 'a security event was not kept'))
}
