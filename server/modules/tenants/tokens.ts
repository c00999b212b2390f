import { randomBytes, timingSafeEqual } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import { inTenant } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import { type App, INSTALLATION } from '../app.ts'
import { findClient } from './clients.ts'
import { lockAccessTokenKey } from './queries.ts'
import { holds } from './scopes.ts'
import { hashSecret } from './secrets.ts'

/** RFC 6749: what the client asks with, and what it is told. */
export type TokenRequest = {
  client_id: string
  client_secret: string
  grant_type?: string | undefined
  scope?: string | undefined
}
export type TokenRefusal = {
  error: 'invalid_request' | 'invalid_client' | 'invalid_grant' | 'unsupported_grant_type' | 'invalid_scope'
  error_description: string
}
export type AccessToken = { access_token: string; token_type: 'Bearer'; expires_in: number; scope: string }

const LIFETIME_S = 3600
const ISSUER = 'trilho'
const KEY_REF = { tenant_id: INSTALLATION, owner_id: INSTALLATION, field: 'access_token_key' }

/** Client credentials (RFC 6749, 4.4). No scope asked for means all the client holds. */
export async function issueAccessToken(app: App, request: TokenRequest): Promise<AccessToken | TokenRefusal> {
  const client = await findClient(app, request.client_id)
  if (!isSame(client?.secret_hash ?? null, hashSecret(request.client_secret)) || !client) {
    app.telemetry.count('trilho_security_events_total', { kind: 'bad_client' })
    return {
      error: 'invalid_client',
      error_description: 'The client is unknown or revoked, or its secret is another.',
    }
  }
  if (request.grant_type !== 'client_credentials') {
    return { error: 'unsupported_grant_type', error_description: 'grant_type must be client_credentials.' }
  }
  const scopes = request.scope?.split(' ').filter((scope) => scope !== '') ?? []
  const beyond = scopes.filter((scope) => !holds(client.scopes, scope))
  if (beyond.length > 0) {
    return { error: 'invalid_scope', error_description: `The client holds only ${client.scopes.join(' ')}.` }
  }
  const scope = (scopes.length > 0 ? scopes : client.scopes).join(' ')
  const access_token = await sign(app, request.client_id, client, scope)
  return { access_token, token_type: 'Bearer', expires_in: LIFETIME_S, scope }
}

async function sign(
  app: App,
  client_id: string,
  client: { tenant_id: string; environment: string },
  scope: string,
): Promise<string> {
  const now_s = Math.floor(app.clock.now().getTime() / 1000)
  return new SignJWT({ scope, tenant: toWire('tenant', client.tenant_id), environment: client.environment })
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
    .setIssuer(ISSUER)
    .setSubject(client_id)
    .setJti(app.newId())
    .setIssuedAt(now_s)
    .setExpirationTime(now_s + LIFETIME_S)
    .sign(await accessTokenKey(app))
}

/** An unknown client costs the comparison too. */
function isSame(expected: Buffer | null, given: Buffer): boolean {
  return timingSafeEqual(expected ?? Buffer.alloc(given.length), given) && expected !== null
}

/** What a token says, or null where it is not ours, was tampered with, or is over. */
export async function readAccessToken(
  key: Uint8Array,
  token: string,
  now: Date,
): Promise<{ client_id: string; scopes: string[] } | null> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      typ: 'at+jwt',
      issuer: ISSUER,
      currentDate: now,
      requiredClaims: ['sub', 'exp', 'scope'],
    })
    return { client_id: String(payload.sub), scopes: String(payload['scope']).split(' ') }
  } catch (error) {
    if (error instanceof errors.JOSEError) return null
    throw error
  }
}

/** The key that signs access tokens: random, in the vault, made by whoever needs it first. */
export async function accessTokenKey(app: App): Promise<Uint8Array> {
  const text = await inTenant(app.db, INSTALLATION, async (tx) => {
    const there = await app.vault.get(tx, KEY_REF)
    if (there !== null) return there
    await lockAccessTokenKey(tx)
    const meanwhile = await app.vault.get(tx, KEY_REF)
    if (meanwhile !== null) return meanwhile
    const made = randomBytes(32).toString('base64')
    await app.vault.put(tx, KEY_REF, made)
    return made
  })
  return Buffer.from(text, 'base64')
}
