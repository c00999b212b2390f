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
import { forgetSubscriptions, receiverOf } from './audience.ts'
import * as queries from './queries.ts'
import type { Ended } from './queue_queries.ts'

/**
 * How a subscription's receiver is doing: from its first failure on failures are counted, one success forgives them,
 * and after days without any the subscription is disabled. What a tenant should know of it is published as an event.
 */

/** An event about a subscription, for all others of the tenant; `main` hands in the events room's verb. */
export type Notice = {
  tenant_id: string
  type: string
  data: Record<string, unknown>
  entity_id: string
  /** Is not told about itself. */
  subscription_id: string
}
export type PublishNotice = (notice: Notice) => Promise<void>

/** Deliveries of these cause no notices of their own, or two failing receivers would write to each other for ever. */
const NOTICES = [
  'subscription.disabled',
  'delivery.failing',
  'delivery.exhausted',
  'delivery.recovered',
] as const

/** The warning comes when this many attempts of one delivery have failed. */
const FAILING_AT = 4
/** However long it lasts, fewer failures than this disable nothing. */
const LEAST_FAILURES = 10

export type Health = {
  /** Says what the attempt means to the tenant; before it is recorded, so that a crash repeats it and loses none. */
  tell(ended: Ended): Promise<void>
  /** Counts or forgives, and disables. */
  judge(ended: Ended): Promise<void>
}

export function createHealth(app: App, publish: PublishNotice): Health {
  const failures = createBatch<queries.Subscribed, queries.Failing | undefined>({
    size: 128,
    parallel: 1,
    flush: (attempts) => countFailures(app, attempts),
    isFinal: isConnectionLoss,
  })

  async function judge(ended: Ended): Promise<void> {
    const { tenant_id, subscription_id } = ended.item
    if (ended.disable) return disable(app, publish, ended.item, ended.disable)
    if (ended.outcome === 'delivered') {
      const failing = await failingOf(app).get(tenant_id)
      if (failing.has(subscription_id)) {
        await asWorker(app.db, (tx) => forgive(tx, tenant_id, subscription_id))
      }
      return
    }
    const failing = await failures.add({ tenant_id, subscription_id })
    if (failing) await disableIfDead(app, publish, failing)
  }

  async function tell(ended: Ended): Promise<void> {
    const type = noticeOf(ended)
    if (type === null) return
    const { tenant_id, subscription_id, id, event_id, attempts } = ended.item
    await publish({
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
    })
  }

  /** A notice that cannot be written must not keep an attempt that was made from being recorded. */
  const guarded = (what: string, act: (ended: Ended) => Promise<void>) => async (ended: Ended) => {
    try {
      await act(ended)
    } catch (error) {
      app.log.error(
        { crossing: 'outbound', delivery: toWire('delivery', ended.item.id), err: error },
        `a delivery's ${what} failed`,
      )
    }
  }
  return { tell: guarded('notice', tell), judge: guarded('effect on its subscription', judge) }
}

function noticeOf({ event_type, state, exhausted, item }: Ended): (typeof NOTICES)[number] | null {
  if (event_type === null || NOTICES.some((own) => own === event_type)) return null
  if (exhausted) return 'delivery.exhausted'
  if (state === 'pending' && item.attempts === FAILING_AT) return 'delivery.failing'
  return state === 'delivered' && item.attempts > FAILING_AT ? 'delivery.recovered' : null
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

async function disableIfDead(app: App, publish: PublishNotice, failing: queries.Failing): Promise<void> {
  const { tenant_id, subscription_id, since, failures } = failing
  const receiver = await receiverOf(app, tenant_id, subscription_id)
  const hours = receiver?.disable_after_hours ?? null
  if (hours === null || failures < LEAST_FAILURES) return
  if (app.clock.now().getTime() - since.getTime() < hours * 3_600_000) return
  const why = `nothing was delivered since ${since.toISOString()}, and ${failures} attempts failed`
  await disable(app, publish, failing, why)
}

async function disable(
  app: App,
  publish: PublishNotice,
  { tenant_id, subscription_id }: queries.Subscribed,
  why: string,
): Promise<void> {
  const changed = await inTenant(app.db, tenant_id, async (tx) => {
    await forgive(tx, tenant_id, subscription_id)
    forgetSubscriptions(tx, tenant_id)
    return queries.disableSubscription(tx, tenant_id, subscription_id, why)
  })
  if (!changed) return
  const id = toWire('subscription', subscription_id)
  await publish({
    tenant_id,
    type: 'subscription.disabled',
    subscription_id,
    entity_id: id,
    data: { subscription_id: id, reason: why },
  })
}
