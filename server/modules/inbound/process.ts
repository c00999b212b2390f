import { type Envelope, readEnvelope, translateMessage } from '../../kit/messages.ts'
import type { News } from '../../kit/news.ts'
import { asWorker, inTenant, isConnectionLoss, once, remember } from '../../platform/database/database.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { type ExternalId, type NewEvent, publishAll } from '../events/events.ts'
import { audienceOf, wakeDeliveries } from '../outbound/outbound.ts'
import { type ClosedMessage, closeMessages, type DueMessage, retryMessage } from './queries.ts'
import { type ActiveSource, findActiveSource } from './sources.ts'

/** What a kind of news leads to: the events it makes true. `main` hands in the table, which stands above us. */
export type React = (
  news: News,
  about: { provider: string; source_id: string },
) => { type: string; data: string }[]

/** The first attempt is made at once; one more after each of these waits. */
const RETRY_S = [60, 300, 900, 3_600, 21_600]

type Outcome = ClosedMessage & { provider: string; events: NewEvent[]; external_ids: ExternalId[] }

/**
 * Claims rise before the work begins, so that they also count the times a process went down over it. What was claimed
 * more often than this is worked on alone, so that it takes no other message with it …
 */
const SUSPECT_CLAIMS = 2
/** … and in the end given up. Far above the retries, since a database that is away costs claims too. */
const MOST_CLAIMS = 20

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

const soonest = (waits: (number | null)[]): number | null =>
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

async function commit(app: App, outcomes: Outcome[]): Promise<void> {
  const audience = await audienceOf(
    app,
    outcomes.flatMap((one) => one.events),
  )
  const deliveries = await asWorker(app.db, async (tx) => {
    const mine = await closeMessages(tx, outcomes)
    const ours = outcomes.filter(({ item }) => mine.has(item.id))
    const events = ours.flatMap((one) => one.events)
    const external_ids = ours.flatMap((one) => one.external_ids)
    return publishAll(app, tx, { events, external_ids }, audience)
  })
  if (deliveries > 0) wakeDeliveries(app)
  for (const one of outcomes) report(app, one)
}

async function retry(app: App, one: Outcome, error: unknown): Promise<number | null> {
  if (isConnectionLoss(error)) throw error // no fault of the message's: its lease brings it back
  const { item } = one
  const wait_s = RETRY_S[item.attempts - 1]
  const because = error instanceof Error ? error.message : String(error)
  app.log.warn(
    { crossing: 'inbound', message: toWire('message', item.id), err: error },
    'a message was not processed',
  )
  if (wait_s === undefined) {
    await commit(app, [{ ...one, ...failed(item, because), events: [], external_ids: [] }])
    return null
  }
  await retryMessage(app.db.worker, item, wait_s * 1000, because)
  return wait_s * 1000
}

const failed = (item: DueMessage, error: string): ClosedMessage => ({
  item,
  state: 'failed',
  event_type: null,
  error,
})

async function interpret(app: App, react: React, item: DueMessage): Promise<Outcome> {
  if (item.attempts > MOST_CLAIMS) {
    const error = `given up: it was taken up ${item.attempts} times, and each time the work was cut off`
    return { ...failed(item, error), provider: 'none', events: [], external_ids: [] }
  }
  const source = await findActiveSource(app, toWire('source', item.source_id))
  if (!source) {
    const error = 'the source was deleted before the message was processed'
    return { ...failed(item, error), provider: 'none', events: [], external_ids: [] }
  }
  const { provider, settings } = source
  const received = { headers: JSON.parse(item.headers) as Record<string, string>, body: item.body, settings }
  const envelope = readEnvelope(provider, received)
  const meaning = meaningOf(app, react, source, item, envelope, received)
  const external_ids = await externalIds(app, item, envelope, meaning.events)
  return { item, provider: provider.id, event_type: envelope.event_type, ...meaning, external_ids }
}

type Meaning = Pick<Outcome, 'state' | 'error' | 'events'>

function meaningOf(
  app: App,
  react: React,
  { provider, wire_id }: ActiveSource,
  item: DueMessage,
  envelope: Envelope,
  received: Parameters<typeof translateMessage>[1],
): Meaning {
  try {
    const translated = translateMessage(provider, received)
    if (!translated.ok) return { state: 'failed', error: translated.problem, events: [] }
    const about = { provider: provider.id, source_id: wire_id }
    const drafts = translated.news.flatMap((news) => react(news, about))
    const events = drafts.map((draft) => toEvent(app, item, envelope, draft))
    return { state: events.length > 0 ? 'completed' : 'ignored', error: null, events }
  } catch (error) {
    const message = toWire('message', item.id)
    app.log.error({ crossing: 'inbound', message, err: error }, 'a translation threw')
    return { state: 'failed', error: `the translation failed: ${(error as Error).message}`, events: [] }
  }
}

const toEvent = (
  app: App,
  item: DueMessage,
  { entity_id }: Envelope,
  draft: { type: string; data: string },
): NewEvent => ({
  tenant_id: item.tenant_id,
  id: app.newId(),
  entity_id,
  message_id: item.id,
  ...draft,
})

/**
 * What the message and its events are found by, without being stored: the vendor's id of the event and of what it is
 * about; and the message's own id, which leads on to its events.
 */
async function externalIds(
  app: App,
  item: DueMessage,
  { entity_id }: Envelope,
  events: NewEvent[],
): Promise<ExternalId[]> {
  const { tenant_id } = item
  const index = await indexers(app).get(tenant_id)
  const about = entity_id ? [entity_id] : []
  const point = (values: string[], kind: string, ref_id: string) =>
    [...new Set(values)].map((value) => ({ tenant_id, value_hmac: index(value), kind, ref_id }))
  return [
    ...point([item.event_key, ...about], 'message', item.id),
    ...events.flatMap(({ id }) => point([toWire('message', item.id), ...about], 'event', id)),
  ]
}

const indexers = once((app: App) =>
  remember(app.db, {
    topic: 'blind_index',
    load: (tenant_id) => inTenant(app.db, tenant_id, (tx) => app.vault.indexer(tx, tenant_id)),
  }),
)

function report(app: App, { item, provider, state, event_type, error, events }: Outcome): void {
  const seconds = (app.clock.now().getTime() - timeOfId(item.id).getTime()) / 1000
  app.telemetry.observe('trilho_inbound_processing_seconds', seconds, { provider })
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
      error,
    },
    'message',
  )
}
