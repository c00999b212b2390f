import { randomUUID } from 'node:crypto'
import type {
  ClientIdentity,
  EgressRequest,
  EgressResult,
  EgressStream,
} from '../../platform/egress/egress.ts'
import { Problem } from '../../platform/errors.ts'
import { USER_AGENT } from '../../platform/version.ts'
import { versionHeader, withVersion } from '../api_version.ts'
import {
  type Auth,
  authHeaders,
  authorize,
  mayBeDone,
  onOwnBehalf,
  refusesToken,
  sign,
  signsRequests,
  tokenSecrets,
} from '../auth.ts'
import { textIn } from '../charsets.ts'
import { type Credentials, RESERVED_HEADERS, type Settings } from '../fields.ts'
import { maskBody, maskHeaders, maskUrl } from '../masking.ts'
import { hidePersonal } from '../personal.ts'
import { type OperationRequest, type Provider, perSettings } from '../provider.ts'
import { parseReply } from '../replies.ts'
import { hideSensitive } from '../sensitive.ts'
import { formEncode } from './form.ts'

/** Turns what a provider asks into the bytes that leave, and what leaves into what may be kept. Pure. */
export type Opened = {
  provider: Provider
  environment: 'live' | 'test'
  settings: Settings
  credentials: Credentials
  /** What was obtained of the vendor, where the authentication wants that: an access token, a session. */
  token?: string | undefined
  /** Where the vendor said, with it, that it is to be asked. */
  base_url?: string | undefined
  /** On whose behalf: of the person who consented where absent. */
  as?: 'client'
  /** The certificate that is shown to the vendor. */
  identity?: ClientIdentity | undefined
}

export type HttpRequest = OperationRequest & {
  idempotency_key?: string | undefined
  timeout_ms?: number | undefined
  max_response_bytes?: number | undefined
  /** In place of a body. */
  stream?: EgressStream | undefined
}

const MAX_RESPONSE_BYTES = 10_000_000

/** What the vendor said before the connection's own `base_url`, and that before the provider's. Without a slash at the end. */
export function baseUrl({ provider, environment, settings, base_url }: Opened): string {
  const own = base_url ?? settings['base_url']
  const url = typeof own === 'string' && own !== '' ? own : provider.base_url?.[environment]
  if (url === undefined) {
    throw new Problem('invalid_settings', {
      field: 'settings.base_url',
      detail: 'settings.base_url is not set on this connection',
    })
  }
  return withVersion(provider.api_version, settings, url).replace(/\/+$/, '')
}

export const authOf = ({ provider, settings, as }: Opened): Auth => {
  const auth = perSettings(provider.auth, settings)
  return as === 'client' ? onOwnBehalf(auth) : auth
}

/** The second key, if any, and the authentication, which goes before it. */
function authsOf(opened: Opened): Auth[] {
  const second = perSettings(opened.provider.second_key ?? null, opened.settings)
  return second === null ? [authOf(opened)] : [second, authOf(opened)]
}

function authorized(opened: Opened): ReturnType<typeof authorize> {
  const { credentials, token } = opened
  const added = authsOf(opened).map((auth) => authorize(auth, credentials, { token }))
  return {
    headers: Object.assign({}, ...added.map(({ headers }) => headers)),
    query: Object.assign({}, ...added.map(({ query }) => query)),
  }
}

const ownHeaders = (opened: Opened): string[] => authsOf(opened).flatMap(authHeaders)

/** A body of bytes or text goes out as it is; anything else as the encoding says. */
export function buildRequest(opened: Opened, request: HttpRequest): EgressRequest {
  const { provider, settings, identity } = opened
  const auth = authorized(opened)
  for (const name of Object.keys(request.query ?? {})) checkFree(name, auth.query, `query.${name}`)
  const body = encodeBody(request, provider.encoding)
  const key_header = idempotencyHeader(provider, settings)
  const headers: Record<string, string> = {
    accept: 'application/json',
    'user-agent': USER_AGENT,
    ...(body.type !== null && { 'content-type': body.type }),
    ...versionHeader(provider.api_version, settings),
    ...lowerCase(provider.headers?.(settings) ?? {}),
    ...allowed(lowerCase(request.headers ?? {}), ownHeaders(opened)),
    ...(key_header !== null &&
      request.idempotency_key !== undefined && { [key_header]: request.idempotency_key }),
    ...auth.headers,
  }
  return {
    url:
      baseUrl(opened) + withQuery(checkPath(request.path, auth.query), { ...request.query, ...auth.query }),
    method: request.method,
    headers,
    ...(body.content !== null && { body: body.content }),
    ...(request.stream && { stream: request.stream }),
    timeout_ms: request.timeout_ms ?? provider.limits.timeout_ms,
    max_response_bytes: request.max_response_bytes ?? MAX_RESPONSE_BYTES,
    ...(identity && { identity }),
  }
}

/** The request as it leaves now, where its signature holds the time or an id is its own; null where it leaves as it is. */
export function signedRequest(
  opened: Opened,
  request: EgressRequest,
  now: Date,
): Promise<EgressRequest> | null {
  const auth = authOf(opened)
  const { mirrored_header, traced_header } = opened.provider
  const name = mirrored_header ?? perSettings(traced_header ?? null, opened.settings)
  const whole = name ? { ...request, headers: { ...request.headers, [name]: randomUUID() } } : request
  if (signsRequests(auth)) return sign(auth, opened.credentials, whole, now)
  return name ? Promise.resolve(whole) : null
}

/** An answer that does not give the id back that it was asked under is not the answer; of a refusal it is not asked. */
export function mirrored(opened: Opened, request: EgressRequest, result: EgressResult): EgressResult {
  const { mirrored_header: name } = opened.provider
  if (!name || result.kind === 'error' || result.status > 299) return result
  if (result.headers[name]?.toLowerCase() === request.headers[name]) return result
  const { timing, flowed } = result
  return {
    kind: 'error',
    code: 'mismatch',
    message: `the answer does not give back the ${name} it was asked under`,
    sent: true,
    total_ms: timing.total_ms,
    ...(flowed && { flowed }),
  }
}

/** Whether what says so may as well say that a change was made. */
export const isInDoubt = (opened: Opened, result: EgressResult): boolean =>
  result.kind === 'response' && mayBeDone(authOf(opened), result.status, result.headers)

/** Whether the vendor says that what it gave to be let in by is no longer good. It did nothing then, or `isInDoubt`. */
export function isTokenRefused(opened: Opened, result: EgressResult): boolean {
  if (opened.token === undefined || result.kind === 'error') return false
  const { provider, settings } = opened
  const { status, headers, body } = result
  if (refusesToken(authOf(opened), status, headers)) return true
  return provider.refuses_token?.(status, parseReply(body), settings) ?? false
}

/** The header that makes a repeated request one request, lower case; null where the vendor has none. */
export const idempotencyHeader = (provider: Provider, settings: Settings): string | null =>
  perSettings(provider.idempotency_header ?? null, settings)?.toLowerCase() ?? null

function encodeBody({ body, encoding }: OperationRequest, usual: 'json' | 'form') {
  if (body === undefined) return { content: null, type: null }
  if (typeof body === 'string' || Buffer.isBuffer(body)) return { content: body, type: 'application/json' }
  if ((encoding ?? usual) === 'json') return { content: JSON.stringify(body), type: 'application/json' }
  return { content: formEncode(body), type: 'application/x-www-form-urlencoded' }
}

const lowerCase = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

/** A caller's headers can neither take the place of the credentials nor speak to the transport. */
function allowed(headers: Record<string, string>, taken: readonly string[]): Record<string, string> {
  for (const [name, value] of Object.entries(headers)) {
    const field = `headers.${name}`
    if (RESERVED_HEADERS.has(name) || taken.includes(name)) {
      throw new Problem('invalid_request', {
        field,
        detail: `${field} is set by the connection; leave it out`,
      })
    }
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new Problem('invalid_request', {
        field,
        detail: `${field} holds characters that no header may hold`,
      })
    }
  }
  return headers
}

/** No parameter of the credentials is named twice: of two a vendor may take the first, and in whichever case. */
function checkFree(name: string, taken: Record<string, string>, field: string): void {
  if (!Object.keys(taken).some((own) => own.toLowerCase() === name.toLowerCase())) return
  const named = field === 'path' ? `path names the parameter ${name}, which` : field
  throw new Problem('invalid_request', { field, detail: `${named} is set by the connection; leave it out` })
}

/** A path stays below the base URL: no dot segments in any spelling, no backslash, no fragment. */
function checkPath(path: string, taken: Record<string, string>): string {
  const [place = ''] = path.split('?')
  for (const name of new URLSearchParams(path.slice(place.length)).keys()) checkFree(name, taken, 'path')
  const leaves = place.split('/').some((part) => /^(?:\.|%2e){1,2}$/i.test(part))
  if (path.startsWith('/') && !leaves && !/[\\#\x00-\x20\x7f]/.test(path)) return path
  throw new Problem('invalid_request', {
    field: 'path',
    detail: 'path must begin with / and hold no dot segments, backslashes, spaces or #; encode them',
  })
}

function withQuery(path: string, query: NonNullable<OperationRequest['query']>): string {
  const pairs = Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]): [string, string] => [name, String(value)])
  if (pairs.length === 0) return path
  return `${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams(pairs)}`
}

export type RecordedRequest = {
  method: string
  url: string
  headers: Record<string, string>
  body: string | null
  /** What personal data was hidden, by which the record is found. */
  found: string[]
}
export type RecordedReply = Omit<RecordedRequest, 'method' | 'url' | 'body'> & {
  status: number
  body: string
}

/** A request as it may be recorded: no secret, token, card number or personal data in it. */
export function maskRequest(opened: Opened, { method, url, headers, body }: EgressRequest): RecordedRequest {
  const secrets = secretsOf(opened)
  const sensitive = opened.provider.sensitive ?? []
  const found: string[] = []
  return {
    method,
    url: hidePersonal(hideSensitive(maskUrl(url, secrets), sensitive), found),
    headers: maskHeaders(headers, secrets, ownHeaders(opened)),
    body: body === undefined ? null : hidePersonal(storable(opened, body.toString(), secrets), found),
    found,
  }
}

/** A reply's headers as its caller sees them: a session that it renews is the connection's, and nobody's to take away. */
export function withoutSession(opened: Opened, headers: Readonly<Record<string, string>>) {
  const { 'set-cookie': cookies, ...rest } = headers
  return cookies !== undefined && ownHeaders(opened).includes('cookie') ? rest : headers
}

/** A reply as it may be recorded. */
export function maskReply(opened: Opened, reply: Extract<EgressResult, { kind: 'response' }>): RecordedReply {
  const secrets = secretsOf(opened)
  const { status, headers, body } = reply
  const found: string[] = []
  return {
    status,
    headers: maskHeaders(headers, secrets, ownHeaders(opened)),
    body: hidePersonal(
      storable(opened, textIn(body, headers['content-type']) ?? body.toString(), secrets),
      found,
    ),
    found,
  }
}

/** A body without what is never stored, not even sealed: secrets, card numbers, what the manifest says is sensitive. */
export const storable = (opened: Opened, body: string, secrets = secretsOf(opened)): string =>
  hideSensitive(maskBody(body, secrets), opened.provider.sensitive ?? [])

const secretsOf = (opened: Opened): string[] => [
  ...Object.values(opened.credentials),
  ...(opened.token === undefined ? [] : tokenSecrets(authOf(opened), opened.token)),
]
