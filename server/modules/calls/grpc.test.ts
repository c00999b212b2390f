import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttp2 } from 'node:http2'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as grpc from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { ReflectionService } from '@grpc/reflection'
import { providers } from '../../providers/index.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes } from './routes.ts'

/** The server is grpc-js's, which knows nothing of how we write frames. */
const PROTO = `syntax = "proto3"; package shop.v1; import "google/protobuf/timestamp.proto";
enum State { UNKNOWN = 0; PAID = 1; }
message Line { string name = 1; int64 cents = 2; }
message Ask { string number = 1; repeated Line lines = 2; map<string, string> tags = 3; bytes raw = 4; repeated State states = 5;
  map<int32, uint32> by_day = 6; bool urgent = 7; double share = 8; }
message Invoice { string number = 1; int64 cents = 2; State state = 3; repeated Line lines = 4; google.protobuf.Timestamp paid_at = 5; bytes raw = 6; map<string, string> tags = 7; }
service Invoices { rpc Get(Ask) returns (Invoice); rpc Watch(Ask) returns (stream Invoice); }`

let served: Served
let dir: string
const servers: grpc.Server[] = []
let told: { metadata: Record<string, unknown>; deadline: unknown; asked: number } = {
  metadata: {},
  deadline: null,
  asked: 0,
}

type Ask = { number: string; lines: object[]; tags: object; raw: Buffer }

async function start(reflection: boolean | 'v1alpha'): Promise<string> {
  const file = join(dir, 'invoices.proto')
  const definition = loadSync(file, { keepCase: true, longs: String, enums: String })
  const { shop } = grpc.loadPackageDefinition(definition) as unknown as {
    shop: { v1: { Invoices: grpc.ServiceClientConstructor } }
  }
  const server = new grpc.Server()
  server.addService(shop.v1.Invoices.service, {
    Get: (call: grpc.ServerUnaryCall<Ask, object>, callback: grpc.sendUnaryData<object>) => {
      told = { metadata: call.metadata.getMap(), deadline: call.getDeadline(), asked: told.asked + 1 }
      const { number, lines, tags, raw } = call.request
      if (number === 'missing') return callback({ code: grpc.status.NOT_FOUND, details: 'não há fatura' })
      if (number === 'slow') return
      if (number === 'down') return callback({ code: grpc.status.UNAVAILABLE, details: 'later' })
      callback(null, {
        number,
        cents: '9007199254740993',
        state: 'PAID',
        lines,
        tags,
        raw,
        paid_at: { seconds: '1795319636', nanos: 5 },
      })
    },
    Watch: () => {},
  })
  const tell: grpc.Server['addService'] = (service, methods) => {
    const path = Object.values(service)[0]?.path ?? ''
    if (reflection === true || path.includes('.v1alpha.')) server.addService(service, methods)
  }
  if (reflection) new ReflectionService(definition).addToServer({ addService: tell })
  servers.push(server)
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  return `http://127.0.0.1:${port}`
}

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trilho-grpc-'))
  await writeFile(join(dir, 'invoices.proto'), PROTO)
  served = await serve({ mount: { rooms: [connectionRoutes, routes] }, providers })
})
after(async () => {
  for (const server of servers) server.forceShutdown()
  await rm(dir, { recursive: true, force: true })
})

async function connect(base_url: string, settings: object = {}, credentials: object = {}) {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const body = {
    provider: 'grpc',
    name: 'x',
    environment: 'development',
    settings: { base_url, ...settings },
    credentials,
  }
  const made = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(made.status, 201, made.text)
  return async (
    message: object,
    more: { method?: string; operation?: string; timeout_ms?: number; retries?: number } = {},
  ) => {
    const { method = 'Get', operation = 'methods.call', ...rest } = more
    const call = { operation, input: { service: 'shop.v1.Invoices', method, message }, retries: 0, ...rest }
    const reply = await served.send('POST', `/v1/connections/${made.body['id']}/calls`, { key, body: call })
    assert.equal(reply.status, 200, reply.text)
    return reply.body as {
      state: string
      status: number | null
      attempts: number
      result?: Record<string, unknown>
      body: unknown
      error: string
    }
  }
}

test('JSON goes out as a message that another stack reads, and comes back to the last digit', async () => {
  for (const settings of [{}, { proto: PROTO }]) {
    const call = await connect(await start(!('proto' in settings)), settings)
    const message = {
      number: '7',
      lines: [{ name: 'pão', cents: '9007199254740995' }],
      tags: { a: 'b' },
      raw: 'AAEC',
    }
    const reply = await call(message)
    assert.equal(reply.state, 'succeeded', JSON.stringify(reply))
    assert.deepEqual(reply.result, {
      ...message,
      cents: '9007199254740993',
      state: 'PAID',
      paid_at: { seconds: '1795319636', nanos: 5 },
    })
  }
})

test('an older server tells of itself under the older name', async () => {
  const call = await connect(await start('v1alpha'))
  const fitting = { states: ['PAID', 0], by_day: { 1: 2 }, urgent: false, share: '0.5', raw: null }
  assert.equal((await call({ number: '7', ...fitting })).state, 'succeeded')
})

test('a status of gRPC is the one of HTTP that says the same, with its words', async () => {
  const call = await connect(await start(true))
  const missing = await call({ number: 'missing' })
  assert.equal(missing.state, 'refused')
  assert.equal(missing.status, 404)
  assert.deepEqual(missing.body, { code: 'NOT_FOUND', message: 'não há fatura' })
})

test('a read that meets an unavailable server is tried again, a change is not', async () => {
  const call = await connect(await start(true))
  told.asked = 0
  const change = await call({ number: 'down' }, { retries: 1 })
  assert.deepEqual([change.state, change.attempts, told.asked], ['unknown', 1, 1])
  const read = await call({ number: 'down' }, { operation: 'methods.read', retries: 1 })
  assert.deepEqual([read.state, read.attempts, told.asked], ['failed', 2, 3])
})

test('the deadline and the credentials go with the call, and a late answer is given up', async () => {
  const call = await connect(await start(true), { auth: 'bearer' }, { token: 'a-token' })
  const late = await call({ number: 'slow' }, { timeout_ms: 6_000 })
  assert.equal(late.state, 'unknown', JSON.stringify(late))
  assert.match(late.error, /no answer within 6000 ms/)
  assert.equal(told.metadata['authorization'], 'Bearer a-token')
  assert.ok(Number(told.deadline) < Date.now() + 6000, String(told.deadline))
})

const MISFITS: [object, string][] = [
  [{ lines: [{ name: 'a' }, { nome: 'b' }] }, 'lines.1.nome is no field of Line; its fields are name, cents'],
  [{ lines: {} }, 'lines must be a list'],
  [{ lines: ['a'] }, 'lines.0 must be an object'],
  [{ lines: [{ cents: 'ten' }] }, 'lines.0.cents must be a whole number of 64 bits'],
  [{ lines: [{ cents: 1.5 }] }, 'lines.0.cents must be a whole number of 64 bits'],
  [{ lines: [{ cents: '9223372036854775808' }] }, 'lines.0.cents must be a whole number of 64 bits'],
  [{ number: 7 }, 'number must be text'],
  [{ tags: { a: 1 } }, 'tags.a must be text'],
  [{ states: ['PAYED'] }, 'states.0 must be one of UNKNOWN, PAID'],
  [{ by_day: { today: 1 } }, 'by_day.today must have a whole number of 32 bits as its name'],
  [{ by_day: { 1: -1 } }, 'by_day.1 must be a whole number of 32 bits, not below 0'],
  [{ urgent: 'false' }, 'urgent must be true or false'],
  [{ share: 'half' }, 'share must be a number'],
]

test('what does not fit the message, is no method, or streams, is refused before anything is sent', async () => {
  const call = await connect(await start(true))
  told.asked = 0
  const stranger = await call({ numero: '7' })
  assert.match(JSON.stringify(stranger.body), /numero is no field of Ask; its fields are number, lines/)
  for (const [message, reason] of MISFITS) {
    const misfit = await call(message)
    assert.deepEqual([misfit.status, misfit.body], [400, { message: reason }])
  }
  const nowhere = await call({}, { method: 'Drop' })
  assert.match(JSON.stringify(nowhere.body), /the known ones are .*shop\.v1\.Invoices\/Get/)
  const stream = await call({}, { method: 'Watch' })
  assert.match(JSON.stringify(stream.body), /streams/)
  assert.equal(told.asked, 0)
})

test('a server that tells nothing of itself is said so, and one that is not there too', async () => {
  const silent = await connect(await start(false))
  const reply = await silent({ number: '7' })
  assert.match(JSON.stringify(reply.body), /give the text of its \.proto file/)
  const nobody = await connect('http://127.0.0.1:1')
  assert.match((await nobody({ number: '7' })).error, /connection refused/)
})

test('a .proto file that cannot be read is refused when the connection is made', async () => {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  for (const proto of [
    'hello',
    'syntax = "proto3"; message A {}',
    'syntax = "proto3"; import "other.proto"; service S {}',
  ]) {
    const body = {
      provider: 'grpc',
      name: 'x',
      environment: 'development',
      settings: { base_url: 'https://x.example', proto },
    }
    const refused = await served.send('POST', '/v1/connections', { key, body })
    assert.equal(refused.status, 422, refused.text)
    assert.match(refused.text, /settings\.proto/)
  }
})

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

test('a server that takes the connection and says nothing is let go with the call', async () => {
  const held = new Set<Socket>()
  const silent = createServer((socket) => {
    held.add(socket.on('error', () => {}).on('close', () => held.delete(socket)))
    socket.resume()
  })
  const port = await listen(silent)
  undoAfter(async () => {
    for (const socket of held) socket.destroy()
    silent.close()
  })
  for (const scheme of ['https', 'http']) {
    const call = await connect(`${scheme}://127.0.0.1:${port}`, { proto: PROTO })
    const reply = await call({ number: '7' }, { timeout_ms: 200 })
    assert.notEqual(reply.state, 'succeeded')
    for (let tries = 0; tries < 1000 && held.size > 0; tries++) await sleep(20)
    assert.equal(held.size, 0, `${scheme}: the next call waits for no answer that never comes`)
  }
})

/** Field 4, a response with one file: its name is a.proto whatever was asked for, and it needs b.proto. */
const SAME_FILE = Buffer.from([0, 0, 0, 0, 22, 0x22, 20, 0x0a, 18, ...fileNeeding('a.proto', 'b.proto')])
function fileNeeding(name: string, needed: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x0a, name.length]),
    Buffer.from(name),
    Buffer.from([0x1a, needed.length]),
    Buffer.from(needed),
  ])
}

test('a server that never tells of the file it is asked for is asked once', async () => {
  let asked = 0
  const odd = createHttp2().on('stream', (stream) => {
    asked += 1
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(SAME_FILE)
  })
  const port = await listen(odd)
  undoAfter(async () => void odd.close())
  const call = await connect(`http://127.0.0.1:${port}`)
  const reply = await call({ number: '7' }, { timeout_ms: 30_000 })
  assert.match(JSON.stringify(reply.body), /does not tell of b\.proto/)
  assert.equal(asked, 2)
})
