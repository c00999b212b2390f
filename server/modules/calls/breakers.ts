import { passage, type vendorSeen } from '../../kit/breaker.ts'
import type { BreakerLimits } from '../../kit/call_limits.ts'
import { forget, inTenant, once, remember, type Tx } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { publishChange } from '../events/events.ts'
import * as queries from './breaker_queries.ts'

/**
 * The breakers of connections. While one is closed and its vendor answers, asking it costs no statement: each process
 * remembers the state. A failure adds one to the count that all processes share, and the first answer after it takes
 * the count back to nothing. A change of state is one statement that only one process wins; its commit tells the
 * others, and the event that tells the customer is part of it.
 */
type Breaker = {
  place: Place
  /** By which its state is remembered. */
  key: string
  limits: BreakerLimits | null
  version: number
  /** Failures have been counted since the vendor last answered, here or elsewhere. */
  is_failing: boolean
}

type Place = { tenant_id: string; connection_id: string }

export const newBreaker = (place: Place, limits: BreakerLimits | null): Breaker => ({
  place,
  key: keyOf(place),
  limits,
  version: 0,
  is_failing: false,
})

/** A way through, which must be settled or given back. */
export type Pass = { ok: true; version: number; probe: string | null }
export type Refusal = { ok: false; until: Date | null; reason: string }

const known = once((app: App) =>
  remember(app.db, {
    topic: 'breaker',
    load: (key) => {
      const [tenant_id = '', connection_id = ''] = key.split(' ')
      return inTenant(app.db, tenant_id, (tx) => queries.findBreaker(tx, { tenant_id, connection_id }))
    },
  }),
)

const keyOf = ({ tenant_id, connection_id }: Place) => `${tenant_id} ${connection_id}`

export async function askBreaker(app: App, breaker: Breaker, lease_ms: number): Promise<Pass | Refusal> {
  const row = await known(app).get(breaker.key)
  const way = passage(row, breaker.limits?.probes ?? null, app.clock.now())
  breaker.version = row?.version ?? 0
  breaker.is_failing = row !== null && row.failures > 0
  if (way.kind === 'pass') return { ok: true, version: breaker.version, probe: null }
  const reason = row?.reason ?? ''
  if (way.kind === 'refuse') return { ok: false, until: way.until, reason }
  const id = app.newId()
  const most = breaker.limits?.probes ?? 1
  const won = await takeProbe(app, breaker.place, { id, lease_ms, most })
  return won === null ? { ok: false, until: null, reason } : { ok: true, version: won, probe: id }
}

async function takeProbe(
  app: App,
  place: Place,
  probe: { id: string; lease_ms: number; most: number },
): Promise<number | null> {
  const change = {
    to: 'half_open',
    reason: 'one call is let through to see whether the vendor is back',
  } as const
  const won = await move(app, place, change, async (tx) => {
    const taken = await queries.takeProbe(tx, place, probe)
    return taken && { ...taken, is_told: taken.was === 'open' }
  })
  return won?.version ?? null
}

/** What the attempt that went through said about the vendor. A promise only where something has to be written. */
export function settleBreaker(
  app: App,
  breaker: Breaker,
  { version, probe }: Pass,
  seen: ReturnType<typeof vendorSeen>,
  because: string | null,
): Promise<void> | undefined {
  if (probe !== null) return settleProbe(app, breaker, probe, seen, because)
  // It began before the last change, and says nothing about what is since.
  if (version !== breaker.version || breaker.limits === null || seen === 'nothing') return undefined
  if (seen === 'at_fault') return countFailure(app, breaker, version, because)
  return breaker.is_failing ? forgive(app, breaker, version) : undefined
}

/** Others are told of the first alone: then they know that their next answer has something to take back. */
async function countFailure(
  app: App,
  breaker: Breaker,
  version: number,
  because: string | null,
): Promise<void> {
  const { place, key, limits } = breaker
  const failures = await queries.countFailure(app.db.worker, place, version)
  if (failures === null || limits === null) return
  breaker.is_failing = true
  if (failures === 1) app.db.notify('trilho_config', `breaker ${key}`)
  if (failures < limits.failures) return
  const reason = `${failures} failures in a row, the last: ${because ?? 'no answer'}`
  await open(app, place, { version, reason, open_s: limits.open_s })
}

async function forgive(app: App, breaker: Breaker, version: number): Promise<void> {
  breaker.is_failing = false
  if (await queries.forgiveFailures(app.db.worker, breaker.place, version))
    app.db.notify('trilho_config', `breaker ${breaker.key}`)
}

async function settleProbe(
  app: App,
  { place, limits }: Breaker,
  probe: string,
  seen: ReturnType<typeof vendorSeen>,
  because: string | null,
): Promise<void> {
  if (seen === 'at_fault' && limits !== null) {
    const reason = `the vendor was tried again: ${because ?? 'no answer'}`
    return open(app, place, { probe, reason, open_s: limits.open_s })
  }
  const change = { to: 'closed', reason: 'the vendor answers again' } as const
  await move(app, place, change, async (tx) => {
    if (seen !== 'well' || limits === null)
      return (await queries.giveBackProbe(tx, place, probe)) ? { is_told: false } : null
    const state = await queries.probeSucceeded(tx, place, { id: probe, successes: limits.successes })
    return state && { is_told: state === 'closed' }
  })
}

async function open(
  app: App,
  place: Place,
  by: { version?: number; probe?: string; reason: string; open_s: number },
): Promise<void> {
  await move(app, place, { to: 'opened', reason: by.reason }, async (tx) =>
    (await queries.openBreaker(tx, place, by)) ? { is_told: true } : null,
  )
}

type Change = { to: 'opened' | 'half_open' | 'closed'; reason: string }

/**
 * One move of a breaker, by which every process forgets the state before. `work` gives null where another was faster,
 * and says whether the state is now another, which is then published in the same commit.
 */
export async function move<T extends { is_told: boolean }>(
  app: App,
  place: Place,
  { to, reason }: Change,
  work: (tx: Tx) => Promise<T | null>,
): Promise<T | null> {
  const { tenant_id, connection_id } = place
  const entity_id = toWire('connection', connection_id)
  const change = {
    tenant_id,
    type: `connection.breaker_${to}`,
    entity_id,
    data: { connection_id: entity_id, reason },
  }
  const moved: { done: T | null } = { done: null }
  const is_told = await publishChange(app, change, async (tx) => {
    moved.done = await work(tx)
    if (moved.done) forget(tx, 'breaker', keyOf(place))
    return moved.done?.is_told ?? false
  })
  if (is_told)
    app.log.info({ crossing: 'call', connection: entity_id, change: change.type, reason }, 'a breaker moved')
  return moved.done
}

export const breakerInWords = ({ until, reason }: Refusal): string => {
  const when =
    until === null
      ? 'until it is closed by hand or the try that is under way succeeds'
      : `it tries again at ${until.toISOString()}`
  return `the breaker of this connection is open (${reason}); nothing was sent, ${when}`
}
