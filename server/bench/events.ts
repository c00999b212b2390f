import type { Actor, App } from '../modules/app.ts'
import { publishAll } from '../modules/events/events.ts'
import { audienceOf, wakeDeliveries } from '../modules/outbound/outbound.ts'
import { inTenants } from '../platform/database/database.ts'

const NOTE = 'x'.repeat(300)

/** What a call sends, about 1 kB, and not text yet. */
export const callBody = (n: number) => ({
  payment_id: `pay_${String(n).padStart(20, '0')}`,
  status: 'completed',
  amount: { amount: '12990', currency: 'BRL' },
  customer: { name: 'Customer of the bench', city: 'Recife', note: NOTE },
  metadata: Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`field_${at}`, `value ${n} of ${at}`])),
})

/** Data of an event: the same as text. */
export const payload = (n: number): string => JSON.stringify(callBody(n))

const AT_ONCE = 500

const TYPE = 'payment.completed'

/** Publishes events of many tenants with their deliveries, as the rooms do, and wakes whoever delivers. */
export async function publishEvents(
  app: App,
  actors: Actor[],
  count: number,
  typeOf: (n: number) => string = () => TYPE,
): Promise<void> {
  const tenant_ids = actors.map((actor) => actor.tenant_id)
  for (let from = 0; from < count; from += AT_ONCE) {
    const events = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, at) => ({
      tenant_id: tenant_ids[at % tenant_ids.length] as string,
      id: app.newId(),
      type: typeOf(from + at),
      data: payload(from + at),
      entity_id: null,
      message_id: null,
    }))
    const audience = await audienceOf(app, events)
    await inTenants(app.db, tenant_ids, (tx) => publishAll(app, tx, { events, external_ids: [] }, audience))
  }
  wakeDeliveries(app)
}
