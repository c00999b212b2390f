import assert from 'node:assert/strict'
import http from 'node:http'
import type { Socket } from 'node:net'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fromWire } from '../../platform/ids.ts'
import { providers } from '../../providers/index.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { eventually } from '../../test/product.ts'
import { DOWN, OK, openRawVendor, type RawVendor } from '../../test/raw_vendor.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { keepUsage } from './guards.ts'
import { routes } from './routes.ts'

/** Vendors that do what no vendor should, and callers that do not wait: every call ends, and says how. */
let served: Served
before(async () => {
  served = await serve({ mount: { rooms: [connectionRoutes, routes] }, providers })
})

type Connected = { key: string; path: string; id: string; tenant_id: string; vendor: RawVendor }

async function connect(
  answer: Parameters<typeof openRawVendor>[0],
  { limits = {}, ...more }: { limits?: object; settings?: object; credentials?: object } = {},
): Promise<Connected> {
  const vendor = await openRawVendor(answer)
  const { key, tenant_id } = await tenantWithKey(served, ['*'], 'test')
  const body = {
    provider: 'http',
    name: 'x',
    environment: 'development',
    ...more,
    settings: { base_url: vendor.url, ...more.settings },
    limits: { rates: [{ calls: 10_000, per_s: 60 }], ...limits },
  }
  const reply = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(reply.status, 201, reply.text)
  const id = String(reply.body['id'])
  return { key, tenant_id, id, path: `/v1/connections/${id}/calls`, vendor }
}

async function call({ key, path }: Connected, body: object) {
  const reply = await served.send('POST', path, { key, body: { method: 'GET', path: '/x', ...body } })
  assert.equal(reply.status, 200, reply.text)
  return reply.body as Record<string, unknown> & {
    id: string
    state: string
    attempts: number
    error: string
  }
}

const POST = { method: 'POST', body: { amount: 1 }, retries: 0 }
const answers = (text: string) => (socket: Socket) => void socket.end(text)

const HOSTILE: { name: string; answer: (socket: Socket) => void; get: string; post: string; says: RegExp }[] =
  [
    {
      name: 'drips a byte at a time',
      answer: (socket) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n')
        const drip = setInterval(() => socket.write('x'), 20)
        socket.on('close', () => clearInterval(drip))
      },
      get: 'failed',
      post: 'unknown',
      says: /not complete within 1000 ms/,
    },
    {
      name: 'resets in the middle of its answer',
      answer: (socket) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf', () => socket.resetAndDestroy())
      },
      get: 'failed',
      post: 'unknown',
      says: /connection/,
    },
    {
      name: 'sends less than it promised',
      answer: answers('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\nconnection: close\r\n\r\n{"ok":'),
      get: 'failed',
      post: 'unknown',
      says: /shorter than its content-length|closed/,
    },
    {
      name: 'speaks no HTTP',
      answer: answers('220 ready for mail\r\n'),
      get: 'failed',
      post: 'unknown',
      says: /not HTTP/,
    },
    {
      name: 'hangs up without a word',
      answer: (socket) => void socket.end(),
      get: 'failed',
      post: 'unknown',
      says: /closed/,
    },
    {
      name: 'says nothing at all',
      answer: () => {},
      get: 'failed',
      post: 'unknown',
      says: /no answer within 1000 ms/,
    },
    {
      name: 'sends us to an address within',
      answer: answers(
        'HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest\r\ncontent-length: 0\r\n\r\n',
      ),
      get: 'failed',
      post: 'failed',
      says: /redirects are not followed/,
    },
    {
      name: 'did it and says elsewhere what came of it',
      answer: answers('HTTP/1.1 303 See Other\r\nlocation: /orders/1\r\ncontent-length: 0\r\n\r\n'),
      get: 'failed',
      post: 'unknown',
      says: /redirects are not followed/,
    },
  ]

for (const { name, answer, get, post, says } of HOSTILE) {
  test(`a vendor that ${name} ends a read as ${get} and a change as ${post}`, async () => {
    const connected = await connect(answer, { limits: { breaker: false } })
    const timeout_ms = /1000 ms/.test(says.source) ? 1_000 : 30_000
    const read = await call(connected, { retries: 0, timeout_ms })
    assert.deepEqual([read.state, read.attempts], [get, 1])
    assert.match(read.error, says)
    const change = await call(connected, { ...POST, timeout_ms })
    assert.deepEqual([change.state, change.attempts], [post, 1])
    assert.equal(connected.vendor.asked.length, 2, 'asked once each')
    const { body } = await served.send('GET', `/v1/calls/${change.id}`, { key: connected.key })
    assert.equal(body['state'], post)
    assert.equal((body['log'] as unknown[]).length, 1)
  })
}

test('a vendor that sends without end costs no more than what is read of it', async () => {
  const megabyte = Buffer.alloc(1_000_000, 'x')
  let sent = 0
  const connected = await connect((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5000000000\r\n\r\n')
    const pour = () => {
      while (!socket.destroyed) {
        sent += megabyte.length
        if (!socket.write(megabyte)) return void socket.once('drain', pour)
      }
    }
    pour()
  })
  const before = process.memoryUsage().rss
  const report = await call(connected, { retries: 0 })
  assert.equal(report.state, 'succeeded')
  assert.equal(report['truncated'], true)
  assert.equal((report['body'] as string).length, 10_000_000)
  assert.ok(sent < 100_000_000, `${sent} bytes were taken`)
  assert.ok(process.memoryUsage().rss - before < 400_000_000)
})

test('of a vendor that fails everything no more is tried again than the budget has, and the report says so', async () => {
  const limits = { breaker: false, retry_budget: { percent: 0, at_least: 2 } }
  const connected = await connect((socket) => void socket.write(DOWN), { limits })
  const reports = await Promise.all(Array.from({ length: 6 }, () => call(connected, { retries: 1 })))
  assert.equal(connected.vendor.asked.length, 8)
  const kept = reports.filter(({ error }) => /retries are kept to 0 % of the calls/.test(error))
  assert.equal(kept.length, 4)
  assert.ok(kept.every(({ state, attempts }) => state === 'failed' && attempts === 1))
})

test('a deadline is for the whole call: attempts and waits have what is left of it', async () => {
  const connected = await connect(() => {})
  const began = performance.now()
  const report = await call(connected, { deadline_ms: 5_000, timeout_ms: 60_000, retries: 3 })
  const took_ms = performance.now() - began
  assert.deepEqual([report.state, report.attempts], ['failed', 1])
  assert.match(report.error, /no answer within \d{4} ms; there is no time left for another try/)
  assert.ok(took_ms >= 4_990 && took_ms < 50_000, `${took_ms} ms`)
})

test('a vendor that hangs up on calls with a deadline is at fault, one that had too little time is not', async () => {
  const limits = { breaker: { failures: 2 } }
  const resets = await connect((socket) => void socket.resetAndDestroy(), { limits })
  const short = { retries: 0, timeout_ms: 60_000, deadline_ms: 50_000 }
  for (const _ of [1, 2]) assert.equal((await call(resets, short)).state, 'failed')
  const breaker = async ({ key, id }: Connected) =>
    (await served.send('GET', `/v1/connections/${id}/breaker`, { key })).body['state']
  assert.equal(await breaker(resets), 'open')
  // It is noted beside the call, and may be there a moment after it.
  await eventually(async () => {
    const { body } = await served.send('GET', `/v1/connections/${resets.id}`, { key: resets.key })
    return body['health'] === 'degraded'
  })

  const silent = await connect(() => {}, { limits: { breaker: { failures: 1 } } })
  const report = await call(silent, { ...short, deadline_ms: 5_000 })
  assert.deepEqual([report.state, report.attempts], ['failed', 1])
  assert.equal(await breaker(silent), 'closed')
})

test('a limit in bytes counts nothing of a call that nobody could take', async () => {
  const limits = { rates: [{ calls: 100, bytes: 100_000, per_s: 3600 }], breaker: false }
  const connected = await connect(answers(OK), { limits, settings: { base_url: 'http://127.0.0.1:9' } })
  const body = 'x'.repeat(30_000)
  for (const _ of [1, 2, 3, 4, 5]) {
    const report = await call(connected, { method: 'POST', body, retries: 0 })
    assert.equal(report.state, 'failed', report.error)
  }
  await keepUsage(served.app)
  const { body: told } = await served.send('GET', `/v1/connections/${connected.id}/limits`, {
    key: connected.key,
  })
  const rates = told['rates'] as { unit: string; used: number }[]
  assert.equal(rates.find(({ unit }) => unit === 'bytes')?.used, 0)
})

const TOKEN = '{"access_token":"t","token_type":"Bearer","expires_in":3600}'
const GIVEN = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${TOKEN.length}\r\n\r\n${TOKEN}`

const letInBy = (tokens: RawVendor) => ({
  settings: { auth: 'oauth2_client_credentials', token_url: `${tokens.url}/token` },
  credentials: { client_id: 'me', client_secret: 'secret' },
})

test('a vendor that gives no token for a moment is asked for it again, and the call is sent once', async () => {
  for (const answer of [
    (socket: Socket) => void socket.write(DOWN),
    (socket: Socket) => void socket.resetAndDestroy(),
  ]) {
    const tokens = await openRawVendor((socket, nth) => (nth < 3 ? answer(socket) : void socket.write(GIVEN)))
    const connected = await connect((socket) => void socket.write(OK), letInBy(tokens))
    const report = await call(connected, { ...POST, retries: 2 })
    assert.deepEqual([report.state, report.attempts], ['succeeded', 1], report.error)
    assert.deepEqual([tokens.asked.length, connected.vendor.asked.length], [3, 1])
  }
})

test('a vendor that gives no token since it is down opens the breaker; one that refuses to does not', async () => {
  const limits = { breaker: { failures: 2 } }
  const down = await openRawVendor((socket) => void socket.write(DOWN))
  const connected = await connect((socket) => void socket.write(OK), { ...letInBy(down), limits })
  for (const _ of [1, 2]) {
    const report = await call(connected, { retries: 0 })
    assert.deepEqual([report.state, report.attempts], ['failed', 0])
    assert.match(report.error, /^no access: the token endpoint answered 500$/)
  }
  assert.match((await call(connected, {})).error, /breaker of this connection is open \(2 failures in a row/)
  assert.deepEqual([down.asked.length, connected.vendor.asked.length], [2, 0])

  const no = '{"error":"invalid_client"}'
  const NO = `HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: ${no.length}\r\n\r\n${no}`
  const strict = await openRawVendor((socket) => void socket.write(NO))
  const refused = await connect((socket) => void socket.write(OK), { ...letInBy(strict), limits })
  for (const _ of [1, 2, 3]) assert.match((await call(refused, {})).error, /invalid_client/)
  assert.equal(strict.asked.length, 3, 'asked once by each call')
})

const said401 = 'HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n'

test('a vendor that refuses new tokens too is not asked for another by every call', async () => {
  const tokens = await openRawVendor((socket) => void socket.write(GIVEN))
  const connected = await connect((socket) => void socket.write(said401), letInBy(tokens))
  const attempts: number[] = []
  for (const _ of [1, 2, 3]) {
    const report = await call(connected, {})
    assert.deepEqual([report.state, report['status']], ['refused', 401])
    attempts.push(report.attempts)
  }
  assert.deepEqual([attempts, tokens.asked.length], [[2, 1, 1], 2])
})

test('a call that waits for its token takes one place in the limits, and none where its caller is gone by then', async () => {
  const tokens = await openRawVendor((socket) => void setTimeout(() => socket.write(GIVEN), 1_500))
  const oauth = () => ({ ...letInBy(tokens), limits: { rates: [{ calls: 2, per_s: 60 }] } })
  const usedOf = async (connected: Connected) => {
    await keepUsage(served.app)
    const path = `/v1/connections/${connected.id}/limits`
    const { body } = await served.send('GET', path, { key: connected.key })
    return (body['rates'] as { used: number }[])[0]?.used
  }
  // Longer than a slot of the minute, so that the place it had is over.
  const slow = await connect(answers(OK), oauth())
  assert.equal((await call(slow, {})).state, 'succeeded')
  assert.equal(await usedOf(slow), 1)

  const left = await connect(answers(OK), oauth())
  await hangUp(left, { method: 'GET' }, {}, () => tokens.asked.length === 2)
  assert.match(String((await ended(left))['error']), /hung up/)
  assert.equal(left.vendor.asked.length, 0)
  const { vendor } = left
  assert.equal((await call(left, { path: '/next' })).state, 'succeeded')
  assert.deepEqual([await usedOf(left), vendor.asked.length], [1, 1])
})

/** A mapping that asks the vendor of the call for more, at a path of its own. */
const enriching = ({ id }: Connected, more: object = {}) => ({
  kind: 'enrich',
  connection_id: id,
  at: 'more',
  call: { method: 'GET', path: '/slow', ...more },
})

/** Silent where it is asked for more. */
const silentBehind = (socket: Socket, _nth: number, request: string) => {
  if (!request.includes('/slow')) socket.write(OK)
}
const firstLines = ({ vendor }: Connected) => vendor.asked.map((request) => /^\S+ \S+/.exec(request)?.[0])

test('what enriches a call has what is left of its deadline, and a deadline of its own where it has one', async () => {
  for (const [deadline, own] of [
    [{ deadline_ms: 1_000 }, {}],
    [{}, { deadline_ms: 1_000 }],
    [{ deadline_ms: 60_000 }, { deadline_ms: 1_000 }],
    [{ deadline_ms: 1_000 }, { deadline_ms: 60_000 }],
  ]) {
    const connected = await connect(silentBehind)
    const began = performance.now()
    const reply = await served.send('POST', connected.path, {
      key: connected.key,
      body: { ...POST, path: '/x', ...deadline, mapping: { in: [enriching(connected, own)] } },
    })
    assert.equal(reply.status, 502, reply.text)
    assert.match(String(reply.body['detail']), /^mapping\.in\.0\S* .*no answer within \d{3,4} ms/)
    assert.ok(performance.now() - began < 20_000, 'long before an attempt has had its time')
    assert.deepEqual(firstLines(connected), ['GET /slow'])
  }
})

test('what enriches an answer has what is left of the deadline too: the answer stands without it', async () => {
  const connected = await connect(silentBehind)
  const began = performance.now()
  const mapping = { out: [enriching(connected)] }
  const report = await call(connected, { ...POST, deadline_ms: 2_000, mapping })
  assert.ok(performance.now() - began < 20_000, 'long before an attempt has had its time')
  assert.equal(report.state, 'succeeded')
  assert.match(report.error, /could not be mapped: step 0 \(enrich\): .*no answer within \d{3,4} ms/)
  assert.deepEqual(firstLines(connected), ['POST /x', 'GET /slow'])
})

test('a caller who hangs up ends what enriches their call, and the call is not made', async () => {
  const connected = await connect(silentBehind)
  await hangUp(connected, { ...POST, mapping: { in: [enriching(connected)] } })
  const enriched = await ended(connected)
  assert.deepEqual([enriched['path'], enriched['state']], ['/slow', 'failed'])
  assert.match(String(enriched['error']), /^the caller hung up/)
  assert.deepEqual(firstLines(connected), ['GET /slow'])
})

test('a caller who hangs up while a token is asked for leaves at once, with their place', async () => {
  const tokens = await openRawVendor(() => {})
  const connected = await connect((socket) => void socket.write(OK), letInBy(tokens))
  await hangUp(connected, { method: 'GET' }, {}, () => tokens.asked.length === 1)
  const gone = await ended(connected)
  assert.deepEqual([gone['state'], gone['attempts'], gone['error']], ['failed', 0, 'the caller hung up'])
  assert.equal(tokens.hung_up, 0, 'the token is still asked for, since others may want it')
  assert.deepEqual(await placesOf(connected), [0, 0])
})

test('a call whose time is over in the line was never sent', async () => {
  const limits = { concurrency: 1, breaker: false }
  let held: Socket | undefined
  const connected = await connect(
    (socket) => {
      held = socket
    },
    { limits },
  )
  const first = call(connected, {})
  while (connected.vendor.asked.length === 0) await sleep(5)
  const reply = await served.send('POST', connected.path, {
    key: connected.key,
    body: { method: 'GET', path: '/late', deadline_ms: 200 },
  })
  assert.equal(reply.status, 503)
  held?.write(OK)
  assert.equal((await first).state, 'succeeded')
  assert.equal(connected.vendor.asked.length, 1)
})

/** Asks and hangs up once the vendor was asked, or whatever is waited for. */
async function hangUp(
  { key, path, vendor }: Connected,
  body: object,
  headers: Record<string, string> = {},
  isTime: () => boolean | Promise<boolean> = () => vendor.asked.length > 0,
) {
  const asking = http.request(served.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
  })
  asking.on('error', () => {})
  asking.end(JSON.stringify({ path: '/x', ...body }))
  while (!(await isTime())) await sleep(5)
  asking.destroy()
}

async function ended({ key }: Connected): Promise<Record<string, unknown>> {
  for (;;) {
    const { body } = await served.send('GET', '/v1/calls', { key })
    const [newest] = body['data'] as Record<string, unknown>[]
    if (newest && newest['state'] !== 'started') return newest
    await sleep(10)
  }
}

test('a caller who hangs up ends the attempt: a read has failed, a change is unknown', async () => {
  for (const [method, state] of [
    ['GET', 'failed'],
    ['POST', 'unknown'],
  ]) {
    const connected = await connect(() => {})
    await hangUp(connected, { method, timeout_ms: 60_000 })
    const found = await ended(connected)
    assert.equal(found['state'], state)
    assert.match(String(found['error']), /^the caller hung up/)
    while (connected.vendor.hung_up === 0) await sleep(5)
    const { body } = await served.send('GET', `/v1/connections/${connected.id}`, { key: connected.key })
    assert.equal(body['health'], 'unknown', 'nothing is said of the vendor')
  }
})

const placesOf = async ({ key, id }: Connected) => {
  const { body } = await served.send('GET', `/v1/connections/${id}/limits`, { key })
  return [body['under_way'], body['in_line']] as [number, number]
}

test('a caller who hangs up in the line for a place leaves it at once to another, and nothing is sent for them', async () => {
  let held: Socket | undefined
  const answer = (socket: Socket, nth: number) => {
    if (nth === 1) held = socket
    else socket.write(OK)
  }
  const connected = await connect(answer, { limits: { concurrency: 1, queue: 1 } })
  const first = call(connected, { path: '/first' })
  while (connected.vendor.asked.length === 0) await sleep(5)
  const isInLine = async () => (await placesOf(connected))[1] === 1
  await hangUp(connected, { path: '/gone', method: 'POST' }, {}, isInLine)
  const began = performance.now()
  await eventually(async () => !(await isInLine()))
  assert.ok(performance.now() - began < 10_000, 'long before its turn')
  const gone = await ended(connected)
  assert.deepEqual(
    [gone['path'], gone['state'], gone['attempts'], gone['error']],
    ['/gone', 'failed', 0, 'the caller hung up'],
  )
  const next = call(connected, { path: '/next' })
  while (!(await isInLine())) await sleep(5)
  held?.write(OK)
  assert.deepEqual([(await first).state, (await next).state], ['succeeded', 'succeeded'])
  assert.deepEqual(
    connected.vendor.asked.map((request) => /^\S+ (\S+)/.exec(request)?.[1]),
    ['/first', '/next'],
  )
})

test('a caller who hangs up in the line of a limit leaves it at once, with its place, and takes nothing of the limit', async () => {
  const connected = await connect((socket) => void socket.write(OK), {
    limits: { rates: [{ calls: 1, per_s: 25 }], concurrency: 1, queue: 0 },
  })
  assert.equal((await call(connected, { path: '/first' })).state, 'succeeded')
  const isWaiting = async () => (await placesOf(connected))[0] === 1
  const patient = { on_limit: 'wait', wait_ms: 30_000 }
  await hangUp(connected, { path: '/gone', method: 'POST', ...patient }, {}, isWaiting)
  const began = performance.now()
  await eventually(async () => !(await isWaiting()))
  assert.ok(performance.now() - began < 10_000, 'long before there is room')
  const gone = await ended(connected)
  assert.deepEqual(
    [gone['path'], gone['state'], gone['attempts'], gone['error']],
    ['/gone', 'failed', 0, 'the caller hung up'],
  )
  const { body } = await served.send('GET', `/v1/connections/${connected.id}/limits`, { key: connected.key })
  assert.equal((body['rates'] as { used: number }[])[0]?.used, 1)
  assert.equal(connected.vendor.asked.length, 1)
})

test('a caller who hangs up with an Idempotency-Key finds the answer when they ask again', async () => {
  const connected = await connect((socket) => void setTimeout(() => socket.write(OK), 300))
  const key = { 'idempotency-key': 'order-7' }
  await hangUp(connected, { method: 'POST', body: {} }, key)
  assert.equal((await ended(connected))['state'], 'succeeded')
  const body = { path: '/x', method: 'POST', body: {} }
  // Until the answer is kept under its key, a moment after the call ended, it is still under way: 409.
  const again = await eventually(async () => {
    const reply = await served.send('POST', connected.path, { key: connected.key, headers: key, body })
    return reply.status !== 409 && reply
  })
  assert.deepEqual([again.status, again.body['state']], [200, 'succeeded'])
  assert.equal(connected.vendor.asked.length, 1)
})

test('one idempotency key is made for a call and sent with every attempt of it', async () => {
  const settings = { idempotency_header: 'Idempotency-Key' }
  const connected = await connect((socket, nth) => void socket.write(nth < 3 ? DOWN : OK), { settings })
  const report = await call(connected, { ...POST, retries: 2 })
  assert.deepEqual([report.state, report.attempts], ['succeeded', 3])
  const keys = connected.vendor.asked.map((request) => /idempotency-key: (\S+)/i.exec(request)?.[1])
  assert.deepEqual(new Set(keys), new Set([report.id]))
  assert.ok(fromWire('call', report.id))
})
