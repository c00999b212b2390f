import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect as connectTo } from 'node:net'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { providers } from '../../providers/index.ts'
import { testDatabaseUrl, undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { answers } from './held.ts'
import { routes } from './routes.ts'

const BIG = 300_000
const HUGE = 9_000_000
/** Of one tenant two big ones, of all three. */
const MOST = 1_300_000

let served: Served
let vendor: string
/** Answers of `/slow` whose last byte is kept back. */
const open: ServerResponse[] = []
before(async () => {
  served = await serve({ mount: { rooms: [connectionRoutes, routes] }, providers })
  answers(served.app).room.most_bytes = MOST
  const server = createServer(({ url = '' }, response) => {
    const sizes: Record<string, number> = { '/small': 1000, '/huge': HUGE }
    const text = JSON.stringify('x'.repeat(sizes[url] ?? BIG))
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length })
    if (!url.startsWith('/slow')) return void response.end(text)
    response.write(text.slice(0, -1))
    open.push(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => {
    server.closeAllConnections()
    server.close()
  })
  vendor = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

const held = () => answers(served.app).room.bytes

async function until(what: string, is: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !is(); tries++) await sleep(20)
  assert(is(), `${what}: ${held()} bytes are held`)
}

const noneHeld = () => until('nothing is held any more', () => held() === 0)

type Connected = { key: string; id: string }

async function connect(
  place: object = { provider: 'http', settings: { base_url: vendor } },
): Promise<Connected> {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const body = {
    ...place,
    name: 'x',
    environment: 'development',
    limits: { breaker: { failures: 1 }, backoff_ms: 100 },
  }
  const made = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(made.status, 201, made.text)
  return { key, id: String(made.body['id']) }
}

async function call({ key, id }: Connected, asked: object) {
  const body = { retries: 0, ...asked }
  const reply = await served.send('POST', `/v1/connections/${id}/calls`, { key, body })
  assert.equal(reply.status, 200, reply.text)
  return reply.body as { state: string; status: number | null; error: string | null }
}

const get = (connected: Connected, path: string) => call(connected, { method: 'GET', path })

const REMEDY = /hold as much of the memory of this server as they may; ask again in a moment/

/** While `work` is done the slow vendors of these hold their place. */
async function whileRead(connections: readonly Connected[], work: () => Promise<void>): Promise<void> {
  const slow = connections.map((connected, n) => get(connected, `/slow/${n}`))
  await until('all are read', () => held() > connections.length * BIG && open.length === slow.length)
  try {
    await work()
  } finally {
    for (const response of open.splice(0)) response.end('"')
  }
  for (const { state, error } of await Promise.all(slow)) assert.equal(state, 'succeeded', String(error))
}

/** No room is left but for what comes in one piece. */
async function whileFull(work: () => Promise<void>): Promise<void> {
  const one = await connect()
  await whileRead([one, one, await connect()], work)
}

test('answers over the bound fail with the reason and the remedy, beside them small ones are given', async () => {
  const connected = await connect()
  await whileFull(async () => {
    const read = await get(connected, '/big')
    assert.deepEqual([read.state, read.status], ['failed', null])
    assert.match(String(read.error), REMEDY)
    const change = await call(connected, { method: 'POST', path: '/big', body: {} })
    assert.equal(change.state, 'unknown', 'the vendor did it')
    assert.equal((await get(connected, '/small')).state, 'succeeded')
    assert(held() <= MOST * 0.75, `${held()} bytes are held`)
    const path = `/v1/connections/${connected.id}`
    const { body } = await served.send('GET', `${path}/breaker`, { key: connected.key })
    assert.deepEqual([body['state'], body['failures']], ['closed', 0], 'it is no fault of the vendor')
    const { body: seen } = await served.send('GET', path, { key: connected.key })
    assert.doesNotMatch(JSON.stringify(seen), REMEDY)
  })
  await noneHeld()
  assert.equal((await get(connected, '/big')).state, 'succeeded')
  await noneHeld()
})

test('the slow vendors of one tenant leave the others their place', async () => {
  const [flooding, other] = [await connect(), await connect()]
  await whileRead([flooding, flooding], async () => {
    assert.match(String((await get(flooding, '/big')).error), REMEDY)
    assert.equal((await get(flooding, '/small')).state, 'succeeded')
    assert.equal((await get(other, '/big')).state, 'succeeded')
  })
  await noneHeld()
  assert.equal(answers(served.app).of.size, 0)
})

test('who passes a request on is told when to come back', async () => {
  const connected = await connect()
  await whileFull(async () => {
    const { status, headers, body } = await served.send('GET', `/v1/proxy/${connected.id}/big`, connected)
    assert.deepEqual([status, body['code'], headers.get('retry-after')], [503, 'overloaded', '2'])
  })
  await noneHeld()
})

test('a caller who does not take the answer holds it until they hang up', async () => {
  const connected = await connect()
  answers(served.app).room.most_bytes = 40_000_000
  const { port } = new URL(served.url)
  const socket = connectTo({ port: Number(port), host: '127.0.0.1' }).pause()
  socket.on('error', () => {})
  const request = `GET /v1/proxy/${connected.id}/huge HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${connected.key}\r\n\r\n`
  socket.write(request.repeat(3)) // more than the system takes for them
  await until('the answers wait', () => held() > HUGE)
  await sleep(500)
  assert(held() > HUGE)
  socket.destroy()
  await noneHeld()
  answers(served.app).room.most_bytes = MOST
})

test('of a caller who hung up before the answer came nothing is held after it', async () => {
  const { key, id } = await connect()
  const { port } = new URL(served.url)
  const socket = connectTo({ port: Number(port), host: '127.0.0.1' })
  const headers = `host: x\r\nauthorization: Bearer ${key}\r\nidempotency-key: k1\r\n`
  socket.write(`GET /v1/proxy/${id}/slow HTTP/1.1\r\n${headers}\r\n`)
  await until('it is asked', () => open.length === 1 && held() > BIG / 2)
  socket.destroy()
  await sleep(200)
  for (const response of open.splice(0)) response.end('"')
  await noneHeld()
})

test('what a database answers is held like what comes over HTTP', async () => {
  const url = new URL(await testDatabaseUrl())
  const statements = { big: { kind: 'read', text: `select repeat('x', ${BIG}) as text` } }
  const database = await connect({
    provider: 'sql',
    settings: { base_url: `postgresql://${url.host}${url.pathname}`, tls: 'off', statements },
    credentials: {
      username: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password) || 'none',
    },
  })
  const read = { operation: 'statements.read', input: { statement: 'big' } }
  await whileFull(async () => {
    const { state, error } = await call(database, read)
    assert.equal(state, 'failed')
    assert.match(String(error), REMEDY)
  })
  assert.equal((await call(database, read)).state, 'succeeded')
  await noneHeld()
})
