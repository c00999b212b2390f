import { type Envelope, type Reading, readMessage, translateMessage } from '../../kit/messages.ts'
import type { News } from '../../kit/news.ts'
import type { OrderBy } from '../../kit/provider.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { type ExternalId, indexerOf, type NewEvent } from '../events/events.ts'
import { completeOptions, isWanted, type Options } from './options.ts'
import type { ClosedMessage, DueMessage } from './queries.ts'
import { believe } from './read_back.ts'
import { opened } from './sealing.ts'
import { type ActiveSource, findActiveSource } from './sources.ts'

/** What one message means: the events it makes true, what it is found by, and the state it ends in. */

/** What a kind of news leads to: the events it makes true. `main` hands in the table, which stands above us. */
export type React = (
  news: News,
  about: { provider: string; source_id: string },
) => { type: string; data: string }[]

export type Outcome = ClosedMessage & {
  provider: string
  options: Options
  /** By what its entity's messages stand in line. */
  by: OrderBy | null
  /** Why it could not be asked for yet what must be before it is believed: it is not committed, but tried again. */
  unready?: string | undefined
  events: NewEvent[]
  external_ids: ExternalId[]
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
  const received = { headers: JSON.parse(item.headers) as Record<string, string>, body: item.body, settings }
  const reading = readMessage(provider, received)
  const meaning = await believedMeaning(app, react, source, item, reading.envelope, received)
  return {
    item,
    provider: provider.id,
    options,
    by: reading.place?.by ?? null,
    event_type: reading.envelope.event_type,
    flags: item.flags,
    ...meaning,
    external_ids: await externalIds(app, item, reading, meaning.events),
  }
}

const lost = (item: DueMessage, error: string): Outcome => ({
  ...failed(item, error),
  provider: 'none',
  options: completeOptions({}),
  by: null,
  events: [],
  external_ids: [],
})

export const failed = (item: DueMessage, error: string): ClosedMessage => ({
  item,
  state: 'failed',
  event_type: null,
  error,
  flags: item.flags,
})

type Meaning = Pick<Outcome, 'state' | 'error' | 'events' | 'unready'>

const ignored = (error: string | null): Meaning => ({ state: 'ignored', error, events: [] })

/** What is not wanted is not asked for either. */
async function believedMeaning(
  ...[app, react, source, item, envelope, received]: Parameters<typeof meaningOf>
): Promise<Meaning> {
  if (!source.provider.webhooks?.first || !isWanted(source.options, envelope.event_type)) {
    return meaningOf(app, react, source, item, envelope, received)
  }
  const believed = await believe(app, source, received)
  if (believed.ok) {
    return meaningOf(app, react, source, item, envelope, { ...received, read_back: believed.read_back })
  }
  if ('error' in believed) return { state: 'failed', error: believed.error, events: [] }
  return { state: 'completed', error: null, events: [], unready: believed.unready }
}

function meaningOf(
  app: App,
  react: React,
  source: ActiveSource,
  item: DueMessage,
  envelope: Envelope,
  received: Parameters<typeof translateMessage>[1],
): Meaning {
  const { provider, wire_id, options } = source
  if (isCopy(source, item))
    return ignored('an event of this id came before with another body; replay it if it is true')
  if (!isWanted(options, envelope.event_type)) return ignored(null)
  try {
    const translated = translateMessage(provider, received)
    if (!translated.ok) return { state: 'failed', error: translated.problem, events: [] }
    const about = { provider: provider.id, source_id: wire_id }
    const drafts = translated.news.flatMap((news) => react(news, about))
    const events = drafts.map((draft) => toEvent(app, item, envelope, draft))
    return events.length > 0 ? { state: 'completed', error: null, events } : ignored(null)
  } catch (error) {
    const message = toWire('message', item.id)
    app.log.error({ crossing: 'inbound', message, err: error }, 'a translation threw')
    return { state: 'failed', error: `the translation failed: ${(error as Error).message}`, events: [] }
  }
}

/** Another body under a known id is believed of those vendors who tell more that way, or once somebody asks for it. */
const isCopy = ({ provider }: ActiveSource, { flags }: DueMessage): boolean =>
  flags.includes('changed') && !flags.includes('replayed') && provider.webhooks?.same_id !== 'news'

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
 * What the message and its events are found by, without being stored: the vendor's ids of the event, of what it is
 * about and of what hangs on that; and the message's own id, which leads on to its events.
 */
async function externalIds(
  app: App,
  item: DueMessage,
  { envelope: { event_key, entity_id }, external_ids }: Reading,
  events: NewEvent[],
): Promise<ExternalId[]> {
  const { tenant_id } = item
  const index = await indexerOf(app, tenant_id)
  const about = [...(entity_id ? [entity_id] : []), ...external_ids]
  const point = (values: string[], kind: string, ref_id: string) =>
    [...new Set(values)].map((value) => ({ tenant_id, value_hmac: index(value), kind, ref_id }))
  return [
    ...point([item.event_key, event_key, ...about], 'message', item.id),
    ...events.flatMap(({ id }) => point([toWire('message', item.id), ...about], 'event', id)),
  ]
}
