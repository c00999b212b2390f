import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { providers } from '../../providers/index.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { type Answer, type Parameters, startTds, TDS_USER, type Tds } from '../../test/tds.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes } from './routes.ts'

let served: Served
before(async () => {
  served = await serve({ mount: { rooms: [connectionRoutes, routes] }, providers })
})

const STATEMENTS = {
  by_document: {
    kind: 'read',
    text: "select id, document, amount, due from [in:voice] where document = :document and 'x:y' = 'x:y'",
    params: { document: 'text' },
  },
  pay: {
    kind: 'write',
    text: 'update invoice set paid = :paid, amount = :amount, due = :due where id = :id',
    params: { paid: 'boolean', amount: 'decimal', due: 'date', id: 'integer' },
  },
  many: { kind: 'read', text: 'select n from numbers', max_rows: 3 },
  wide: { kind: 'read', text: 'select wide from numbers' },
  again: { kind: 'write', text: 'insert into invoice (id) values (2)' },
  hidden: { kind: 'read', text: 'select * from hidden' },
  silent: { kind: 'read', text: 'waitfor delay' },
}

const DECIMAL = { precision: 38, scale: 2 }

function answer(text: string, parameters: Parameters): Answer {
  if (text.includes('[in:voice]')) {
    const columns = [
      { name: 'id', type: 'bigint' as const },
      { name: 'document', type: 'nvarchar' as const },
      { name: 'amount', type: DECIMAL },
      { name: 'due', type: 'date' as const },
    ]
    return { columns, rows: [['9007199254740993', parameters['@p1'], '-150.50', '2026-07-31']] }
  }
  const numbers = Array.from({ length: 50 }, (_, n) => [n])
  if (text === 'select n from numbers') return { columns: [{ name: 'n', type: 'bigint' }], rows: numbers }
  if (text.startsWith('select wide'))
    return { columns: [{ name: 'wide', type: DECIMAL }], rows: [['12345678901234567.89']] }
  if (text.startsWith('select 1')) return { columns: [{ name: 'ok', type: 'bigint' }], rows: [[1]] }
  if (text.startsWith('update')) return { count: Object.values(parameters).join(' ') === PAID ? 1 : 0 }
  if (text.startsWith('insert')) return { number: 2627, message: 'Violation of PRIMARY KEY constraint.' }
  return text.startsWith('waitfor') ? null : { number: 229, message: 'The SELECT permission was denied.' }
}

const PAID = 'true 150.50 2026-07-31 9007199254740993'

type Connected = { key: string; connection: string }

async function connect(tds: Tds, credentials: object = {}): Promise<Connected> {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const reply = await served.send('POST', '/v1/connections', {
    key,
    body: {
      provider: 'sql',
      name: 'ERP',
      environment: 'development',
      settings: { base_url: `sqlserver://127.0.0.1:${tds.port}/erp`, tls: 'off', statements: STATEMENTS },
      credentials: { ...TDS_USER, ...credentials },
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

async function tdsOf(): Promise<Tds> {
  const tds = await startTds(answer)
  undoAfter(() => tds.stop())
  return tds
}

test('a read gives its rows to the last digit, and is rolled back', async () => {
  const tds = await tdsOf()
  const connected = await connect(tds)
  const found = await ask(connected, 'read', { statement: 'by_document', params: { document: "o'brien" } })
  assert.equal(found.state, 'succeeded', JSON.stringify(found))
  assert.deepEqual(found.result.rows, [
    { id: '9007199254740993', document: "o'brien", amount: '-150.50', due: '2026-07-31' },
  ])
  assert.deepEqual([tds.asked[0], tds.asked.at(-1)], ['begin', 'rollback'])
  const wide = await ask(connected, 'read', { statement: 'wide' })
  assert.equal(wide.status, 400)
  assert.match(JSON.stringify(wide.body), /more than 15 digits: cast it/)
})

test('a write takes each value by its type and is committed', async () => {
  const tds = await tdsOf()
  const connected = await connect(tds)
  const params = { paid: true, amount: '150.50', due: '2026-07-31', id: '9007199254740993' }
  const paid = await ask(connected, 'write', { statement: 'pay', params })
  assert.equal(paid.state, 'succeeded', JSON.stringify(paid))
  assert.equal(paid.result.row_count, 1)
  assert.equal(tds.asked.at(-1), 'commit')
  const before_it = tds.asked.length
  for (const wrong of [{ amount: '1234567890123456.7' }, { due: '2026-02-31' }, { id: '9'.repeat(20) }]) {
    const refused = await ask(connected, 'write', { statement: 'pay', params: { ...params, ...wrong } })
    assert.equal(refused.status, 400, JSON.stringify(refused))
  }
  assert.equal(tds.asked.length, before_it)
})

test('more rows than a statement may give are cut off, and the next call works', async () => {
  const connected = await connect(await tdsOf())
  for (let time = 0; time < 2; time++) {
    const many = await ask(connected, 'read', { statement: 'many' })
    assert.equal(many.result.rows.length, 3)
    assert.equal(many.result.truncated, true)
  }
})

test('a constraint is 409, a right that is missing 403, a wrong password 401', async () => {
  const tds = await tdsOf()
  const connected = await connect(tds)
  assert.equal((await ask(connected, 'write', { statement: 'again' })).status, 409)
  assert.equal(tds.asked.at(-1), 'rollback')
  assert.equal((await ask(connected, 'read', { statement: 'hidden' })).status, 403)
  const stranger = await ask(await connect(tds, { password: 'wrong' }), 'read', { statement: 'many' })
  assert.equal(stranger.status, 401, JSON.stringify(stranger))
})

test('no answer is given up in time, and a session that was ended meanwhile costs the caller nothing', async () => {
  const tds = await tdsOf()
  const connected = await connect(tds)
  const silent = await ask(connected, 'read', { statement: 'silent' }, { timeout_ms: 1500 })
  assert.equal(silent.state, 'failed', JSON.stringify(silent))
  for (let tries = 0; tries < 1000 && tds.sockets.size > 0; tries++) await sleep(20)
  assert.equal(tds.sockets.size, 0)
  assert.equal((await ask(connected, 'read', { statement: 'many' })).state, 'succeeded')
  for (const socket of tds.sockets) socket.destroy()
  assert.equal((await ask(connected, 'read', { statement: 'many' })).state, 'succeeded')
})

test('the test of the connection asks whether the database is there', async () => {
  const { key, connection } = await connect(await tdsOf())
  const { body } = await served.send('POST', `/v1/connections/${connection}/test`, { key })
  assert.equal(body['ok'], true, JSON.stringify(body))
})
