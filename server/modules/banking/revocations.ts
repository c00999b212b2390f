import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { enqueue, type Job } from '../../platform/jobs/jobs.ts'
import type { App } from '../app.ts'
import { type OpenConnection, openConnection } from '../connections/connections.ts'
import { tell } from '../events/events.ts'
import * as queries from './consent_queries.ts'
import { draftOf } from './consent_told.ts'
import type { Place } from './queries.ts'
import { ask } from './vendor.ts'

/**
 * A consent that we ended is over at its bank once the bank has heard. It is told for three days, whatever keeps it from
 * hearing; then that it has not heard stands at the consent, an event says so, and whoever ends the consent once more has
 * it told anew.
 */
export const REVOKE = 'banking.consent_revoke'

/** About three days: an hour apart after the first nine. */
export const MOST_REVOCATIONS = 80

export async function enqueueRevoke(app: App, tx: Tx, { tenant_id, id }: Place): Promise<void> {
  await queries.markRevocation(tx, { tenant_id, id }, 'pending')
  const payload = { consent_id: id }
  await enqueue(tx, { tenant_id, id: app.newId(), kind: REVOKE, payload, due: app.clock.now() })
}

const isOf = (payload: unknown): payload is { consent_id: string } =>
  typeof payload === 'object' && payload !== null && 'consent_id' in payload

/** Thrown, it is done again, but not for ever. */
export async function revokeLater(app: App, { tenant_id, payload, attempts }: Job): Promise<void> {
  if (!isOf(payload)) return
  const place = { tenant_id, id: payload.consent_id }
  try {
    await revokeAtBank(app, place)
  } catch (err) {
    if (attempts < MOST_REVOCATIONS) throw err
    app.log.warn({ crossing: 'banking', err }, 'a bank never heard that a consent is over')
    await giveUp(app, place)
  }
}

/** Tells the bank that we have ended it; one that was told before says that it knows. Throws where it did not hear. */
export async function revokeAtBank(app: App, place: Place): Promise<void> {
  const row = await inTenant(app.db, place.tenant_id, (tx) => queries.findConsent(tx, place))
  if (!row?.vendor_id) return
  const connection = await openedFor(app, row)
  if (connection === null) return giveUp(app, place)
  const heard = await ask<null>(app, connection, 'banking.consents.revoke', { vendor_id: row.vendor_id })
  // It is over there already, or was never known.
  const is_over = 'told' in heard || ['bank_refused', 'not_found'].includes(heard.trouble.code)
  if (!is_over) throw new Error(`the bank was not told of a revocation: ${heard.trouble.code}`)
  await inTenant(app.db, place.tenant_id, (tx) => queries.markRevocation(tx, place, 'heard'))
}

export const giveUp = (app: App, place: Place): Promise<void> =>
  tell(app, place.tenant_id, async (tx) => {
    const row = await queries.markRevocation(tx, place, 'failed')
    return { out: undefined, drafts: row ? [draftOf('consent.revocation_failed', row)] : [] }
  })

/** Null where the bank can be asked no more: its connection is gone. */
export async function openedFor(
  app: App,
  { tenant_id, connection_id }: queries.ConsentRow,
): Promise<OpenConnection | null> {
  try {
    return await openConnection(app, tenant_id, connection_id)
  } catch (error) {
    if (error instanceof Problem) return null
    throw error
  }
}
