import type { CatchUp, CatchUpPage, CatchUpQuery } from '../../kit/catch_up.ts'
import { readMessage } from '../../kit/messages.ts'
import { rawElements, rawMember, textMember } from '../../kit/wire_json.ts'
import { inTenant, once, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, timeOfId, toWire } from '../../platform/ids.ts'
import { enqueue, type Job, type Sign } from '../../platform/jobs/jobs.ts'
import type { Actor, App } from '../app.ts'
import { makeCall } from '../calls/calls.ts'
import { openConnection } from '../connections/connections.ts'
import { audit } from '../tenants/tenants.ts'
import * as queries from './catch_up_queries.ts'
import { type StartCatchUp, toCatchUp } from './catch_up_schema.ts'
import { isWanted } from './options.ts'
import { storeKept } from './receive.ts'
import { newsIn } from './shaping.ts'
import { findSource } from './source_queries.ts'
import { type ActiveSource, actorOf, findActiveSource } from './sources.ts'

/**
 * What a vendor told while nobody heard it: its own list of events is read through the connection of the source, from
 * where it was read last, and each is taken in as if it had come by webhook. One that did come is known by its id. Of the
 * sources on one connection, which the vendor would tell the same, one takes each event in.
 */
export const CATCH_UP = 'inbound.catch_up'

/** Vendors list an event some time after they made it. */
const OVERLAP_MS = 15 * 60_000
/** What is read at once, and fed oldest first. */
const WINDOW_MS = 24 * 3_600_000
const MOST_PAGES = 20
const PAGE_MS = 30_000
/** In each process. A vendor that hangs holds up no other work than this. */
const AT_WORK = 4
const PUT_OFF_MS = 3_000
const DAY_MS = 86_400_000

/** Every minute, those whose turn it is: each source once in a quarter of an hour. */
export async function catchUpAll(app: App): Promise<void> {
  for (const place of await queries.listToCatchUp(app.db.owner, ableProviders(app)))
    await begin(app, place, null)
}

const ableProviders = (app: App): string[] =>
  [...app.providers.values()].filter(({ webhooks }) => webhooks?.catch_up).map(({ id }) => id)

export const isAnyToCatchUp = (app: App): Sign => queries.anyToCatchUp(ableProviders(app))

/** On record with its job; false where one is at it already. */
const begin = (app: App, place: queries.Place, from: Date | null, actor?: Actor): Promise<boolean> =>
  inTenant(app.db, place.tenant_id, async (tx) => {
    const job_id = app.newId()
    const is_asked = actor !== undefined
    if (!(await queries.beginCatchUp(tx, place, { job_id, from, is_asked }))) return false
    await putInLine(app, tx, place, job_id, 0)
    if (actor) await audit(tx, actor, 'source.catch_up', toWire('source', place.source_id))
    return true
  })

const putInLine = (
  app: App,
  tx: Tx,
  { tenant_id, source_id }: queries.Place,
  job_id: string,
  wait_ms: number,
): Promise<void> =>
  enqueue(tx, {
    ...{ tenant_id, id: app.newId(), kind: CATCH_UP, payload: { source_id, job_id } },
    due: new Date(app.clock.now().getTime() + wait_ms),
  })

/** In words; null where it can be asked. */
async function whyNot(app: App, { tenant_id, provider, options, state, connection_id }: ActiveSource) {
  if (!provider.webhooks?.catch_up) return `${provider.id} keeps no events that could be listed`
  if (state !== 'enabled') return 'the source is disabled; enable it first'
  if (connection_id === null) return 'the source names no connection to ask through'
  if (options.duplicates.by === 'body')
    return 'the source knows copies by their bodies, and those that are listed differ from those that were posted'
  const connection = await openConnection(app, tenant_id, connection_id).catch(() => null)
  return connection?.state === 'enabled' ? null : 'the connection of the source is disabled'
}

export async function startCatchUp(app: App, actor: Actor, wire_id: string, { from }: StartCatchUp) {
  const { place, source } = await placeOf(app, actor, wire_id)
  const because = await whyNot(app, source)
  if (because !== null) throw new Problem('conflict', { detail: because })
  const wanted = from === undefined ? null : new Date(from)
  if (wanted && wanted > app.clock.now())
    throw new Problem('invalid_request', { field: 'from', detail: 'from lies ahead' })
  const begun = await begin(app, place, wanted, actor)
  if (!begun && wanted)
    throw new Problem('conflict', { detail: 'it is being read already; ask again when its state is idle' })
  return readCatchUp(app, actor, wire_id)
}

export async function readCatchUp(app: App, actor: Actor, wire_id: string) {
  const { place } = await placeOf(app, actor, wire_id)
  return inTenant(app.db, place.tenant_id, async (tx) =>
    toCatchUp(wire_id, await queries.findCatchUp(tx, place)),
  )
}

async function placeOf(app: App, { tenant_id }: Actor, wire_id: string) {
  const source_id = fromWire('source', wire_id)
  const row = await inTenant(app.db, tenant_id, (tx) => findSource(tx, tenant_id, source_id))
  const source = row && (await findActiveSource(app, toWire('source', source_id)))
  if (!source) throw new Problem('not_found', { detail: `there is no source ${wire_id}` })
  return { place: { tenant_id, source_id }, source }
}

const lanes = once((_: App) => ({ busy: 0 }))

/** A vendor that does not answer is asked again from the same place by the next turn of the clock. */
export async function catchUp(app: App, { tenant_id, payload }: Job): Promise<void> {
  const { source_id, job_id } = payload as { source_id: string; job_id: string }
  const place = { tenant_id, source_id }
  const lane = lanes(app)
  if (lane.busy >= AT_WORK) return putOff(app, place, job_id)
  lane.busy += 1
  try {
    await workOn(app, place, job_id)
  } finally {
    lane.busy -= 1
  }
}

const putOff = (app: App, place: queries.Place, job_id: string): Promise<void> =>
  inTenant(app.db, place.tenant_id, async (tx) => {
    if (await queries.stillWaits(tx, place, job_id)) await putInLine(app, tx, place, job_id, PUT_OFF_MS)
  })

async function workOn(app: App, place: queries.Place, job_id: string): Promise<void> {
  const source = await findActiveSource(app, toWire('source', place.source_id))
  const row = await inTenant(app.db, place.tenant_id, (tx) => queries.findCatchUp(tx, place))
  if (!source) return
  const { catch_up } = source.provider.webhooks ?? {}
  if (!catch_up || row?.job_id !== job_id) return
  const now = wholeSecond(app.clock.now().getTime())
  const { from, missed } = beginning(app, source, catch_up, row.seen_until, now)
  const failed = (error: Error): string => {
    app.log.warn({ crossing: 'inbound', source: source.wire_id, error: error.message }, 'not caught up')
    return error.message
  }
  const reading = () => readOn(app, source, catch_up, { job_id, from, now }).then(() => null, failed)
  const parts = [missed ?? missedIn(row.error), (await whyNot(app, source)) ?? (await reading())]
  const error = parts.filter((part) => part !== null).join('; ') || null
  await inTenant(app.db, place.tenant_id, (tx) => queries.endCatchUp(tx, place, job_id, error))
}

type Stretch = { job_id: string; from: number; now: number }

/** Window after window. What was taken in before a crash is read again, and known. */
async function readOn(app: App, source: ActiveSource, catch_up: CatchUp, { job_id, now, ...begun }: Stretch) {
  const { tenant_id, id: source_id } = source
  const others = await othersBefore(app, source)
  const counted = { read: 0, added: 0 }
  for (let { from } = begun; from < now; ) {
    const { texts, to } = await eventsFrom(app, source, catch_up, from, Math.min(from + WINDOW_MS, now))
    counted.read += texts.length
    counted.added += await takeIn(app, source, others, texts)
    const progress = { ...counted, seen_until: new Date(to) }
    const place = { tenant_id, source_id }
    if (!(await inTenant(app.db, tenant_id, (tx) => queries.keepProgress(tx, place, job_id, progress))))
      return
    from = to
  }
}

/** Sources on the same connection that take in what both want. */
async function othersBefore(app: App, source: ActiveSource): Promise<ActiveSource[]> {
  const { tenant_id, provider, connection_id } = source
  const about = { tenant_id, provider: provider.id, connection_id: String(connection_id) }
  const ids = await inTenant(app.db, tenant_id, (tx) => queries.listOfConnection(tx, about))
  const before = ids.slice(0, Math.max(0, ids.indexOf(source.id)))
  const all = await Promise.all(before.map((id) => findActiveSource(app, toWire('source', id))))
  return all.filter((one): one is ActiveSource => one !== false && one.options.duplicates.by !== 'body')
}

const wholeSecond = (ms: number): number => Math.floor(ms / 1000) * 1000

/**
 * Not before the source was there, nor before what is known of copies, else they would be taken in a second time. `missed`
 * says what lies between that and what was read last.
 */
function beginning(
  app: App,
  source: ActiveSource,
  { kept_days }: CatchUp,
  seen_until: Date | null,
  now: number,
): { from: number; missed: string | null } {
  const { window_hours } = source.options.duplicates
  const known_ms = Math.min(
    kept_days * DAY_MS,
    app.config.retention_records_days * DAY_MS,
    window_hours === null ? Number.POSITIVE_INFINITY : window_hours * 3_600_000,
  )
  const known_from = now - known_ms + OVERLAP_MS
  const there_from = timeOfId(source.id).getTime()
  const last = Math.max(there_from, seen_until?.getTime() ?? 0)
  const from = wholeSecond(Math.max(last - OVERLAP_MS, there_from, known_from))
  return { from, missed: seen_until && last < wholeSecond(known_from) ? missedFrom(last, from) : null }
}

const missedFrom = (from: number, to: number): string =>
  `not read from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}, since copies of then are not known any more`

/** It was said, and nobody has asked since. */
const missedIn = (error: string | null): string | null => error?.match(/^not read from [^;]+/)?.[0] ?? null

/** Oldest first, since vendors list the newest first. A stretch that holds too many is cut in half until it does not. */
async function eventsFrom(
  app: App,
  source: ActiveSource,
  catch_up: CatchUp,
  from: number,
  to: number,
): Promise<{ texts: string[]; to: number }> {
  const texts: string[] = []
  let after: string | null = null
  for (let page = 0; page < MOST_PAGES || to - from <= 1000; page++) {
    const times = { from: new Date(from).toISOString(), to: new Date(to).toISOString() }
    const listed = await listPage(app, source, catch_up, { ...times, ...(after !== null && { after }) })
    texts.push(...listed.texts)
    if (listed.next === null) return { texts: texts.reverse(), to }
    after = listed.next
  }
  return eventsFrom(app, source, catch_up, from, wholeSecond(from + (to - from) / 2))
}

async function listPage(app: App, source: ActiveSource, { operation, items }: CatchUp, input: CatchUpQuery) {
  const wanted = {
    operation,
    input,
    skip_cache: true,
    deadline_ms: PAGE_MS,
    on_limit: 'wait' as const,
    mapping: { in: [], out: [] },
  }
  const connection = toWire('connection', String(source.connection_id))
  const report = await makeCall(app, actorOf(source), connection, wanted)
  const result = rawMember(report, 'result')
  if (
    textMember(report, 'state') !== 'succeeded' ||
    result === null ||
    rawMember(report, 'truncated') === 'true'
  )
    throw new Error(
      `the vendor did not list its events: ${textMember(report, 'error') ?? 'it cannot be read'}`,
    )
  const { next } = JSON.parse(result) as CatchUpPage
  return { texts: rawElements(rawMember(rawMember(report, 'body') ?? '', items) ?? ''), next }
}

const AT_ONCE = 64

/** How many of them were not there. What would mean nothing here, had it come by webhook, is left out. */
async function takeIn(
  app: App,
  source: ActiveSource,
  others: readonly ActiveSource[],
  texts: readonly string[],
): Promise<number> {
  let added = 0
  for (let at = 0; at < texts.length; at += AT_ONCE) {
    const bodies = texts.slice(at, at + AT_ONCE).map((text) => Buffer.from(text))
    const wanted = bodies.filter((body) => isNews(source, others, body))
    const taken = await Promise.all(wanted.map((body) => storeKept(app, source, body)))
    added += taken.filter(({ status }) => status === 'received').length
  }
  return added
}

/** What cannot be read is taken in too: it is for somebody to see. */
function isNews(source: ActiveSource, others: readonly ActiveSource[], body: Buffer) {
  const { provider, options, settings } = source
  const received = { headers: {}, body, settings }
  const { envelope, whole } = readMessage(provider, received)
  const { event_type } = envelope
  if (!isWanted(options, event_type) || others.some((other) => isWanted(other.options, event_type)))
    return false
  const read = newsIn(source, event_type, { ...received, whole })
  return !read.ok || read.news.length > 0
}
