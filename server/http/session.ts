import { timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Actor, App } from '../modules/app.ts'
import {
  chooseTenant,
  cookieToken,
  csrfOf,
  findStanding,
  hashToken,
  isStanding,
  SESSION_TOPIC,
} from '../modules/people/people.ts'
import { publicAddress } from '../platform/config.ts'
import { remember } from '../platform/database/database.ts'
import { Problem } from '../platform/errors.ts'
import { toWire } from '../platform/ids.ts'
import { clientIp } from './request_line.ts'

/**
 * A person proves itself by the cookie of `POST /v1/session`. Browsers send it with whatever another site makes them
 * ask, so a change must come from a page of ours: it carries `trilho-csrf`, which only such a page could read. Null
 * where the request has no cookie of a session that holds.
 */
export function createSessions(
  app: App,
  isTenant: (id: string) => Promise<unknown>,
): (request: FastifyRequest) => Promise<Actor | null> {
  const sessions = remember(app.db, {
    topic: SESSION_TOPIC,
    load: (hash) => findStanding(app, Buffer.from(hash, 'base64')),
  })
  return async (request) => {
    const token = cookieToken(request, isSecure(app, request))
    if (token === null) return null
    const hash = hashToken(token)
    const standing = await sessions.get(hash.toString('base64'))
    if (!standing || !(await isStanding(app, standing, hash))) return null
    const csrf = csrfOf(token)
    refuseForeign(app, request, csrf)
    const { session_id: id, person_id, expires_at } = standing
    request.signed_in = { id, person_id, expires_at, csrf }
    const { tenant_id, scopes } = await chooseTenant(app, standing, namedTenant(request), isTenant)
    return {
      kind: 'member',
      id: toWire('person', person_id),
      tenant_id,
      environment: environmentOf(request),
      scopes,
      ip: clientIp(request),
      request_id: request.id,
    }
  }
}

/** Also behind a proxy that is not trusted, where the address that others know us by says so. */
const isSecure = (app: App, { protocol }: FastifyRequest): boolean =>
  protocol === 'https' || publicAddress(app.config).startsWith('https:')

function named({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name]
  return value === undefined ? undefined : String(value)
}

/** What people change of themselves is the same in every tenant: who was removed from the one they looked at signs out. */
function namedTenant(request: FastifyRequest): string | undefined {
  const is_own = request.routeOptions.config.access === 'member' && request.method !== 'GET'
  return is_own ? undefined : named(request, 'trilho-tenant')
}

/** A person looks at live or at test, as the page chose; keys are made for one of them. */
function environmentOf(request: FastifyRequest): 'live' | 'test' {
  const text = named(request, 'trilho-environment') ?? 'live'
  if (text === 'live' || text === 'test') return text
  const detail = 'The header trilho-environment must be live or test.'
  throw new Problem('invalid_request', { field: 'trilho-environment', detail })
}

/** Throws 403 where a change may have been asked for by a page that is not ours. */
function refuseForeign(app: App, request: FastifyRequest, csrf: string): void {
  const is_read = request.method === 'GET' || request.method === 'HEAD'
  // What a vendor is asked, and what it answers, is not for a link somebody was sent.
  if (is_read && !request.routeOptions.config.acts_outside) return
  const site = named(request, 'sec-fetch-site') ?? 'same-origin'
  if (site !== 'same-origin' || !isOurs(app, request)) {
    throw foreign(
      'sec-fetch-site',
      'This was asked for by a page of another origin. Use the dashboard itself.',
    )
  }
  const [right, sent] = [Buffer.from(csrf), Buffer.from(named(request, 'trilho-csrf') ?? '')]
  if (right.length === sent.length && timingSafeEqual(right, sent)) return
  throw foreign('trilho-csrf', 'A change by cookie carries the header trilho-csrf, from GET /v1/session.')
}

const foreign = (field: string, detail: string): Problem => new Problem('forbidden', { field, detail })

/** A proxy that is not trusted hides the scheme, so the host decides, or the address that others know us by. */
function isOurs(app: App, request: FastifyRequest): boolean {
  const { origin } = request.headers
  if (origin === undefined) return true
  if (!URL.canParse(origin)) return false
  const { host, origin: whole } = new URL(origin)
  return host === request.host || whole === new URL(publicAddress(app.config)).origin
}
