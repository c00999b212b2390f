import { once, remember } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import type { App } from '../app.ts'
import { accessTokenKey, findClient, holds, readAccessToken } from '../tenants/tenants.ts'
import type { Arrival } from './receive.ts'
import { tellSeldom, turnAway } from './refusals.ts'
import type { ActiveSource } from './sources.ts'

/**
 * For a source that asks for it: whoever tells it things is a client of its tenant's, and shows an access token that we
 * issued (`POST /oauth/token`). The token is kept with no message, so what comes without one is not kept either.
 */
const SCOPE = 'webhooks:receive'

const issued = once((app: App) => ({
  clients: remember(app.db, { topic: 'oauth_client', load: (client_id) => findClient(app, client_id) }),
  key: remember(app.db, { topic: 'access_token_key', load: () => accessTokenKey(app) }),
}))

export async function refuseWithoutToken(
  app: App,
  source: ActiveSource,
  { headers, ip }: Arrival,
): Promise<void> {
  if (await isGranted(app, source, String(headers['authorization'] ?? ''))) return
  const { wire_id } = source
  turnAway(app, source, 'token_refused')
  const detail = `${wire_id} takes what shows an access token of its tenant with the scope ${SCOPE} (options.access_token)`
  tellSeldom(app, source, 'webhook.token_refused', ip, detail)
  throw new Problem('unauthenticated', {
    detail,
    headers: { 'www-authenticate': `Bearer error="invalid_token", scope="${SCOPE}"` },
  })
}

async function isGranted(app: App, { tenant_id }: ActiveSource, authorization: string): Promise<boolean> {
  const token = /^bearer +(eyJ[\x21-\x7e]{16,4096})$/i.exec(authorization)?.[1]
  if (token === undefined) return false
  const { clients, key } = issued(app)
  const claims = await readAccessToken(await key.get(''), token, app.clock.now())
  if (!claims || !holds(claims.scopes, SCOPE)) return false
  return (await clients.get(claims.client_id))?.tenant_id === tenant_id
}
