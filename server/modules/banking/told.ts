import { inTenant, type Tx } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { indexerOf, publishAll } from '../events/events.ts'
import { audienceOf, wakeDeliveries } from '../outbound/outbound.ts'

/** How what a bank told becomes true, and is told of, in one transaction. */

/** `entity_id`: what is told of one account keeps its order. */
export type Draft = { type: string; entity_id: string; data: Record<string, unknown> }

export async function tell<Out>(
  app: App,
  tenant_id: string,
  work: (tx: Tx) => Promise<{ out: Out; drafts: Draft[] }>,
): Promise<Out> {
  // Before a connection is held.
  const [audience, index] = [await audienceOf(app, [{ tenant_id }]), await indexerOf(app, tenant_id)]
  const { out, deliveries } = await inTenant(app.db, tenant_id, async (tx) => {
    const { out, drafts } = await work(tx)
    const events = drafts.map(({ type, entity_id, data }) => ({
      ...{ tenant_id, id: app.newId(), type, entity_id, message_id: null },
      data: JSON.stringify(data),
    }))
    const external_ids = events.map(({ id, entity_id }) => ({
      ...{ tenant_id, kind: 'event', ref_id: id },
      value_hmac: index(entity_id),
    }))
    if (events.length === 0) return { out, deliveries: 0 }
    return { out, deliveries: await publishAll(app, tx, { events, external_ids }, audience) }
  })
  if (deliveries > 0) wakeDeliveries(app)
  return out
}

export type About = {
  user_id: string
  bank_code: string
  bank_id: string
  account_id: string
  sync_id: string
}

/** No more ids than this in one event; the rest is in the list of transactions. */
const MOST_NAMED = 1_000

/** What one reading of an account came to, one event for each kind of change there was. */
export function transactionEvents(
  about: About,
  changes: Record<'imported' | 'updated' | 'removed', string[]>,
) {
  const account_id = toWire('bank_account', about.account_id)
  return Object.entries(changes).flatMap(([what, ids]): Draft[] =>
    ids.length === 0
      ? []
      : [
          {
            type: `transactions.${what}`,
            entity_id: account_id,
            data: {
              user_id: about.user_id,
              bank_code: about.bank_code,
              bank_id: toWire('bank', about.bank_id),
              account_id,
              sync_id: toWire('bank_sync', about.sync_id),
              count: ids.length,
              transaction_ids: ids.slice(0, MOST_NAMED).map((id) => toWire('bank_transaction', id)),
            },
          },
        ],
  )
}
