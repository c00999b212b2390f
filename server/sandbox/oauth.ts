import { createHash, randomBytes } from 'node:crypto'
import { json, numberIn, remember, type SandboxReply, type SandboxRequest } from './wire.ts'

/**
 * An OAuth 2.0 server (RFC 6749, 7636, 7523). Any client id with the secret `sandbox-secret` is served, by HTTP Basic
 * or in the form. `GET /oauth/authorize` agrees at once and sends the browser back with a code; refresh tokens rotate,
 * and a spent one takes the consent back. A JWT assertion is looked at and its signature is not, since no key is known
 * here. `?expires_in=` at the token address shortens the life of a token, `POST /oauth/_revoke` ends all of them at
 * once, `GET /oauth/_issued` counts them.
 */
export const OAUTH_SECRET = 'sandbox-secret'

export type OAuth = {
  vendor(request: SandboxRequest): SandboxReply
  isLive(token: string): boolean
}

type Consent = { client_id: string; scope: string | null; taken_back: boolean }
type Code = { consent: Consent; redirect_uri: string; challenge: string }

type Books = {
  tokens: Map<string, number>
  codes: Map<string, Code>
  /** By refresh token; a spent one stays, so that it is known. */
  refreshes: Map<string, { consent: Consent; is_spent: boolean }>
  issued: number
}

const MOST = 10_000

export function createOAuth(): OAuth {
  const books: Books = { tokens: new Map(), codes: new Map(), refreshes: new Map(), issued: 0 }
  return {
    isLive: (token) => (books.tokens.get(token) ?? 0) > Date.now(),
    vendor(request) {
      const path = request.path.replace(/\/$/, '')
      if (path === '/token' && request.method === 'POST') return grant(books, request)
      if (path === '/authorize' && request.method === 'GET') return authorize(books, request.query)
      if (path === '/_issued') return json(200, { issued: books.issued })
      if (path !== '/_revoke') return json(404, { error: 'not_found' })
      books.tokens.clear()
      return json(200, { revoked: true })
    },
  }
}

/** Agrees to whatever is asked. */
function authorize({ codes }: Books, query: URLSearchParams): SandboxReply {
  const redirect_uri = query.get('redirect_uri') ?? ''
  const [client_id, challenge] = [query.get('client_id'), query.get('code_challenge')]
  if (!URL.canParse(redirect_uri) || !client_id) return json(400, { error: 'invalid_request' })
  const back = new URL(redirect_uri)
  back.searchParams.set('state', query.get('state') ?? '')
  if (query.get('response_type') !== 'code' || !challenge || query.get('code_challenge_method') !== 'S256') {
    back.searchParams.set('error', 'invalid_request')
  } else {
    const code = randomBytes(24).toString('base64url')
    const consent = { client_id, scope: query.get('scope'), taken_back: false }
    remember(codes, code, { consent, redirect_uri, challenge }, MOST)
    back.searchParams.set('code', code)
  }
  return { status: 302, headers: { location: back.href }, body: '' }
}

const refused = (error: string, status = 400) => json(status, { error })

function grant(books: Books, request: SandboxRequest): SandboxReply {
  const form = new URLSearchParams(request.body.toString())
  const kind = form.get('grant_type')
  if (kind === 'urn:ietf:params:oauth:grant-type:jwt-bearer') {
    const claims = readClaims(form.get('assertion'))
    if (!claims) return refused('invalid_grant')
    return issue(books, request, form.get('scope') ?? claims['scope'] ?? null, null)
  }
  const client = readClient(request, form)
  const shown = client.secret === OAUTH_SECRET || readClaims(form.get('client_assertion'))
  if (!client.id || !shown) {
    return json(401, { error: 'invalid_client' }, { 'www-authenticate': 'Basic realm="sandbox"' })
  }
  switch (kind) {
    case 'client_credentials':
      return issue(books, request, form.get('scope'), null)
    case 'authorization_code':
      return exchange(books, request, form, client.id)
    case 'refresh_token':
      return refresh(books, request, form, client.id)
    default:
      return refused('unsupported_grant_type')
  }
}

function exchange(
  books: Books,
  request: SandboxRequest,
  form: URLSearchParams,
  client_id: string,
): SandboxReply {
  const code = books.codes.get(form.get('code') ?? '')
  books.codes.delete(form.get('code') ?? '')
  const challenge = createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url')
  const is_fit =
    code?.consent.client_id === client_id &&
    code.redirect_uri === form.get('redirect_uri') &&
    code.challenge === challenge
  return is_fit ? issue(books, request, code.consent.scope, code.consent) : refused('invalid_grant')
}

function refresh(
  books: Books,
  request: SandboxRequest,
  form: URLSearchParams,
  client_id: string,
): SandboxReply {
  const found = books.refreshes.get(form.get('refresh_token') ?? '')
  if (!found || found.consent.client_id !== client_id || found.consent.taken_back)
    return refused('invalid_grant')
  if (found.is_spent) {
    found.consent.taken_back = true
    return refused('invalid_grant')
  }
  found.is_spent = true
  return issue(books, request, found.consent.scope, found.consent)
}

function issue(
  books: Books,
  { query }: SandboxRequest,
  scope: string | null,
  consent: Consent | null,
): SandboxReply {
  const expires_in = numberIn(query, 'expires_in', 3600, 86_400)
  const access_token = randomBytes(24).toString('base64url')
  remember(books.tokens, access_token, Date.now() + expires_in * 1000, MOST)
  books.issued += 1
  const refresh_token = consent && randomBytes(24).toString('base64url')
  if (consent && refresh_token) remember(books.refreshes, refresh_token, { consent, is_spent: false }, MOST)
  return json(
    200,
    {
      access_token,
      token_type: 'Bearer',
      expires_in,
      ...(scope && { scope }),
      ...(refresh_token && { refresh_token }),
    },
    { 'cache-control': 'no-store' },
  )
}

/** The claims of an assertion that is signed, in time, and for us; null of any other. */
function readClaims(assertion: string | null): Record<string, string> | null {
  const [head = '', body = '', signature = ''] = (assertion ?? '').split('.')
  try {
    const read = (part: string) =>
      JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
    const { alg } = read(head)
    const claims = read(body)
    const now_s = Date.now() / 1000
    const exp = Number(claims['exp'])
    const in_time = exp > now_s && exp <= now_s + 3600
    const is_fit = alg !== 'none' && signature !== '' && in_time && Boolean(claims['iss'])
    return is_fit && String(claims['aud']).endsWith('/oauth/token')
      ? (claims as Record<string, string>)
      : null
  } catch {
    return null
  }
}

function readClient(
  request: SandboxRequest,
  form: URLSearchParams,
): { id: string | null; secret: string | null } {
  const header = request.headers.authorization ?? ''
  if (!header.startsWith('Basic ')) return { id: form.get('client_id'), secret: form.get('client_secret') }
  const [id = '', secret = ''] = Buffer.from(header.slice(6), 'base64').toString().split(':', 2)
  return { id: decodeURIComponent(id), secret: decodeURIComponent(secret) }
}
