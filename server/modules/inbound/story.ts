import { readMessage as readContent } from '../../kit/messages.ts'
import type { Actor, App } from '../app.ts'
import { readEvent, search } from '../events/events.ts'
import { listDeliveries } from '../outbound/outbound.ts'
import { readMessage } from './messages.ts'
import { findActiveSource } from './sources.ts'

/** Everything about one message on one page: how it came and verified, what it became, and where that went. */

type Message = Awaited<ReturnType<typeof readMessage>>
type Step = { at: string | null; step: string; detail: string }

const MOST_EVENTS = 20

export async function readStory(app: App, actor: Actor, wire_id: string) {
  const message = await readMessage(app, actor, wire_id)
  const own = (await search(app, actor, wire_id)).data
  const event_ids = own.flatMap(({ kind, id }) => (kind === 'event' ? id : [])).slice(0, MOST_EVENTS)
  const events = await Promise.all(event_ids.map((id) => readEvent(app, actor, id)))
  const pages = await Promise.all(event_ids.map((event_id) => listDeliveries(app, actor, { event_id })))
  return {
    message,
    steps: stepsOf(message),
    events,
    deliveries: pages.flatMap(({ data }) => data),
    related: await relatedTo(app, actor, message, new Set([wire_id, ...event_ids])),
  }
}

/** The name of who sends to a source; null where it is gone. */
export async function senderAt(app: App, source_id: string): Promise<string | null> {
  const source = await findActiveSource(app, source_id)
  return source ? source.provider.name : null
}

function stepsOf(message: Message): Step[] {
  const { received_at, event_key, attempts, state, error, closed_at, flags, order, headers } = message
  const proof = (headers as Record<string, string | undefined>)[':verified']
  const verified = proof === undefined ? 'by what is not on record' : `by ${proof}`
  const last = error === null ? state : `${state}: ${error}`
  return [
    { at: received_at, step: 'received', detail: arrivalOf(message) },
    { at: received_at, step: 'verified', detail: verified },
    { at: received_at, step: 'stored', detail: `as ${event_key}` },
    ...(order ? [{ at: order.until, step: 'waits', detail: order.wait ?? 'for its turn' }] : []),
    ...flags.map((flag) => ({ at: null, step: 'flagged', detail: flag })),
    { at: closed_at, step: 'processed', detail: `${last}, ${attempts} attempts` },
  ]
}

/** How much, from where, by which program. */
function arrivalOf({ body, headers }: Message): string {
  const { ':ip': ip, 'user-agent': agent } = headers as Record<string, string | undefined>
  return [
    `${Buffer.from(body, 'base64').length} bytes`,
    ...(ip === undefined ? [] : [`from ${ip}`]),
    ...(agent === undefined ? [] : [`by ${agent}`]),
  ].join(' ')
}

async function relatedTo(app: App, actor: Actor, message: Message, known: Set<string>) {
  const source = await findActiveSource(app, message.source_id)
  if (!source) return []
  const headers = message.headers as Record<string, string>
  const body = Buffer.from(message.body, 'base64')
  const { envelope } = readContent(source.provider, { headers, body, settings: source.settings })
  if (envelope.entity_id === null) return []
  const { data } = await search(app, actor, envelope.entity_id)
  return data.filter(({ id }) => !known.has(id))
}
