import * as oauth from 'oauth4webapi'
import {
  type Asking,
  ask,
  completeUrl,
  isToken,
  type Obtained,
  quoted,
  readObject,
  readSeconds,
} from './asking.ts'
import { assertion, type Signer } from './assertion.ts'
import { credentialOf } from './credential.ts'
import { boundElsewhere, discover, type Fapi } from './fapi.ts'
import { ASSERTION_LIFE_S, showClient } from './show_client.ts'

/** How a client shows itself at a token endpoint. `tls` and `none` send its id alone (RFC 8705, RFC 6749 §2.1). */
export const CLIENT_AUTHS = ['basic', 'body', 'private_key_jwt', 'jwt_secret', 'none'] as const

/** The client of an OAuth 2.0 server. What names a secret names a credential field. */
export type OAuthClient = {
  client_id: string
  client_secret: string
  client_auth: (typeof CLIENT_AUTHS)[number]
  /** Where `client_auth` is private_key_jwt or jwt_secret; `issuer` is the client's id where null. */
  signer: (Signer & { issuer: string | null; audience: string | null }) | null
  /** Where tokens are asked for: absolute, or below the base URL. */
  token_url: string
  scope: string | null
  audience: string | null
  /** The member of its reply that says where the vendor is asked: `instance_url` at Salesforce. */
  base_url_in: string | null
  /** Where the server answers 2xx to what it refuses: its error code in such a body, null in any other. */
  refuses?: (reply: Readonly<Record<string, unknown>>) => string | null
  /** Of a server of FAPI 1.0 Advanced: it names its own addresses, and those given here are not asked. */
  fapi?: Fapi
}

export type ClientCredentials = OAuthClient & { kind: 'oauth2_client_credentials' }

/** RFC 6749 §4.1 with PKCE (RFC 7636), always. */
export type AuthorizationCode = OAuthClient & {
  kind: 'oauth2_authorization_code'
  /** Where people are sent: absolute, or below the base URL. */
  authorize_url: string
  /** Its `iss` must be it where the server sends one (RFC 9207). */
  issuer: string | null
  /** More parameters of that address, such as `access_type=offline`. */
  authorize_parameters: Readonly<Record<string, string>>
}

/** The same client on its own behalf, for what nobody has to consent to. */
export const asClient = (auth: AuthorizationCode): ClientCredentials => ({
  ...auth,
  kind: 'oauth2_client_credentials',
  scope: auth.fapi?.client_scope ?? auth.scope,
})

/** RFC 7523: a token for an assertion that we sign. */
export type JwtBearer = Omit<OAuthClient, 'client_auth' | 'signer' | 'client_id' | 'client_secret'> & {
  kind: 'oauth2_jwt_bearer'
  signer: Signer
  /** Credential field. */
  issuer: string
  subject: string | null
  /** Google wants the scope as a claim, others as a parameter. */
  scope_in: 'claim' | 'parameter'
}

export type Grant = ClientCredentials | AuthorizationCode | JwtBearer

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** A token where none is yet; of an authorization code there is none before somebody consents. */
export function grantToken(auth: ClientCredentials | JwtBearer, asking: Asking): Promise<Obtained> {
  const wanted = parameters({ audience: auth.kind === 'oauth2_client_credentials' ? auth.audience : null })
  if (auth.kind === 'oauth2_client_credentials') {
    if (auth.scope) wanted.set('scope', auth.scope)
    return request(auth, asking, (server, client, show, options) =>
      oauth.genericTokenEndpointRequest(server, client, show, 'client_credentials', wanted, options),
    )
  }
  return request(auth, asking, async (server, client, show, options) => {
    wanted.set('assertion', await bearerAssertion(auth, asking, server.token_endpoint ?? ''))
    if (auth.scope && auth.scope_in === 'parameter') wanted.set('scope', auth.scope)
    return oauth.genericTokenEndpointRequest(server, client, show, JWT_BEARER, wanted, options)
  })
}

function bearerAssertion(auth: JwtBearer, { credentials, now }: Asking, endpoint: string): Promise<string> {
  const claims = {
    issuer: credentialOf(credentials, auth.issuer),
    subject: auth.subject,
    audience: auth.audience ?? endpoint,
    life_s: ASSERTION_LIFE_S,
    ...(auth.scope && auth.scope_in === 'claim' && { extra: { scope: auth.scope } }),
  }
  return assertion(auth.signer, credentials, claims, now)
}

/** RFC 6749 §6. Where the server rotates, `refresh_token` is the next one and the old is spent. */
export async function refreshToken(
  auth: AuthorizationCode,
  asking: Asking,
  refresh_token: string,
): Promise<Obtained> {
  const found = await request(auth, asking, (server, client, show, options) =>
    oauth.refreshTokenGrantRequest(server, client, show, refresh_token, options),
  )
  return found.ok ? { ...found, refresh_token: found.refresh_token ?? refresh_token } : found
}

export type Ask = (
  server: oauth.AuthorizationServer,
  client: oauth.Client,
  show: oauth.ClientAuth,
  options: oauth.TokenEndpointRequestOptions,
) => Promise<Response>

/** Reads the server's reply where more than a token stands in it; throws what is wrong with it, in words. */
export type Check = (
  server: oauth.AuthorizationServer,
  client: oauth.Client,
  response: Response,
) => Promise<oauth.TokenEndpointResponse>

/** What the other side said, for the words when it cannot be used. */
type Heard = { status: number; code: string | null; words: string } | { unreached: string } | null

/** Asks the token endpoint. Without `check` the reply is an access token and no more. */
export async function request(auth: Grant, asking: Asking, question: Ask, check?: Check): Promise<Obtained> {
  const found = await serverOf(auth, asking)
  if ('because' in found) return found
  const { server, client, endpoint } = found
  let heard: Heard = null
  const options: oauth.TokenEndpointRequestOptions = {
    // Which addresses may be reached, and how, is for egress to say.
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: async (url, { method, headers, body }) => {
      const result = await ask(asking, { url, method, headers, body: String(body) })
      if (result.kind === 'error') {
        heard = { unreached: result.message }
        throw new Error(result.message)
      }
      const { status, reply, code } = plainReply(auth, result.status, result.body.toString(), !check)
      heard = { status: result.status, code, words: errorWords(reply, code) }
      return new Response(JSON.stringify(reply), { status, headers: { 'content-type': 'application/json' } })
    },
  }
  try {
    const response = await question(server, client, showClient(auth, asking, endpoint), options)
    const tokens = check
      ? await check(server, client, response).catch((error: unknown) => {
          if (response.ok) heard = { unreached: quoted(String((error as Error).message)) }
          throw error
        })
      : await oauth.processGenericTokenEndpointResponse(server, client, response)
    return toObtained(auth, tokens, asking)
  } catch (error) {
    return refused(heard, error)
  }
}

type Server = { server: oauth.AuthorizationServer; client: oauth.Client; endpoint: string }

/** Where the client's assertion is for, and what is asked: as the settings say, or as the server's own document does. */
async function serverOf(auth: Grant, asking: Asking): Promise<Server | Extract<Obtained, { ok: false }>> {
  const client_id = credentialOf(asking.credentials, clientIdOf(auth))
  if ('fapi' in auth && auth.fapi) return discover(auth.fapi, asking, client_id)
  const endpoint = completeUrl(auth.token_url, asking.base_url)
  const issuer = auth.kind === 'oauth2_authorization_code' ? auth.issuer : null
  const server = { issuer: issuer ?? new URL(endpoint).origin, token_endpoint: endpoint }
  return { server, client: { client_id }, endpoint }
}

const clientIdOf = (auth: Grant): string => (auth.kind === 'oauth2_jwt_bearer' ? auth.issuer : auth.client_id)

/**
 * A reply as the standard has it, from how servers write it: no token_type, seconds as text, 200 with an error. What
 * is about the person who consented is left out, since nobody here asks who it was.
 */
function plainReply(auth: Grant, answered: number, text: string, is_plain: boolean) {
  const { id_token, ...reply } = readObject(text)
  const own = auth.refuses?.(reply) ?? null
  const standard = typeof reply['error'] === 'string' ? reply['error'] : null
  const code = own ?? (answered > 299 || reply['access_token'] === undefined ? standard : null)
  if (code !== null) {
    return { status: answered > 299 ? answered : 400, reply: { ...reply, error: code || 'unknown' }, code }
  }
  const { token_type, expires_in, scope, refresh_token, ...rest } = reply
  const seconds = readSeconds(expires_in)
  const plain = {
    ...rest,
    ...(!is_plain && { id_token }),
    token_type: typeof token_type === 'string' && token_type !== '' ? token_type : 'bearer',
    ...(seconds !== null && { expires_in: seconds }),
    ...(typeof scope === 'string' && { scope }),
    ...(typeof refresh_token === 'string' && refresh_token !== '' && { refresh_token }),
  }
  return { status: answered === 201 ? 200 : answered, reply: plain, code }
}

const errorWords = (reply: Record<string, unknown>, code: string | null): string =>
  [code, reply['error_description']].filter((text) => typeof text === 'string').join(': ')

/** A token of unknown life is believed for five minutes, where another costs nobody's consent. */
const USUAL_LIFE_S = 300

function toObtained(auth: Grant, tokens: oauth.TokenEndpointResponse, { identity }: Asking): Obtained {
  const { access_token: token, token_type, expires_in, refresh_token = null, scope = null } = tokens
  if (token_type !== 'bearer')
    return no(`the token is of type ${quoted(token_type)}; only bearer tokens are understood`)
  if (!isToken(token)) return no('the token endpoint answered without an access_token')
  if (boundElsewhere(token, identity)) return no('the token is bound to another certificate than ours')
  const base_url = readBaseUrl(auth.base_url_in === null ? null : tokens[auth.base_url_in])
  const life = auth.kind === 'oauth2_authorization_code' ? null : USUAL_LIFE_S
  return {
    ok: true,
    token,
    expires_in_s: expires_in ?? life,
    refresh_token,
    scope: scope ?? auth.scope,
    base_url,
  }
}

/** An address like those of settings; anything else is none. */
function readBaseUrl(value: unknown): string | null {
  const url = typeof value === 'string' ? URL.parse(value) : null
  const is_fit = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.search === ''
  return is_fit ? url.href.replace(/\/+$/, '') : null
}

const no = (because: string, final = false): Obtained => ({ ok: false, because, final })

function refused(heard: Heard, error: unknown): Obtained {
  if (heard === null) {
    if (error instanceof oauth.AuthorizationResponseError) return no(`the vendor said ${quoted(said(error))}`)
    if (error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError)
      return no(quoted(error.message))
    throw error
  }
  if ('unreached' in heard) return no(heard.unreached)
  const { status, code, words } = heard
  if (status > 299 || code !== null) {
    return no(
      `the token endpoint answered ${status}${words && ` (${quoted(words)})`}`,
      code === 'invalid_grant',
    )
  }
  return no('the token endpoint answered without an access_token')
}

const said = ({ error, error_description }: oauth.AuthorizationResponseError) =>
  [error, error_description].filter((text) => text !== undefined).join(': ')

const parameters = (given: Record<string, string | null>): URLSearchParams =>
  new URLSearchParams(Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== null))
