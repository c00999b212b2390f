import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fromWire } from '../../platform/ids.ts'
import { providers } from '../../providers/index.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { type Reply, type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import type { Actor } from '../app.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes as metricRoutes } from '../metrics/routes.ts'
import { createKey } from '../tenants/tenants.ts'
import { closeAbandonedCalls } from './jobs.ts'
import { writeCalls } from './queries.ts'
import { routes } from './routes.ts'

let served: Served
let sandbox: Sandbox
before(async () => {
  sandbox = await startSandbox({ port: 0 })
  served = await serve({ mount: { rooms: [connectionRoutes, metricRoutes, routes] }, providers })
})
after(() => sandbox.stop())

type Report = {
  id: string
  state: string
  status: number | null
  attempts: number
  error: string | null
  body: Record<string, unknown>
  result?: Record<string, unknown>
  refusal?: Record<string, unknown>
}
type Attempt = Record<string, string | number | null> & { request_headers: Record<string, string> }

type Connected = { key: string; tenant_id: string; connection: string }

async function connect(
  settings: object = {},
  credentials: object = {},
  provider = 'http',
): Promise<Connected> {
  const { key, tenant_id } = await tenantWithKey(served, ['*'], 'test')
  const base_url = provider === 'stripe' ? `${sandbox.url}/stripe` : `${sandbox.url}/echo`
  const body = {
    provider,
    name: 'x',
    environment: 'development',
    settings: { base_url, ...settings },
    credentials,
  }
  const reply = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(reply.status, 201, reply.text)
  return { key, tenant_id, connection: String(reply.body['id']) }
}

const connectStripe = () => connect({}, { secret_key: 'sk_test_abcdef123456' }, 'stripe')

async function call({ key, connection }: Connected, body: object): Promise<Report> {
  const reply = await served.send('POST', `/v1/connections/${connection}/calls`, { key, body })
  assert.equal(reply.status, 200, reply.text)
  return reply.body as unknown as Report
}

async function recordOf({ key }: Connected, id: string): Promise<Reply['body'] & { log: Attempt[] }> {
  const { status, body } = await served.send('GET', `/v1/calls/${id}`, { key })
  assert.equal(status, 200)
  return body as Reply['body'] & { log: Attempt[] }
}

let faults = 0
const fault = (text: string) => ({ 'x-sandbox-fault': `${text};key=${++faults}` })

test('a call says what happened and is on record with its attempt', async () => {
  const vendor = await connect({ auth: 'bearer' }, { token: 'token-of-the-vendor' })
  const report = await call(vendor, {
    method: 'POST',
    path: '/anything',
    query: { a: 'b c' },
    body: { x: 1 },
  })
  assert.equal(report.state, 'succeeded')
  assert.equal(report.status, 200)
  assert.equal(report.attempts, 1)
  assert.equal(report.body['body'], '{"x":1}')
  assert.deepEqual(report.body['query'], { a: 'b c' })
  const seen = report.body['headers'] as Record<string, string>
  assert.equal(seen['authorization'], 'Bearer token-of-the-vendor')
  const record = await recordOf(vendor, report.id)
  assert.equal(record['state'], 'succeeded')
  assert.equal(record['path'], '/anything?a=b+c')
  assert.equal(record.log.length, 1)
  assert.equal(record.log[0]?.['request_body'], '{"x":1}')
})

test("no attempt on record holds a secret of the connection, not even in the vendor's answer", async () => {
  const settings = { auth: 'api_key_query', api_key_name: 'api_key' }
  const vendor = await connect(settings, { api_key: 'very-secret-9182' })
  const report = await call(vendor, { method: 'POST', path: '/anything', body: { x: 1 } })
  const hidden = await call(vendor, { method: 'POST', path: '/reflect', body: { password: 'hunter-22' } })
  assert.equal(hidden.body['password'], 'hunter-22', 'the caller gets the answer whole')
  const query = report.body['query'] as Record<string, string>
  assert.equal(query['api_key'], 'very-secret-9182', 'the vendor got it')
  const { text } = await served.send('GET', `/v1/calls/${report.id}`, { key: vendor.key })
  assert.doesNotMatch(text, /very-secret-9182|hunter-22/)
  assert.match(text, /masked/)
  const rows = await served.app.db.owner.selectFrom('call_attempt').selectAll().execute()
  const stored = rows.map(
    (row) => `${row.request_headers}${row.request_body}${row.response_headers}${row.response_body}`,
  )
  assert.doesNotMatch(stored.join(), /very-secret-9182|hunter-22/)
})

test('a read that meets a 500 is tried again, each attempt on record', async () => {
  const vendor = await connect()
  const report = await call(vendor, {
    method: 'GET',
    path: '/anything',
    headers: fault('status=500;times=1'),
  })
  assert.equal(report.state, 'succeeded')
  assert.equal(report.attempts, 2)
  const { log } = await recordOf(vendor, report.id)
  assert.deepEqual(
    log.map(({ number, outcome, status }) => [number, outcome, status]),
    [
      [1, 'failed', 500],
      [2, 'succeeded', 200],
    ],
  )
})

test('a change that meets a 500 is unknown, and not repeated where the vendor knows no idempotency key', async () => {
  const vendor = await connect()
  const body = { method: 'POST', path: '/anything', body: {}, headers: fault('status=500') }
  const report = await call(vendor, { ...body, idempotency_key: 'k1' })
  assert.equal(report.state, 'unknown')
  assert.equal(report.attempts, 1)
  assert.match(String(report.error), /500.*may have acted/)
})

test('a change is repeated where the vendor knows an idempotency key, and happens once', async () => {
  const vendor = await connectStripe()
  const create = { amount: 1500, currency: 'brl' }
  const request = { method: 'POST', path: '/v1/payment_intents', body: create, retries: 1 }
  const report = await call(vendor, { ...request, headers: fault('cut;times=1') })
  assert.equal(report.state, 'succeeded')
  assert.equal(report.attempts, 2)
  const { body } = await call(vendor, { method: 'GET', path: '/v1/payment_intents', query: { limit: 100 } })
  assert.equal((body['data'] as unknown[]).length, 1)
})

test('a vendor that asks to wait is given the time it asks for', async () => {
  const vendor = await connect()
  const headers = fault('status=429;retry_after=1;times=1')
  const began = performance.now()
  const report = await call(vendor, { method: 'POST', path: '/anything', body: {}, headers })
  assert.equal(report.state, 'succeeded')
  assert.equal(report.attempts, 2)
  assert.ok(performance.now() - began >= 1000)
})

test('a vendor that asks for more than half a minute is not waited for, and the report says so', async () => {
  const vendor = await connect()
  const headers = fault('status=429;retry_after=3600')
  const report = await call(vendor, { method: 'GET', path: '/anything', headers })
  assert.equal(report.state, 'refused')
  assert.equal(report.attempts, 1)
  assert.match(String(report.error), /3600 s/)
})

test('a change whose answer was not seen is unknown, a read is failed', async () => {
  const vendor = await connect()
  const slow = { path: '/delay/30000', timeout_ms: 6_000, retries: 0 }
  const [change, read] = await Promise.all([
    call(vendor, { ...slow, method: 'POST', body: {} }),
    call(vendor, { ...slow, method: 'GET' }),
  ])
  assert.deepEqual([change.state, read.state], ['unknown', 'failed'])
  assert.match(String(change.error), /may have acted/)
  assert.equal((await recordOf(vendor, change.id))['state'], 'unknown')
})

test('a vendor that cannot be reached is failed, whatever was asked', async () => {
  const vendor = await connect({ base_url: 'http://127.0.0.1:1' })
  const report = await call(vendor, { method: 'POST', path: '/x', body: {}, retries: 0 })
  assert.equal(report.state, 'failed')
  assert.equal(report.status, null)
  assert.equal(await healthOf(vendor), 'degraded')
})

/** It is written beside the call, a moment after. */
async function healthOf({ key, connection }: Connected): Promise<unknown> {
  for (let tries = 0; tries < 1000; tries++) {
    const { body } = await served.send('GET', `/v1/connections/${connection}`, { key })
    if (body['health'] !== 'unknown') return body['health']
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return 'unknown'
}

test('numbers keep every digit on their way out and back', async () => {
  const { key, connection } = await connect()
  const exact = '{"amount":12.50,"id":12345678901234567890}'
  const body = { method: 'POST', path: '/reflect', body: exact }
  const { text } = await served.send('POST', `/v1/connections/${connection}/calls`, { key, body })
  assert.ok(text.endsWith(`"body_encoding":"json","body":${exact}}`), text)
})

test('an operation takes our words and gives a result in our words', async () => {
  const vendor = await connectStripe()
  const input = {
    money: { amount: '1990', currency: 'BRL' },
    source: 'pm_card_visa',
    confirm: true,
    reference: 'o-1',
  }
  const made = await call(vendor, { operation: 'payments.create', input })
  assert.equal(made.state, 'succeeded', JSON.stringify(made))
  assert.equal(made.result?.['status'], 'completed')
  const declined = { ...input, source: 'pm_card_visa_chargeDeclinedInsufficientFunds' }
  const refused = await call(vendor, { operation: 'payments.create', input: declined })
  assert.equal(refused.state, 'refused')
  assert.equal(refused.refusal?.['reason'], 'insufficient_funds')
})

test('an operation that is not there, or input that does not fit, is refused by name before anything is sent', async () => {
  const { key, connection } = await connectStripe()
  const send = (body: object) => served.send('POST', `/v1/connections/${connection}/calls`, { key, body })
  const wrong = await send({ operation: 'payments.destroy' })
  assert.match(String(wrong.body['detail']), /payments\.create/)
  const misfit = await send({
    operation: 'payments.create',
    input: { money: { amount: 1990, currency: 'BRL' } },
  })
  assert.equal(misfit.status, 400)
  assert.equal(
    misfit.body['detail'],
    'input.money.amount must be string: Minor units, as text: "15050" is 150.50',
  )
  const strayed = await send({
    operation: 'payments.create',
    input: { mony: 1, money: { amount: '1990', currency: 'BRL' }, capture: 'later' },
  })
  const reasons = Object.fromEntries(
    (strayed.body['errors'] as { field: string; reason: string }[]).map(({ field, reason }) => [
      field,
      reason,
    ]),
  )
  assert.equal(reasons['input.capture'], 'must be "automatic" or must be "manual"')
  assert.match(
    String(reasons['input.mony']),
    /^is not known here; leave it out, or mean one of money, .*capture/,
  )
  assert.deepEqual(Object.keys(reasons).sort(), ['input.capture', 'input.mony'])
  assert.deepEqual((await served.send('GET', '/v1/calls', { key })).body['data'], [])
})

test('a path stays below the base URL and a header does not take the place of the credentials', async () => {
  const { key, connection } = await connect({ auth: 'bearer' }, { token: 'token-of-the-vendor' })
  const tries: [object, string][] = [
    [{ method: 'GET', path: '/../admin' }, 'path'],
    [{ method: 'GET', path: '/%2e%2e/admin' }, 'path'],
    [{ method: 'GET', path: 'http://elsewhere.test/' }, 'path'],
    [{ method: 'GET', path: '/x', headers: { Authorization: 'Bearer mine' } }, 'headers.authorization'],
    [{ method: 'GET', path: '/x', headers: { 'X-Bad': 'a\r\nb: c' } }, 'headers.x-bad'],
    [{ path: '/x' }, 'method'],
    [{ method: 'GET', path: '/x', retries: 9 }, 'retries'],
  ]
  for (const [body, field] of tries) {
    const reply = await served.send('POST', `/v1/connections/${connection}/calls`, { key, body })
    assert.equal(reply.status, 400, JSON.stringify(body))
    assert.equal(reply.body['field'], field)
  }
  const proxied = await served.send('GET', `/v1/proxy/${connection}/anything`, { key })
  const headers = proxied.body['headers'] as Record<string, string>
  assert.equal(headers['authorization'], 'Bearer token-of-the-vendor', "ours, and not the caller's key")
})

test("another tenant's connection and calls are not there", async () => {
  const vendor = await connect()
  const { id } = await call(vendor, { method: 'GET', path: '/anything' })
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const body = { method: 'GET', path: '/x' }
  const tries = [
    served.send('POST', `/v1/connections/${vendor.connection}/calls`, { key, body }),
    served.send('POST', `/v1/connections/${vendor.connection}/test`, { key }),
    served.send('GET', `/v1/proxy/${vendor.connection}/anything`, { key }),
    served.send('GET', `/v1/calls/${id}`, { key }),
  ]
  for (const reply of await Promise.all(tries)) assert.equal(reply.status, 404, reply.text)
  const list = await served.send('GET', `/v1/calls?connection_id=${vendor.connection}`, { key })
  assert.deepEqual(list.body['data'], [])
})

test('a live key does not call through a development connection, nor anyone through a disabled one', async () => {
  const { key, tenant_id, connection } = await connect()
  const actor: Actor = {
    kind: 'system',
    id: 'test',
    tenant_id,
    environment: 'live',
    scopes: ['admin'],
    ip: null,
    request_id: null,
  }
  const live = await createKey(served.app, actor, { name: 'Live', environment: 'live', scopes: ['*'] })
  const crossed = await served.send('GET', `/v1/proxy/${connection}/anything`, { key: live.key })
  assert.equal(crossed.status, 403)
  await served.send('PATCH', `/v1/connections/${connection}`, { key, body: { state: 'disabled' } })
  const reply = await served.send('GET', `/v1/proxy/${connection}/anything`, { key })
  assert.equal(reply.status, 409)
  assert.match(String(reply.body['detail']), /disabled/)
})

test('the proxy passes bytes, status and headers through and adds the id of the call', async () => {
  const { key, connection } = await connect()
  const bytes = new Uint8Array([0, 255, 1, 254])
  const reply = await fetch(`${served.url}/v1/proxy/${connection}/anything/a%2Fb?q=%C3%A7&q=2`, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/x-thing',
      'x-own': 'kept',
      cookie: 'a=b',
    },
    body: bytes,
  })
  assert.match(String(reply.headers.get('trilho-call-id')), /^call_/)
  const seen = (await reply.json()) as { path: string; headers: Record<string, string>; body_base64: string }
  assert.equal(seen.path, '/anything/a%2Fb')
  assert.equal(seen.body_base64, Buffer.from(bytes).toString('base64'))
  assert.equal(seen.headers['content-type'], 'application/x-thing')
  assert.equal(seen.headers['x-own'], 'kept')
  for (const name of ['authorization', 'cookie', 'x-forwarded-for'])
    assert.equal(seen.headers[name], undefined)
  const teapot = await served.send('GET', `/v1/proxy/${connection}/status/418`, { key })
  assert.equal(teapot.status, 418)
  const bulk = await fetch(`${served.url}/v1/proxy/${connection}/bytes/100000`, {
    headers: { authorization: `Bearer ${key}` },
  })
  assert.equal((await bulk.arrayBuffer()).byteLength, 100_000)
})

test('a proxied change whose answer was not seen answers 504 with the id of the call', async () => {
  const { key, connection } = await connect()
  const reply = await served.send('POST', `/v1/proxy/${connection}/anything`, {
    key,
    headers: fault('cut'),
    body: {},
  })
  assert.equal(reply.status, 504)
  assert.equal(reply.body['code'], 'vendor_outcome_unknown')
  const id = String(reply.headers.get('trilho-call-id'))
  assert.equal((await served.send('GET', `/v1/calls/${id}`, { key })).body['state'], 'unknown')
})

test('one access token serves many calls, and is renewed once when the vendor refuses it', async () => {
  const settings = { auth: 'oauth2_client_credentials', token_url: `${sandbox.url}/oauth/token` }
  const vendor = await connect(settings, { client_id: 'me', client_secret: 'sandbox-secret' })
  const issued = async () =>
    ((await (await fetch(`${sandbox.url}/oauth/_issued`)).json()) as { issued: number }).issued
  const before = await issued()
  const reports = await Promise.all(
    Array.from({ length: 8 }, () => call(vendor, { method: 'GET', path: '/oauth' })),
  )
  assert.ok(reports.every(({ state }) => state === 'succeeded'))
  assert.equal((await issued()) - before, 1)
  await fetch(`${sandbox.url}/oauth/_revoke`, { method: 'POST' })
  const renewed = await call(vendor, { method: 'GET', path: '/oauth' })
  assert.equal(renewed.state, 'succeeded')
  assert.equal(renewed.attempts, 2)
  assert.equal((await issued()) - before, 2)
})

test('a client that the token endpoint refuses is told so', async () => {
  const settings = { auth: 'oauth2_client_credentials', token_url: `${sandbox.url}/oauth/token` }
  const vendor = await connect(settings, { client_id: 'me', client_secret: 'wrong-secret' })
  const report = await call(vendor, { method: 'GET', path: '/oauth' })
  assert.equal(report.state, 'failed')
  assert.match(String(report.error), /token endpoint answered 401/)
})

test('the test of a connection says in words what is wrong', async () => {
  const good = await connectStripe()
  const run = async ({ key, connection }: Connected) =>
    (await served.send('POST', `/v1/connections/${connection}/test`, { key })).body
  assert.deepEqual([(await run(good))['ok'], (await run(good))['status']], [true, 200])
  const bad = await connect({}, { secret_key: 'sk_notreally_1234' }, 'stripe')
  const refused = await run(bad)
  assert.equal(refused['ok'], false)
  assert.match(String(refused['message']), /401.*check the credentials/)
  const away = await connect({ base_url: 'http://127.0.0.1:1' })
  assert.match(String((await run(away))['message']), /was not reached/)
})

test('calls are listed by connection and state, newest first', async () => {
  const vendor = await connect()
  const ids = []
  for (const path of ['/anything', '/status/404', '/anything/2'])
    ids.unshift((await call(vendor, { method: 'GET', path })).id)
  const list = async (query: string) => {
    const { body } = await served.send('GET', `/v1/calls?${query}`, { key: vendor.key })
    return (body['data'] as { id: string }[]).map(({ id }) => id)
  }
  assert.deepEqual(await list(`connection_id=${vendor.connection}`), ids)
  assert.deepEqual(await list('state=refused'), [ids[1]])
  assert.deepEqual(await list('limit=1'), [ids[0]])
})

test('a call that a stopped server left open becomes unknown, a read failed', async () => {
  const vendor = await connect()
  const { app } = served
  const left = (method: string) => ({
    tenant_id: vendor.tenant_id,
    id: app.newId(),
    connection_id: fromWire('connection', vendor.connection),
    operation: null,
    method,
    path: '/x',
    actor: 'key_x',
    request_id: null,
  })
  await writeCalls(app.db.worker, {
    starts: [left('POST'), left('GET')],
    attempts: [],
    closes: [],
    external_ids: [],
  })
  assert.equal(await closeAbandonedCalls(app), 0, 'too young to be given up')
  assert.equal(await closeAbandonedCalls(app, { older_than_ms: -1000 }), 2)
  const { body } = await served.send('GET', '/v1/calls', { key: vendor.key })
  const states = (body['data'] as { method: string; state: string }[]).map(({ method, state }) => [
    method,
    state,
  ])
  assert.deepEqual(states, [
    ['GET', 'failed'],
    ['POST', 'unknown'],
  ])
})

test('a call is on record as started while the vendor has not answered', async () => {
  const vendor = await connect()
  const under_way = call(vendor, { method: 'POST', path: '/delay/3000', body: {} })
  const started = async () => {
    const { body } = await served.send('GET', '/v1/calls?state=started', { key: vendor.key })
    return (body['data'] as unknown[]).length
  }
  let seen = 0
  let over = false
  void under_way.then(() => {
    over = true
  })
  while (seen === 0 && !over) seen = await started()
  assert.equal(seen, 1)
  assert.equal((await under_way).state, 'succeeded')
})

test('what a connection did is counted, with what went wrong by its kind', async () => {
  const vendor = await connect()
  await call(vendor, { method: 'GET', path: '/anything' })
  await call(vendor, { method: 'GET', path: '/anything', headers: fault('status=404') })
  await call(vendor, { method: 'GET', path: '/delay/30000', timeout_ms: 1_000, retries: 0 })
  const { body } = await served.send('GET', '/v1/metrics/connections', { key: vendor.key })
  const total = body['total'] as Record<string, unknown>
  assert.deepEqual([total['calls'], total['succeeded'], total['refused'], total['failed']], [3, 1, 1, 1])
  assert.deepEqual(total['errors'], { status_404: 1, timeout: 1 })
})
