import { compileFilter } from '../../kit/filter.ts'
import { type Finding, findingOf, nextHealth } from '../../kit/health.ts'
import { parseReply } from '../../kit/replies.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import { enqueue, type Job } from '../../platform/jobs/jobs.ts'
import type { Actor, App } from '../app.ts'
import { checkProbe, probe } from '../calls/calls.ts'
import {
  checkEnvironment,
  type OpenConnection,
  openConnection,
  setHealth,
} from '../connections/connections.ts'
import { publishChange } from '../events/events.ts'
import { audit } from '../tenants/tenants.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import * as queries from './queries.ts'
import { type HealthReport, type SetChecks, toCheck, toHealth } from './schema.ts'

/**
 * Whether vendors are well. Each enabled connection is checked on its own schedule by a chain of jobs: a link asks the
 * vendor, then puts what it found on record together with the next link, so a chain neither breaks nor forks.
 */

export const CHECK = 'health.check'

const placeOf = ({ tenant_id }: Actor, wire_id: string): queries.Place => ({
  tenant_id,
  connection_id: fromWire('connection', wire_id),
})

export async function readHealth(app: App, actor: Actor, wire_id: string): Promise<HealthReport> {
  const row = await inTenant(app.db, actor.tenant_id, (tx) => queries.findHealth(tx, placeOf(actor, wire_id)))
  return toHealth(wire_id, found(row, wire_id))
}

function found(row: queries.HealthRow | undefined, wire_id: string): queries.HealthRow {
  if (!row) throw new Problem('not_found', { detail: `there is no connection ${wire_id}` })
  return row
}

export async function listChecks(app: App, actor: Actor, wire_id: string, input: PageInput) {
  const { limit, before } = readPage('health_check', input)
  const place = placeOf(actor, wire_id)
  const rows = await inTenant(app.db, actor.tenant_id, async (tx) => {
    found(await queries.findHealth(tx, place), wire_id)
    return queries.listChecks(tx, place, limit, before)
  })
  return toPage('health_check', rows, limit, toCheck)
}

/** What is not given stays as it is. The next check is made at once, and what was found before is forgotten. */
export async function setChecks(
  app: App,
  actor: Actor,
  wire_id: string,
  input: SetChecks,
): Promise<HealthReport> {
  const place = placeOf(actor, wire_id)
  const connection = await openConnection(app, actor.tenant_id, place.connection_id)
  checkEnvironment(actor, connection.environment)
  if (typeof input.path === 'string') checkProbe(connection, input.path)
  if (input.answer) compileFilter(input.answer, 'answer')
  return inTenant(app.db, actor.tenant_id, async (tx) => {
    const before = found(await queries.findHealth(tx, place), wire_id)
    const every_s = input.every_s === undefined ? before.every_s : input.every_s
    const goes_on = every_s !== null && connection.state === 'enabled'
    const job_id = goes_on ? await link(app, tx, place, 0) : null
    const fresh = { status: 'unknown', streak: 0, note: null, since: app.clock.now(), job_id } as const
    await queries.moveHealth(tx, place, { ...input, ...fresh })
    await setHealth(app, tx, place, { health: 'unknown', note: null })
    await audit(tx, actor, 'health.set', wire_id, input)
    return toHealth(wire_id, found(await queries.findHealth(tx, place), wire_id))
  })
}

/** The next link of a connection's chain. Its id goes into the row of the connection, in the same transaction. */
async function link(app: App, tx: Tx, place: queries.Place, wait_s: number): Promise<string> {
  const { tenant_id, connection_id } = place
  const id = app.newId()
  const due = new Date(app.clock.now().getTime() + wait_s * 1000)
  await enqueue(tx, { tenant_id, id, kind: CHECK, payload: { connection_id }, due })
  return id
}

/** One link. A connection that is gone, or was given another chain meanwhile, is nothing to it. */
export async function check(app: App, { tenant_id, id, payload }: Job): Promise<void> {
  const place = { tenant_id, connection_id: (payload as { connection_id: string }).connection_id }
  const row = await inTenant(app.db, tenant_id, (tx) => queries.findHealth(tx, place))
  if (row?.job_id !== id) return
  const connection = await openConnection(app, tenant_id, place.connection_id)
  if (connection.state !== 'enabled') {
    await inTenant(app.db, tenant_id, (tx) => queries.moveHealth(tx, place, { job_id: null }))
    return
  }
  const seen = await look(app, connection, row)
  await keep(app, { place, job_id: id, before: row, seen })
}

/** What one check found; `result` null where it says nothing about the vendor. */
type Seen = {
  result: Finding | null
  latency_ms: number
  note: string | null
  /** Null where it could not be sent. */
  call_id: string | null
  is_answered: boolean
}

async function look(app: App, connection: OpenConnection, row: queries.HealthRow): Promise<Seen> {
  const { timeout_ms } = row
  const performed = await probe(app, checker(connection), connection, row).catch(unsendable)
  if (typeof performed === 'string')
    return { result: 'failed', latency_ms: 0, note: performed, call_id: null, is_answered: false }
  const { id, response, duration_ms, turned_away } = performed
  const by = turned_away?.by
  const wrong = wrongIn(row, performed)
  const result =
    by === 'limiter' || by === 'bulkhead' ? null : findingOf(wrong === null, duration_ms, timeout_ms)
  const slow = result === 'slow' ? `it answers, after ${duration_ms} ms` : null
  return { result, latency_ms: duration_ms, note: wrong ?? slow, call_id: id, is_answered: Boolean(response) }
}

/** Why what was answered is not what the check expects; null where it is. */
function wrongIn(
  { statuses, answer }: queries.Checks,
  { response, error }: Awaited<ReturnType<typeof probe>>,
): string | null {
  const status = response?.status ?? 0
  const is_expected = statuses ? statuses.includes(status) : status >= 200 && status < 300
  if (!response || !is_expected) return error ?? `it answered ${status}`
  if (answer === null || says(parseReply(response.body), answer)) return null
  return `it answered ${status}, and not what the check expects its JSON to say`
}

function says(body: unknown, answer: Record<string, unknown>): boolean {
  try {
    return typeof body === 'object' && body !== null && compileFilter(answer)(body)
  } catch {
    return false // too much to be looked through
  }
}

/** Thrown, it would be tried again for ever, and nobody told. */
function unsendable(error: unknown): string {
  if (error instanceof Problem) return `it cannot be checked: ${error.message}`
  throw error
}

const checker = ({ tenant_id, environment }: OpenConnection): Actor => ({
  kind: 'system',
  id: CHECK,
  tenant_id,
  environment: environment === 'production' ? 'live' : 'test',
  scopes: [],
  ip: null,
  request_id: null,
  cause: { kind: 'schedule', id: CHECK },
})

type Found = { place: queries.Place; job_id: string; before: queries.HealthRow; seen: Seen }

/** Nothing is kept by a link that was cut off while it asked: `lockLink` is the fence. */
async function keep(app: App, found: Found): Promise<void> {
  const { place, before, seen } = found
  const health = seen.result === null ? before : nextHealth(before, seen.result)
  const { status, streak } = health
  const moved = { status, streak, note: seen.result === null ? before.note : seen.note }
  if (status === before.status || before.status === 'unknown') {
    await inTenant(app.db, place.tenant_id, (tx) => keepIn(app, tx, found, moved))
    return
  }
  const entity_id = toWire('connection', place.connection_id)
  const data = { connection_id: entity_id, status, before: before.status, note: seen.note }
  const change = { tenant_id: place.tenant_id, type: 'connection.health_changed', entity_id, data }
  const changed = await publishChange(app, change, (tx) => keepIn(app, tx, found, moved))
  if (changed) app.log.info({ crossing: 'health', connection: entity_id, status, note: seen.note }, 'health')
}

type Moved = Pick<queries.HealthRow, 'status' | 'streak' | 'note'>

async function keepIn(app: App, tx: Tx, found: Found, moved: Moved): Promise<boolean> {
  const { place, job_id, before, seen } = found
  if (!(await queries.lockLink(tx, place, job_id))) return false
  const now = app.clock.now()
  const next = before.every_s === null ? null : await link(app, tx, place, spread(before.every_s))
  const since = moved.status === before.status ? before.since : now
  await queries.moveHealth(tx, place, { ...moved, since, job_id: next })
  const { result, latency_ms, note, call_id, is_answered } = seen
  if (result === null) return true
  const oldest = new Date(now.getTime() - app.config.retention_records_days * DAY_MS)
  await queries.insertCheck(tx, place, { id: app.newId(), result, latency_ms, note, call_id }, oldest)
  await setHealth(app, tx, place, { health: moved.status, note: moved.note, is_seen: is_answered })
  return true
}

/** Connections made together are not checked together for ever. */
const spread = (every_s: number): number => every_s * (0.9 + 0.2 * Math.random())

const DAY_MS = 24 * 60 * 60 * 1000
