import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { defineProvider, type Provider } from '../../kit/provider.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import { providers } from '../../providers/index.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes as eventRoutes } from '../events/routes.ts'
import { createKey } from '../tenants/tenants.ts'
import { forgetBodies } from './bodies.ts'
import { writeCalls } from './queries.ts'
import { routes } from './routes.ts'

const shop: Provider = defineProvider({
  id: 'shop',
  name: 'Shop',
  category: 'generic',
  docs: 'https://shop.example',
  fields: [{ key: 'base_url', label: 'Base URL', required: true }],
  auth: { kind: 'none' },
  limits: { timeout_ms: 30_000 },
  sensitive: ['buyer.document'],
  test: { method: 'GET', path: '/anything' },
})

let served: Served
let sandbox: Sandbox
before(async () => {
  sandbox = await startSandbox({ port: 0 })
  served = await serve({
    mount: { rooms: [connectionRoutes, eventRoutes, routes] },
    providers: new Map([...providers, ['shop', shop]]),
  })
})
after(() => sandbox.stop())

type Connected = { key: string; tenant_id: string; connection: string }
type Listed = { data: { id: string }[]; next_cursor: string | null }

async function connect(provider = 'http', more: object = {}): Promise<Connected> {
  const { key, tenant_id } = await tenantWithKey(served, ['*'], 'test')
  const stripe = provider === 'stripe'
  const body = {
    provider,
    name: 'x',
    environment: 'development',
    settings: { base_url: `${sandbox.url}/${stripe ? 'stripe' : 'echo'}` },
    ...(stripe && { credentials: { secret_key: 'sk_test_abcdef123456' } }),
    ...more,
  }
  const reply = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(reply.status, 201, reply.text)
  return { key, tenant_id, connection: String(reply.body['id']) }
}

async function call({ key, connection }: Connected, body: object): Promise<string> {
  const reply = await served.send('POST', `/v1/connections/${connection}/calls`, { key, body })
  assert.equal(reply.status, 200, reply.text)
  return String(reply.body['id'])
}

async function list({ key }: Connected, query: Record<string, string>): Promise<Listed> {
  const reply = await served.send('GET', `/v1/calls?${new URLSearchParams(query)}`, { key })
  assert.equal(reply.status, 200, reply.text)
  return reply.body as unknown as Listed
}

const idsOf = async (who: Connected, query: Record<string, string>) =>
  (await list(who, query)).data.map(({ id }) => id)

async function searched({ key }: Connected, q: string): Promise<unknown> {
  const reply = await served.send('GET', `/v1/search?${new URLSearchParams({ q })}`, { key })
  const found = reply.body['data'] as { kind: string; id: string }[]
  return found.map(({ kind, id }) => ({ kind, id }))
}

const reflect = (body: unknown, more: object = {}) => ({ method: 'POST', path: '/reflect', body, ...more })

test('a call is found by the CPF, e-mail and phone in its bodies, which no record shows', async () => {
  const vendor = await connect()
  const id = await call(vendor, reflect({ cpf: '529.982.247-25', email: 'Ana@Exemplo.com' }))
  const by_path = await call(vendor, { method: 'GET', path: '/anything/52998224725' })
  await call(vendor, reflect({ phone: '+5511987654321' }))
  assert.deepEqual(await idsOf(vendor, { q: '52998224725' }), [by_path, id])
  assert.deepEqual(await idsOf(vendor, { q: '529.982.247-25' }), [by_path, id])
  assert.deepEqual(await idsOf(vendor, { q: 'ana@exemplo.com' }), [id])
  assert.equal((await idsOf(vendor, { q: '(11) 98765-4321' })).length, 1)
  assert.deepEqual(await searched(vendor, 'ANA@exemplo.com'), [{ kind: 'call', id }])
  for (const one of [id, by_path]) {
    const { text } = await served.send('GET', `/v1/calls/${one}`, { key: vendor.key })
    assert.doesNotMatch(text, /982\.?247|exemplo/i)
  }
})

test('what only the answer holds is found too', async () => {
  const vendor = await connect()
  const id = await call(vendor, { method: 'GET', path: '/anything?e=%62ia%40exemplo.com' })
  assert.deepEqual(await idsOf(vendor, { q: 'bia@exemplo.com' }), [id])
})

test('another tenant finds nothing, not even by the same CPF', async () => {
  const [mine, theirs] = [await connect(), await connect()]
  const id = await call(mine, reflect({ cpf: '39053344705' }, { idempotency_key: 'order-77' }))
  const other = await call(theirs, reflect({ cpf: '390.533.447-05' }))
  for (const q of ['39053344705', '390.533.447-05']) {
    assert.deepEqual(await idsOf(mine, { q }), [id])
    assert.deepEqual(await idsOf(theirs, { q }), [other])
    assert.deepEqual(await searched(theirs, q), [{ kind: 'call', id: other }])
  }
  assert.deepEqual(await idsOf(theirs, { q: 'order-77' }), [])
  assert.deepEqual(await idsOf(theirs, { connection_id: mine.connection }), [])
  const { text } = await served.send('GET', '/v1/calls/export', { key: theirs.key })
  assert.ok(text.includes(other) && !text.includes(id))
})

test("a payment is found by the vendor's id, by our reference and by the caller's key", async () => {
  const vendor = await connect('stripe')
  const input = { money: { amount: '1990', currency: 'BRL' }, reference: 'order-2041' }
  const reply = await served.send('POST', `/v1/connections/${vendor.connection}/calls`, {
    key: vendor.key,
    body: { operation: 'payments.create', input, idempotency_key: 'key-of-the-caller' },
  })
  const { id, result } = reply.body as { id: string; result: { vendor_id: string } }
  for (const q of [result.vendor_id, 'order-2041', 'key-of-the-caller'])
    assert.deepEqual(await idsOf(vendor, { q }), [id], q)
  const find = { operation: 'payments.find', input: { vendor_id: result.vendor_id } }
  const read = await call(vendor, find)
  assert.deepEqual(await idsOf(vendor, { q: result.vendor_id }), [read, id])
  assert.deepEqual(await idsOf(vendor, { q: result.vendor_id, operation: 'payments.find' }), [read])
})

test('calls are listed by operation, method, status, state, time and connection, and by any of them together', async () => {
  const vendor = await connect()
  const made = async (method: string, status: number) =>
    call(vendor, { method, path: `/status/${status}`, retries: 0 })
  const began = new Date(Date.now() - 1).toISOString()
  const ok = await made('GET', 200)
  const absent = await made('GET', 404)
  const busy = await made('DELETE', 409)
  const broken = await made('GET', 503)
  const ended = new Date(Date.now() + 1).toISOString()
  assert.deepEqual(await idsOf(vendor, { method: 'DELETE' }), [busy])
  assert.deepEqual(await idsOf(vendor, { status: '404' }), [absent])
  assert.deepEqual(await idsOf(vendor, { status: '4xx' }), [busy, absent])
  assert.deepEqual(await idsOf(vendor, { status: '5xx' }), [broken])
  assert.deepEqual(await idsOf(vendor, { status: '200' }), [ok])
  assert.deepEqual(await idsOf(vendor, { status: '2xx' }), [ok])
  assert.deepEqual(await idsOf(vendor, { status: '4xx', method: 'GET', state: 'refused' }), [absent])
  assert.deepEqual(await idsOf(vendor, { operation: 'test' }), [])
  assert.equal((await idsOf(vendor, { from: began, to: ended })).length, 4)
  assert.deepEqual(await idsOf(vendor, { to: began }), [])
  assert.deepEqual(await idsOf(vendor, { from: ended, connection_id: vendor.connection }), [])
  for (const query of ['status=600', 'status=4x', 'method=BREW', 'from=yesterday', 'connection_id=7']) {
    const { status } = await served.send('GET', `/v1/calls?${query}`, { key: vendor.key })
    assert.equal(status, 400, query)
  }
})

test('pages of what is found and filtered follow each other without a gap or a repeat', async () => {
  const vendor = await connect()
  const made: string[] = []
  for (let at = 0; at < 7; at++)
    made.unshift(
      await call(vendor, {
        method: at % 2 ? 'PUT' : 'POST',
        path: '/reflect',
        body: { at, e: 'c@d.com.br' },
      }),
    )
  for (const query of [{ q: 'c@d.com.br' }, { q: 'c@d.com.br', method: 'POST' }, { status: '200' }]) {
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Listed = await list(vendor, { ...query, limit: '2', ...(cursor && { cursor }) })
      seen.push(...page.data.map(({ id }) => id))
      cursor = page.next_cursor
    }
    const wanted = 'method' in query ? made.filter((_, at) => at % 2 === 0) : made
    assert.deepEqual(seen, wanted)
  }
})

const bodies = (who: { key: string }, id: string, number = 1) =>
  served.send('GET', `/v1/calls/${id}/attempts/${number}/body`, { key: who.key })

test('bodies are kept whole where the connection says so, sealed, and read under their own scope alone', async () => {
  const vendor = await connect('http', { keep_bodies: { until_days: 7 } })
  const cpf = { cpf: '529.982.247-25', password: 'hunter-22', card: '4242424242424242' }
  const id = await call(vendor, reflect(cpf))
  const { status, body } = await bodies(vendor, id)
  assert.equal(status, 200)
  const kept = '{"cpf":"529.982.247-25","password":"[masked]","card":"[masked]"}'
  assert.deepEqual(body['request'], { encoding: 'text', body: kept })
  assert.deepEqual(body['response'], { encoding: 'text', body: kept })
  const [row] = await served.app.db.owner.selectFrom('call_body').selectAll().execute()
  assert.doesNotMatch(`${row?.request}${row?.response}`, /529\.982|4242/)

  const { key } = await createKey(served.app, systemOf(vendor), {
    name: 'Narrow',
    environment: 'test',
    scopes: ['calls:*'],
  })
  assert.equal((await bodies({ key }, id)).status, 403)
  assert.equal((await bodies(await connect(), id)).status, 404)
  const audit = await served.send('GET', '/v1/audit', { key: vendor.key })
  assert.match(audit.text, /call\.read_body/)
})

const systemOf = ({ tenant_id }: Connected) => ({
  kind: 'system' as const,
  id: 'test',
  tenant_id,
  environment: 'test' as const,
  scopes: ['*'],
  ip: null,
  request_id: null,
})

test('no body is kept unless the connection says so, and none past its day', async () => {
  const vendor = await connect()
  const before = await call(vendor, reflect({ a: 1 }))
  const set = (keep_bodies: unknown) =>
    served.send('PATCH', `/v1/connections/${vendor.connection}`, { key: vendor.key, body: { keep_bodies } })
  assert.deepEqual((await set({ until_days: 1 })).body['keep_bodies'], { until_days: 1 })
  const kept = await call(vendor, reflect({ a: 2 }))
  assert.equal((await set(null)).body['keep_bodies'], null)
  const after = await call(vendor, reflect({ a: 3 }))
  assert.deepEqual(
    await Promise.all([before, kept, after].map(async (id) => (await bodies(vendor, id)).status)),
    [404, 200, 404],
  )
  const count = async () => {
    const rows = await served.app.db.owner
      .selectFrom('call_body')
      .select('number')
      .where('call_id', '=', fromWire('call', kept))
      .execute()
    return rows.length
  }
  await forgetBodies(served.app)
  assert.equal(await count(), 1)
  const tomorrow = { ...served.app.clock, now: () => new Date(Date.now() + 86_400_000 + 60_000) }
  await forgetBodies({ ...served.app, clock: tomorrow })
  assert.equal(await count(), 0)
})

test('bytes that are no text come back as the bytes they were', async () => {
  const vendor = await connect('http', { keep_bodies: { until_days: 1 } })
  const id = await call(vendor, { method: 'GET', path: '/bytes/3000' })
  const { body } = await bodies(vendor, id)
  assert.equal(body['request'], null)
  const response = body['response'] as { encoding: string; body: string }
  const length = Buffer.from(response.body, response.encoding === 'base64' ? 'base64' : 'utf8').length
  assert.equal(length, 3000)
})

test('what a provider declares sensitive is on no record, and in no kept body', async () => {
  const vendor = await connect('shop', { keep_bodies: { until_days: 1 } })
  const id = await call(vendor, reflect({ buyer: { document: 'AB-1234', name: 'Ana' }, document: 'invoice' }))
  const record = await served.send('GET', `/v1/calls/${id}`, { key: vendor.key })
  const whole = await bodies(vendor, id)
  for (const { text } of [record, whole]) {
    assert.doesNotMatch(text, /AB-1234/)
    assert.match(text, /invoice/)
  }
})

test('an export holds what the list does, goes on where it broke off, and no cell is a formula', async () => {
  const vendor = await connect()
  const { app } = served
  const starts = Array.from({ length: 410 }, () => ({
    tenant_id: vendor.tenant_id,
    id: app.newId(),
    connection_id: fromWire('connection', vendor.connection),
    operation: null,
    method: 'GET',
    path: '/',
    actor: 'test',
    request_id: null,
  }))
  await writeCalls(app.db.worker, { starts, attempts: [], closes: [], external_ids: [] })
  const take = async (query: string) => {
    const headers = { authorization: `Bearer ${vendor.key}` }
    const reply = await fetch(`${served.url}/v1/calls/export?${query}`, { headers })
    assert.equal(reply.status, 200)
    return { type: reply.headers.get('content-type'), text: await reply.text() }
  }
  const ids = starts.map(({ id }) => toWire('call', id)).reverse()
  const json = await take('format=jsonl')
  assert.match(String(json.type), /x-ndjson/)
  const lines = json.text.trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { id: string }).id),
    ids,
  )
  const rest = await take(`format=jsonl&cursor=${ids[404]}`)
  assert.equal(rest.text, `${lines.slice(405).join('\n')}\n`)

  await app.db.owner
    .updateTable('call')
    .set({ error: '=HYPERLINK("http://x")' })
    .where('id', '=', fromWire('call', ids[0] ?? ''))
    .execute()
  const csv = await take('from=2020-01-01T00:00:00Z')
  assert.match(String(csv.type), /text\/csv/)
  const rows = csv.text.trimEnd().split('\r\n')
  assert.match(rows[0] ?? '', /^id,connection_id,operation,method,path,state/)
  assert.deepEqual(
    rows.slice(1).map((row) => row.split(',')[0]),
    ids,
  )
  assert.match(rows[1] ?? '', /,"'=HYPERLINK/)
  assert.equal((await take('method=PUT')).text.trimEnd().split('\r\n').length, 1)
  const refused = await served.send('GET', '/v1/calls/export?status=9', { key: vendor.key })
  assert.equal(refused.status, 400)
})

test('no more than 20 values of one text are kept to find it by', async () => {
  const vendor = await connect()
  const many = Array.from({ length: 50 }, (_, at) => `u${at}@d.com`)
  const id = await call(vendor, reflect({ many }))
  assert.deepEqual(await idsOf(vendor, { q: 'u0@d.com' }), [id])
  assert.deepEqual(await idsOf(vendor, { q: 'u49@d.com' }), [])
})
