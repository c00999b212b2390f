import { createBatch } from '../../platform/batch.ts'
import {
  asWorker,
  forget,
  inTenant,
  isConnectionLoss,
  once,
  remember,
  type Tx,
} from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { forgetSubscriptions, receiverOf, wakeDeliveries } from './audience.ts'
import * as queries from './queries.ts'
import type { Ended } from './queue_queries.ts'
import { releaseUnlessPaused } from './release.ts'

/**
 * How a subscription's receiver is doing: from its first failure on failures are counted, one success forgives them,
 * and after days without any the subscription is disabled. What a tenant should know of it is published as an event.
 */

/** An event about a subscription, for all others of the tenant; `assemble` hands in the events room's verb. */
export type Notice = {
  tenant_id: string
  type: string
  data: Record<string, unknown>
  entity_id: string
  /** Is not told about itself. */
  subscription_id: string
}
/** Reads whom it concerns; what it gives writes the notice in the transaction that makes it true. */
export type PrepareNotice = (notice: Notice) => Promise<(tx: Tx) => Promise<number>>

/** Deliveries of these cause no notices of their own, or two failing receivers would write to each other for ever. */
const NOTICES = [
  'subscription.disabled',
  'subscription.failing',
  'delivery.failing',
  'delivery.exhausted',
  'delivery.recovered',
] as const
/** These may be about the very receiver they are sent to. */
const ALERTS = ['alert.fired', 'alert.resolved']

/** The warning comes when this many attempts of one delivery have failed; those that were cut off do not count. */
export const FAILING_AT = 4
/** However long it lasts, fewer failures than this disable nothing. */
const LEAST_FAILURES = 10

export type Health = {
  /** Disables where the answer asked for it; before the attempt is recorded, so that no crash forgets it. */
  obey(ended: Ended): Promise<void>
  /** Counts or forgives, and disables what was dead for too long. */
  judge(ended: Ended): Promise<void>
}

export function createHealth(app: App, prepare: PrepareNotice): Health {
  const failures = createBatch<queries.Subscribed, queries.Failing | undefined>({
    size: 128,
    parallel: 1,
    flush: (attempts) => countFailures(app, attempts),
    isFinal: isConnectionLoss,
  })

  async function judge(ended: Ended): Promise<void> {
    const { tenant_id, subscription_id } = ended.item
    if (ended.event_type === null || ended.disable) return
    if (ended.outcome === 'delivered') {
      const failing = await failingOf(app).get(tenant_id)
      if (failing.has(subscription_id)) {
        await asWorker(app.db, (tx) => forgive(tx, tenant_id, subscription_id))
      }
      return
    }
    const failing = await failures.add({ tenant_id, subscription_id })
    if (failing) await warnOrDisable(app, prepare, failing)
  }

  const obey = async (ended: Ended): Promise<void> => {
    if (ended.disable) await disable(app, prepare, ended.item, ended.disable)
  }

  /** What it does to the subscription must not keep an attempt that was made from being recorded. */
  const guarded = (act: (ended: Ended) => Promise<void>) => async (ended: Ended) => {
    try {
      await act(ended)
    } catch (error) {
      app.log.error(
        { crossing: 'outbound', delivery: toWire('delivery', ended.item.id), err: error },
        "a delivery's effect on its subscription failed",
      )
    }
  }
  return { obey: guarded(obey), judge: guarded(judge) }
}

/** What an attempt means to the tenant, to be told in the transaction that records it: once, whatever crashes. */
export function noticeOf(ended: Ended): Notice | null {
  const type = typeOf(ended)
  if (type === null) return null
  const { tenant_id, subscription_id, id, event_id, attempts } = ended.item
  return {
    tenant_id,
    type,
    subscription_id,
    entity_id: toWire('delivery', id),
    data: {
      delivery_id: toWire('delivery', id),
      subscription_id: toWire('subscription', subscription_id),
      event_id: toWire('event', event_id),
      event_type: ended.event_type,
      attempts,
      status: ended.status,
      error: ended.error,
    },
  }
}

function typeOf({ event_type, state, exhausted, item }: Ended): (typeof NOTICES)[number] | null {
  if (event_type === null || [...NOTICES, ...ALERTS].some((own) => own === event_type)) return null
  if (exhausted) return 'delivery.exhausted'
  const is_failing = state === 'pending' && item.attempts - item.cuts >= FAILING_AT
  if (is_failing && !item.told) return 'delivery.failing'
  return state === 'delivered' && item.told ? 'delivery.recovered' : null
}

/** Which subscriptions of a tenant are failing: asked at each success, so kept in memory. */
const failingOf = once((app: App) =>
  remember(app.db, {
    topic: 'failing',
    load: async (tenant_id) =>
      new Set(
        (await queries.listFailing(app.db.worker, tenant_id)).map(({ subscription_id }) => subscription_id),
      ),
  }),
)

async function countFailures(
  app: App,
  attempts: queries.Subscribed[],
): Promise<(queries.Failing | undefined)[]> {
  const rows = await asWorker(app.db, async (tx) => {
    const counted = await queries.countFailures(tx, attempts)
    for (const { tenant_id, is_new } of counted) if (is_new) forget(tx, 'failing', tenant_id)
    return counted
  })
  const found = new Map(rows.map((row) => [row.subscription_id, row]))
  return attempts.map(({ subscription_id }) => found.get(subscription_id))
}

/** In a transaction of the tenant's or of the worker's. */
export async function forgive(tx: Tx, tenant_id: string, subscription_id: string): Promise<void> {
  await queries.forgiveFailures(tx, tenant_id, subscription_id)
  forget(tx, 'failing', tenant_id)
}

const HOUR_MS = 3_600_000

async function warnOrDisable(app: App, prepare: PrepareNotice, failing: queries.Failing): Promise<void> {
  const { tenant_id, subscription_id, since, failures, warned } = failing
  const receiver = await receiverOf(app, tenant_id, subscription_id)
  const hours = receiver?.disable_after_hours ?? null
  if (hours === null || failures < LEAST_FAILURES) return
  const for_ms = app.clock.now().getTime() - since.getTime()
  const why = `nothing was delivered since ${since.toISOString()}, and ${failures} attempts failed`
  if (for_ms >= hours * HOUR_MS) return disable(app, prepare, failing, why)
  const share = WARN_AT.findLastIndex((part) => for_ms >= part * hours * HOUR_MS) + 1
  if (share <= warned) return
  const disabled_at = new Date(since.getTime() + hours * HOUR_MS).toISOString()
  await warn(app, prepare, failing, share, { reason: why, disabled_at })
}

/** Told when it has failed for these parts of the time after which it is disabled. */
const WARN_AT = [0.5, 0.8]

/** `nth` warning, once, whoever comes first. */
async function warn(
  app: App,
  prepare: PrepareNotice,
  { tenant_id, subscription_id }: queries.Subscribed,
  nth: number,
  data: Record<string, unknown>,
): Promise<void> {
  const id = toWire('subscription', subscription_id)
  const write = await prepare({
    tenant_id,
    type: 'subscription.failing',
    subscription_id,
    entity_id: id,
    data: { subscription_id: id, ...data },
  })
  const made = await asWorker(app.db, async (tx) =>
    (await queries.noteWarning(tx, tenant_id, subscription_id, nth)) ? write(tx) : 0,
  )
  if (made > 0) wakeDeliveries(app)
}

async function disable(
  app: App,
  prepare: PrepareNotice,
  { tenant_id, subscription_id }: queries.Subscribed,
  why: string,
): Promise<void> {
  const write = await prepare(disabledNotice({ tenant_id, subscription_id }, why))
  const made = await inTenant(app.db, tenant_id, async (tx) => {
    if (!(await queries.disableSubscription(tx, tenant_id, subscription_id, why))) return 0
    await forgive(tx, tenant_id, subscription_id)
    forgetSubscriptions(tx, tenant_id)
    return write(tx)
  })
  if (made > 0) wakeDeliveries(app)
  await releaseUnlessPaused(app, tenant_id, subscription_id)
}

export function disabledNotice({ tenant_id, subscription_id }: queries.Subscribed, reason: string): Notice {
  const id = toWire('subscription', subscription_id)
  const data = { subscription_id: id, reason }
  return { tenant_id, type: 'subscription.disabled', subscription_id, entity_id: id, data }
}
