import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { providers } from '../../providers/index.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { MONGO_USER, type Mongo, startMongo } from '../../test/mongo.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes } from './routes.ts'

let served: Served
before(async () => {
  served = await serve({ mount: { rooms: [connectionRoutes, routes] }, providers })
})

const json = (kind: 'read' | 'write', command: object, params = {}) => ({
  kind,
  text: JSON.stringify(command),
  params,
})

const STATEMENTS = {
  add: json(
    'write',
    {
      insert: 'invoice',
      documents: [{ _id: ':id', document: ':document', amount: ':amount', due: ':due', lines: ':lines' }],
    },
    { id: 'integer', document: 'text', amount: 'decimal', due: 'date', lines: 'json' },
  ),
  by_document: json('read', { find: 'invoice', filter: { document: ':document' } }, { document: 'text' }),
  pay: json(
    'write',
    { update: 'invoice', updates: [{ q: { _id: ':id' }, u: { $set: { paid: true } } }] },
    { id: 'integer' },
  ),
  many: { ...json('read', { find: 'number' }), max_rows: 5 },
  all: json('read', { find: 'number' }),
  how_many: json('read', { count: 'number' }),
  by_id: json('read', { find: 'invoice', filter: { _id: { $oid: ':id' } } }, { id: 'text' }),
  contend: json('write', { insert: 'invoice', documents: [{ _id: 'contended' }] }),
  half_contend: json('write', { insert: 'invoice', documents: [{ _id: 'first' }, { _id: 'contended' }] }),
  silent: json('read', { find: 'silence' }),
  silent_write: json('write', { insert: 'silence', documents: [{ a: 1 }] }),
}

type Connected = { key: string; connection: string }

async function connect(mongo: Mongo, credentials: object = {}): Promise<Connected> {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const reply = await served.send('POST', '/v1/connections', {
    key,
    body: {
      provider: 'sql',
      name: 'ERP',
      environment: 'development',
      settings: { base_url: `mongodb://127.0.0.1:${mongo.port}/erp`, tls: 'off', statements: STATEMENTS },
      credentials: { ...MONGO_USER, ...credentials },
    },
  })
  assert.equal(reply.status, 201, reply.text)
  return { key, connection: String(reply.body['id']) }
}

type Report = {
  state: string
  status: number | null
  error: string | null
  result: { rows: Record<string, unknown>[]; row_count: number; truncated: boolean }
  body: Record<string, unknown>
}

async function ask({ key, connection }: Connected, kind: 'read' | 'write', input: object, more: object = {}) {
  const body = { operation: `statements.${kind}`, input, retries: 0, ...more }
  const reply = await served.send('POST', `/v1/connections/${connection}/calls`, { key, body })
  assert.equal(reply.status, 200, reply.text)
  return reply.body as unknown as Report
}

async function mongoOf(options: Parameters<typeof startMongo>[0] = {}): Promise<Mongo> {
  const mongo = await startMongo(options)
  undoAfter(() => mongo.stop())
  return mongo
}

const INVOICE = {
  id: '9007199254740993',
  document: "o'brien",
  amount: '150.50',
  due: '2026-07-31',
  lines: [{ n: 12345678901234567n.toString(), price: 1.5 }],
}

test('a document comes back as it went in, to the last digit', async () => {
  const mongo = await mongoOf()
  const connected = await connect(mongo)
  const added = await ask(connected, 'write', { statement: 'add', params: INVOICE })
  assert.equal(added.state, 'succeeded', JSON.stringify(added))
  assert.equal(added.result.row_count, 1)
  const found = await ask(connected, 'read', { statement: 'by_document', params: { document: "o'brien" } })
  assert.deepEqual(found.result.rows, [
    {
      _id: '9007199254740993',
      document: "o'brien",
      amount: '150.50',
      due: '2026-07-31T00:00:00.000Z',
      lines: [{ n: '12345678901234567', price: '1.5' }],
    },
  ])
  assert.equal(mongo.collections.get('invoice')?.[0]?.['lines'][0].price, 1.5)
  const paid = await ask(connected, 'write', { statement: 'pay', params: { id: INVOICE.id } })
  assert.equal(paid.result.row_count, 1)
})

test('a duplicate key is a conflict, a value that does not fit is refused before it is sent', async () => {
  const mongo = await mongoOf()
  const connected = await connect(mongo)
  await ask(connected, 'write', { statement: 'add', params: INVOICE })
  const again = await ask(connected, 'write', { statement: 'add', params: INVOICE })
  assert.equal(again.status, 409, JSON.stringify(again))
  assert.match(JSON.stringify(again.body), /E11000/)
  const before_it = mongo.asked.length
  const wrong = [
    { statement: 'by_id', params: { id: 'no id' } },
    { statement: 'by_document', params: { document: { $ne: null } } },
  ]
  for (const input of wrong) assert.equal((await ask(connected, 'read', input)).status, 400)
  for (const params of [
    { ...INVOICE, id: '9'.repeat(20) },
    { ...INVOICE, due: '2026-02-31' },
    { ...INVOICE, lines: { $gt: '' } },
  ]) {
    assert.equal((await ask(connected, 'write', { statement: 'add', params })).status, 400)
  }
  assert.equal(mongo.asked.length, before_it)
})

test('a write that met another before it did anything may be tried again, one that was half done is not', async () => {
  const connected = await connect(await mongoOf())
  assert.equal((await ask(connected, 'write', { statement: 'contend' })).status, 503)
  const half = await ask(connected, 'write', { statement: 'half_contend' })
  assert.equal(half.status, 409, JSON.stringify(half))
  assert.match(JSON.stringify(half.body), /1 written before it/)
})

test('all of a long answer is read, and what is more than a statement may give is cut off', async () => {
  const mongo = await mongoOf({ batch: 3 })
  mongo.collections.set(
    'number',
    Array.from({ length: 10 }, (_, n) => ({ n })),
  )
  const connected = await connect(mongo)
  const all = await ask(connected, 'read', { statement: 'all' })
  assert.deepEqual(
    all.result.rows.map(({ n }) => n),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  )
  const many = await ask(connected, 'read', { statement: 'many' })
  assert.equal(many.result.rows.length, 5)
  assert.equal(many.result.truncated, true)
  assert.ok(mongo.asked.some((command) => 'killCursors' in command))
  assert.deepEqual((await ask(connected, 'read', { statement: 'how_many' })).result.rows, [{ n: 10 }])
})

test('a member that may not write sends us to the one that does', async () => {
  const primary = await mongoOf()
  const member = await mongoOf({ primary: `127.0.0.1:${primary.port}` })
  const added = await ask(await connect(member), 'write', { statement: 'add', params: INVOICE })
  assert.equal(added.state, 'succeeded', JSON.stringify(added))
  assert.equal(primary.collections.get('invoice')?.length, 1)
  const inside = await mongoOf({ primary: '10.1.2.3:27017' })
  const guarded = await ask(await connect(inside), 'read', { statement: 'all' })
  assert.match(String(guarded.error), /TRILHO_EGRESS_ALLOW/)
})

test('a wrong password is 401, and a session that the server ended meanwhile costs the caller nothing', async () => {
  const mongo = await mongoOf()
  const stranger = await ask(await connect(mongo, { password: 'wrong' }), 'read', { statement: 'all' })
  assert.equal(stranger.status, 401, JSON.stringify(stranger))
  const connected = await connect(mongo)
  assert.equal((await ask(connected, 'read', { statement: 'all' })).state, 'succeeded')
  for (const socket of mongo.sockets) socket.destroy()
  const after_it = await ask(connected, 'write', { statement: 'add', params: INVOICE })
  assert.equal(after_it.state, 'succeeded', JSON.stringify(after_it))
})

test('no answer is a failure of a read and unknown of a write, and holds no socket', async () => {
  const mongo = await mongoOf()
  const connected = await connect(mongo)
  const read = await ask(connected, 'read', { statement: 'silent' }, { timeout_ms: 1500 })
  assert.equal(read.state, 'failed', JSON.stringify(read))
  const write = await ask(connected, 'write', { statement: 'silent_write' }, { timeout_ms: 1500 })
  // A machine that is very slow may not have come as far as the write; then nothing can have happened.
  const was_sent = mongo.asked.some((command) => 'insert' in command)
  assert.equal(write.state, was_sent ? 'unknown' : 'failed', JSON.stringify(write))
  for (let tries = 0; tries < 1000 && mongo.sockets.size > 0; tries++) await sleep(20)
  assert.equal(mongo.sockets.size, 0)
})

test('the test of the connection asks whether the database is there', async () => {
  const { key, connection } = await connect(await mongoOf())
  const { body } = await served.send('POST', `/v1/connections/${connection}/test`, { key })
  assert.equal(body['ok'], true, JSON.stringify(body))
})
