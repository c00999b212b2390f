import { compileFilter, lazily, takes } from '../../kit/filter.ts'
import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { matches } from './audience.ts'
import { MASK, ourHeaders } from './headers.ts'
import { type Body, checkPayload, type Payload, plainBody, shapedBody } from './payload.ts'
import * as queries from './queries.ts'
import type { Preview } from './schema.ts'

/** What a subscription would send for an event: the bytes and the headers, as they would leave. Nothing is sent. */

/** Somebody waits for it, and a thread may have to be started first; what is reckoned has its own bound. */
const MOST_MS = 20_000

type PastEvent = Payload & { event_id: string; customer: string | null }

/** `event.data` is JSON text. What is given beside a subscription stands in place of what that has. */
export async function previewDelivery(
  app: App,
  actor: Actor,
  { subscription_id, ...given }: Preview,
  event: PastEvent,
) {
  const shape = given.payload && (await checkPayload(app, actor.tenant_id, given.payload))
  const kept = subscription_id === undefined ? null : await readKept(app, actor, subscription_id)
  const {
    event_types = kept?.row.event_types ?? ['*'],
    filter = readObject(kept?.row.filter),
    content_type = kept?.row.content_type ?? 'json',
  } = given
  const payload = shape === undefined ? (kept?.row.payload ?? null) : shape
  const made: Body =
    payload === null
      ? { ok: true, body: plainBody(event.event_id, event, content_type) }
      : await shapedBody(
          app,
          { tenant_id: actor.tenant_id, id: 'preview', payload: JSON.parse(payload), content_type },
          event,
          MOST_MS,
        )
  const missed = missedBy(event, { customer: kept?.row.customer ?? null, event_types, filter })
  return {
    event: { id: toWire('event', event.event_id), type: event.type, version: event.version },
    matches: missed === null,
    missed_by: missed,
    url: kept?.row.url ?? null,
    headers: made.ok ? headersOf(app, kept, event, content_type, made.body) : {},
    body: made.ok ? made.body : null,
    error: made.ok ? null : made.because,
  }
}

type Kept = { row: queries.SubscriptionRow; secret: string }

async function readKept(app: App, { tenant_id }: Actor, wire_id: string): Promise<Kept> {
  const id = fromWire('subscription', wire_id, 'subscription_id')
  return inTenant(app.db, tenant_id, async (tx) => {
    const row = await queries.findSubscription(tx, tenant_id, id)
    const secret = row && (await app.vault.get(tx, { tenant_id, owner_id: id, field: 'secret' }))
    if (row && secret) return { row, secret }
    throw new Problem('not_found', { detail: `there is no subscription ${wire_id}` })
  })
}

const readObject = (text: string | null | undefined): Record<string, unknown> | null =>
  text ? (JSON.parse(text) as Record<string, unknown>) : null

type Wants = { customer: string | null; event_types: string[]; filter: Record<string, unknown> | null }

/** What keeps the event from it, null where nothing does. */
function missedBy(
  { type, data, customer: of }: PastEvent,
  { customer, event_types, filter }: Wants,
): 'customer' | 'event_types' | 'filter' | null {
  if (customer !== null && customer !== of) return 'customer'
  if (!event_types.some((pattern) => matches(pattern, type))) return 'event_types'
  return filter === null || takes(compileFilter(filter), lazily(data)) ? null : 'filter'
}

/** Its own and its authentication are not shown; without a subscription there is nobody to sign for. */
function headersOf(
  app: App,
  kept: Kept | null,
  { event_id, type, version }: Payload & { event_id: string },
  content_type: 'json' | 'form',
  body: string,
): Record<string, string> {
  const timestamp = app.clock.now()
  const { 'webhook-signature': signature, ...ours } = ourHeaders({
    ...{ id: toWire('event', event_id), type, version, timestamp, body, content_type, attempt: 1 },
    secrets: kept ? [kept.secret] : [],
    subscription_id: kept ? toWire('subscription', kept.row.id) : '',
  })
  if (!kept) {
    const { 'trilho-subscription-id': _id, ...rest } = ours
    return rest
  }
  const own = Object.fromEntries(kept.row.header_names.map((name) => [name, MASK]))
  return { ...own, ...ours, 'webhook-signature': signature }
}
