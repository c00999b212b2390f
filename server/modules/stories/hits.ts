import type { App } from '../app.ts'
import { findBatch } from '../batches/batches.ts'
import { findDeferred, listCallsOf } from '../calls/calls.ts'
import { listNamed } from '../connections/connections.ts'
import { type Described, describeBy } from '../events/events.ts'
import { listMessagesOf } from '../inbound/inbound.ts'
import { findDelivery } from '../outbound/outbound.ts'

/** What a search shows of things that other rooms keep: the search itself stands below them. */

/** Of the kinds that are only found by their own id there is one at most. */
export function describeHits(app: App): void {
  describeBy(app, 'message', {
    scope: 'sources:read',
    path: '/v1/messages',
    describe: async (...at) =>
      (await listMessagesOf(...at)).map((row) => ({
        id: row.id,
        title: row.event_type ?? row.event_key,
        state: row.state,
      })),
  })
  describeBy(app, 'call', { scope: 'calls:read', path: '/v1/calls', describe: describeCalls })
  describeBy(app, 'delivery', {
    scope: 'subscriptions:read',
    path: '/v1/deliveries',
    describe: (tx, tenant_id, ids) =>
      each(ids, async (id) => {
        const row = await findDelivery(tx, tenant_id, id)
        return row && { id, title: row.event_type, state: row.state }
      }),
  })
  describeBy(app, 'batch', {
    scope: 'calls:read',
    path: '/v1/batches',
    describe: (tx, tenant_id, ids) =>
      each(ids, async (id) => {
        const row = await findBatch(tx, tenant_id, id)
        return row && { id, title: `${row.total} calls`, state: row.state }
      }),
  })
  describeBy(app, 'connection', {
    scope: 'connections:read',
    path: '/v1/connections',
    describe: async (...at) =>
      (await listNamed(...at)).map(({ id, name, state }) => ({ id, title: name, state })),
  })
}

const describeCalls: Parameters<typeof describeBy>[2]['describe'] = async (tx, tenant_id, ids) => {
  const made = await listCallsOf(tx, tenant_id, ids)
  const known = new Set(made.map(({ id }) => id))
  const later = await each(
    ids.filter((id) => !known.has(id)),
    async (id) => {
      const row = await findDeferred(tx, tenant_id, id)
      return row && { id, title: row.operation ?? `${row.method} ${row.path}`, state: row.state }
    },
  )
  const told = made.map((row) => ({
    id: row.id,
    title: row.operation ?? `${row.method} ${row.path}`,
    state: row.state,
  }))
  return [...told, ...later]
}

const MOST = 20

/** So many at most, one by one. */
export async function each(
  ids: readonly string[],
  find: (id: string) => Promise<Described | undefined>,
): Promise<Described[]> {
  const found: Described[] = []
  for (const id of ids.slice(0, MOST)) {
    const one = await find(id)
    if (one) found.push(one)
  }
  return found
}
