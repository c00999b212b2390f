import { type Batch, createBatch } from '../../platform/batch.ts'
import { inTenants, isConnectionLoss, isTimedOut, isUndone, once } from '../../platform/database/database.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { audienceOf, deliveriesOf, type FanOut, wakeDeliveries } from '../outbound/outbound.ts'
import { store } from './events.ts'
import { leadTo } from './found_by.ts'
import type { ExternalId, NewEvent } from './queries.ts'
import type { PublishEvent } from './schema.ts'
import { typeOf } from './types.ts'

/**
 * Events that callers publish: those of a moment, of any tenants, are one commit, and each is answered after it. What goes
 * in order waits for its lanes, maybe for long: such a commit holds one tenant's events alone.
 */

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
  const made = deliveriesOf(app, [event], await audienceOf(app, [event]))
  const together = publications(app)(made.ordered.length > 0 ? tenant_id : ANY)
  await together.add({ event, external_ids, made })
  return {
    id: toWire('event', id),
    type,
    version,
    deprecated: deprecated_at && (deprecation ?? ''),
    deliveries: made.rows.length + made.ordered.length,
    created_at: timeOfId(id).toISOString(),
  }
}

type Publication = { event: NewEvent; external_ids: ExternalId[]; made: FanOut }

/** Of any tenant. */
const ANY = ''

/** For each tenant that publishes in order, and for everything else. */
const publications = once((app: App) => {
  const batches = new Map<string, Batch<Publication, void>>()
  return (whose: string): Batch<Publication, void> => {
    const batch = batches.get(whose) ?? createPublications(app, whose)
    batches.set(whose, batch)
    return batch
  }
})

const createPublications = (app: App, whose: string): Batch<Publication, void> =>
  createBatch<Publication, void>({
    size: 128,
    fills,
    // While one waits for its commit the other goes on; a second one of a tenant would wait for the same lanes.
    parallel: whose === ANY ? 2 : 1,
    flush: (batch) => storeTogether(app, batch),
    isFinal,
  })

const MOST_BYTES = 8 * 1024 * 1024
const MOST_DELIVERIES = 5_000

const fills = ({ event, made }: Publication): number =>
  Math.max(event.data.length / MOST_BYTES, (made.rows.length + made.ordered.length) / MOST_DELIVERIES)

/** A commit whose end nobody saw is not repeated; what was waited for until a statement's time was over, not in each half. */
const isFinal = (error: unknown): boolean => isConnectionLoss(error) || isTimedOut(error)

async function storeTogether(app: App, batch: Publication[]): Promise<undefined[]> {
  const events = batch.map(({ event }) => event)
  const external_ids = batch.flatMap((one) => one.external_ids)
  const rows = batch.flatMap(({ made }) => made.rows)
  const ordered = batch.flatMap(({ made }) => made.ordered)
  const tenant_ids = [...new Set(events.map(({ tenant_id }) => tenant_id))]
  const write = () =>
    inTenants(app.db, tenant_ids, (tx) => store(app, tx, { events, external_ids }, { rows, ordered }))
  const count = await write().catch((error) => (isUndone(error) ? write() : Promise.reject(error)))
  if (count > 0) wakeDeliveries(app)
  return batch.map(() => undefined)
}
