import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { json, readJson, remember, type SandboxReply, type SandboxRequest, type Vendor } from './wire.ts'

/**
 * A vendor for each of the older ways to be let in. User `ana`, password `sandbox-secret`:
 *
 * - `POST /access/login` (JSON or form) gives `{data: {token}, expires_in}`, which `/access/token` takes as a bearer.
 * - `POST /access/portal` (form) sets a cookie, which `/access/page` takes and sets anew; without it one is sent to the
 *   log-in.
 * - `/access/odata` is SAP's: a read with Basic and `X-CSRF-Token: Fetch` gives a token and a cookie; a change without
 *   both is answered 403 with `X-CSRF-Token: Required`.
 * - `/access/hmac/…` takes `X-Signature`, the hex HMAC-SHA256 of method, path with query, `X-Timestamp` and body, each
 *   on its line, under `sandbox-secret`; five minutes old at most.
 * - `/access/aws/…` takes AWS Signature V4 of key `AKIDSANDBOX`, any region and service.
 *
 * `POST /access/_end` ends all tokens and sessions.
 */
const USER = 'ana'
const SECRET = 'sandbox-secret'
const AWS_KEY = 'AKIDSANDBOX'
const OLDEST_MS = 300_000
const MOST = 10_000

export function createAccess(): Vendor {
  const sessions = new Map<string, true>()
  const open = (): string => {
    const id = randomBytes(18).toString('base64url')
    remember(sessions, id, true, MOST)
    return id
  }
  const vendors: Record<string, Vendor> = {
    login: (request) => logIn(request, open),
    token: ({ headers }) => letIn(sessions.has((headers.authorization ?? '').replace(/^Bearer /, ''))),
    portal: (request) => portal(request, open),
    page: ({ headers }) => {
      const session = cookieOf(headers.cookie, 'PORTAL')
      if (!sessions.has(session)) return { status: 302, headers: { location: '/access/portal' }, body: '' }
      return json(200, { let_in: true }, { 'set-cookie': portalCookie(session) })
    },
    odata: (request) => odata(request, sessions, open),
    hmac: (request) => letIn(fullPaths(request).some((path) => isSigned(request, path))),
    aws: (request) => letIn(fullPaths(request).some((path) => isAwsSigned(request, path))),
    _end: () => {
      sessions.clear()
      return json(200, { ended: true })
    },
  }
  return (request) => {
    const vendor = vendors[request.path.split('/')[1] ?? '']
    return vendor ? vendor(request) : json(404, { error: `There is no ${request.path} here` })
  }
}

const letIn = (ok: boolean): SandboxReply =>
  ok ? json(200, { let_in: true }) : json(401, { error: 'unauthorized' })

const isUser = (user: unknown, password: unknown): boolean => user === USER && password === SECRET

function logIn({ headers, body }: SandboxRequest, open: () => string): SandboxReply {
  const is_json = /json/.test(headers['content-type'] ?? '')
  const form = is_json
    ? ((readJson(body) ?? {}) as Record<string, unknown>)
    : Object.fromEntries(new URLSearchParams(body.toString()))
  if (!isUser(form['username'], form['password'])) return json(401, { error: 'wrong user or password' })
  return json(200, { data: { token: open() }, expires_in: 1800 })
}

function portal({ body }: SandboxRequest, open: () => string): SandboxReply {
  const form = new URLSearchParams(body.toString())
  if (!isUser(form.get('username'), form.get('password')))
    return json(401, { error: 'wrong user or password' })
  return { status: 302, headers: { location: '/access/page', 'set-cookie': portalCookie(open()) }, body: '' }
}

const portalCookie = (session: string): string => `PORTAL=${session}; Path=/; HttpOnly; Secure`

const cookieOf = (header: string | undefined, name: string): string =>
  (header ?? '')
    .split('; ')
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1) ?? ''

function odata(
  { method, headers }: SandboxRequest,
  sessions: Map<string, true>,
  open: () => string,
): SandboxReply {
  const [user, password] = Buffer.from((headers.authorization ?? '').slice(6), 'base64')
    .toString()
    .split(':')
  if (!isUser(user, password))
    return json(401, { error: 'unauthorized' }, { 'www-authenticate': 'Basic realm="SAP"' })
  const asked = String(headers['x-csrf-token'] ?? '')
  if (method === 'GET' || method === 'HEAD') {
    if (asked.toLowerCase() !== 'fetch') return json(200, { d: { results: [] } })
    const id = open()
    const given = { 'x-csrf-token': csrfOf(id), 'set-cookie': `SAP_SESSIONID=${id}; path=/; HttpOnly` }
    return json(200, { d: { results: [] } }, given)
  }
  const session = cookieOf(headers.cookie, 'SAP_SESSIONID')
  if (sessions.has(session) && asked === csrfOf(session)) return json(201, { d: { ID: '1' } })
  return { status: 403, headers: { 'x-csrf-token': 'Required' }, body: 'CSRF token validation failed' }
}

const csrfOf = (session: string): string => createHash('sha256').update(`csrf ${session}`).digest('base64url')

const isSame = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))

/** As it was signed: the sandbox stands at the root of its own port, or below `/sandbox` of the product's. */
const fullPaths = ({ path }: SandboxRequest): string[] => [`/access${path}`, `/sandbox/access${path}`]

function isSigned({ method, query, headers, body }: SandboxRequest, path: string): boolean {
  const timestamp = String(headers['x-timestamp'] ?? '')
  if (!(Math.abs(Date.now() - Number(timestamp) * 1000) < OLDEST_MS)) return false
  const search = query.size > 0 ? `?${query}` : ''
  const text = Buffer.from(`${method}\n${path}${search}\n${timestamp}\n`)
  const expected = createHmac('sha256', SECRET).update(text).update(body).digest('hex')
  return isSame(String(headers['x-signature'] ?? ''), expected)
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')
const encode = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** Source: AWS General Reference, "Create a signed AWS API request". */
function isAwsSigned({ method, query, headers, body }: SandboxRequest, path: string): boolean {
  const [, scope = '', signed = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=(\w+)$/.exec(
      headers.authorization ?? '',
    ) ?? []
  const [key, date = '', region = '', service = ''] = scope.split('/')
  const time = String(headers['x-amz-date'] ?? '')
  if (key !== AWS_KEY || !time.startsWith(date) || !signed.split(';').includes('host')) return false
  const canonical = [
    method,
    path.split('/').map(encode).join('/'),
    [...query]
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join('&'),
    ...signed.split(';').map(
      (name) =>
        `${name}:${String(headers[name] ?? '')
          .trim()
          .replace(/\s+/g, ' ')}`,
    ),
    '',
    signed,
    sha256(body),
  ].join('\n')
  const text = [
    'AWS4-HMAC-SHA256',
    time,
    [date, region, service, 'aws4_request'].join('/'),
    sha256(canonical),
  ].join('\n')
  const day = hmac(`AWS4${SECRET}`, date)
  const signing = hmac(hmac(hmac(day, region), service), 'aws4_request')
  return isSame(signature, hmac(signing, text).toString('hex'))
}
