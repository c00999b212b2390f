import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { jwtVerify } from 'jose'
import { fromWire } from '../../platform/ids.ts'
import { providers } from '../../providers/index.ts'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Reply, type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { OK, openRawVendor } from '../../test/raw_vendor.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes as eventRoutes } from '../events/routes.ts'
import { routes } from './routes.ts'

/** Every way to be let in, by real requests to a vendor that was written from the documentation of each. */

let served: Served
let vendor: string
before(async () => {
  served = await serve({ mount: { rooms: [connectionRoutes, routes, eventRoutes] }, providers })
  const sandbox = await startSandbox({ port: 0 })
  undoAfter(() => sandbox.stop())
  vendor = sandbox.url
})

type Connected = { key: string; connection: string }
type Fields = Record<string, string | number | boolean>

async function create(
  settings: Fields,
  credentials: Fields,
  base_url: string,
): Promise<Reply & { key: string }> {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const limits = { rates: [{ calls: 100_000, per_s: 60 }] }
  const body = {
    provider: 'http',
    name: 'x',
    environment: 'development',
    settings: { base_url, ...settings },
    credentials,
    limits,
  }
  return { ...(await served.send('POST', '/v1/connections', { key, body })), key }
}

async function connect(
  settings: Fields,
  credentials: Fields,
  base_url = `${vendor}/access`,
): Promise<Connected> {
  const reply = await create(settings, credentials, base_url)
  assert.equal(reply.status, 201, reply.text)
  return { key: reply.key, connection: String(reply.body['id']) }
}

const send = ({ key, connection }: Connected, body: object): Promise<Reply> =>
  served.send('POST', `/v1/connections/${connection}/calls`, { key, body })

async function call(connected: Connected, body: object): Promise<Record<string, unknown>> {
  const reply = await send(connected, body)
  assert.equal(reply.status, 200, reply.text)
  return reply.body
}

const recordOf = async ({ key }: Connected, { id }: Record<string, unknown>): Promise<string> =>
  (await served.send('GET', `/v1/calls/${id}`, { key })).text

const end = () => fetch(`${vendor}/access/_end`, { method: 'POST' })

async function logIns(): Promise<number> {
  const text = await (await fetch(`${vendor}/_truth`)).text()
  return text.split('/access/login').length
}

/** As if the time had gone by after which what was refused is tried again. */
async function makeDue(connection: string): Promise<void> {
  const { app } = served
  const id = fromWire('connection', connection)
  const renew_at = new Date(Date.now() - 1_000)
  const [row] = await app.db.owner
    .updateTable('connection_token')
    .set({ renew_at })
    .where('connection_id', '=', id)
    .returning('tenant_id')
    .execute()
  app.db.notify('trilho_config', `token ${row?.tenant_id} ${id} own`)
}

const ANA = { username: 'ana', password: 'sandbox-secret' }
const LOGIN = { auth: 'login', login_url: '/login', token_path: 'data.token', expires_path: 'expires_in' }

test('a log-in gives a token, which serves until the vendor refuses it and is then had anew', async () => {
  const connected = await connect(LOGIN, ANA)
  const first = await call(connected, { method: 'POST', path: '/token', body: {} })
  assert.deepEqual([first['state'], first['attempts']], ['succeeded', 1])
  await end()
  const second = await call(connected, { method: 'POST', path: '/token', body: {} })
  assert.deepEqual([second['state'], second['attempts']], ['succeeded', 2])
  assert.doesNotMatch(await recordOf(connected, second), /Bearer /)
})

test('a password that was refused is not tried again by every call, and an event says so once', async () => {
  const connected = await connect(LOGIN, { ...ANA, password: 'wrong-password' })
  const before = await logIns()
  const said = await Promise.all([1, 2, 3].map(() => call(connected, { method: 'GET', path: '/token' })))
  for (const { state, error } of said) {
    assert.equal(state, 'failed')
    assert.match(String(error), /the log-in was answered 401/)
  }
  assert.equal((await logIns()) - before, 1)
  const { key, connection } = connected
  const told = async () =>
    (await served.send('GET', '/v1/events?type=connection.auth_failed', { key })).body['data'] as unknown[]
  assert.equal((await told()).length, 1)
  await makeDue(connection)
  assert.match(String((await call(connected, { method: 'GET', path: '/token' }))['error']), /answered 401/)
  assert.deepEqual([(await logIns()) - before, (await told()).length], [2, 1], 'tried again, and told once')
  const body = { credentials: ANA }
  assert.equal((await served.send('PATCH', `/v1/connections/${connection}`, { key, body })).status, 200)
  assert.equal((await call(connected, { method: 'GET', path: '/token' }))['state'], 'succeeded')
})

test('the cookies of a log-in are shown, and a log-in page instead of an answer has them fetched anew', async () => {
  const settings = { auth: 'login', login_url: '/portal', login_encoding: 'form', login_keeps: 'cookies' }
  const connected = await connect(settings, ANA)
  const first = await call(connected, { method: 'GET', path: '/page' })
  assert.deepEqual([first['state'], first['attempts']], ['succeeded', 1])
  assert.doesNotMatch(JSON.stringify(first), /set-cookie|PORTAL=/, 'the vendor sets it anew with each answer')
  assert.match(await recordOf(connected, first), /"set-cookie":"\[masked\]"/)
  await end()
  const second = await call(connected, { method: 'GET', path: '/page' })
  assert.deepEqual([second['state'], second['attempts']], ['succeeded', 2])
  assert.doesNotMatch(await recordOf(connected, second), /PORTAL=/)
})

/** A portal that goes on to another page after a change, and from `/gone` on knows no session before. */
async function openPortal(): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = []
  let open = ''
  const url = await listen(({ method, url: path = '', headers }, response) => {
    seen.push(`${method} ${path}`)
    const goOn = (location: string) => response.writeHead(302, { location, 'set-cookie': `S=${open}` }).end()
    if (path === '/check') {
      open = `s${seen.length}`
      return goOn('/home')
    }
    if (path === '/gone') open = ''
    if (headers.cookie === `S=${open}`) return goOn('/orders/1')
    goOn(path === '/gone' ? '/check?from=/gone' : '/login.jsp')
  })
  return { url, seen }
}

const PORTAL = { auth: 'login', login_url: '/check', login_encoding: 'form', login_keeps: 'cookies' }

test('a change that a portal answers with another page is sent once, since it may have been made', async () => {
  const { url, seen } = await openPortal()
  const connected = await connect(PORTAL, ANA, url)
  const order = { method: 'POST', path: '/orders', body: {} }
  const first = await call(connected, order)
  assert.deepEqual([first['status'], first['attempts']], [302, 1])
  assert.match(String(first['error']), /see what came of it before you send it again/)
  await call(connected, order)
  assert.deepEqual(seen, ['POST /check', 'POST /orders', 'POST /check', 'POST /orders'], 'no log-in for each')
  const other = await connect(PORTAL, ANA, url)
  const sent_to_log_in = await call(other, { ...order, path: '/gone' })
  assert.deepEqual([sent_to_log_in['status'], sent_to_log_in['attempts']], [302, 2], 'nothing was done by it')
})

test('a session with its CSRF token lets changes through, and is opened again once when it is required', async () => {
  const connected = await connect({ auth: 'csrf_session', fetch_url: '/odata' }, ANA)
  const order = { method: 'POST', path: '/odata/Orders', body: { ID: '1' } }
  const first = await call(connected, order)
  assert.deepEqual([first['state'], first['status'], first['attempts']], ['succeeded', 201, 1])
  await end()
  const second = await call(connected, order)
  assert.deepEqual([second['state'], second['status'], second['attempts']], ['succeeded', 201, 2])
  const record = await recordOf(connected, second)
  assert.doesNotMatch(record, /SAP_SESSIONID=/)
  assert.match(record, /"x-csrf-token":"(\[masked\]|Required)"/)
})

const HMAC = {
  auth: 'hmac',
  hmac_signs: '{method}\\n{path_and_query}\\n{timestamp}\\n{body}',
  hmac_header: 'X-Signature',
  hmac_timestamp_header: 'X-Timestamp',
}

test('a signed request verifies over method, path, time and body, and its record shows no signature', async () => {
  const connected = await connect(HMAC, { hmac_secret: 'sandbox-secret' })
  const report = await call(connected, {
    method: 'POST',
    path: '/hmac/pay?b=2&a=1',
    body: { amount: '150,50 ção' },
  })
  assert.equal(report['state'], 'succeeded', String(report['error']))
  const record = await recordOf(connected, report)
  assert.match(record, /"x-signature":"\[masked\]"/)
  const wrong = await connect(HMAC, { hmac_secret: 'other-secret' })
  assert.equal((await call(wrong, { method: 'GET', path: '/hmac/pay' }))['status'], 401)
})

const AWS = { auth: 'aws_sigv4', region: 'sa-east-1', service: 'execute-api' }
const AWS_KEYS = { access_key_id: 'AKIDSANDBOX', secret_access_key: 'sandbox-secret' }

test('AWS Signature V4 verifies, whatever stands in path, query and body', async () => {
  const connected = await connect(AWS, AWS_KEYS)
  const asked = { method: 'POST', path: '/aws/a%20b/c', query: { z: '1 2', a: 'ç*' }, body: { x: 'ã' } }
  const report = await call(connected, asked)
  assert.equal(report['state'], 'succeeded', String(report['error']))
  assert.doesNotMatch(await recordOf(connected, report), /Signature=|AKIDSANDBOX/)
})

test('a retry is signed anew, since the time is part of it', async () => {
  const seen: string[] = []
  const url = await listen((request, response) => {
    seen.push(String(request.headers['x-nonce']))
    response.writeHead(seen.length === 1 ? 503 : 200, { 'retry-after': '0' }).end('{}')
  })
  const connected = await connect({ ...HMAC, hmac_nonce_header: 'X-Nonce' }, { hmac_secret: 'abcd' }, url)
  const report = await call(connected, { method: 'GET', path: '/', retries: 1 })
  assert.deepEqual([report['state'], report['attempts']], ['succeeded', 2], String(report['error']))
  assert.equal(new Set(seen).size, 2)
})

/** A vendor on a port of its own. */
async function listen(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const pem = (key: KeyObject): string => String(key.export({ type: 'pkcs8', format: 'pem' }))

/** A token endpoint that verifies what was signed, and hands out `token-of-…`; it remembers the claims. */
async function startVerifier(key: KeyObject): Promise<{ url: string; claims: Record<string, unknown>[] }> {
  const claims: Record<string, unknown>[] = []
  const url = await listen(async (request, response) => {
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    }
    let text = ''
    for await (const chunk of request) text += chunk
    const bearer = (request.headers.authorization ?? '').replace('Bearer ', '')
    if (request.url !== '/token') {
      const self_signed = await jwtVerify(bearer, key).catch(() => null)
      if (self_signed) claims.push({ ...self_signed.payload, header: self_signed.protectedHeader })
      return answer(bearer === 'token-1' || self_signed ? 200 : 401, {})
    }
    const form = new URLSearchParams(text)
    const shown = form.get('assertion') ?? form.get('client_assertion') ?? form.get('client_secret') ?? ''
    const verified = await jwtVerify(shown, key).catch(() => null)
    if (!verified) return answer(400, { error: 'invalid_grant' })
    claims.push({ ...verified.payload, header: verified.protectedHeader, form: Object.fromEntries(form) })
    answer(200, { access_token: 'token-1', token_type: 'Bearer', expires_in: 3600 })
  })
  return { url, claims }
}

test('a JWT bearer assertion is what Google and Salesforce want, and is exchanged for a token', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { url, claims } = await startVerifier(publicKey)
  const settings = {
    auth: 'oauth2_jwt_bearer',
    token_url: `${url}/token`,
    key_id: 'k1',
    subject: 'ana@example.com',
    scope: 'gmail.send',
    audience: 'https://oauth2.googleapis.com/token',
  }
  const credentials = { assertion_issuer: 'trilho@project.example', private_key: pem(privateKey) }
  const connected = await connect(settings, credentials, url)
  const report = await call(connected, { method: 'GET', path: '/api' })
  assert.equal(report['state'], 'succeeded', String(report['error']))
  const [{ iss, sub, aud, scope, exp, iat, header, form } = {}] = claims
  assert.deepEqual(
    [iss, sub, aud, scope, Number(exp) - Number(iat), (header as { kid: string }).kid],
    ['trilho@project.example', 'ana@example.com', settings.audience, 'gmail.send', 300, 'k1'],
  )
  const { grant_type } = form as Record<string, string>
  assert.equal(grant_type, 'urn:ietf:params:oauth:grant-type:jwt-bearer')
  assert.doesNotMatch(await recordOf(connected, report), /token-1/)
})

test('a client shows itself by a key: private_key_jwt, and the signed secret of Apple', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { url, claims } = await startVerifier(publicKey)
  const settings = {
    auth: 'oauth2_client_credentials',
    token_url: '/token',
    client_algorithm: 'ES256',
    client_key_id: 'k2',
  }
  const credentials = { client_id: 'me', client_key: pem(privateKey) }
  const by_assertion = await connect({ ...settings, client_auth: 'private_key_jwt' }, credentials, url)
  assert.equal((await call(by_assertion, { method: 'GET', path: '/api' }))['state'], 'succeeded')
  const apple = { client_issuer: 'TEAM', client_audience: 'https://appleid.apple.com' }
  const by_secret = await connect({ ...settings, ...apple, client_auth: 'jwt_secret' }, credentials, url)
  assert.equal((await call(by_secret, { method: 'GET', path: '/api' }))['state'], 'succeeded')
  const [one = {}, other = {}] = claims
  assert.deepEqual([one['iss'], one['sub'], one['aud']], ['me', 'me', `${url}/token`])
  assert.deepEqual([other['iss'], other['sub'], other['aud']], ['TEAM', 'me', 'https://appleid.apple.com'])
})

test('a token of our own making serves many calls', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { url, claims } = await startVerifier(publicKey)
  const settings = { auth: 'jwt', algorithm: 'ES256', key_id: 'ABC', life_s: 1800 }
  const connected = await connect(settings, { assertion_issuer: 'TEAM', private_key: pem(privateKey) }, url)
  for (const path of ['/a', '/b']) {
    assert.equal((await call(connected, { method: 'GET', path }))['state'], 'succeeded')
  }
  assert.equal(claims.length, 2)
  assert.equal(
    claims[0]?.['jti'],
    claims[1]?.['jti'],
    'Apple takes no new one more often than every 20 minutes',
  )
})

test('a second key stands beside the authentication, and is hidden and kept from callers as that is', async () => {
  const bare = { auth: 'basic', second_key_in: 'header', second_key_name: 'X-Subscription' }
  const own = { ...ANA, second_key: 'a-key-of-the-gateway' }
  const seen = await openRawVendor((socket) => void socket.write(OK))
  const connected = await connect(bare, own, seen.url)
  const { id } = await call(connected, { method: 'GET', path: '/x' })
  assert.match(seen.asked[0] ?? '', /^authorization: Basic /im)
  assert.match(seen.asked[0] ?? '', /^x-subscription: a-key-of-the-gateway\r$/im)
  assert.match(await recordOf(connected, { id }), /"x-subscription":"\[masked\]"/)
  const put = await send(connected, { method: 'GET', path: '/x', headers: { 'X-Subscription': 'evil' } })
  assert.deepEqual([put.status, put.body['field']], [400, 'headers.x-subscription'])

  const in_query = await connect(
    { ...bare, second_key_in: 'query', second_key_name: 'app_key' },
    own,
    seen.url,
  )
  await call(in_query, { method: 'GET', path: '/x' })
  assert.match(seen.asked[1] ?? '', /^GET \/x\?app_key=a-key-of-the-gateway /)

  for (const [more, credentials, field] of [
    [{ second_key_name: 'Authorization' }, own, 'settings.second_key_name'],
    [{ second_key_name: 'Content-Length' }, own, 'settings.second_key_name'],
    [{}, ANA, 'credentials.second_key'],
    [{ second_key_in: 'none' }, own, 'settings.second_key_name'],
  ] as [Fields, Fields, string][]) {
    const reply = await create({ ...bare, ...more }, credentials, seen.url)
    assert.deepEqual([reply.status, reply.body['field']], [422, field], reply.text)
  }
})

test('no caller puts a header or parameter of its own in the place of the credentials', async () => {
  const kinds: [Fields, Fields, string[]][] = [
    [{ auth: 'bearer' }, { token: 'abcd' }, ['authorization']],
    [{ auth: 'basic' }, ANA, ['authorization']],
    [{ auth: 'api_key_header', api_key_name: 'X-Own' }, { api_key: 'abcd' }, ['x-own', 'X-OWN']],
    [LOGIN, ANA, ['authorization']],
    [{ ...LOGIN, token_header: 'X-Session' }, ANA, ['x-session']],
    [{ ...LOGIN, login_keeps: 'cookies', login_url: '/portal', login_encoding: 'form' }, ANA, ['cookie']],
    [{ auth: 'csrf_session' }, ANA, ['cookie', 'authorization', 'x-csrf-token']],
    [HMAC, { hmac_secret: 'abcd' }, ['x-signature', 'X-Timestamp']],
    [AWS, AWS_KEYS, ['authorization', 'x-amz-date', 'X-Amz-Security-Token', 'x-amz-content-sha256']],
  ]
  for (const [settings, credentials, names] of kinds) {
    const { login_keeps, token_path: _, expires_path: __, ...rest } = settings
    const fitting = login_keeps === 'cookies' ? { ...rest, login_keeps } : settings
    const connected = await connect(fitting, credentials)
    for (const name of names) {
      const refused = await send(connected, { method: 'GET', path: '/token', headers: { [name]: 'evil' } })
      assert.equal(refused.status, 400, `${settings['auth']} ${name}: ${refused.text}`)
      assert.equal(refused.body['field'], `headers.${name.toLowerCase()}`)
    }
  }
  const by_query = await connect({ auth: 'api_key_query', api_key_name: 'api_key' }, { api_key: 'abcd' })
  for (const [field, named] of [
    ['path', { path: '/x?api%5Fkey=evil' }],
    ['path', { path: '/x?API_Key=evil' }],
    ['query.api_key', { path: '/x', query: { api_key: 'evil' } }],
    ['query.Api_Key', { path: '/x', query: { Api_Key: 'evil' } }],
  ] as const) {
    const refused = await send(by_query, { method: 'GET', ...named })
    assert.deepEqual([refused.status, refused.body['field']], [400, field], refused.text)
  }
})

test('what does not fit is said by field: a key that is none, of another kind, a template with a wrong place', async () => {
  const rsa = pem(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)
  const jwt = { auth: 'jwt', algorithm: 'ES256' }
  const cases: [Fields, Fields, string, RegExp][] = [
    [
      jwt,
      { assertion_issuer: 'T', private_key: 'not a key' },
      'credentials.private_key',
      /is no private key in PEM/,
    ],
    [jwt, { assertion_issuer: 'T', private_key: rsa }, 'credentials.private_key', /cannot sign ES256/],
    [{ ...HMAC, hmac_signs: '{bdy}' }, { hmac_secret: 's' }, 'settings.hmac_signs', /right form/],
    [
      { ...HMAC, hmac_header_value: '{key_id}:{signature}' },
      { hmac_secret: 's' },
      'credentials.hmac_key_id',
      /required/,
    ],
    [{ ...AWS, region: 'São Paulo' }, AWS_KEYS, 'settings.region', /right form/],
    [
      { auth: 'bearer', login_url: '/x' },
      { token: 'a' },
      'settings.login_url',
      /not used unless auth is login/,
    ],
    [
      { auth: 'none', mtls: true },
      { certificate: 'x', certificate_key: rsa },
      'credentials.certificate',
      /no certificate/,
    ],
  ]
  for (const [settings, credentials, field, reason] of cases) {
    const reply = await create(settings, credentials, vendor)
    assert.equal(reply.status, 422, reply.text)
    assert.equal(reply.body['field'], field)
    assert.match(String(reply.body['detail']), reason)
  }
})
