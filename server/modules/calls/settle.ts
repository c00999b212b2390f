import { readText } from '../../kit/reads.ts'
import type { SettlePlan } from '../../kit/settles.ts'
import type { HttpRequest } from '../../kit/transports/http.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { parseWire, timeOfId, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { type OpenConnection, openConnection } from '../connections/connections.ts'
import { publishChange } from '../events/events.ts'
import { saysNothing } from './again.ts'
import { type LastTried, lockLastTried, settleDeferred } from './deferred_queries.ts'
import { type Performed, perform } from './perform.ts'
import { type CallRow, findCall, settleCall } from './queries.ts'
import { recorder } from './record.ts'
import { openPlan } from './settle_plan.ts'
import type { Unsettled } from './settle_queries.ts'
import * as queries from './settle_queries.ts'

/**
 * What became of a call whose end nobody saw. It is told once, by the event `call.unknown`, and then asked for as its
 * operation says, by calls that are on record themselves. What cannot be found out stays `unknown`: never a guess.
 * What was made later is unknown with the last of its tries that may have happened, and settled with it, under the
 * id that its caller was given.
 */

/** The order that makes a turn comes every five minutes, and what a turn leaves the next one takes: so they do not pile up. */
const TURN_MS = 4 * 60_000

/** Tells of unknown calls and settles those that are due. Safe to run in several processes at once. */
export async function settleCalls(app: App, { turn_ms = TURN_MS }: { turn_ms?: number } = {}): Promise<void> {
  const end = app.clock.monotonic() + turn_ms
  while (app.clock.monotonic() < end) {
    const item = await queries.claimUnsettled(app.db.worker)
    if (!item) return
    await settle(app, item).catch((err: unknown) => notAsked(app, item, err)) // its lease ends, and it is due again
  }
}

/** After these the vendor is asked again, a day long; the ends are the vendor's, not ours, so there is no haste. */
const WAITS_MIN = [5, 15, 60, 180, 360, 720]

async function settle(app: App, item: Unsettled): Promise<void> {
  const { tenant_id, call_id, tries } = item
  const call = await inTenant(app.db, tenant_id, (tx) => findAsked(tx, tenant_id, call_id))
  if (call?.state === 'unknown') {
    if (call.deferred?.state === 'started') return // about to be closed; by the end of the lease it is
    if (!item.told) await tell(app, item, call)
    const found = item.plan && (await findOut(app, item, call).catch((err) => notAsked(app, item, err)))
    const denied = item.denied + (found === 'denied' ? 1 : 0)
    if (found && found !== 'denied') return end(app, item, call, found)
    const wait_min = WAITS_MIN[tries - 1]
    if (item.plan && wait_min !== undefined) {
      const due = new Date(app.clock.now().getTime() + wait_min * 60_000)
      return inTenant(app.db, tenant_id, (tx) => queries.tryLater(tx, item, { due, denied }))
    }
  }
  await inTenant(app.db, tenant_id, (tx) => queries.deleteUnsettled(tx, item))
}

/** With the deferred call that it is the last try of. */
type Asked = CallRow & { deferred: LastTried | undefined }

async function findAsked(tx: Tx, tenant_id: string, call_id: string): Promise<Asked | undefined> {
  const call = await findCall(tx, tenant_id, call_id)
  return call && { ...call, deferred: await deferredOf(tx, tenant_id, call) }
}

async function deferredOf(tx: Tx, tenant_id: string, { id, parent_id }: CallRow) {
  const deferred_id = parseWire('call', parent_id ?? '')
  if (deferred_id !== null) return lockLastTried(tx, tenant_id, id, { column: 'id', id: deferred_id })
  const batch_id = parseWire('batch', parent_id ?? '')
  if (batch_id === null) return undefined
  return lockLastTried(tx, tenant_id, id, { column: 'batch_id', id: batch_id })
}

/** Such as a connection that was deleted meanwhile. */
function notAsked(app: App, { call_id }: Unsettled, err: unknown): null {
  app.log.warn({ crossing: 'call', call: toWire('call', call_id), err }, 'a call was not settled this time')
  return null
}

type Found = { state: 'succeeded' | 'refused' | 'failed'; status: number | null; error: string }

/** What asking says; null where it does not say it yet, or never will; that the vendor knows nothing of it, once. */
async function findOut(
  app: App,
  { tenant_id, denied, plan }: Unsettled,
  call: CallRow,
): Promise<Found | 'denied' | null> {
  const connection = await openConnection(app, tenant_id, call.connection_id)
  if (connection.state !== 'enabled' || plan === null) return null
  const kept = await openPlan(app, tenant_id, call.id, plan)
  return kept.plan.by === 'repeat'
    ? repeat(app, connection, call, kept.plan.within_h, kept.request)
    : lookUp(app, connection, kept.plan, { about: call.id, denied })
}

async function repeat(
  app: App,
  connection: OpenConnection,
  call: CallRow,
  within_h: number,
  request: HttpRequest,
): Promise<Found | null> {
  const age_h = (app.clock.now().getTime() - timeOfId(call.id).getTime()) / 3_600_000
  if (age_h > within_h) return null
  const performed = await ask(app, connection, { about: call.id, operation: call.operation, request })
  const { state, status, by } = said(performed)
  if (state === 'succeeded') return { state, status, error: `unknown at first; ${by}` }
  if (state !== 'refused' || saysNothing(state, status)) return null
  return { state, status, error: `the vendor answered ${status}; unknown at first, ${by}` }
}

/** A vendor's own list may be a little behind, so that it knows of nothing has to be heard once more, later. */
const DENIED_BEFORE = 1

async function lookUp(
  app: App,
  connection: OpenConnection,
  plan: Extract<SettlePlan, { by: 'lookup' }>,
  { about, denied }: { about: string; denied: number },
): Promise<Found | 'denied' | null> {
  const { provider, settings } = connection.opened
  const operation = provider.operations[plan.operation]
  if (!operation) return null
  const request = operation.request(plan.input, settings)
  const performed = await ask(app, connection, { about, operation: plan.operation, request })
  const { state, status, by } = said(performed)
  if (state !== 'succeeded' || !performed.response) return null
  const reply = readText(operation.reads, performed.response.body.toString() || 'null')
  if (!reply.ok) return null
  if (operation.translate(reply.value, plan.input) !== null)
    return { state, status, error: `unknown at first; ${by}` }
  if (denied < DENIED_BEFORE) return 'denied'
  return { state: 'failed', status: null, error: `the vendor knows nothing of it; unknown at first, ${by}` }
}

const said = ({ id, state, response }: Performed) => ({
  state,
  status: response?.status ?? null,
  by: `settled by ${toWire('call', id)}`,
})

/** A call of its own. Where that is unknown in turn nobody is told again: it stands for one that was told of. */
async function ask(
  app: App,
  connection: OpenConnection,
  { about, operation, request }: { about: string; operation: string | null; request: HttpRequest },
): Promise<Performed> {
  const wanted = { operation, request, retries: 0, patience_ms: 30_000 }
  const performed = await perform(app, settler(connection, toWire('call', about)), connection, wanted)
  if (performed.state !== 'unknown') return performed
  const { tenant_id } = connection
  await recorder(app).written()
  await inTenant(app.db, tenant_id, (tx) => queries.deleteUnsettled(tx, { tenant_id, call_id: performed.id }))
  return performed
}

const settler = ({ tenant_id, environment }: OpenConnection, about: string): Actor => ({
  kind: 'system',
  id: 'settlement of unknown calls',
  tenant_id,
  environment: environment === 'production' ? 'live' : 'test',
  scopes: [],
  ip: null,
  request_id: null,
  cause: { kind: 'call', id: about },
  parent_id: about,
})

/** Of one that is closed as unknown while the vendor is asked the next turn tells, by the id its caller knows. */
async function end(app: App, item: Unsettled, call: Asked, found: Found): Promise<void> {
  const { tenant_id } = item
  const told = { ...aboutCall(call), state: found.state, reason: found.error }
  await publish(app, tenant_id, 'call.settled', told, async (tx) => {
    const deferred = await deferredOf(tx, tenant_id, call)
    if (isUnknown(deferred) !== isUnknown(call.deferred)) return false
    if (!(await queries.deleteUnsettled(tx, item))) return false
    await settleCall(tx, { ...found, tenant_id, id: call.id })
    if (deferred) await settleDeferred(tx, { ...found, tenant_id, id: deferred.id })
    return true
  })
}

const tell = (app: App, item: Unsettled, call: Asked): Promise<void> =>
  publish(app, item.tenant_id, 'call.unknown', { ...aboutCall(call), reason: call.error ?? '' }, (tx) =>
    queries.markTold(tx, item),
  )

const isUnknown = (deferred: LastTried | undefined): boolean => deferred?.state === 'unknown'

/** A try that is not the last word on what its caller asked is told of as the call that it is itself. */
function aboutCall({ id, connection_id, operation, method, path, deferred }: Asked) {
  const known = deferred?.state === 'unknown' ? deferred : null
  return {
    call_id: toWire('call', known?.id ?? id),
    ...(known && { try_id: toWire('call', id) }),
    ...(known?.batch_id && { batch_id: toWire('batch', known.batch_id) }),
    connection_id: toWire('connection', connection_id),
    operation,
    method,
    path,
  }
}

/** The event in the commit of the work that makes it true; none where the work says that it was done before. */
async function publish(
  app: App,
  tenant_id: string,
  type: 'call.unknown' | 'call.settled',
  about: { call_id: string; reason: string },
  work: (tx: Tx) => Promise<boolean>,
): Promise<void> {
  const is_new = await publishChange(app, { tenant_id, type, entity_id: about.call_id, data: about }, work)
  if (is_new) app.log.warn({ crossing: 'call', change: type, ...about }, 'a call without a known outcome')
}
