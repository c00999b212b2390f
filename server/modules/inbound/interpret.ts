import {
  type Envelope,
  type Reading,
  type Received,
  readMessage,
  type Translated,
} from '../../kit/messages.ts'
import type { News } from '../../kit/news.ts'
import type { OrderBy } from '../../kit/provider.ts'
import type { Tx } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { type ExternalId, indexerOf, type NewEvent } from '../events/events.ts'
import { completeOptions, isWanted, type Options } from './options.ts'
import type { ClosedMessage, DueMessage } from './queries.ts'
import { believe } from './read_back.ts'
import { opened } from './sealing.ts'
import { isLetThrough, newsIn, shapeNews } from './shaping.ts'
import { type ActiveSource, findActiveSource } from './sources.ts'

/** What one message means: the events it makes true, what it is found by, and the state it ends in. */

/** What a kind of news leads to. `main` hands in the table, which stands above us. */
export type React = (app: App, news: News, about: About) => Promise<Reaction>

/** Whose message it is that tells; `connection_id` where its source says it. */
export type About = {
  tenant_id: string
  provider: string
  source_id: string
  message_id: string
  connection_id: string | null
}

/** An event that the news makes true; `entity_id` where it is not the vendor's. */
export type Fact = { type: string; data: string; entity_id?: string; found_by?: readonly string[] }

/**
 * What a room does with it in the transaction that closes the message, and the events that this makes true. `key` names
 * what it locks: deeds are done in the order of their keys.
 */
export type Deed = { key: string; run(tx: Tx): Promise<Fact[]> }
export type Reaction = { facts: Fact[]; deeds: Deed[] }

/** A deed, and how its facts become events of its message. */
export type Bound = Deed & { toEvents(facts: Fact[]): Pick<Outcome, 'events' | 'external_ids'> }

export type Outcome = ClosedMessage & {
  provider: string
  options: Options
  /** By what its entity's messages stand in line. */
  by: OrderBy | null
  /** Why it could not be asked for yet what must be before it is believed: it is not committed, but tried again. */
  unready?: string | undefined
  events: NewEvent[]
  external_ids: ExternalId[]
  deeds: Bound[]
}

/** Far above the retries, since a database that is away costs claims too. */
export const MOST_CLAIMS = 20

export async function interpret(app: App, react: React, due: DueMessage): Promise<Outcome> {
  const item = await opened(app, due)
  if (item.attempts > MOST_CLAIMS) {
    return lost(item, `given up: it was taken up ${item.attempts} times, and each time the work was cut off`)
  }
  const source = await findActiveSource(app, toWire('source', item.source_id))
  if (!source) return lost(item, 'the source was deleted before the message was processed')
  const { provider, settings, options } = source
  const came = { headers: JSON.parse(item.headers) as Record<string, string>, body: item.body, settings }
  const reading = readMessage(provider, came)
  const received = { ...came, whole: reading.whole }
  const { deeds, ...meaning } = await believedMeaning(app, react, source, item, reading.envelope, received)
  const index = await indexerOf(app, item.tenant_id)
  return {
    item,
    provider: provider.id,
    options,
    by: reading.place?.by ?? null,
    event_type: reading.envelope.event_type,
    flags: item.flags,
    ...meaning,
    external_ids: [...messageIds(index, item, reading), ...eventIds(index, item, reading, meaning.events)],
    deeds: deeds.map((deed) => bind(app, index, item, reading, deed)),
  }
}

const lost = (item: DueMessage, error: string): Outcome => ({
  ...failed(item, error),
  provider: 'none',
  options: completeOptions({}),
  by: null,
  events: [],
  external_ids: [],
  deeds: [],
})

export const failed = (item: DueMessage, error: string): ClosedMessage => ({
  item,
  state: 'failed',
  event_type: null,
  error,
  flags: item.flags,
})

type Meaning = Pick<Outcome, 'state' | 'error' | 'events' | 'unready'> & { deeds: Deed[] }

const NONE = { events: [], deeds: [] }
const ignored = (error: string | null): Meaning => ({ state: 'ignored', error, ...NONE })

/** What is not wanted is not asked for either. */
async function believedMeaning(
  ...[app, react, source, item, envelope, received]: Parameters<typeof meaningOf>
): Promise<Meaning> {
  const isWantedHere = () => isWanted(source.options, envelope.event_type) && isLetThrough(source, received)
  if (!source.provider.webhooks?.first || !isWantedHere()) {
    return meaningOf(app, react, source, item, envelope, received)
  }
  const believed = await believe(app, source, received, toWire('message', item.id))
  if (believed.ok) {
    return meaningOf(app, react, source, item, envelope, { ...received, read_back: believed.read_back })
  }
  if ('error' in believed) return { state: 'failed', error: believed.error, ...NONE }
  return { state: 'completed', error: null, ...NONE, unready: believed.unready }
}

async function meaningOf(
  app: App,
  react: React,
  source: ActiveSource,
  item: DueMessage,
  envelope: Envelope,
  received: Received,
): Promise<Meaning> {
  const { options } = source
  if (isCopy(source, item))
    return ignored('an event of this id came before with another body; replay it if it is true')
  if (!isWanted(options, envelope.event_type)) return ignored(null)
  if (!isLetThrough(source, received)) return ignored('the filter of the source leaves it out')
  const news = newsOf(app, source, item, envelope, received)
  if (!news.ok) return { state: 'failed', error: news.problem, ...NONE }
  const shaped = await shapeNews(app, source, news.news, toWire('message', item.id))
  if (!shaped.ok && shaped.is_vendors) {
    return { state: 'completed', error: null, ...NONE, unready: shaped.problem }
  }
  if (!shaped.ok) return { state: 'failed', error: shaped.problem, ...NONE }
  const reactions = await Promise.all(shaped.news.map((one) => react(app, one, aboutOf(source, item))))
  const events = reactions.flatMap(({ facts }) => facts.map((fact) => toEvent(app, item, envelope, fact)))
  const deeds = reactions.flatMap((one) => one.deeds)
  return events.length + deeds.length > 0 ? { state: 'completed', error: null, events, deeds } : ignored(null)
}

const aboutOf = (
  { tenant_id, provider, wire_id, connection_id }: ActiveSource,
  { id }: DueMessage,
): About => ({
  tenant_id,
  provider: provider.id,
  source_id: wire_id,
  message_id: toWire('message', id),
  connection_id,
})

function newsOf(
  app: App,
  source: ActiveSource,
  { id }: DueMessage,
  { event_type }: Envelope,
  received: Received,
): Translated {
  try {
    return newsIn(source, event_type, received)
  } catch (error) {
    app.log.error({ crossing: 'inbound', message: toWire('message', id), err: error }, 'a translation threw')
    return { ok: false, problem: `the translation failed: ${(error as Error).message}` }
  }
}

/** Another body under a known id is believed of those vendors who tell more that way, or once somebody asks for it. */
const isCopy = ({ provider }: ActiveSource, { flags }: DueMessage): boolean =>
  flags.includes('changed') && !flags.includes('replayed') && provider.webhooks?.same_id !== 'news'

const toEvent = (
  app: App,
  item: DueMessage,
  envelope: Envelope,
  { type, data, entity_id = envelope.entity_id ?? undefined }: Fact,
): NewEvent => ({
  tenant_id: item.tenant_id,
  id: app.newId(),
  entity_id: entity_id ?? null,
  message_id: item.id,
  type,
  data,
})

const bind = (app: App, index: Index, item: DueMessage, reading: Reading, deed: Deed): Bound => ({
  ...deed,
  toEvents: (facts) => {
    const events = facts.map((fact) => toEvent(app, item, reading.envelope, fact))
    const own = events.flatMap(({ id }, at) => point(index, item, facts[at]?.found_by ?? [], 'event', id))
    return { events, external_ids: [...eventIds(index, item, reading, events), ...own] }
  },
})

/**
 * What the message and its events are found by, without being stored: the vendor's ids of the event, of what it is
 * about and of what hangs on that; and the message's own id, which leads on to its events.
 */
const messageIds = (index: Index, item: Named, reading: Reading): ExternalId[] =>
  point(index, item, [item.event_key, reading.envelope.event_key, ...spokenOf(reading)], 'message', item.id)

const eventIds = (index: Index, item: DueMessage, reading: Reading, events: NewEvent[]): ExternalId[] =>
  events.flatMap(({ id, entity_id }) => {
    const found_by = [
      toWire('message', item.id),
      ...spokenOf(reading),
      ...(entity_id === null ? [] : [entity_id]),
    ]
    return point(index, item, found_by, 'event', id)
  })

/** What a message alone is found by, whatever comes of it. */
export async function idsOf(app: App, message: Named): Promise<ExternalId[]> {
  const item = await opened(app, message)
  const source = await findActiveSource(app, toWire('source', item.source_id))
  if (!source) return []
  const headers = JSON.parse(item.headers) as Record<string, string>
  const reading = readMessage(source.provider, { headers, body: item.body, settings: source.settings })
  return messageIds(await indexerOf(app, item.tenant_id), item, reading)
}

type Named = Pick<DueMessage, 'tenant_id' | 'id' | 'source_id' | 'event_key' | 'headers' | 'body'>
type Index = (value: string) => Buffer

const spokenOf = ({ envelope: { entity_id }, external_ids }: Reading): string[] => [
  ...(entity_id ? [entity_id] : []),
  ...external_ids,
]

const point = (
  index: Index,
  { tenant_id }: Pick<DueMessage, 'tenant_id'>,
  values: readonly string[],
  kind: string,
  ref_id: string,
) => [...new Set(values)].map((value) => ({ tenant_id, value_hmac: index(value), kind, ref_id }))
