import type { Tx } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import { dropAuthorization } from '../connections/connections.ts'
import type { Draft } from '../events/events.ts'
import * as queries from './consent_queries.ts'
import { draftOf } from './consent_told.ts'
import { enqueueRevoke } from './revocations.ts'

/**
 * A connection keeps one token: that of the consent whose person came back last. Whatever was agreed to before lost its
 * own then, so that nothing can be read by it any more.
 */

/** With the token of a consent that is over. Nothing where it is another's by now. */
export async function dropTokenOf(app: App, tx: Tx, row: queries.ConsentRow): Promise<Draft[]> {
  const { tenant_id, connection_id } = row
  if (await queries.isFollowed(tx, row)) return []
  await dropAuthorization(app, tx, { tenant_id, connection_id })
  return replaceOthers(app, tx, row)
}

/** Those of its bank that still hold are given back to the bank. */
export async function replaceOthers(app: App, tx: Tx, row: queries.ConsentRow): Promise<Draft[]> {
  const { tenant_id, id, bank_id } = row
  const rejection = { code: 'REPLACED', by: 'TPP', detail: 'a newer consent took its place' }
  const drafts: Draft[] = []
  for (const other of await queries.listAuthorised(tx, { tenant_id, id: bank_id })) {
    if (other.id === id) continue
    const ended = await queries.moveConsent(tx, other, ['AUTHORISED'], { state: 'REJECTED', rejection })
    if (!ended) continue
    await enqueueRevoke(app, tx, other)
    drafts.push(draftOf('consent.revoked', ended))
  }
  return drafts
}
