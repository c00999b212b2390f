import * as oauth from 'oauth4webapi'
import type { EgressRequest, EgressResult } from '../../platform/egress/egress.ts'
import { quoted } from './asking.ts'

/** OpenID Connect Core 1.0, the code flow with PKCE, nonce and state: who somebody is, said by whoever knows them. */
export type OpenIdClient = { issuer: string; client_id: string; client_secret: string }

/** What has to be kept, closed to everybody, from sending somebody away until they come back. */
export type OpenIdVisit = { state: string; nonce: string; verifier: string }

export type WhoCame =
  | {
      ok: true
      subject: string
      email: string | null
      is_verified: boolean
      name: string | null
      locale: string | null
    }
  | { ok: false; because: string }

type Send = (request: EgressRequest) => Promise<EgressResult>

const TIMEOUT_MS = 10_000
const MOST_BYTES = 200_000
const SCOPE = 'openid email profile'

export type Left = { ok: true; url: string; visit: OpenIdVisit } | { ok: false; because: string }

/** Where to send somebody to, as the provider's own document has it. */
export async function leaveForOpenId(
  { issuer, client_id }: OpenIdClient,
  send: Send,
  redirect_uri: string,
): Promise<Left> {
  const server = await discover(issuer, send).catch(inWords)
  if (!('issuer' in server)) return server
  const { authorization_endpoint } = server
  if (!URL.canParse(authorization_endpoint ?? ''))
    return inWords(new Error('it names no authorization_endpoint'))
  const visit = {
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    verifier: oauth.generateRandomCodeVerifier(),
  }
  const url = new URL(authorization_endpoint ?? '')
  const query = {
    response_type: 'code',
    client_id,
    redirect_uri,
    scope: SCOPE,
    state: visit.state,
    nonce: visit.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(visit.verifier),
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  return { ok: true, url: url.href, visit }
}

/** Whatever is wrong with what the provider said, or that it did not. */
function inWords(error: unknown): { ok: false; because: string } {
  if (error instanceof oauth.AuthorizationResponseError)
    return { ok: false, because: quoted(`the provider said ${error.error}`) }
  return { ok: false, because: quoted(error instanceof Error ? error.message : String(error)) }
}

/** `query` is what the provider sent back. The ID token's signature, issuer, audience, times and nonce are checked. */
export async function comeBackFromOpenId(
  client: OpenIdClient,
  send: Send,
  back: { query: URLSearchParams; visit: OpenIdVisit; redirect_uri: string },
): Promise<WhoCame> {
  return claimsOf(client, send, back).then(toWho, inWords)
}

type Claims = Record<string, unknown> & { sub: string }

async function claimsOf(
  { issuer, client_id, client_secret }: OpenIdClient,
  send: Send,
  { query, visit, redirect_uri }: { query: URLSearchParams; visit: OpenIdVisit; redirect_uri: string },
): Promise<Claims> {
  const server = await discover(issuer, send)
  const client: oauth.Client = { client_id, [oauth.clockTolerance]: 30 }
  const options = through(send)
  const answered = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    showAs(server, client_secret),
    oauth.validateAuthResponse(server, client, query, visit.state),
    redirect_uri,
    visit.verifier,
    options,
  )
  const expected = { expectedNonce: visit.nonce, requireIdToken: true }
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, answered, expected)
  await oauth.validateApplicationLevelSignature(server, answered, options)
  const claims = oauth.getValidatedIdTokenClaims(tokens)
  if (!claims) throw new Error('the provider sent no ID token')
  if (claims['email'] !== undefined || !server.userinfo_endpoint) return claims
  const asked = await oauth.userInfoRequest(server, client, tokens.access_token, options)
  return { ...claims, ...(await oauth.processUserInfoResponse(server, client, claims.sub, asked)) }
}

/** Most take HTTP Basic; who names what it takes and leaves that out gets the form. */
const showAs = (server: oauth.AuthorizationServer, secret: string): oauth.ClientAuth => {
  const taken = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  return taken.includes('client_secret_basic')
    ? oauth.ClientSecretBasic(secret)
    : oauth.ClientSecretPost(secret)
}

async function discover(issuer: string, send: Send): Promise<oauth.AuthorizationServer> {
  const url = new URL(issuer)
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, through(send)))
}

/** Which addresses may be reached, and how, is for egress to say. */
const through = (send: Send) => ({
  [oauth.allowInsecureRequests]: true,
  [oauth.customFetch]: async (
    url: string,
    { method, headers, body }: { method: string; headers: Record<string, string>; body?: unknown },
  ): Promise<Response> => {
    const sent = body === undefined || body === null ? {} : { body: String(body) }
    const limits = { timeout_ms: TIMEOUT_MS, max_response_bytes: MOST_BYTES }
    const result = await send({ url, method, headers, ...sent, ...limits })
    if (result.kind === 'error') throw new Error(result.message)
    const type = result.headers['content-type']
    return new Response(result.body.toString(), {
      status: result.status,
      headers: type === undefined ? {} : { 'content-type': type },
    })
  },
})

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

const toWho = (claims: Claims): WhoCame => ({
  ok: true,
  subject: claims.sub,
  email: text(claims['email']),
  is_verified: claims['email_verified'] === true,
  name: text(claims['name']),
  locale: text(claims['locale']),
})
