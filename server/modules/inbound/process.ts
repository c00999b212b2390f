import { asWorker, isConnectionLoss, type Tx } from '../../platform/database/database.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { type ExternalId, publishAll } from '../events/events.ts'
import { noteTraffic } from '../metrics/metrics.ts'
import { audienceOf, wakeDeliveries } from '../outbound/outbound.ts'
import { failed, interpret, type Outcome, type React } from './interpret.ts'
import type { Turned } from './lane_queries.ts'
import { closeMessages, type DueMessage, retryMessage } from './queries.ts'
import { settleTurns } from './waiting.ts'

export type { React } from './interpret.ts'

/**
 * Claims rise before the work begins, so that they also count the times a process went down over it. What was claimed
 * more often than this is worked on alone, so that it takes no other message with it, and in the end given up.
 */
export const SUSPECT_CLAIMS = 2

/**
 * Reads, translates and publishes what one claim took, in one transaction for all of it; where that fails, in one
 * for each, so that a failing message is alone. The fence is the first statement: what is no longer ours has no
 * effect. Returns in how many milliseconds one of them is tried again.
 */
export async function processMessages(app: App, react: React, items: DueMessage[]): Promise<number | null> {
  const fresh = items.filter(({ attempts }) => attempts <= SUSPECT_CLAIMS)
  const waits = fresh.length > 0 ? [await processGroup(app, react, fresh)] : []
  for (const item of items) {
    if (item.attempts > SUSPECT_CLAIMS) waits.push(await processGroup(app, react, [item]))
  }
  return soonest(waits)
}

export const soonest = (waits: (number | null)[]): number | null =>
  waits.reduce((least, ms) => (least === null || (ms !== null && ms < least) ? ms : least), null)

async function processGroup(app: App, react: React, items: DueMessage[]): Promise<number | null> {
  const outcomes = await Promise.all(items.map((item) => interpret(app, react, item)))
  try {
    await commit(app, outcomes)
    return null
  } catch {
    return soonest(await Promise.all(outcomes.map((one) => commitAlone(app, one))))
  }
}

async function commitAlone(app: App, one: Outcome): Promise<number | null> {
  try {
    await commit(app, [one])
    return null
  } catch (error) {
    return retry(app, one, error)
  }
}

/**
 * Everything that outcomes change, in one transaction with the fences: of lanes first, whose messages are ours as
 * long as they are. Events are written in the order of the outcomes.
 */
export async function commit(app: App, outcomes: Outcome[], turns: Turned[] = []): Promise<void> {
  const unready = outcomes.find((one) => one.unready !== undefined)
  if (unready) throw new Error(unready.unready)
  const audience = await audienceOf(
    app,
    outcomes.map(({ item }) => item),
  )
  const { deliveries, ours } = await asWorker(app.db, async (tx) => {
    const lost = turns.length > 0 ? await lostHeads(app, tx, turns) : null
    const mine = await closeMessages(tx, lost ? outcomes.filter(({ item }) => !lost.has(item.id)) : outcomes)
    const ours = outcomes.filter(({ item }) => mine.has(item.id))
    const done = await doAll(tx, ours)
    const events = [...ours, ...done].flatMap((one) => one.events)
    const external_ids = [...ours, ...done].flatMap((one) => one.external_ids)
    return { ours, deliveries: await publishAll(app, tx, { events, external_ids }, audience) }
  })
  if (deliveries > 0) wakeDeliveries(app)
  for (const one of ours) report(app, one)
}

/** What rooms do with the news, in the order of what they lock: two groups at once never wait for each other. */
async function doAll(tx: Tx, outcomes: Outcome[]): Promise<Pick<Outcome, 'events' | 'external_ids'>[]> {
  const deeds = outcomes.flatMap((one) => one.deeds)
  deeds.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)) // stable: news of one thing stays in order
  const done = []
  for (const deed of deeds) done.push(deed.toEvents(await deed.run(tx)))
  return done
}

/** A message may still be ours whose lane is not: whoever has the lane now began further ahead. */
async function lostHeads(app: App, tx: Tx, turns: Turned[]): Promise<Set<string>> {
  const held = await settleTurns(app, tx, turns)
  const lost = turns.filter(({ lane }) => !held.has(lane.id))
  return new Set(lost.flatMap(({ lane }) => lane.heads.map(({ id }) => id)))
}

async function retry(app: App, one: Outcome, error: unknown): Promise<number | null> {
  const { item, options } = one
  const because = explainFailure(app, item, error)
  const wait_s = options.retry_schedule_s[item.attempts - 1]
  if (wait_s === undefined) {
    await commit(app, [giveUp(one, because)])
    return null
  }
  await retryMessage(app.db.worker, item, wait_s * 1000, because, ownIds(one))
  return wait_s * 1000
}

/** Why it failed, in words. That the database went away is no fault of the message's: its lease brings it back. */
export function explainFailure(app: App, item: DueMessage, error: unknown): string {
  if (isConnectionLoss(error)) throw error
  app.log.warn(
    { crossing: 'inbound', message: toWire('message', item.id), err: error },
    'a message was not processed',
  )
  return error instanceof Error ? error.message : String(error)
}

/** Nothing of what it means becomes true, and it is found by its ids all the same: somebody will look for it. */
export const giveUp = (one: Outcome, error: string): Outcome => ({
  ...one,
  ...failed(one.item, error),
  event_type: one.event_type,
  unready: undefined,
  events: [],
  external_ids: ownIds(one),
  deeds: [],
})

/** By which the message itself is found, not its events, which there may never be. */
export const ownIds = ({ external_ids }: Outcome): ExternalId[] =>
  external_ids.filter(({ kind }) => kind === 'message')

function report(app: App, { item, provider, state, event_type, error, events, flags }: Outcome): void {
  const duration_ms = app.clock.now().getTime() - timeOfId(item.id).getTime()
  const { tenant_id } = item
  noteTraffic(app, { tenant_id, direction: 'inbound', subject: provider, outcome: state, duration_ms })
  app.telemetry.observe('trilho_inbound_processing_seconds', duration_ms / 1000, { provider })
  app.telemetry.count('trilho_events_total', { origin: 'inbound' }, events.length)
  app.log.info(
    {
      crossing: 'inbound',
      message: toWire('message', item.id),
      source: toWire('source', item.source_id),
      event_type,
      state,
      attempt: item.attempts,
      events: events.length,
      ...(flags.length > 0 && { flags }),
      error,
    },
    'message',
  )
}
