import { inTenant, sqlState, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import { enqueue, type Job } from '../../platform/jobs/jobs.ts'
import type { Actor, App } from '../app.ts'
import { dropAuthorization, openConnection, removeConnection } from '../connections/connections.ts'
import type { Draft } from '../events/events.ts'
import { listEnded, listOpen, markRevocation, moveConsent } from './consent_queries.ts'
import { draftOf } from './consent_told.ts'
import type { BankRow, Place } from './queries.ts'
import { enqueueRevoke, giveUp, revokeAtBank } from './revocations.ts'
import { asker } from './vendor.ts'

/**
 * A bank is removed: what its person agreed to is over here in that commit, and the bank is told. Where its connection goes
 * with it, it goes once the bank has heard, or after some hours of a bank that does not listen.
 */
export const FAREWELL = 'banking.farewell'

/** About three hours in all. */
export const MOST_TRIES = 12

const DAY_MS = 86_400_000

type Payload = { connection_id: string; consent_ids: string[] }

/** What there is to tell of the consents that ended. */
export async function sayFarewell(app: App, tx: Tx, actor: Actor, bank: BankRow): Promise<Draft[]> {
  const { tenant_id } = actor
  const { id, connection_id, owns_connection } = bank
  if (connection_id === null) return []
  const since = new Date(app.clock.now().getTime() - DAY_MS)
  const before = owns_connection ? await listEnded(tx, { tenant_id, id }, since) : []
  const { drafts, consent_ids } = await endConsents(tx, { tenant_id, id })
  // Of those the bank may not have heard yet, and without the connection it never would.
  consent_ids.push(...before.map((one) => one.id))
  if (owns_connection && consent_ids.length === 0) {
    await removeConnection(app, tx, actor, connection_id).catch(inUse)
    return drafts
  }
  // A connection that others use too has no consents, and keeps what it is let in by.
  if (app.providers.get(bank.provider)?.banking?.consents)
    await dropAuthorization(app, tx, { tenant_id, connection_id })
  if (owns_connection) await enqueueFarewell(app, tx, tenant_id, { connection_id, consent_ids })
  else for (const one of consent_ids) await enqueueRevoke(app, tx, { tenant_id, id: one })
  return drafts
}

/** `consent_ids`: those that the bank knows of. */
async function endConsents(tx: Tx, bank: Place): Promise<{ drafts: Draft[]; consent_ids: string[] }> {
  const rejection = { code: 'CUSTOMER_MANUALLY_REVOKED', by: 'USER', detail: 'the bank was disconnected' }
  const drafts: Draft[] = []
  const consent_ids: string[] = []
  for (const before of await listOpen(tx, bank)) {
    const ended = await moveConsent(tx, before, [before.state], { state: 'REJECTED', rejection })
    if (!ended) continue
    if (ended.vendor_id !== null) consent_ids.push(ended.id)
    drafts.push(draftOf(before.state === 'AUTHORISED' ? 'consent.revoked' : 'consent.rejected', ended))
  }
  return { drafts, consent_ids }
}

async function enqueueFarewell(app: App, tx: Tx, tenant_id: string, payload: Payload): Promise<void> {
  for (const id of payload.consent_ids) await markRevocation(tx, { tenant_id, id }, 'pending')
  await enqueue(tx, { tenant_id, id: app.newId(), kind: FAREWELL, payload, due: app.clock.now() })
}

/** Thrown, it is done again; a bank that was told before says that it knows. */
export async function finishFarewell(app: App, job: Job): Promise<void> {
  const { connection_id, consent_ids } = job.payload as Payload
  const { tenant_id, attempts } = job
  const tried = await Promise.allSettled(consent_ids.map((id) => revokeAtBank(app, { tenant_id, id })))
  const unheard = tried.find((one) => one.status === 'rejected')
  if (unheard && attempts < MOST_TRIES) throw unheard.reason
  const connection = toWire('connection', connection_id)
  if (unheard)
    app.log.warn(
      { crossing: 'banking', connection, err: unheard.reason },
      'a bank never heard that its consents are over',
    )
  for (const [at, id] of consent_ids.entries())
    if (tried[at]?.status === 'rejected') await giveUp(app, { tenant_id, id })
  await removeLeft(app, tenant_id, connection_id).catch((err: unknown) => {
    if (sqlState(err) !== FOREIGN_KEY_VIOLATION) throw err
    app.log.warn({ crossing: 'banking', connection, err }, 'the connection of a removed bank is in use')
  })
}

async function removeLeft(app: App, tenant_id: string, connection_id: string): Promise<void> {
  try {
    const actor = asker(await openConnection(app, tenant_id, connection_id))
    await inTenant(app.db, tenant_id, (tx) => removeConnection(app, tx, actor, connection_id))
  } catch (error) {
    if (error instanceof Problem && error.code === 'not_found') return // somebody removed it by hand
    throw error
  }
}

/** The bank stays with it: what is thrown here takes all of its removal back. */
function inUse(cause: unknown): never {
  if (sqlState(cause) !== FOREIGN_KEY_VIOLATION) throw cause
  throw new Problem('conflict', {
    detail: 'the connection of this bank is used by a source or another bank; delete that first',
    cause,
  })
}

const FOREIGN_KEY_VIOLATION = '23503'
