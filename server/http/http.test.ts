import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import Type from 'typebox'
import type { Routes } from '../modules/app.ts'
import { Nullable } from '../modules/wire.ts'
import { asWorker } from '../platform/database/database.ts'
import { Problem } from '../platform/errors.ts'
import { testDatabaseUrl } from '../test/harness.ts'
import {
  adminKey,
  type Reply,
  type SendOptions,
  type Served,
  serve,
  tenantWithKey,
} from '../test/http_app.ts'

let served: Served
let key: string

/** What the tests need of a room: an address that takes a body, one that fails, one of bytes. */
const room: Routes = (http, app) => {
  const Thing = Type.Object(
    {
      name: Type.String({ minLength: 1, maxLength: 10 }),
      size: Type.Optional(Type.Integer({ minimum: 1, maximum: 9 })),
      kind: Type.Optional(Type.Union([Type.Literal('a'), Type.Literal('b')])),
      when: Type.Optional(Type.String({ format: 'date-time' })),
      inner: Type.Optional(Type.Object({ list: Type.Array(Type.String()) }, { additionalProperties: false })),
      maybe: Type.Optional(
        Type.Union([Type.Object({ deep: Type.Integer() }, { additionalProperties: false }), Type.Null()]),
      ),
      step: Type.Optional(
        Type.Union([
          Type.Object({ kind: Type.Literal('cut'), at: Type.Integer() }, { additionalProperties: false }),
          Type.Object({ kind: Type.Literal('turn') }, { additionalProperties: false }),
        ]),
      ),
      free: Type.Optional(Type.Unknown()),
      notes: Type.Optional(Type.Record(Type.String({ pattern: '^[a-z]{1,9}$' }), Type.String())),
      words: Type.Optional(Nullable(Type.Record(Type.String(), Type.String()))),
    },
    { additionalProperties: false },
  )
  const config = { access: 'calls:write' as const }
  http.post(
    '/v1/things',
    { config, schema: { operationId: 'makeThing', body: Thing } },
    async ({ body }) => body,
  )
  http.post('/v1/things/:id/touch', { config, schema: { operationId: 'touchThing' } }, async () => ({
    touched: true,
  }))
  const Softly = Type.Object({ softly: Type.Optional(Type.Boolean()) }, { additionalProperties: false })
  http.post(
    '/v1/things/:id/shake',
    { config, schema: { operationId: 'shakeThing', body: Softly } },
    async ({ body }) => body,
  )
  const Free = Type.Unknown()
  http.post('/v1/bytes', { config, schema: { operationId: 'bytes', body: Free } }, async ({ bytes }) => ({
    text: bytes?.toString(),
  }))
  http.get('/v1/things/:id', { config, schema: { operationId: 'readThing' } }, async () => ({ ok: true }))
  http.get('/v1/broken', { config, schema: { operationId: 'break' } }, async () => {
    throw new Error('the secret cause')
  })
  http.get('/v1/waiting', { config, schema: { operationId: 'wait' } }, () =>
    asWorker(app.db, async (tx) => {
      await sql`set local statement_timeout = 20`.execute(tx)
      await sql`select pg_sleep(5)`.execute(tx)
    }),
  )
  http.get('/v1/refusing', { config, schema: { operationId: 'refuse' } }, async () => {
    throw new Problem('overloaded', { detail: 'Not now.', retry_after_s: 2.5 })
  })
}

before(async () => {
  served = await serve({ config: { api_body_limit: 65_536 }, mount: { rooms: [room] } })
  key = (await tenantWithKey(served)).key
})

const post = (body: unknown, options: SendOptions = {}) =>
  served.send('POST', '/v1/things', { key, body, ...options })

function isProblem(reply: Reply, status: number, code: string): Record<string, unknown> {
  assert.deepEqual([reply.status, reply.body['code']], [status, code], reply.text)
  assert.equal(reply.headers.get('content-type'), 'application/problem+json; charset=utf-8')
  assert.equal(reply.body['status'], status)
  assert.equal(reply.body['type'], `urn:trilho:error:${code}`)
  assert.equal(reply.body['request_id'], reply.headers.get('request-id'))
  assert.match(String(reply.body['request_id']), /^req_[0-9a-z]{26}$/)
  return reply.body
}

async function refused(body: unknown, field: string, words: RegExp): Promise<void> {
  const problem = isProblem(await post(body), 400, 'invalid_request')
  assert.equal(problem['field'], field)
  assert.match(String(problem['detail']), words)
}

test('200: a body comes back as it was sent, neither coerced nor stripped nor filled in', async () => {
  const maps = { notes: { abc: 'y' }, words: { 'a\nb': 'y', '': '' } }
  const body = { name: 'x', free: { a: '1', b: [1, null], 'c.d': { é: '😀' } }, ...maps }
  assert.deepEqual((await post(body)).body, body)
})

test('a room can have a JSON body as it came, to the byte', async () => {
  const body = '{ "amount": 12345678901234567890.10, "a":1, "a":2 }'
  assert.equal((await served.send('POST', '/v1/bytes', { key, body })).body['text'], body)
})

test('400: each misfit names its field, the reason and what would be right', async () => {
  await refused({}, 'name', /field name is required/)
  await refused({ name: 1 }, 'name', /must be a string, not a number/)
  await refused({ name: '' }, 'name', /at least 1 character\b/)
  await refused({ name: 'x'.repeat(11) }, 'name', /at most 10 characters/)
  await refused({ name: 'x', size: '3' }, 'size', /must be an integer, not a string/)
  await refused({ name: 'x', size: 0 }, 'size', /at least 1/)
  await refused({ name: 'x', kind: 'c' }, 'kind', /must be one of a, b/)
  await refused({ name: 'x', when: 'yesterday' }, 'when', /must be a date-time/)
  await refused({ name: 'x', when: '2026-12-31T23:59:60Z' }, 'when', /must be a date-time/)
  await refused({ name: 'x', nmae: 'y' }, 'nmae', /not known here; .*name, size/)
  await refused({ name: 'x', inner: { list: ['a', 2] } }, 'inner.list.1', /must be a string/)
  await refused({ name: 'x', inner: {} }, 'inner.list', /is required/)
  await refused({ name: 'x', maybe: { deep: 'y' } }, 'maybe.deep', /must be an integer/)
  await refused(
    { name: 'x', step: { kind: 'turn', at: 1 } },
    'step.at',
    /not known here; .*mean one of kind\.$/,
  )
  await refused({ name: 'x', step: { kind: 'cut', at: 'y' } }, 'step.at', /must be an integer/)
  await refused({ name: 'x', step: { kind: 'fold' } }, 'step.kind', /must be one of cut, turn/)
  await refused({ name: 'x', notes: { a1: 'y' } }, 'notes.a1', /not taken here; it must match \^\[a-z\]/)
  await refused({ name: 'x', notes: { 'a\nb': {} } }, 'notes.a\nb', /not taken here/)
  await refused({ name: 'x', words: { 'a\nb': 1 } }, 'words.a\nb', /must be a string, not a number/)
  await refused([], 'body', /must be an object, not an array/)
  await refused('null', 'body', /A JSON body is required/)
})

test('200: a POST may leave out a body in which everything may be left out', async () => {
  const reply = await served.send('POST', '/v1/things/1/shake', { key })
  assert.deepEqual([reply.status, reply.body], [200, {}])
  isProblem(await served.send('POST', '/v1/things/1/shake', { key, body: 'null' }), 400, 'invalid_request')
})

test('400: JSON that cannot be read says where and repeats none of it', async () => {
  for (const body of ['{"name": "hunter2", }', '{"name"', '', '{"name":"x"}x', '\u0000']) {
    const reply = await post(body)
    assert.equal(reply.status, 400, reply.text)
    assert.ok(!reply.text.includes('hunter2'))
  }
  const cut = isProblem(await post('{"name": "x",}'), 400, 'invalid_json')
  assert.match(String(cut['detail']), /at position 13/)
})

test('400: broken UTF-8, a prototype, deep nesting, NUL and half a character are refused', async () => {
  const bytes = Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')])
  const response = await fetch(`${served.url}/v1/things`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: bytes,
  })
  assert.deepEqual(
    [response.status, ((await response.json()) as { code: string }).code],
    [400, 'invalid_json'],
  )
  await refused('{"name":"x","free":{"__proto__":{"admin":true}}}', 'free.__proto__', /Rename it/)
  await refused('{"name":"x","free":{"\\u005f_proto__":1}}', 'free.__proto__', /Rename it/)
  await refused(`{"name":"x","free":${'['.repeat(70)}${']'.repeat(70)}}`, 'free.0.0.0', /deeper than 64/)
  await refused(
    `{"name":"x","free":${'{"a":'.repeat(9000)}1${'}'.repeat(9000)}}`,
    'free.a.a.a',
    /deeper than 64/,
  )
  await refused('{"name":"x","free":["\\u0000"]}', 'free.0', /NUL/)
  await refused('{"name":"x","free":"\\ud800"}', 'free', /surrogate/)
})

test('400: a body where none is taken, and a query parameter where none is known', async () => {
  const touch = (body: unknown) => served.send('POST', '/v1/things/1/touch', { key, body })
  assert.equal((await touch({})).status, 200)
  assert.equal((await touch(undefined)).status, 200)
  assert.equal(isProblem(await touch({ force: true }), 400, 'invalid_request')['field'], 'body')
  const query = isProblem(await served.send('GET', '/v1/things/1?verbose=1', { key }), 400, 'invalid_request')
  assert.equal(query['field'], 'verbose')
})

test('400: a path that cannot be decoded, and one that holds a NUL', async () => {
  isProblem(await served.send('GET', '/v1/things/%zz', { key }), 400, 'invalid_request')
  isProblem(await served.send('GET', '/v1/things/%c3%28', { key }), 400, 'invalid_request')
  isProblem(await served.send('GET', '/v1/things/a%00b', { key }), 400, 'invalid_request')
})

test('400: an id of another kind says which kind is wanted', async () => {
  const { body } = await served.send('GET', '/v1/keys/tnt_01jz8k3v9mf2tb7xq4c5n6p8rs', { key })
  assert.equal(body['code'], 'invalid_id')
  assert.match(String(body['detail']), /api key id such as key_/)
})

test('401: no credential, a wrong one and a malformed one each say what to send', async () => {
  for (const headers of [
    {},
    { authorization: 'Basic eDp5' },
    { authorization: 'Bearer' },
    { authorization: `Bearer ${key}x` },
  ]) {
    const reply = await served.send('GET', '/v1/things/1', { headers })
    isProblem(reply, 401, 'unauthenticated')
    assert.match(reply.headers.get('www-authenticate') ?? '', /^Bearer realm="trilho"/)
  }
})

test('403: a scope that is not held is named', async () => {
  const narrow = await tenantWithKey(served, ['calls:read'])
  const problem = isProblem(await served.send('GET', '/v1/things/1', { key: narrow.key }), 403, 'forbidden')
  assert.match(String(problem['detail']), /needs the scope calls:write; the credential holds calls:read/)
})

test('404 for an address that is not there, 405 with Allow for a method it does not take', async () => {
  isProblem(await served.send('GET', '/v1/nothing', { key }), 404, 'not_found')
  isProblem(await served.send('GET', '/'), 404, 'not_found')
  const wrong = await served.send('PUT', '/v1/things/1?x=1', { key })
  isProblem(wrong, 405, 'method_not_allowed')
  assert.equal(wrong.headers.get('allow'), 'GET, HEAD')
  assert.equal((await served.send('DELETE', '/v1/things', { key })).headers.get('allow'), 'POST')
})

test('413: a body over the limit names the limit', async () => {
  const problem = isProblem(await post({ name: 'x', free: 'y'.repeat(70_000) }), 413, 'body_too_large')
  assert.match(String(problem['detail']), /65536 bytes/)
})

test('415: only JSON in UTF-8 is taken', async () => {
  for (const type of ['text/plain', 'application/xml', 'application/json; charset=latin1', 'nonsense']) {
    isProblem(
      await post('{"name":"x"}', { headers: { 'content-type': type } }),
      415,
      'unsupported_media_type',
    )
  }
  isProblem(
    await post('{"name":"x"}', { headers: { 'content-encoding': 'gzip' } }),
    415,
    'unsupported_media_type',
  )
  assert.equal(
    (await post('{"name":"x"}', { headers: { 'content-type': 'application/json; charset="UTF-8"' } })).status,
    200,
  )
})

test('500: the cause goes to the log under the request id and not to the caller', async () => {
  const reply = await served.send('GET', '/v1/broken', { key })
  const problem = isProblem(reply, 500, 'internal')
  assert.ok(!reply.text.includes('secret cause'))
  const line = served.lines.find((l) => l['request_id'] === problem['request_id'])
  assert.match(JSON.stringify(line), /the secret cause/)
})

test('503 says when to come back', async () => {
  const reply = await served.send('GET', '/v1/refusing', { key })
  isProblem(reply, 503, 'overloaded')
  assert.equal(reply.headers.get('retry-after'), '3')
})

test('503: what the database gave up after its time may be sent again, with its key', async () => {
  const reply = await served.send('GET', '/v1/waiting', { key })
  const problem = isProblem(reply, 503, 'overloaded')
  assert.match(String(problem['detail']), /undid that part\. Send it again with the same Idempotency-Key/)
  assert.equal(reply.headers.get('retry-after'), '1')
})

test('bytes that are no HTTP are answered with a problem', async () => {
  const answer = await raw('NOT HTTP AT ALL\r\n\r\n')
  assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/)
  assert.match(answer, /application\/problem\+json/)
  const big = await raw(`GET /health HTTP/1.1\r\nhost: x\r\nx-big: ${'y'.repeat(20_000)}\r\n\r\n`)
  assert.match(big, /^HTTP\/1\.1 431 /)
})

function raw(text: string): Promise<string> {
  const { hostname, port } = new URL(served.url)
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(port), hostname, () => socket.write(text))
    socket.on('data', (chunk) => {
      answer += chunk.toString()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}

test('each request leaves one line that says who, what, how long and how it ended', async () => {
  const { tenant, key: own, key_id } = await tenantWithKey(served)
  const reply = await served.send('GET', '/v1/things/42', { key: own, headers: { 'x-request-id': 'mine-7' } })
  const lines = served.lines.filter((l) => l['request_id'] === reply.headers.get('request-id'))
  assert.equal(lines.length, 1)
  const { method, route, status, actor, tenant: of, ip, client_request_id } = lines[0] ?? {}
  assert.deepEqual(
    { method, route, status, actor, of, ip, client_request_id },
    {
      method: 'GET',
      route: '/v1/things/:id',
      status: 200,
      actor: key_id,
      of: tenant,
      ip: '127.0.0.1',
      client_request_id: 'mine-7',
    },
  )
  assert.equal(typeof lines[0]?.['duration_ms'], 'number')
})

test('a key that asks too fast gets 429 with the standard headers; internal is exempt', async () => {
  const slow = await serve({ config: { rate_limit_per_second: 5 }, mount: { rooms: [room] } })
  const { key: own } = await tenantWithKey(slow, ['calls:write'])
  const began = performance.now()
  const replies = await Promise.all(
    Array.from({ length: 100 }, () => slow.send('GET', '/v1/things/1', { key: own })),
  )
  const took_s = (performance.now() - began) / 1000
  const over = replies.filter(({ status }) => status === 429)
  const passed = replies.length - over.length
  assert.ok(passed >= 5 && passed <= 5 + Math.ceil(5 * took_s), `${passed} of 100 in ${took_s} s`)
  for (const reply of over) isProblem(reply, 429, 'rate_limited')
  assert.equal(over[0]?.headers.get('retry-after'), '1')
  assert.equal(replies[0]?.headers.get('ratelimit-policy'), '"key";q=5;w=1')
  assert.match(replies[0]?.headers.get('ratelimit') ?? '', /^"key";r=\d;t=1$/)
  const internal = await tenantWithKey(slow, ['calls:write', 'internal'])
  const free = await Promise.all(
    Array.from({ length: 20 }, () => slow.send('GET', '/v1/things/1', { key: internal.key })),
  )
  assert.ok(free.every(({ status }) => status === 200))
})

test("a trusted proxy's word decides the address of the client; a stranger's does not", async () => {
  const behind = await serve({ config: { trusted_proxies: ['127.0.0.0/8'] } })
  const headers = { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' }
  for (const [server, ip, secure] of [
    [behind, '203.0.113.9', true],
    [served, '127.0.0.1', false],
  ] as const) {
    const reply = await server.send('GET', '/health', { headers })
    const line = server.lines.find((l) => l['request_id'] === reply.headers.get('request-id'))
    assert.equal(line?.['ip'], ip)
    assert.equal(reply.headers.has('strict-transport-security'), secure)
  }
})

test('a flood of strangers who are refused is counted, and told of in a few lines', async () => {
  const server = await serve()
  const { key } = await tenantWithKey(server, ['*'])
  Object.assign(server.app, { clock: { ...server.app.clock, monotonic: () => 0 } }) // all of it within one second
  const flood = await Promise.all(Array.from({ length: 200 }, () => server.send('GET', '/v1/tenant')))
  assert.ok(flood.every(({ status }) => status === 401))
  const ours = await server.send('GET', '/v1/nothing', { key })
  const lines = () => server.lines.filter((line) => line['status'] === 401).length
  assert.equal(lines(), 50)
  assert.ok(
    server.lines.some((line) => line['request_id'] === ours.headers.get('request-id')),
    'whoever is known is told of all the same',
  )
  const untold = () =>
    server.lines.reduce((sum, { requests }) => sum + (typeof requests === 'number' ? requests : 0), 0)
  for (const end = performance.now() + 60_000; untold() + lines() < 200; await sleep(20))
    assert.ok(performance.now() < end, `${untold()} and ${lines()}`)
  assert.equal(untold() + lines(), 200)
  const { text } = await server.send('GET', '/metrics')
  assert.match(text, /trilho_http_requests_total\{[^}]*status="401"[^}]*\} 200/)
})

test('a route that does not say whom it serves, or has no name, stops the start', async () => {
  const nobody: Routes = (http) =>
    void http.get('/v1/open', { schema: { operationId: 'open' } }, async () => ({}))
  const nameless: Routes = (http) =>
    void http.get('/v1/open', { config: { access: 'admin' } }, async () => ({}))
  const database_url = await testDatabaseUrl()
  await assert.rejects(serve({ database_url, mount: { rooms: [nobody] } }), /does not say whom it serves/)
  await assert.rejects(serve({ database_url, mount: { rooms: [nameless] } }), /no schema.operationId/)
})

test('webhook addresses get every body as bytes, up to their own limit', async () => {
  const bytes = await serve({
    config: { webhook_body_limit: 2048 },
    mount: {
      rooms: [],
      webhooks: (http) => {
        const options = { config: { access: 'public' as const }, schema: { hide: true } }
        http.post('/webhooks/:provider', options, async ({ body }) => ({
          hex: (body as Buffer).toString('hex'),
        }))
      },
    },
  })
  for (const type of [
    'application/json',
    'text/plain',
    'application/octet-stream',
    'application/x-www-form-urlencoded',
  ]) {
    const reply = await bytes.send('POST', '/webhooks/acme', {
      body: '{"a": 1,}',
      headers: { 'content-type': type },
    })
    assert.equal(reply.body['hex'], Buffer.from('{"a": 1,}').toString('hex'))
  }
  isProblem(await bytes.send('POST', '/webhooks/acme', { body: 'x'.repeat(3000) }), 413, 'body_too_large')
})

test('alive without asking anyone, ready when the database answers, listens and covers today', async () => {
  assert.deepEqual((await served.send('GET', '/health')).body, { status: 'ok' })
  const ready = await served.send('GET', '/ready')
  assert.deepEqual([ready.status, ready.body['ready']], [200, true], ready.text)
  const astray = await serve({})
  astray.app.clock = { ...astray.app.clock, now: () => new Date('2040-01-01T00:00:00Z') }
  assert.equal((await astray.send('GET', '/health')).status, 200)
  const unready = await astray.send('GET', '/ready')
  assert.deepEqual([unready.status, unready.body['ready']], [503, false])
  assert.match(unready.text, /no partitions for the present day/)
})

test('metrics are for this machine, an administrator, or a key of the installation made for them', async () => {
  const own = await serve({})
  const admin = await adminKey(own)
  assert.match((await own.send('GET', '/metrics')).text, /trilho_http_requests_total/)
  const forwarded = { 'x-forwarded-for': '203.0.113.9' }
  const ask = (as: string | undefined) => own.send('GET', '/metrics', { key: as, headers: forwarded })
  isProblem(await ask(undefined), 401, 'unauthenticated')
  isProblem(await ask((await tenantWithKey(own)).key), 403, 'forbidden')
  assert.equal((await ask(admin)).status, 200)
  const made = await own.send('POST', '/v1/keys', {
    key: admin,
    headers: { 'trilho-tenant': `tnt_${'0'.repeat(26)}` },
    body: { name: 'Prometheus', environment: 'live', scopes: ['metrics:read'] },
  })
  const scraper = String(made.body['key'])
  assert.equal((await ask(scraper)).status, 200)
  isProblem(await own.send('GET', '/v1/tenants', { key: scraper }), 403, 'forbidden')
})
