import { needsConsent } from '../../kit/auth.ts'
import { authOf } from '../../kit/transports/http.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { type Claim, noteSeen, type OpenConnection, refuseToken } from '../connections/connections.ts'
import { publishChange } from '../events/events.ts'

/** A password that was refused is not tried by every call: vendors lock accounts. */
const AGAIN_MS = 300_000

/**
 * The vendor will not let this connection in any more. It is kept, so that nobody asks again in vain; the event that
 * tells the customer, once, is part of the same commit. Null where something newer was written meanwhile.
 */
export async function tellRefusal(
  app: App,
  connection: OpenConnection,
  { seen }: Claim,
  because: string,
): Promise<{ ok: false; because: string } | null> {
  const { tenant_id, id, version, opened } = connection
  const reconnect = needsConsent(authOf(opened))
  const note = reconnect ? `${because}; reconnect it: somebody has to authorize it again` : because
  const renew_at = reconnect ? null : new Date(app.clock.now().getTime() + AGAIN_MS)
  const entity_id = toWire('connection', id)
  const data = { connection_id: entity_id, reconnect, reason: note }
  const change = { tenant_id, type: 'connection.auth_failed', entity_id, data }
  const refused = { seen, made_for: version, note, renew_at }
  const place = { tenant_id, connection_id: id, purpose: opened.as ?? 'own' } as const
  let is_ours = false
  const is_told = await publishChange(app, change, async (tx) => {
    const found = await refuseToken(tx, place, refused)
    is_ours = found !== null
    return found?.is_known === false
  })
  if (!is_ours) return null
  const about = { crossing: 'call', connection: entity_id, reason: note }
  if (is_told) app.log.warn(about, 'a connection is not let in any more')
  noteSeen(app, connection, { reached: true, note, refused: true })
  return { ok: false, because: note }
}
