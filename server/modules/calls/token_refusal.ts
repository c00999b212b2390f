import { needsConsent } from '../../kit/auth.ts'
import { authOf } from '../../kit/transports/http.ts'
import { inTenant } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { type Claim, noteSeen, type OpenConnection, refuseToken } from '../connections/connections.ts'
import { publishAll } from '../events/events.ts'
import { audienceOf, wakeDeliveries } from '../outbound/outbound.ts'

/** A password that was refused is not tried by every call: vendors lock accounts. */
const AGAIN_MS = 300_000

/**
 * The vendor will not let this connection in any more. It is kept, so that nobody asks again in vain; the event that
 * tells the customer is part of the same commit. False where something newer was written meanwhile.
 */
export async function tellRefusal(
  app: App,
  connection: OpenConnection,
  { seen }: Claim,
  because: string,
): Promise<boolean> {
  const { tenant_id, id, version, opened } = connection
  const consent = needsConsent(authOf(opened))
  const note = consent ? `${because}; reconnect it: somebody has to authorize it again` : because
  const renew_at = consent ? null : new Date(app.clock.now().getTime() + AGAIN_MS)
  const entity_id = toWire('connection', id)
  const event = {
    tenant_id,
    id: app.newId(),
    type: 'connection.auth_failed',
    data: JSON.stringify({ connection_id: entity_id, reconnect: consent, reason: note }),
    entity_id,
    message_id: null,
  }
  const audience = await audienceOf(app, [event])
  const deliveries = await inTenant(app.db, tenant_id, async (tx) => {
    const refused = { seen, made_for: version, note, renew_at }
    if (!(await refuseToken(tx, { tenant_id, connection_id: id }, refused))) return null
    return publishAll(app, tx, { events: [event], external_ids: [] }, audience)
  })
  if (deliveries === null) return false
  app.log.warn(
    { crossing: 'call', connection: entity_id, reason: note },
    'a connection is not let in any more',
  )
  noteSeen(app, connection, { reached: true, note, refused: true })
  if (deliveries > 0) wakeDeliveries(app)
  return true
}
