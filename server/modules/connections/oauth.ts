import { createHash } from 'node:crypto'
import { type Asking, notObtained, type Obtained } from '../../kit/auth/asking.ts'
import type { AuthorizationCode } from '../../kit/auth/oauth.ts'
import { comeBack, leave, stateOf } from '../../kit/auth/visit.ts'
import { needsConsent } from '../../kit/auth.ts'
import { hideSecrets } from '../../kit/masking.ts'
import { authOf, baseUrl } from '../../kit/transports/http.ts'
import { publicAddress } from '../../platform/config.ts'
import { forget, inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import { enqueue } from '../../platform/jobs/jobs.ts'
import type { Actor, App } from '../app.ts'
import { audit } from '../tenants/tenants.ts'
import { checkEnvironment, type OpenConnection, openConnection } from './connections.ts'
import type { Authorization, BeginAuthorization } from './oauth_schema.ts'
import { setHealth } from './seen.ts'
import { type Afterwards, insertState, takeState, tenantOfState } from './token_queries.ts'
import { dropToken, readToken, writeConsent } from './tokens.ts'

/**
 * Letting a connection in at the vendor's own page: OAuth 2.0 authorization code with PKCE. Somebody is sent there with
 * a state that only we know, and comes back to `/oauth/callback` with it and a code, which is exchanged for tokens.
 */

const STATE_LIFE_MS = 600_000

/** Where vendors send people back to; it has to be registered there. */
export const redirectUri = (app: App): string => `${publicAddress(app.config)}/oauth/callback`

export async function beginAuthorization(app: App, actor: Actor, wire_id: string, input: BeginAuthorization) {
  const connection = await openConnection(app, actor.tenant_id, fromWire('connection', wire_id))
  checkEnvironment(actor, connection.environment)
  if (consentOf(connection).fapi)
    throw new Problem('conflict', {
      detail: 'this bank lets nobody in without a consent; begin with POST /v1/banks/{id}/consents',
    })
  return beginVisit(app, actor, connection, input)
}

/**
 * For a room that asks for more than the connection does: `scope` is added, `afterwards` is a job that is enqueued when the
 * visitor is back, whatever they come back with: `is_let_in` says whether a token came of it. Throws `vendor_failed` where the vendor does not let the visit begin.
 */
export async function beginVisit(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  input: BeginAuthorization & { scope?: string; afterwards?: Afterwards; life_ms?: number },
) {
  const return_to = input.return_to === undefined ? null : checkedReturn(input.return_to)
  const redirect_uri = redirectUri(app)
  const wanted = { redirect_uri, ...(input.scope !== undefined && { scope: input.scope }) }
  const visit = await leave(consentOf(connection), askingOf(app, connection), wanted)
  if (!visit.ok) {
    const secrets = Object.values(connection.opened.credentials)
    throw new Problem('vendor_failed', { detail: hideSecrets(visit.because, secrets) })
  }
  const expires_at = new Date(app.clock.now().getTime() + (input.life_ms ?? STATE_LIFE_MS))
  const { tenant_id, id } = connection
  const state_hash = hashOf(visit.state)
  await inTenant(app.db, tenant_id, async (tx) => {
    const verifier = await app.vault.seal(tx, tenant_id, contextOf(state_hash), Buffer.from(visit.kept))
    await insertState(tx, {
      tenant_id,
      connection_id: id,
      state_hash,
      verifier,
      redirect_uri,
      return_to,
      actor: actor.id,
      afterwards: input.afterwards ?? null,
      expires_at,
    })
    await audit(tx, actor, 'connection.authorize', toWire('connection', id))
  })
  return { url: visit.url, redirect_uri, expires_at: expires_at.toISOString() }
}

const hashOf = (state: string): Buffer => createHash('sha256').update(state).digest()
const contextOf = (state_hash: Buffer) => `oauth_state verifier ${state_hash.toString('hex')}`

function consentOf({ opened }: OpenConnection): AuthorizationCode {
  const auth = authOf(opened)
  if (needsConsent(auth)) return auth
  throw new Problem('conflict', {
    detail: `this connection authenticates by ${auth.kind}, which needs nobody to authorize it`,
  })
}

const askingOf = (app: App, { opened }: OpenConnection): Asking => ({
  credentials: opened.credentials,
  base_url: baseUrl(opened),
  identity: opened.identity,
  now: app.clock.now(),
  send: app.egress.send,
})

/** Never to another kind of address, and to one without TLS on this machine only. */
function checkedReturn(text: string): string {
  const url = URL.parse(text)
  const is_local = url !== null && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
  const is_fit = url?.protocol === 'https:' || (url?.protocol === 'http:' && is_local)
  if (url !== null && is_fit && url.username === '' && url.password === '') return url.href
  throw new Problem('invalid_request', {
    field: 'return_to',
    detail: 'return_to must be an https:// URL without user and password, or http:// on localhost',
  })
}

/** What the page says to whoever came back. */
export type CameBack = {
  ok: boolean
  because: string | null
  /** Of the connection; null where the state is none of ours any more. */
  name: string | null
  connection_id: string | null
  return_to: string | null
}

type From = Pick<Actor, 'ip' | 'request_id'>

const NOT_OURS: CameBack = { ok: false, because: null, name: null, connection_id: null, return_to: null }

/** Ends a visit: the query is what the vendor sent. Whatever is wrong is said, and a state is good once. */
export async function finishAuthorization(app: App, query: URLSearchParams, from: From): Promise<CameBack> {
  const state = stateOf(query)
  const state_hash = hashOf(state)
  const tenant_id = state === '' ? null : await tenantOfState(app.db, state_hash)
  const visit = tenant_id === null ? undefined : await takeVisit(app, tenant_id, state_hash)
  if (tenant_id === null || !visit) return NOT_OURS
  const { connection_id, return_to, redirect_uri, verifier: kept, afterwards } = visit
  const connection = await openConnection(app, tenant_id, connection_id)
  const said = { name: connection.name, connection_id, return_to }
  const back = { query, state, kept, redirect_uri }
  const found = await comeBack(consentOf(connection), askingOf(app, connection), back).catch(inWords)
  if (!found.ok) {
    if (afterwards) await tellFailure(app, tenant_id, afterwards)
    const id = toWire('connection', connection_id)
    app.log.warn(
      { crossing: 'call', connection: id, reason: found.because },
      'a connection was not authorized',
    )
    return {
      ...said,
      ok: false,
      because: hideSecrets(found.because, Object.values(connection.opened.credentials)),
    }
  }
  await inTenant(app.db, tenant_id, async (tx) => {
    await keep(app, tx, connection, found, visitor(tenant_id, from), visit.actor)
    if (afterwards) await enqueueAfterwards(app, tx, { tenant_id, ...afterwards }, true)
  })
  return { ...said, ok: true, because: null }
}

async function tellFailure(app: App, tenant_id: string, afterwards: Afterwards): Promise<void> {
  await inTenant(app.db, tenant_id, (tx) => enqueueAfterwards(app, tx, { tenant_id, ...afterwards }, false))
}

function enqueueAfterwards(app: App, tx: Tx, visit: { tenant_id: string } & Afterwards, is_let_in: boolean) {
  const { tenant_id, kind, payload } = visit
  return enqueue(tx, {
    tenant_id,
    id: app.newId(),
    kind,
    payload: { ...payload, is_let_in },
    due: app.clock.now(),
  })
}

/** What is wrong with the connection is told to whoever came back, as it is told to a caller. */
function inWords(error: unknown): Obtained {
  if (error instanceof Problem) return notObtained(error.message)
  throw error
}

const takeVisit = (app: App, tenant_id: string, state_hash: Buffer) =>
  inTenant(app.db, tenant_id, async (tx) => {
    const row = await takeState(tx, tenant_id, state_hash)
    if (!row) return undefined
    const verifier = await app.vault.open(tx, tenant_id, contextOf(state_hash), row.verifier)
    return { ...row, verifier: verifier.toString(), afterwards: row.afterwards as Afterwards | null }
  })

async function keep(
  app: App,
  tx: Tx,
  { tenant_id, id, version }: OpenConnection,
  found: Extract<Obtained, { ok: true }>,
  actor: Actor,
  by: string,
): Promise<void> {
  await writeConsent(app, tx, { tenant_id, connection_id: id, purpose: 'own' }, found, version)
  await setHealth(app, tx, { tenant_id, connection_id: id }, { health: 'unknown', note: null })
  forget(tx, 'connection', `${tenant_id} ${id}`)
  await audit(tx, actor, 'connection.authorized', toWire('connection', id), {
    begun_by: by,
    scope: found.scope,
  })
}

/** Whoever comes back shows no key; the state says who sent them away. */
const visitor = (tenant_id: string, from: From): Actor => ({
  kind: 'system',
  id: 'oauth_callback',
  tenant_id,
  environment: 'test',
  scopes: [],
  ip: from.ip,
  request_id: from.request_id,
})

export async function readAuthorization(app: App, actor: Actor, wire_id: string): Promise<Authorization> {
  const { tenant_id, id, opened } = await openConnection(
    app,
    actor.tenant_id,
    fromWire('connection', wire_id),
  )
  const token = await readToken(app, { tenant_id, connection_id: id, purpose: 'own' })
  const has_consent = needsConsent(authOf(opened)) ? token?.consented_at != null : (token?.version ?? 0) > 0
  return {
    connection_id: wire_id,
    auth: authOf(opened).kind,
    state: token?.state === 'refused' ? 'needs_reconnect' : has_consent ? 'connected' : 'not_connected',
    note: token?.note ?? null,
    scope: token?.scope ?? null,
    expires_at: token?.expires_at?.toISOString() ?? null,
    authorized_at: token?.consented_at?.toISOString() ?? null,
    redirect_uri: redirectUri(app),
  }
}

/** What was given to be let in by is forgotten here; at the vendor it stays until it ends or is taken back there. */
export async function endAuthorization(app: App, actor: Actor, wire_id: string): Promise<void> {
  const connection = await openConnection(app, actor.tenant_id, fromWire('connection', wire_id))
  checkEnvironment(actor, connection.environment)
  const { tenant_id, id } = connection
  await inTenant(app.db, tenant_id, async (tx) => {
    if (await dropToken(app, tx, { tenant_id, connection_id: id }))
      await audit(tx, actor, 'connection.deauthorize', wire_id)
  })
}
