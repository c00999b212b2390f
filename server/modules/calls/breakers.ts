import { passage, type vendorSeen } from '../../kit/breaker.ts'
import type { BreakerLimits } from '../../kit/call_limits.ts'
import { asWorker, forget, inTenant, once, remember, type Tx } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { publishAll } from '../events/events.ts'
import { audienceOf, wakeDeliveries } from '../outbound/outbound.ts'
import * as queries from './guard_queries.ts'

/**
 * The breakers of connections. While one is closed and its vendor answers, asking it costs no statement: each process
 * remembers the state and counts failures by itself. A change is one statement that only one process wins; its
 * commit tells the others, and the event that tells the customer is part of it.
 */
type Breaker = {
  place: queries.Place
  /** By which its state is remembered. */
  key: string
  limits: BreakerLimits | null
  /** In a row, as this process saw them since the state last changed. */
  failures: number
  version: number
}

export const newBreaker = (place: queries.Place, limits: BreakerLimits | null): Breaker => ({
  place,
  key: keyOf(place),
  limits,
  failures: 0,
  version: 0,
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

const keyOf = ({ tenant_id, connection_id }: queries.Place) => `${tenant_id} ${connection_id}`

export async function askBreaker(app: App, breaker: Breaker, lease_ms: number): Promise<Pass | Refusal> {
  const row = await known(app).get(breaker.key)
  const way = passage(row, breaker.limits !== null, app.clock.now())
  const version = row?.version ?? 0
  if (version !== breaker.version) Object.assign(breaker, { version, failures: 0 })
  if (way.kind === 'pass') return { ok: true, version, probe: null }
  const reason = row?.reason ?? ''
  if (way.kind === 'refuse') return { ok: false, until: way.until, reason }
  const id = app.newId()
  const won = await change(app, breaker.place, (tx) => queries.takeProbe(tx, breaker.place, { id, lease_ms }))
  return won === null ? { ok: false, until: null, reason } : { ok: true, version: won, probe: id }
}

/** What the attempt that went through said about the vendor. A promise only where the state may change. */
export function settleBreaker(
  app: App,
  breaker: Breaker,
  { version, probe }: Pass,
  seen: ReturnType<typeof vendorSeen>,
  because: string | null,
): Promise<void> | undefined {
  const { place, limits } = breaker
  if (probe !== null) return settleProbe(app, breaker, { version, probe }, seen, because)
  // It began before the last change, and says nothing about what is since.
  if (version !== breaker.version) return undefined
  if (seen === 'well') breaker.failures = 0
  if (seen !== 'at_fault' || limits === null) return undefined
  breaker.failures += 1
  if (breaker.failures < limits.failures) return undefined
  breaker.failures = 0
  const reason = `${limits.failures} failures in a row, the last: ${because ?? 'no answer'}`
  return changeAndTell(app, place, 'connection.breaker_opened', reason, async (tx) =>
    queries.openBreaker(tx, place, { version, reason, open_s: limits.open_s }),
  )
}

async function settleProbe(
  app: App,
  { place, limits }: Breaker,
  { version, probe }: { version: number; probe: string },
  seen: ReturnType<typeof vendorSeen>,
  because: string | null,
): Promise<void> {
  if (seen === 'nothing' || limits === null) {
    await change(app, place, (tx) => queries.giveBackProbe(tx, place, probe))
  } else if (seen === 'well') {
    await changeAndTell(app, place, 'connection.breaker_closed', 'the vendor answers again', async (tx) => {
      const { successes } = limits
      return (await queries.probeSucceeded(tx, place, { id: probe, successes })) === 'closed'
    })
  } else {
    // Still the same trouble: nobody is told again.
    const reason = `the vendor was tried again: ${because ?? 'no answer'}`
    await change(app, place, (tx) =>
      queries.openBreaker(tx, place, { version, reason, open_s: limits.open_s }),
    )
  }
}

/** A change of state, which every process forgets the old one by; `work` gives nothing where there was none. */
function change<T>(app: App, place: queries.Place, work: (tx: Tx) => Promise<T>): Promise<T> {
  return asWorker(app.db, async (tx) => {
    const done = await work(tx)
    if (done) forget(tx, 'breaker', keyOf(place))
    return done
  })
}

type Told = 'connection.breaker_opened' | 'connection.breaker_closed'

/** As `change`; where `work` says that the state is now another, an event says so too. */
export async function changeAndTell(
  app: App,
  place: queries.Place,
  type: Told,
  reason: string,
  work: (tx: Tx) => Promise<boolean>,
): Promise<void> {
  const { tenant_id, connection_id } = place
  const entity_id = toWire('connection', connection_id)
  const data = JSON.stringify({ connection_id: entity_id, reason })
  const event = { tenant_id, id: app.newId(), type, data, entity_id, message_id: null }
  const audience = await audienceOf(app, [event])
  const deliveries = await inTenant(app.db, tenant_id, async (tx) => {
    forget(tx, 'breaker', keyOf(place))
    if (!(await work(tx))) return null
    return publishAll(app, tx, { events: [event], external_ids: [] }, audience)
  })
  if (deliveries === null) return
  app.log.info({ crossing: 'call', connection: entity_id, change: type, reason }, 'a breaker moved')
  if (deliveries > 0) wakeDeliveries(app)
}

export const breakerInWords = ({ until, reason }: Refusal): string => {
  const when =
    until === null
      ? 'until it is closed by hand or the try that is under way succeeds'
      : `it tries again at ${until.toISOString()}`
  return `the breaker of this connection is open (${reason}); nothing was sent, ${when}`
}
