import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { type Access, type Actor, type App, INSTALLATION } from '../modules/app.ts'
import { findBearer, isPortalToken } from '../modules/portal/portal.ts'
import {
  accessTokenKey,
  findClient,
  findKeyByHash,
  holds,
  type Identity,
  readAccessToken,
  tenantExists,
} from '../modules/tenants/tenants.ts'
import { remember } from '../platform/database/database.ts'
import { Problem } from '../platform/errors.ts'
import { fromWire, toWire } from '../platform/ids.ts'
import { clientIp } from './request_line.ts'
import { createSessions } from './session.ts'

export type Auth = {
  /** Lets a request into a route that is not public, as `request.actor`, or throws 401 or 403. */
  admit(request: FastifyRequest): Promise<void>
  /** Who a request says it is; throws 401 where it does not prove it. */
  identify(request: FastifyRequest): Promise<Actor>
}

/**
 * A caller proves itself by `Authorization: Bearer`: an API key, found by its SHA-256, or an access token from
 * `/oauth/token`, whose signature is checked and whose client must still be there. Both look-ups are remembered
 * and dropped when any process revokes, so a revocation holds everywhere within a second. A person comes with the
 * cookie of a session instead; beside an Authorization a cookie says nothing.
 */
export function createAuth(app: App): Auth {
  const { fromKey, fromAccessToken } = createIdentities(app)
  const tenants = remember(app.db, { topic: 'tenant', load: (id) => tenantExists(app, id) })
  const fromCookie = createSessions(app, tenants.get)

  async function identify(request: FastifyRequest): Promise<Actor> {
    const person = request.headers.authorization === undefined ? await fromCookie(request) : null
    if (person) return person
    const token = bearer(request)
    const customer = isPortalToken(token) ? await fromPortal(app, token, request) : null
    if (customer) return customer
    const kind = isAccessToken(token) ? 'oauth_client' : 'api_key'
    const identity = await (kind === 'api_key' ? fromKey(token) : fromAccessToken(token))
    if (identity) return toActor(kind, identity, request)
    app.telemetry.count('trilho_security_events_total', { kind: 'bad_key' })
    throw unproven('The key or token is unknown, expired or revoked. Use another.', 'invalid_token')
  }

  async function admit(request: FastifyRequest): Promise<void> {
    const actor = await identify(request)
    request.actor = actor // so that the log line of a refusal says who was refused
    const tenant_id = actor.kind === 'member' ? ownTenant(request, actor) : await chosenTenant(request, actor)
    permit(actor, request.routeOptions.config.access ?? 'admin', tenant_id)
    if (tenant_id !== null) request.actor = { ...actor, tenant_id }
  }

  /** An administrator acts on the tenant named by `trilho-tenant`; nobody else has a choice. */
  async function chosenTenant(request: FastifyRequest, actor: Actor): Promise<string | null> {
    const named = request.headers['trilho-tenant']
    if (named === undefined) return null
    const id = fromWire('tenant', String(named), 'trilho-tenant')
    if (id === actor.tenant_id) return id
    if (!actor.scopes.includes('admin')) throw notTheirs()
    if (await tenants.get(id)) return id
    throw new Problem('not_found', { field: 'trilho-tenant', detail: `There is no tenant ${named}.` })
  }

  return { admit, identify }
}

/** A session has chosen already; null where an administrator named none and there is none to choose. */
const ownTenant = (request: FastifyRequest, { tenant_id }: Actor): string | null =>
  tenant_id === INSTALLATION && request.headers['trilho-tenant'] === undefined ? null : tenant_id

const notTheirs = (): Problem =>
  new Problem('forbidden', {
    field: 'trilho-tenant',
    detail:
      'This credential belongs to one tenant; only an administrator chooses with trilho-tenant. Leave it out.',
  })

type FindIdentity = (token: string) => Promise<Identity | null>

function createIdentities(app: App): { fromKey: FindIdentity; fromAccessToken: FindIdentity } {
  const keys = remember(app.db, {
    topic: 'api_key',
    load: (hash) => findKeyByHash(app, Buffer.from(hash, 'base64')),
  })
  const clients = remember(app.db, {
    topic: 'oauth_client',
    load: (client_id) => findClient(app, client_id),
  })
  const signingKey = lazily(() => accessTokenKey(app))
  return {
    fromKey: async (token) => {
      const found = await keys.get(createHash('sha256').update(token).digest('base64'))
      return found && !isOver(found, app.clock.now()) ? found : null
    },
    fromAccessToken: async (token) => {
      const claims = await readAccessToken(await signingKey(), token, app.clock.now())
      if (!claims) return null
      const client = await clients.get(claims.client_id)
      return client ? { ...client, scopes: claims.scopes } : null
    },
  }
}

function bearer(request: FastifyRequest): string {
  const header = request.headers.authorization
  if (header === undefined) {
    throw unproven('Send Authorization: Bearer with an API key (trl_live_…, trl_test_…) or an access token.')
  }
  const token = /^bearer +([\x21-\x7e]{16,4096})$/i.exec(header)?.[1]
  if (token === undefined)
    throw unproven('The Authorization header must be Bearer, a space, and an API key or access token.')
  return token
}

/** A JWT begins with `{"` in base64url; no API key does. */
const isAccessToken = (token: string): boolean => token.startsWith('eyJ') && token.split('.').length === 3

const isOver = ({ expires_at }: Identity, now: Date): boolean => expires_at !== null && expires_at <= now

function toActor(kind: 'api_key' | 'oauth_client', identity: Identity, request: FastifyRequest): Actor {
  const { id, tenant_id, environment, scopes } = identity
  return {
    kind,
    id: toWire(kind, id),
    tenant_id,
    environment,
    scopes,
    ip: clientIp(request),
    request_id: request.id,
  }
}

function permit(actor: Actor, access: Access, tenant_id: string | null): void {
  if (actor.kind === 'portal' || access === 'portal' || access === 'portal_edit') {
    permitCustomer(actor, access)
    return
  }
  const is_admin = actor.scopes.includes('admin')
  if (access === 'member') {
    if (actor.kind === 'member') return
    throw new Problem('forbidden', {
      detail: 'This is for people who signed in (POST /v1/session), not for keys.',
    })
  }
  if (access === 'admin') {
    if (is_admin) return
    throw new Problem('forbidden', { detail: 'Only an administrator may do this. Use an admin key.' })
  }
  if (is_admin && tenant_id === null) {
    throw new Problem('invalid_request', {
      field: 'trilho-tenant',
      detail: 'An administrator acts on one tenant here. Name it with the header trilho-tenant: tnt_….',
    })
  }
  if (is_admin || holds(actor.scopes, access)) return
  throw new Problem('forbidden', {
    detail: `This needs the scope ${access}; the credential holds ${actor.scopes.join(', ') || 'none'}. Use one that holds it.`,
  })
}

/** Who came by a link of the portal is let into its routes and no others, whatever these ask for; and nobody else is. */
function permitCustomer({ kind, portal }: Actor, access: Access): void {
  if (kind !== 'portal' || !portal) {
    throw new Problem('forbidden', {
      detail:
        'This is for the customer of a tenant, by a link of POST /v1/portal/links, not for keys or people.',
    })
  }
  if (access !== 'portal' && access !== 'portal_edit')
    throw new Problem('forbidden', { detail: 'A link to the portal opens the portal and nothing else.' })
  if (access === 'portal_edit' && !portal.can_edit)
    throw new Problem('forbidden', { detail: 'This link is for looking; ask for one that may edit.' })
}

async function fromPortal(app: App, token: string, request: FastifyRequest): Promise<Actor | null> {
  const found = await findBearer(app, token)
  if (!found) return null
  const { tenant_id, environment, id: link_id, customer, event_types, can_edit } = found
  return {
    kind: 'portal',
    id: toWire('portal_link', link_id),
    ...{ tenant_id, environment, scopes: [] },
    ip: clientIp(request),
    request_id: request.id,
    portal: { link_id, customer, event_types, can_edit },
  }
}

function unproven(detail: string, error?: string): Problem {
  const challenge = `Bearer realm="trilho"${error === undefined ? '' : `, error="${error}"`}`
  return new Problem('unauthenticated', { detail, headers: { 'www-authenticate': challenge } })
}

/** Makes a thing at its first use and keeps it; a failure is not kept. */
function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null
  return () => {
    made ??= make().catch((error: unknown) => {
      made = null
      throw error
    })
    return made
  }
}
