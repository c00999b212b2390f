import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { previewDelivery } from '../outbound/outbound.ts'
import * as queries from './queries.ts'
import type { PreviewSubscription } from './schema.ts'
import { exampleOf } from './types.ts'

/** What a subscription would send for an event of the past, or for the example of a type. */
export async function previewSubscription(app: App, actor: Actor, input: PreviewSubscription) {
  const { event_id, event_type, version, ...shape } = input
  if ((event_id === undefined) === (event_type === undefined)) {
    const detail = 'give either event_id, of an event of the past, or event_type, for its example'
    throw new Problem('invalid_request', { field: 'event_id', detail })
  }
  const event =
    event_id === undefined
      ? { event_id: app.newId(), customer: null, ...(await exampleOf(app, actor, event_type ?? '', version)) }
      : await pastEvent(app, actor, event_id)
  return previewDelivery(app, actor, shape, event)
}

async function pastEvent(app: App, { tenant_id }: Actor, wire_id: string) {
  const id = fromWire('event', wire_id, 'event_id')
  const row = await inTenant(app.db, tenant_id, (tx) => queries.findEvent(tx, tenant_id, id))
  if (!row) throw new Problem('not_found', { detail: `there is no event ${wire_id}` })
  const { type, version, data, customer } = row
  return { event_id: id, type, version, data, customer }
}
