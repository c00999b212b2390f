import { forget, inTenant, sqlState } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import { type Actor, type App, INSTALLATION } from '../app.ts'
import { type PageInput, readPage, toPage } from '../wire.ts'
import { audit } from './audit.ts'
import { checkGrant, isTestKey } from './grants.ts'
import {
  type ClientIdentity,
  type ClientRow,
  clientByClientId,
  findClientRow,
  insertClient,
  listClientsPage,
  revokeClientRow,
} from './queries.ts'
import type { NewOauthClient, NewOauthClientShown, OauthClient } from './schema.ts'
import { hashSecret, makeSecret } from './secrets.ts'

/** The administrator chooses the client id; the secret is ours, in this answer and nowhere else. */
export async function createClient(
  app: App,
  actor: Actor,
  input: NewOauthClient,
): Promise<NewOauthClientShown> {
  const { tenant_id } = actor
  if (tenant_id === INSTALLATION) {
    const detail = 'An OAuth client acts for one tenant. Name it with the header trilho-tenant: tnt_….'
    throw new Problem('invalid_request', { field: 'trilho-tenant', detail })
  }
  checkGrant(actor, input.environment, input.scopes)
  const client_secret = makeSecret('trl_client_')
  const id = app.newId()
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    const made = await insertClient(tx, { tenant_id, id, secret_hash: hashSecret(client_secret), ...input })
    forget(tx, 'oauth_client', input.client_id)
    await audit(tx, actor, 'oauth_client.create', toWire('oauth_client', id), input)
    return made
  }).catch((error: unknown) => {
    throw sqlState(error) === '23505' ? taken(input.client_id, error) : error
  })
  return { ...toClient(row), client_secret }
}

const taken = (client_id: string, cause: unknown): Problem =>
  new Problem('conflict', {
    field: 'client_id',
    detail: `The client_id ${client_id} is taken, or was before it was revoked. Choose another.`,
    cause,
  })

export async function listClients(app: App, actor: Actor, input: PageInput) {
  const { limit, before } = readPage('oauth_client', input)
  const { tenant_id } = actor
  const rows = await inTenant(app.db, tenant_id, (tx) => listClientsPage(tx, tenant_id, before, limit + 1))
  return toPage('oauth_client', rows, limit, toClient)
}

/** Its access tokens are refused everywhere within a second, though their hour is not over. */
export async function revokeClient(app: App, actor: Actor, id: string): Promise<OauthClient> {
  const { tenant_id } = actor
  const client = fromWire('oauth_client', id)
  const row = await inTenant(app.db, tenant_id, async (tx) => {
    const found = await findClientRow(tx, tenant_id, client)
    if (!found) throw new Problem('not_found', { detail: `There is no OAuth client ${id} here.` })
    if (isTestKey(actor) && found.environment === 'live') {
      throw new Problem('forbidden', { detail: 'A test key does not revoke a live client. Use a live key.' })
    }
    if (found.revoked_at) return found
    await audit(tx, actor, 'oauth_client.revoke', id, { client_id: found.client_id })
    forget(tx, 'oauth_client', found.client_id)
    return revokeClientRow(tx, tenant_id, client, app.clock.now())
  })
  return toClient(row)
}

export const findClient = (app: App, client_id: string): Promise<ClientIdentity | null> =>
  clientByClientId(app.db.app, client_id)

function toClient(row: ClientRow): OauthClient {
  return {
    id: toWire('oauth_client', row.id),
    client_id: row.client_id,
    name: row.name,
    environment: row.environment,
    scopes: row.scopes,
    revoked_at: row.revoked_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
  }
}
