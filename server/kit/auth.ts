import { Problem } from '../platform/errors.ts'
import type { Credentials } from './fields.ts'
import { readJson } from './wire_json.ts'

/**
 * How a provider is authenticated with: a description, no behaviour that needs a socket. Each names the credential
 * fields it takes its secrets from.
 */
export type Auth =
  | { kind: 'none' }
  | { kind: 'bearer'; token: string }
  | { kind: 'basic'; username: string; password: string }
  | { kind: 'api_key'; in: 'header' | 'query'; name: string; key: string; prefix: string }
  | {
      kind: 'oauth2_client_credentials'
      client_id: string
      client_secret: string
      /** Where tokens are asked for: absolute, or below the base URL. */
      token_url: string
      scope: string | null
      audience: string | null
      /** How the client shows itself: RFC 6749 §2.3.1. */
      client_auth: 'basic' | 'body'
    }

export const noAuth: Auth = { kind: 'none' }

/** The names below are those of credential fields, not the secrets themselves. */
export const bearer = (token: string): Auth => ({ kind: 'bearer', token })

export const basic = (username: string, password: string): Auth => ({ kind: 'basic', username, password })

export const apiKey = (place: 'header' | 'query', name: string, key: string, prefix = ''): Auth => ({
  kind: 'api_key',
  in: place,
  name,
  key,
  prefix,
})

type ClientCredentials = Extract<Auth, { kind: 'oauth2_client_credentials' }>

export const clientCredentials = (token_url: string, options: Partial<ClientCredentials> = {}): Auth => ({
  client_id: 'client_id',
  client_secret: 'client_secret',
  scope: null,
  audience: null,
  client_auth: 'basic',
  ...options,
  kind: 'oauth2_client_credentials',
  token_url,
})

/** The credential fields an authentication needs. */
export function credentialsOf(auth: Auth): string[] {
  switch (auth.kind) {
    case 'none':
      return []
    case 'bearer':
      return [auth.token]
    case 'basic':
      return [auth.username, auth.password]
    case 'api_key':
      return [auth.key]
    case 'oauth2_client_credentials':
      return [auth.client_id, auth.client_secret]
  }
}

/** What authentication adds to a request. `token` is the access token of OAuth 2.0, fetched by `tokenRequest`. */
export function authorize(
  auth: Auth,
  credentials: Credentials,
  given: { token?: string | undefined } = {},
): { headers: Record<string, string>; query: Record<string, string> } {
  const secret = (key: string): string => credentialOf(credentials, key)
  switch (auth.kind) {
    case 'none':
      return { headers: {}, query: {} }
    case 'bearer':
      return inHeader('authorization', `Bearer ${secret(auth.token)}`)
    case 'basic':
      return inHeader('authorization', toBasic(secret(auth.username), secret(auth.password)))
    case 'api_key':
      return auth.in === 'header'
        ? inHeader(auth.name.toLowerCase(), auth.prefix + secret(auth.key))
        : { headers: {}, query: { [auth.name]: auth.prefix + secret(auth.key) } }
    case 'oauth2_client_credentials':
      if (!given.token) throw new Error('an access token is fetched before the request is made')
      return inHeader('authorization', `Bearer ${given.token}`)
  }
}

const inHeader = (name: string, value: string) => ({ headers: { [name]: value }, query: {} })

const toBasic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

function credentialOf(credentials: Credentials, key: string): string {
  const value = credentials[key]
  if (value !== undefined && value !== '') return value
  const field = `credentials.${key}`
  throw new Problem('invalid_settings', {
    field,
    detail: `${field} is not set on this connection; set it and try again`,
  })
}

/** The request for an access token, RFC 6749 §4.4. `base_url` completes a token URL that is only a path. */
export function tokenRequest(
  auth: ClientCredentials,
  credentials: Credentials,
  base_url: string,
): { url: string; method: 'POST'; headers: Record<string, string>; body: string } {
  const id = credentialOf(credentials, auth.client_id)
  const secret = credentialOf(credentials, auth.client_secret)
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (auth.scope) form.set('scope', auth.scope)
  if (auth.audience) form.set('audience', auth.audience)
  const headers: Record<string, string> = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  }
  if (auth.client_auth === 'basic') headers['authorization'] = toBasic(formEncode(id), formEncode(secret))
  else {
    form.set('client_id', id)
    form.set('client_secret', secret)
  }
  const url = auth.token_url.startsWith('/') ? base_url.replace(/\/$/, '') + auth.token_url : auth.token_url
  return { url, method: 'POST', headers, body: form.toString() }
}

/** RFC 6749 §2.3.1 has both halves form-encoded before they are joined. */
const formEncode = (text: string) => new URLSearchParams({ a: text }).toString().slice(2)

export type Token = { ok: true; token: string; expires_in_s: number } | { ok: false; because: string }

/** Reads the answer to `tokenRequest`. Without `expires_in` a token is believed for five minutes. */
export function readToken(status: number, body: Buffer | string): Token {
  const reply = parseObject(String(body))
  if (status < 200 || status > 299) {
    const error = [reply['error'], reply['error_description']]
      .filter((text) => typeof text === 'string')
      .join(': ')
    return {
      ok: false,
      because: `the token endpoint answered ${status}${error ? ` (${error.slice(0, 200)})` : ''}`,
    }
  }
  const { access_token: token, token_type: type, expires_in } = reply
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    return { ok: false, because: 'the token endpoint answered without an access_token' }
  }
  if (typeof type === 'string' && type.toLowerCase() !== 'bearer') {
    return {
      ok: false,
      because: `the token is of type ${type.slice(0, 40)}; only bearer tokens are understood`,
    }
  }
  const seconds = Number(expires_in)
  return { ok: true, token, expires_in_s: seconds > 0 && seconds < 1e9 ? Math.floor(seconds) : 300 }
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value = readJson(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
