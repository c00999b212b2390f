import type { VendorPayment } from '../../kit/news.ts'
import { inTenant } from '../../platform/database/database.ts'
import type { Actor, App } from '../app.ts'
import type { OpenConnection } from '../connections/connections.ts'
import { type PaymentRow, type Place, sentAt } from './queries.ts'
import { listAlike, listClaimed, MOST_ALIKE } from './statement_queries.ts'
import { ask, toldBy } from './vendor.ts'

/**
 * A charge at a vendor that takes neither a key nor a reference of ours, looked for in its statement: an operation of
 * the same amount, made when ours was sent, that is no other payment's. It is believed only where exactly one operation
 * could be it and exactly one payment of ours could be that; of two alike nobody can say which card paid which. That
 * nothing is found proves nothing, since the statement may be behind: then it is looked for again. Nor does a declined
 * operation: it may be the try before ours, which is not listed yet.
 */

/** Clocks differ, and the vendor may take its time. */
const BEFORE_MS = 60_000
const AFTER_MS = 5 * 60_000
/** A call ends within a minute, and the statement may be moments behind: before this it may list a twin and not ours. */
const LISTED_MS = 2 * 60_000

/** A statement takes longer than a charge; nobody waits for it. */
const LOAD_MS = 70_000

type Found = { told: VendorPayment; call_id: string }

export async function findInStatement(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: Place,
  row: PaymentRow,
): Promise<Found | null> {
  const sent_at = sentAt(row).getTime()
  if (app.clock.now().getTime() - sent_at < LISTED_MS) return null
  const [from, to] = [new Date(sent_at - BEFORE_MS), new Date(sent_at + AFTER_MS)]
  const input = { from: from.toISOString(), to: to.toISOString() }
  const question = { verb: 'statement', input, deadline_ms: LOAD_MS } as const
  const heard = toldBy(await ask<VendorPayment[]>(app, actor, connection, question))
  if (!heard) return null
  const alike = heard.told.filter(
    ({ money }) => money.amount === row.amount && money.currency === row.currency,
  )
  const [found, second] = await unclaimed(app, place, row, alike)
  if (!found || second || found.status === 'failed') return null
  const since = new Date(sent_at - BEFORE_MS - AFTER_MS)
  const others = await inTenant(app.db, place.tenant_id, (tx) => listAlike(tx, place, row, since))
  const is_alone = others.every((one) => Math.abs(sentAt(one).getTime() - sent_at) > BEFORE_MS + AFTER_MS)
  return is_alone && others.length < MOST_ALIKE ? { told: found, call_id: heard.call_id } : null
}

async function unclaimed(
  app: App,
  { tenant_id }: Place,
  { provider }: PaymentRow,
  operations: VendorPayment[],
) {
  const ids = operations.map(({ vendor_id }) => vendor_id)
  const claimed = await inTenant(app.db, tenant_id, (tx) => listClaimed(tx, tenant_id, provider, ids))
  return operations.filter(({ vendor_id }) => !claimed.has(vendor_id))
}
