import assert from 'node:assert/strict'
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { providers } from '../../providers/index.ts'
import { testDatabaseUrl, undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { hasMariadb, type Mariadb, startMariadb } from '../../test/mariadb.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes } from './routes.ts'

let served: Served
let url: URL
let root: pg.Client
before(async () => {
  served = await serve({ mount: { rooms: [connectionRoutes, routes] }, providers })
  url = new URL(await testDatabaseUrl())
  root = new pg.Client({ connectionString: url.href })
  await root.connect()
  undoAfter(() => root.end())
  await root.query(`
    create table invoice (id bigint primary key, document text not null, amount numeric not null, paid boolean not null default false,
                          due date, meta jsonb, made timestamptz not null default now());
    insert into invoice (id, document, amount, due, meta) values
      (9007199254740993, '12345678901', 150.50, '2026-07-31', '{"n": 12345678901234567890}'), (2, 'o''brien', 1, null, null)`)
})

const STATEMENTS = {
  by_document: {
    kind: 'read',
    text: "select id, amount, paid, due, meta from invoice where document = :document and 'x:y' = 'x:y'",
    params: { document: 'text' },
  },
  pay: {
    kind: 'write',
    text: 'update invoice set paid = true where id = :id',
    params: { id: 'integer' },
  },
  sneaky: { kind: 'read', text: 'update invoice set paid = true' },
  instants: {
    kind: 'read',
    text: `select set_config('TimeZone', 'Asia/Kolkata', true) as zone, timestamptz '2026-01-01 00:00:59.9999999+00' as whole,
                  timestamptz '2026-01-01 00:00:59.999994-03' as micro, timestamptz 'infinity' as never`,
  },
  nap: { kind: 'read', text: 'select pg_sleep(0.3)' },
  many: { kind: 'read', text: 'select n from generate_series(1, 100000) n', max_rows: 3 },
  slow: { kind: 'read', text: 'select pg_sleep(30)' },
  broken: { kind: 'read', text: 'select nothing from nowhere' },
  again: { kind: 'write', text: "insert into invoice (id, document, amount) values (2, 'x', 1)" },
  two: { kind: 'write', text: 'select 1; drop table invoice' },
}

type Connected = { key: string; connection: string }

async function connect(settings: object = {}, credentials: object = {}): Promise<Connected> {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const base_url = `postgresql://${url.host}${url.pathname}`
  const reply = await served.send('POST', '/v1/connections', {
    key,
    body: {
      provider: 'sql',
      name: 'ERP',
      environment: 'development',
      settings: { base_url, tls: 'off', statements: STATEMENTS, ...settings },
      credentials: {
        username: decodeURIComponent(url.username),
        password: decodeURIComponent(url.password) || 'none',
        ...credentials,
      },
    },
  })
  assert.equal(reply.status, 201, reply.text)
  return { key, connection: String(reply.body['id']) }
}

type Report = {
  state: string
  status: number | null
  attempts: number
  error: string | null
  result: Result
  body: Record<string, unknown>
}
type Result = { rows: Record<string, unknown>[]; row_count: number; truncated: boolean }

async function ask({ key, connection }: Connected, kind: 'read' | 'write', input: object, more: object = {}) {
  const body = { operation: `statements.${kind}`, input, ...more }
  const reply = await served.send('POST', `/v1/connections/${connection}/calls`, { key, body })
  assert.equal(reply.status, 200, reply.text)
  return reply.body as unknown as Report
}

test('a statement gives its rows to the last digit, whatever the values hold', async () => {
  const connected = await connect()
  const found = await ask(connected, 'read', {
    statement: 'by_document',
    params: { document: '12345678901' },
  })
  assert.equal(found.state, 'succeeded', JSON.stringify(found))
  const [row] = found.result.rows
  assert.equal(row?.['id'], '9007199254740993')
  assert.equal(row?.['amount'], '150.50')
  assert.equal(row?.['due'], '2026-07-31')
  assert.equal(row?.['paid'], false)
  const instants = (await ask(connected, 'read', { statement: 'instants' })).result.rows[0]
  assert.deepEqual(instants, {
    zone: 'Asia/Kolkata',
    whole: '2026-01-01T00:01:00.000Z',
    micro: '2026-01-01T03:00:59.999994Z',
    never: 'infinity',
  })
  const quoted = await ask(connected, 'read', { statement: 'by_document', params: { document: "o'brien" } })
  assert.equal(quoted.result.row_count, 1)
  const injected = "x' or '1'='1"
  const none = await ask(connected, 'read', { statement: 'by_document', params: { document: injected } })
  assert.equal(none.result.row_count, 0)
})

test('a write is committed before it is answered, and counted', async () => {
  const connected = await connect()
  const done = await ask(connected, 'write', { statement: 'pay', params: { id: 2 } })
  assert.equal(done.state, 'succeeded', JSON.stringify(done))
  assert.equal(done.result.row_count, 1)
  const { rows } = await root.query<{ paid: boolean }>('select paid from invoice where id = 2')
  assert.equal(rows[0]?.paid, true)
})

test('a read changes nothing, whatever its text says, and one text is one statement', async () => {
  const connected = await connect()
  const sneaky = await ask(connected, 'read', { statement: 'sneaky' })
  assert.equal(sneaky.state, 'refused')
  assert.match(JSON.stringify(sneaky.body), /read-only transaction/)
  const two = await ask(connected, 'write', { statement: 'two' })
  assert.equal(two.state, 'refused')
  assert.equal((await root.query('select 1 from invoice')).rowCount, 2)
  const wrong_way = await ask(connected, 'write', { statement: 'by_document', params: {} })
  assert.equal(wrong_way.status, 405)
})

test('more rows than a statement may give are cut off, and the next call works', async () => {
  const connected = await connect()
  const many = await ask(connected, 'read', { statement: 'many' })
  assert.equal(many.result.rows.length, 3)
  assert.equal(many.result.truncated, true)
  assert.equal((await ask(connected, 'read', { statement: 'many' })).result.rows.length, 3)
})

test('what the database refuses is refused in its words; what is not known here is not asked', async () => {
  const connected = await connect()
  const broken = await ask(connected, 'read', { statement: 'broken' })
  assert.equal(broken.status, 400)
  assert.equal(broken.body['code'], '42P01')
  const again = await ask(connected, 'write', { statement: 'again' })
  assert.equal(again.status, 409)
  const unknown = await ask(connected, 'read', { statement: 'constructor' })
  assert.equal(unknown.status, 404)
  const missing = await ask(connected, 'read', { statement: 'by_document', params: { documento: 'x' } })
  assert.equal(missing.status, 400)
  assert.match(JSON.stringify(missing.body), /documento is not a parameter/)
})

test('a database that takes too long is given up in time, and does not go on working', async () => {
  const connected = await connect()
  const began = performance.now()
  const slow = await ask(connected, 'read', { statement: 'slow' }, { timeout_ms: 300, retries: 0 })
  assert.equal(slow.state, 'failed')
  assert.ok(performance.now() - began < 20_000)
  const still = async () =>
    (
      await root.query(
        "select 1 from pg_stat_activity where state = 'active' and query like '%pg_sleep(30)%' and pid <> pg_backend_pid()",
      )
    ).rowCount
  for (let tries = 0; tries < 200 && (await still()) !== 0; tries++)
    await new Promise((r) => setTimeout(r, 100))
  assert.equal(await still(), 0)
})

/** In front of the database: what clients say reaches it late, and `held` counts those it still has. */
async function lateDoor(late_ms: number): Promise<{ port: number; held: () => number }> {
  const clients = new Set<Socket>()
  const door = createServer(async (client) => {
    clients.add(client)
    client.on('error', () => {})
    client.on('close', () => clients.delete(client))
    await sleep(late_ms)
    const database = connectTcp(Number(url.port), url.hostname)
    database.on('error', () => client.destroy())
    client.on('close', () => database.destroy())
    client.pipe(database).pipe(client)
  })
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => {
    for (const client of clients) client.destroy()
    door.close()
  })
  return { port: (door.address() as AddressInfo).port, held: () => clients.size }
}

test('a write that was given up while the database let us in is not done afterwards, and holds no socket', async () => {
  const door = await lateDoor(700)
  const statements = {
    add: { kind: 'write', text: "insert into invoice (id, document, amount) values (77, 'late', 1)" },
  }
  const base_url = `postgresql://127.0.0.1:${door.port}${url.pathname}`
  const connected = await connect({ base_url, statements })
  const late = await ask(connected, 'write', { statement: 'add' }, { timeout_ms: 200, retries: 0 })
  assert.notEqual(late.state, 'succeeded')
  await sleep(1200)
  for (let tries = 0; tries < 1000 && door.held() > 0; tries++) await sleep(20)
  assert.equal(door.held(), 0, 'the socket was ended with the call')
  assert.equal((await root.query('select 1 from invoice where id = 77')).rowCount, 0)
})

test('sessions that the database ended meanwhile cost the caller nothing, however many there were', async () => {
  const connected = await connect()
  const input = { statement: 'by_document', params: { document: '12345678901' } }
  await Promise.all([1, 2, 3, 4].map(() => ask(connected, 'read', { statement: 'nap' })))
  await root.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'trilho' and datname = current_database()",
  )
  const after_it = await ask(connected, 'read', input, { retries: 0 })
  assert.equal(after_it.state, 'succeeded', JSON.stringify(after_it))
})

test('a wrong password, a wrong host and a private network are each said in words', async () => {
  const nobody = await connect({}, { username: 'nobody_knows' })
  const refused = await ask(nobody, 'read', { statement: 'many' }, { retries: 0 })
  assert.match(String(refused.error), /401|does not take the credentials/)
  const closed = await connect({ base_url: 'postgresql://127.0.0.1:1/x' })
  const away = await ask(closed, 'read', { statement: 'many' }, { retries: 0 })
  assert.match(String(away.error), /connection refused by 127\.0\.0\.1:1/)
  const inside = await connect({ base_url: 'postgresql://10.1.2.3/x' })
  const guarded = await ask(inside, 'read', { statement: 'many' }, { retries: 0 })
  assert.match(String(guarded.error), /TRILHO_EGRESS_ALLOW/)
})

test('the test of the connection asks whether the database is there', async () => {
  const { key, connection } = await connect()
  const { body } = await served.send('POST', `/v1/connections/${connection}/test`, { key })
  assert.equal(body['ok'], true, JSON.stringify(body))
})

test('statements that cannot be are refused when the connection is made, by name', async () => {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const make = (statements: unknown) =>
    served.send('POST', '/v1/connections', {
      key,
      body: {
        provider: 'sql',
        name: 'ERP',
        environment: 'development',
        settings: { base_url: 'postgresql://db.example.com/erp', statements },
        credentials: { username: 'a', password: 'b' },
      },
    })
  const undeclared = await make({ one: { kind: 'read', text: 'select :a' } })
  assert.equal(undeclared.status, 422, undeclared.text)
  assert.match(undeclared.text, /settings\.statements\.one\.params must say what :a of the text is/)
  const misshapen = await make({ one: { kind: 'both', text: 'select 1' } })
  assert.equal(misshapen.status, 422, misshapen.text)
  assert.match(misshapen.text, /settings\.statements/)
})

test('MariaDB does all the same', { skip: !hasMariadb && 'no MariaDB on this machine' }, async (t) => {
  const mariadb: Mariadb = await startMariadb()
  t.after(() => mariadb.stop())
  const statements = {
    make: {
      kind: 'write',
      text: 'create table invoice (id bigint primary key, document varchar(40), amount decimal(20,2), made datetime)',
    },
    add: {
      kind: 'write',
      text: 'insert into invoice values (:id, :document, :amount, :made)',
      params: { id: 'integer', document: 'text', amount: 'decimal', made: 'timestamp' },
    },
    find: {
      kind: 'read',
      text: 'select id, document, amount from invoice where document = :document',
      params: { document: 'text' },
    },
    sneaky: { kind: 'read', text: 'delete from invoice' },
    many: { kind: 'read', text: 'select seq from seq_1_to_100000', max_rows: 3 },
  }
  const base_url = `mysql://127.0.0.1:${mariadb.port}/erp`
  const connected = await connect(
    { base_url, statements },
    mariadb.username ? { username: mariadb.username, password: mariadb.password } : {},
  )
  const made = await ask(connected, 'write', { statement: 'make' })
  assert.equal(made.state, 'succeeded', JSON.stringify(made))
  const params = {
    id: '9007199254740993',
    document: "o'brien\\",
    amount: '150.50',
    made: '2026-07-31 12:00:00',
  }
  assert.equal((await ask(connected, 'write', { statement: 'add', params })).result.row_count, 1)
  const again = await ask(connected, 'write', { statement: 'add', params })
  assert.equal(again.status, 409, JSON.stringify(again))
  const found = await ask(connected, 'read', { statement: 'find', params: { document: "o'brien\\" } })
  assert.deepEqual(found.result.rows, [{ id: '9007199254740993', document: "o'brien\\", amount: '150.50' }])
  const sneaky = await ask(connected, 'read', { statement: 'sneaky' })
  assert.equal(sneaky.state, 'refused', JSON.stringify(sneaky))
  const many = await ask(connected, 'read', { statement: 'many' })
  assert.equal(many.result.truncated, true)
  const stranger = await connect({ base_url, statements }, { username: 'trilho', password: 'wrong' })
  const refused = await ask(
    stranger,
    'read',
    { statement: 'find', params: { document: 'x' } },
    { retries: 0 },
  )
  assert.equal(refused.status, 401, JSON.stringify(refused))
})
