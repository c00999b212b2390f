import { createBatch } from '../../platform/batch.ts'
import { inTenants, isConnectionLoss, once } from '../../platform/database/database.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { audienceOf, deliveriesOf, wakeDeliveries } from '../outbound/outbound.ts'
import { store } from './events.ts'
import { leadTo } from './found_by.ts'
import type { ExternalId, NewEvent } from './queries.ts'
import type { PublishEvent } from './schema.ts'
import { typeOf } from './types.ts'

/** Events that callers publish: those of a moment, of any tenants, are one commit, and each is answered after it. */

/** `data_text` is the raw JSON of `input.data`, as the caller wrote it. */
export async function publish(app: App, actor: Actor, input: PublishEvent, data_text: string) {
  const { tenant_id } = actor
  const { entity_id = null, customer = null, type } = input
  const { version, deprecated_at, deprecation } = await typeOf(app, tenant_id, input)
  const id = app.newId()
  const event = { tenant_id, id, type, version, data: data_text, entity_id, customer, message_id: null }
  const external_ids = entity_id
    ? await leadTo(app, { tenant_id, kind: 'event', ref_id: id }, [entity_id])
    : []
  const deliveries = await publications(app).add({ event, external_ids })
  return {
    id: toWire('event', id),
    type,
    version,
    deprecated: deprecated_at && (deprecation ?? ''),
    deliveries,
    created_at: timeOfId(id).toISOString(),
  }
}

type Publication = { event: NewEvent; external_ids: ExternalId[] }

const publications = once((app: App) =>
  createBatch<Publication, number>({
    size: 128,
    parallel: 2, // while one waits for its commit or for a lane, the other goes on
    flush: (batch) => storeTogether(app, batch),
    isFinal: isConnectionLoss, // a commit whose end nobody saw is not repeated
  }),
)

/** How many deliveries each has. */
async function storeTogether(app: App, batch: Publication[]): Promise<number[]> {
  const events = batch.map(({ event }) => event)
  const external_ids = batch.flatMap((one) => one.external_ids)
  const made = deliveriesOf(app, events, await audienceOf(app, events))
  const tenant_ids = [...new Set(events.map(({ tenant_id }) => tenant_id))]
  const all = await inTenants(app.db, tenant_ids, (tx) => store(app, tx, { events, external_ids }, made))
  if (all > 0) wakeDeliveries(app)
  const counts = new Map<string, number>()
  for (const { event_id } of [...made.rows, ...made.ordered])
    counts.set(event_id, (counts.get(event_id) ?? 0) + 1)
  return events.map(({ id }) => counts.get(id) ?? 0)
}
