import type { ClientIdentity, EgressRequest } from '../platform/egress/egress.ts'
import type { FieldError } from '../platform/errors.ts'
import { type Asking, completeUrl, type Obtained } from './auth/asking.ts'
import { toBasic } from './auth/basic.ts'
import { cookieValues } from './auth/cookies.ts'
import { credentialOf } from './auth/credential.ts'
import { type CsrfSession, openSession, readSession, sessionSecrets } from './auth/csrf_session.ts'
import { type HmacSigned, hmacHeaders, signHmac } from './auth/hmac.ts'
import { type Identity, identityErrors, signerErrors } from './auth/keys.ts'
import { goesOn, goesToLogIn, type Login, logIn } from './auth/login.ts'
import {
  type AuthorizationCode,
  asClient,
  type Grant,
  grantToken,
  type OAuthClient,
  refreshToken,
} from './auth/oauth.ts'
import { type SelfSigned, selfSign } from './auth/self_signed.ts'
import { SIGV4_HEADERS, type SigV4, signV4 } from './auth/sigv4.ts'
import type { Credentials } from './fields.ts'

/**
 * How a provider is authenticated with: a description, no behaviour that needs a socket. Each names the credential
 * fields it takes its secrets from. There are three sorts: what stands in every request (`authorize`), what first has
 * to be obtained from the vendor and is renewed (`obtain`), and what signs each request as it leaves (`sign`).
 */
export type Auth =
  | { kind: 'none' }
  | { kind: 'bearer'; token: string }
  | { kind: 'basic'; username: string; password: string }
  | ApiKey
  | Grant
  | SelfSigned
  | Login
  | CsrfSession
  | HmacSigned
  | SigV4

export type ApiKey = { kind: 'api_key'; in: 'header' | 'query'; name: string; key: string; prefix: string }

export { type Identity, identityErrors } from './auth/keys.ts'

export const noAuth: Auth = { kind: 'none' }

/** The names below are those of credential fields, not the secrets themselves. */
export const bearer = (token: string): Auth => ({ kind: 'bearer', token })

export const basic = (username: string, password: string): Auth => ({ kind: 'basic', username, password })

export const apiKey = (place: ApiKey['in'], name: string, key: string, prefix = ''): ApiKey => ({
  kind: 'api_key',
  in: place,
  name,
  key,
  prefix,
})

const oauthClient = (token_url: string): OAuthClient => ({
  client_id: 'client_id',
  client_secret: 'client_secret',
  client_auth: 'basic',
  signer: null,
  token_url,
  scope: null,
  audience: null,
  base_url_in: null,
})

export const clientCredentials = (token_url: string, options: Partial<OAuthClient> = {}): Auth => ({
  ...oauthClient(token_url),
  ...options,
  kind: 'oauth2_client_credentials',
})

export const authorizationCode = (
  urls: { authorize_url: string; token_url: string },
  options: Partial<AuthorizationCode> = {},
): Auth => ({
  ...oauthClient(urls.token_url),
  issuer: null,
  authorize_parameters: {},
  ...options,
  authorize_url: urls.authorize_url,
  kind: 'oauth2_authorization_code',
})

/** The credential fields an authentication needs. */
export function credentialsOf(auth: Auth): string[] {
  switch (auth.kind) {
    case 'none':
      return []
    case 'bearer':
      return [auth.token]
    case 'basic':
    case 'login':
    case 'csrf_session':
      return [auth.username, auth.password]
    case 'api_key':
      return [auth.key]
    case 'oauth2_client_credentials':
    case 'oauth2_authorization_code':
      return clientFields(auth)
    case 'oauth2_jwt_bearer':
    case 'jwt':
      return [auth.issuer, auth.signer.private_key]
    case 'hmac':
      return [auth.secret, ...(auth.key_id === null ? [] : [auth.key_id])]
    case 'aws_sigv4':
      return [auth.access_key_id, auth.secret_access_key]
  }
}

function clientFields({ client_id, client_secret, client_auth, signer, fapi }: OAuthClient): string[] {
  const opens = fapi?.encryption_key ?? null
  if (signer !== null) return [client_id, signer.private_key, ...(opens === null ? [] : [opens])]
  return client_auth === 'none' ? [client_id] : [client_id, client_secret]
}

/** The headers that are the authentication's own, lower case: no caller may set them, and no record shows them. */
export function authHeaders(auth: Auth): string[] {
  switch (auth.kind) {
    case 'none':
      return []
    case 'api_key':
      return auth.in === 'header' ? [auth.name.toLowerCase()] : []
    case 'login':
      return [auth.token_path === null ? 'cookie' : auth.header.toLowerCase()]
    case 'csrf_session':
      return ['authorization', 'cookie', auth.header]
    case 'hmac':
      return hmacHeaders(auth)
    case 'aws_sigv4':
      return SIGV4_HEADERS
    default:
      return ['authorization']
  }
}

type Authorized = { headers: Record<string, string>; query: Record<string, string> }

/** What authentication adds to a request as it is built. `token` is what `obtain` gave, where it has to. */
export function authorize(
  auth: Auth,
  credentials: Credentials,
  given: { token?: string | undefined } = {},
): Authorized {
  const secret = (key: string): string => credentialOf(credentials, key)
  switch (auth.kind) {
    case 'none':
    case 'hmac':
    case 'aws_sigv4':
      return inHeaders({})
    case 'bearer':
      return inHeaders({ authorization: `Bearer ${secret(auth.token)}` })
    case 'basic':
      return inHeaders({ authorization: toBasic(secret(auth.username), secret(auth.password)) })
    case 'api_key': {
      const value = auth.prefix + secret(auth.key)
      if (auth.in === 'query') return { headers: {}, query: { [auth.name]: value } }
      return inHeaders({ [auth.name.toLowerCase()]: value })
    }
    default:
      if (!given.token) throw new Error('what the vendor gives is obtained before the request is made')
      return inHeaders(withToken(auth, credentials, given.token))
  }
}

const inHeaders = (headers: Record<string, string>): Authorized => ({ headers, query: {} })

type WithToken = Grant | SelfSigned | Login | CsrfSession

function withToken(auth: WithToken, credentials: Credentials, token: string): Record<string, string> {
  switch (auth.kind) {
    case 'login':
      if (auth.token_path === null) return { cookie: token }
      return { [auth.header.toLowerCase()]: auth.prefix + token }
    case 'csrf_session': {
      const { csrf, cookies } = readSession(token)
      const basic = toBasic(
        credentialOf(credentials, auth.username),
        credentialOf(credentials, auth.password),
      )
      return { authorization: basic, [auth.header]: csrf, ...(cookies !== '' && { cookie: cookies }) }
    }
    default:
      return { authorization: `Bearer ${token}` }
  }
}

/** Whether a request needs something that is obtained first. */
export const needsToken = (auth: Auth): auth is WithToken =>
  !['none', 'bearer', 'basic', 'api_key', 'hmac', 'aws_sigv4'].includes(auth.kind)

/** Where what has to be obtained is asked for; null where nothing has to be, or where nobody is asked for it. */
export function tokenUrl(auth: Auth, base_url: string): string | null {
  if ('token_url' in auth) return completeUrl(auth.token_url, base_url)
  if (auth.kind === 'login') return completeUrl(auth.login_url, base_url)
  return auth.kind === 'csrf_session' ? completeUrl(auth.fetch_url, base_url) : null
}

/** Whether it is people who let us in, by a visit to the vendor's own page. */
export const needsConsent = (auth: Auth): auth is AuthorizationCode =>
  auth.kind === 'oauth2_authorization_code'

/** What an operation that says `as: 'client'` is let in by: nobody's consent, where everything else needs one. */
export const onOwnBehalf = (auth: Auth): Auth => (needsConsent(auth) ? asClient(auth) : auth)

/** Asks the vendor, once. `refresh_token` is the one of the consent, where there is one. */
export async function obtain(
  auth: WithToken,
  asking: Asking,
  refresh_token: string | null,
): Promise<Obtained> {
  switch (auth.kind) {
    case 'oauth2_client_credentials':
    case 'oauth2_jwt_bearer':
      return grantToken(auth, asking)
    case 'oauth2_authorization_code':
      if (refresh_token !== null) return refreshToken(auth, asking, refresh_token)
      return { ok: false, because: 'the vendor gave no refresh token to renew it with', final: true }
    case 'jwt':
      return selfSign(auth, asking)
    case 'login':
      return logIn(auth, asking)
    case 'csrf_session':
      return openSession(auth, asking)
  }
}

/** Whether an answer says that what was obtained is no longer good. Nothing was done then, unless `mayBeDone`. */
export function refusesToken(auth: Auth, status: number, headers: Readonly<Record<string, string>>): boolean {
  if (!needsToken(auth)) return false
  if (auth.kind === 'csrf_session' && status === 403) return /^required$/i.test(headers[auth.header] ?? '')
  if (auth.kind === 'login' && goesOn(auth, status)) return true
  return status === 401
}

/** It says so in the way in which a portal also says that it has done what was asked. */
export const mayBeDone = (auth: Auth, status: number, headers: Readonly<Record<string, string>>): boolean =>
  auth.kind === 'login' && goesOn(auth, status) && !goesToLogIn(auth, headers['location'])

/** What must not be shown of what was obtained. */
export function tokenSecrets(auth: Auth, token: string): string[] {
  if (auth.kind === 'csrf_session') return sessionSecrets(token)
  return auth.kind === 'login' && auth.token_path === null ? cookieValues(token) : [token]
}

type Signs = HmacSigned | SigV4

export const signsRequests = (auth: Auth): auth is Signs => auth.kind === 'hmac' || auth.kind === 'aws_sigv4'

/** The request with its signature, made for each attempt as it leaves: it holds the time. */
export const sign = async (
  auth: Signs,
  credentials: Credentials,
  request: EgressRequest,
  now: Date,
): Promise<EgressRequest> =>
  auth.kind === 'hmac' ? signHmac(auth, credentials, request, now) : signV4(auth, credentials, request, now)

/** The certificate to show, where the connection has one. */
export function identityOf(
  identity: Identity | null,
  credentials: Credentials,
  owner: string,
): ClientIdentity | undefined {
  if (identity === null) return undefined
  const { passphrase, authority } = identity
  const [words, trusted] = [passphrase, authority].map((key) => (key === null ? undefined : credentials[key]))
  return {
    owner,
    certificate: credentialOf(credentials, identity.certificate),
    key: credentialOf(credentials, identity.key),
    ...(words !== undefined && { passphrase: words }),
    ...(trusted !== undefined && { authority: trusted }),
  }
}

/** ID tokens are encrypted to an RSA key, as those of PS256 are. */
const OPENING = { algorithm: 'PS256', key_id: null } as const

/** What is wrong with keys and certificates, beyond what a field can say of itself. */
export function keyErrors(auth: Auth, identity: Identity | null, credentials: Credentials): FieldError[] {
  const signer = 'signer' in auth ? auth.signer : null
  const opens = 'fapi' in auth ? (auth.fapi?.encryption_key ?? null) : null
  const key_id = auth.kind === 'hmac' ? auth.key_id : null
  const is_missing = key_id !== null && !credentials[key_id]
  return [
    ...(is_missing
      ? [{ field: `credentials.${key_id}`, reason: 'is required: it is sent with the signature' }]
      : []),
    ...(signer === null ? [] : signerErrors(signer, credentials)),
    ...(opens === null ? [] : signerErrors({ ...OPENING, private_key: opens }, credentials)),
    ...(identity === null ? [] : identityErrors(identity, credentials)),
  ]
}
