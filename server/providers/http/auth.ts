import { ALGORITHMS, type Signer } from '../../kit/auth/assertion.ts'
import { valueAt } from '../../kit/auth/credential.ts'
import type { CsrfSession } from '../../kit/auth/csrf_session.ts'
import type { HmacSigned } from '../../kit/auth/hmac.ts'
import type { Login } from '../../kit/auth/login.ts'
import { CLIENT_AUTHS, type JwtBearer, type OAuthClient } from '../../kit/auth/oauth.ts'
import {
  type ApiKey,
  type Auth,
  apiKey,
  authHeaders,
  authorizationCode,
  basic,
  bearer,
  clientCredentials,
  noAuth,
} from '../../kit/auth.ts'
import { RESERVED_HEADERS, type Settings } from '../../kit/fields.ts'
import type { FieldError } from '../../platform/errors.ts'

/** What fields alone cannot ask for. */
export function authFaults(settings: Settings): FieldError[] {
  const { auth, api_key_name, second_key_name } = settings
  if (auth === 'api_key_query' && api_key_name === undefined)
    return [{ field: 'settings.api_key_name', reason: 'is required: the name of the parameter' }]
  const second = secondKeyOf(settings)
  const is_taken = second !== null && takenIn(second.in, settings).includes(second.name.toLowerCase())
  const reason = `names what the connection sets itself; a second key stands elsewhere than ${second_key_name}`
  return is_taken ? [{ field: 'settings.second_key_name', reason }] : []
}

function takenIn(place: ApiKey['in'], settings: Settings): string[] {
  const auth = authOf(settings)
  if (place === 'header') return [...RESERVED_HEADERS, ...authHeaders(auth)]
  return auth.kind === 'api_key' && auth.in === 'query' ? [auth.name.toLowerCase()] : []
}

/** Beside the authentication: what a gateway before the API wants to see. */
export function secondKeyOf({ second_key_in: place, second_key_name: name }: Settings): ApiKey | null {
  return place === 'header' || place === 'query' ? apiKey(place, String(name), 'second_key') : null
}

/** The authentication that the settings describe. What they leave out is as the fields say. */
export function authOf(settings: Settings): Auth {
  const of = reader(settings)
  switch (settings['auth']) {
    case 'bearer':
      return bearer('token')
    case 'basic':
      return basic('username', 'password')
    case 'api_key_header':
      return apiKey('header', of.text('api_key_name', 'X-API-Key'), 'api_key', of.text('api_key_prefix'))
    case 'api_key_query':
      return apiKey('query', of.text('api_key_name'), 'api_key', of.text('api_key_prefix'))
    case 'oauth2_client_credentials':
      return clientCredentials(of.text('token_url'), clientOf(of))
    case 'oauth2_authorization_code':
      return authorizationCode(
        { authorize_url: of.text('authorize_url'), token_url: of.text('token_url') },
        {
          ...clientOf(of),
          issuer: of.orNull('issuer'),
          authorize_parameters: Object.fromEntries(new URLSearchParams(of.text('authorize_parameters'))),
        },
      )
    case 'oauth2_jwt_bearer':
      return jwtBearer(of)
    case 'jwt':
      return {
        kind: 'jwt',
        signer: signerOf(of, ''),
        issuer: 'assertion_issuer',
        subject: of.orNull('subject'),
        audience: of.orNull('audience'),
        life_s: Number(settings['life_s'] ?? 1800),
      }
    case 'hmac':
      return hmacOf(of)
    case 'aws_sigv4':
      return {
        kind: 'aws_sigv4',
        access_key_id: 'access_key_id',
        secret_access_key: 'secret_access_key',
        session_token: 'session_token',
        region: of.text('region'),
        service: of.text('service'),
      }
    case 'login':
      return loginOf(of, settings['token_ttl_s'])
    case 'csrf_session':
      return sessionOf(of)
    default:
      return noAuth
  }
}

/** Reads settings as text, with what stands for those left out. */
function reader(settings: Settings) {
  const text = (key: string, otherwise = ''): string => String(settings[key] ?? otherwise)
  return {
    text,
    orNull: (key: string): string | null => text(key) || null,
    oneOf: <T extends string>(key: string, known: readonly [T, ...T[]]): T =>
      known.find((one) => one === settings[key]) ?? known[0],
  }
}
type Reader = ReturnType<typeof reader>

function clientOf(of: Reader): Partial<OAuthClient> {
  const client_auth = of.oneOf('client_auth', CLIENT_AUTHS)
  const signs = client_auth === 'private_key_jwt' || client_auth === 'jwt_secret'
  return {
    client_auth,
    signer: signs
      ? {
          ...signerOf(of, 'client_'),
          issuer: of.orNull('client_issuer'),
          audience: of.orNull('client_audience'),
        }
      : null,
    scope: of.orNull('scope'),
    audience: of.orNull('audience'),
    base_url_in: of.orNull('base_url_in'),
  }
}

const signerOf = (of: Reader, prefix: 'client_' | ''): Signer => ({
  private_key: prefix === '' ? 'private_key' : 'client_key',
  algorithm: of.oneOf(`${prefix}algorithm`, ALGORITHMS),
  key_id: of.orNull(`${prefix}key_id`),
})

const jwtBearer = (of: Reader): JwtBearer => ({
  kind: 'oauth2_jwt_bearer',
  signer: signerOf(of, ''),
  issuer: 'assertion_issuer',
  subject: of.orNull('subject'),
  token_url: of.text('token_url'),
  scope: of.orNull('scope'),
  audience: of.orNull('audience'),
  base_url_in: of.orNull('base_url_in'),
  scope_in: of.oneOf('scope_in', ['claim', 'parameter']),
})

const hmacOf = (of: Reader): HmacSigned => ({
  kind: 'hmac',
  secret: 'hmac_secret',
  key_id:
    /\{key_id\}/.test(of.text('hmac_signs') + of.text('hmac_header_value')) || of.text('hmac_key_id_header')
      ? 'hmac_key_id'
      : null,
  secret_encoding: of.oneOf('hmac_secret_encoding', ['utf8', 'hex', 'base64']),
  algorithm: of.oneOf('hmac_algorithm', ['sha256', 'sha512', 'sha1']),
  encoding: of.oneOf('hmac_encoding', ['hex', 'base64']),
  signs: of.text('hmac_signs'),
  header: of.text('hmac_header'),
  header_value: of.text('hmac_header_value', '{signature}'),
  timestamp_header: of.orNull('hmac_timestamp_header'),
  timestamp_format: of.oneOf('hmac_timestamp_format', ['seconds', 'milliseconds', 'iso']),
  nonce_header: of.orNull('hmac_nonce_header'),
  key_id_header: of.orNull('hmac_key_id_header'),
})

function loginOf(of: Reader, ttl: Settings[string] | undefined): Login {
  const header = of.text('token_header', 'authorization').toLowerCase()
  return {
    kind: 'login',
    username: 'username',
    password: 'password',
    username_field: of.text('username_field', 'username'),
    password_field: of.text('password_field', 'password'),
    extra: Object.fromEntries(new URLSearchParams(of.text('login_parameters'))),
    encoding: of.oneOf('login_encoding', ['json', 'form']),
    login_url: of.text('login_url'),
    token_path: of.text('login_keeps') === 'cookies' ? null : of.text('token_path', 'token'),
    expires_path: of.orNull('expires_path'),
    ttl_s: ttl === undefined ? null : Number(ttl),
    header,
    prefix: of.text('token_prefix', header === 'authorization' ? 'Bearer ' : ''),
  }
}

const sessionOf = (of: Reader): CsrfSession => ({
  kind: 'csrf_session',
  username: 'username',
  password: 'password',
  fetch_url: of.text('fetch_url', '/'),
  header: of.text('csrf_header', 'x-csrf-token').toLowerCase(),
})

/** Whether an answer holds the error that the settings name. */
export function refusesToken(_status: number, body: unknown, settings: Settings): boolean {
  const named = settings['token_refused_when']
  if (typeof named !== 'string') return false
  const equals = named.indexOf('=')
  return String(valueAt(body, named.slice(0, equals))) === named.slice(equals + 1)
}
