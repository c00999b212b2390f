import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { providers } from '../../providers/index.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { type Reply, type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { routes as callRoutes } from '../calls/routes.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes } from './routes.ts'

let served: Served
let sandbox: Sandbox
before(async () => {
  sandbox = await startSandbox({ port: 0 })
  served = await serve({ mount: { rooms: [connectionRoutes, routes, callRoutes] }, providers })
})
after(() => sandbox.stop())

type Connected = { key: string; id: string; path: string }

async function connect(provider = 'http', scopes = ['*']): Promise<Connected> {
  const { key } = await tenantWithKey(served, scopes, 'test')
  const base_url = `${sandbox.url}/${provider === 'http' ? 'echo' : provider}`
  const credentials = provider === 'http' ? {} : { secret_key: 'sk_test_abcdef123456' }
  const body = { provider, name: 'x', environment: 'development', settings: { base_url }, credentials }
  const reply = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(reply.status, 201, reply.text)
  const id = String(reply.body['id'])
  return { key, id, path: `/v1/connections/${id}` }
}

const store = ({ key, path }: Connected, body: object): Promise<Reply> =>
  served.send('POST', `${path}/operations`, { key, body })

const call = ({ key, path }: Connected, body: object): Promise<Reply> =>
  served.send('POST', `${path}/calls`, { key, body })

/** What the echo service received. */
const received = ({ body }: Reply) =>
  body['body'] as {
    method: string
    path: string
    query: object
    body: string
    headers: Record<string, string>
  }

const MEMBER = {
  kind: 'map',
  fields: { email_address: 'email', 'merge_fields.FNAME': 'first_name' },
  others: 'drop',
}

test('a stored operation is called by its name, with its places filled and both mappings done', async () => {
  const at = await connect()
  const stored = await store(at, {
    name: 'members.add',
    method: 'POST',
    path: '/anything/lists/{list.id}/members',
    query: { skip: '{{skip}}', v: 3 },
    headers: { 'x-list': '{{list.id}}' },
    body: { member: '{{member}}', source: 'list {{list.id}}' },
    mapping: {
      in: [{ kind: 'map', fields: { 'member.merge_fields.FNAME': 'first_name', 'member.email': 'email' } }],
      out: [{ kind: 'expression', expression: '{"sent": body, "at": path}' }],
    },
    retries: 0,
  })
  assert.equal(stored.status, 201, stored.text)
  const report = await call(at, {
    operation: 'members.add',
    input: { list: { id: 'a/b?c' }, first_name: 'Ana', email: 'ana@example.com' },
  })
  assert.equal(report.body['state'], 'succeeded', report.text)
  const seen = received(report)
  assert.deepEqual([seen.method, seen.headers['x-list'], seen.query], ['POST', 'a/b?c', { v: '3' }])
  assert.match(seen.path, /lists\/a(%2F|\/)b(%3F|\?)c\/members/i)
  const sent = { member: { merge_fields: { FNAME: 'Ana' }, email: 'ana@example.com' }, source: 'list a/b?c' }
  assert.deepEqual(JSON.parse(seen.body), sent)
  assert.deepEqual(JSON.parse((report.body['result'] as { sent: string }).sent), sent)
  const steps = report.body['steps'] as { in: { kind: string; ok: boolean }[]; out: { kind: string }[] }
  assert.deepEqual([steps.in[0]?.kind, steps.in[0]?.ok, steps.out[0]?.kind], ['map', true, 'expression'])
  const record = await served.send('GET', `/v1/calls/${report.body['id']}`, { key: at.key })
  assert.equal(record.body['operation'], 'members.add')
})

test('an input that does not fit the schema is refused with each place, and nothing is sent', async () => {
  const at = await connect()
  const input_schema = {
    type: 'object',
    required: ['id'],
    properties: { id: { type: 'integer', minimum: 1 } },
  }
  await store(at, { name: 'things.read', method: 'GET', path: '/anything/{id}', input_schema })
  const wrong = await call(at, { operation: 'things.read', input: { id: 0 } })
  assert.equal(wrong.status, 400)
  assert.equal(wrong.body['field'], 'input.id')
  assert.equal((await call(at, { operation: 'things.read', input: { id: 7 } })).body['state'], 'succeeded')
  assert.equal((await call(at, { operation: 'things.read', input: {} })).body['field'], 'input.id')
  const { body } = await served.send('GET', '/v1/calls', { key: at.key })
  assert.equal((body['data'] as unknown[]).length, 1)
})

test('without a body the input is the body, and a place that is missing is named', async () => {
  const at = await connect()
  await store(at, { name: 'things.put', method: 'PUT', path: '/anything/{id}' })
  const report = await call(at, { operation: 'things.put', input: { id: 1, name: 'x' } })
  assert.deepEqual(JSON.parse(received(report).body), { id: 1, name: 'x' })
  const missing = await call(at, { operation: 'things.put', input: { name: 'x' } })
  assert.deepEqual([missing.status, missing.body['field']], [400, 'input.id'])
})

test("a stored name never takes the place of the provider's own, and both are listed", async () => {
  const at = await connect('stripe')
  const shadow = await store(at, { name: 'payments.create', method: 'GET', path: '/v1/balance' })
  assert.deepEqual([shadow.status, shadow.body['field']], [409, 'name'])
  const definition = { name: 'balance.read', method: 'GET', path: '/v1/balance', description: 'What is left' }
  assert.equal((await store(at, definition)).status, 201)
  assert.equal((await store(at, definition)).status, 409)
  const listed = await served.send('GET', `${at.path}/operations`, { key: at.key })
  const names = (listed.body['data'] as { name: string; from: string }[]).map(
    ({ name, from }) => `${from} ${name}`,
  )
  assert.ok(names.includes('provider payments.create') && names.includes('stored balance.read'))
  const all = await served.send('GET', `/v1/operations?connection_id=${at.id}`, { key: at.key })
  assert.deepEqual(
    (all.body['data'] as { name: string }[]).map(({ name }) => name),
    ['balance.read'],
  )
})

test('a change counts from the next call on, and a disabled or deleted operation is not called', async () => {
  const at = await connect()
  const path = `${at.path}/operations/ping`
  await store(at, { name: 'ping', method: 'GET', path: '/anything/one' })
  assert.match(received(await call(at, { operation: 'ping' })).path, /one$/)
  const replaced = await served.send('PUT', path, {
    key: at.key,
    body: { method: 'GET', path: '/anything/two' },
  })
  assert.equal(replaced.body['version'], 2, replaced.text)
  assert.match(received(await call(at, { operation: 'ping' })).path, /two$/)
  const body = { method: 'GET', path: '/anything/two', state: 'disabled' }
  await served.send('PUT', path, { key: at.key, body })
  assert.equal((await call(at, { operation: 'ping' })).status, 409)
  assert.equal((await served.send('DELETE', path, { key: at.key })).status, 204)
  const gone = await call(at, { operation: 'ping' })
  assert.deepEqual([gone.status, gone.body['field']], [400, 'operation'])
  assert.equal((await served.send('GET', path, { key: at.key })).status, 404)
})

test('what could never run is refused when it is stored, with its place', async () => {
  const at = await connect()
  const refused = async (more: object, field: string) => {
    const reply = await store(at, { name: 'x.y', method: 'GET', path: '/x', ...more })
    assert.deepEqual([reply.status, reply.body['field']], [400, field], reply.text)
  }
  await refused({ mapping: { in: [{ kind: 'map', fields: { a: 'x', b: 'x' } }] } }, 'mapping.in.0.fields.b')
  await refused({ input_schema: { type: 'nonsense' } }, 'input_schema')
  await refused({ path: '/x/{a..b}' }, 'path')
  await refused({ body: { a: '{{b[}}' } }, 'body.a')
})

test('the mapping of a call is done before it is sent and after it is answered, each in its direction', async () => {
  const at = await connect()
  const report = await call(at, {
    method: 'POST',
    path: '/reflect',
    body: { email: 'ana@example.com', first_name: 'Ana' },
    mapping: { in: [MEMBER], out: [MEMBER] },
  })
  assert.deepEqual(report.body['body'], { email_address: 'ana@example.com', merge_fields: { FNAME: 'Ana' } })
  assert.deepEqual(report.body['result'], { email: 'ana@example.com', first_name: 'Ana' })
  const record = await served.send('GET', `/v1/calls/${report.body['id']}`, { key: at.key })
  const kept = record.body['steps'] as { in: Record<string, unknown>[]; out: Record<string, unknown>[] }
  assert.deepEqual(
    [...kept.in, ...kept.out].map(({ took_ms, ...rest }) => [typeof took_ms, rest]),
    [1, 2].map(() => ['number', { kind: 'map', ok: true }]),
    'what was mapped is not kept unless it was asked for',
  )
})

test('what each step of a traced call was given and gave is on record, masked as bodies are, and cut', async () => {
  const at = await connect()
  const note = 'x'.repeat(40_000)
  const body = {
    email: 'ana@example.com',
    first_name: 'Ana',
    password: 'p4ssw0rd!',
    card: 4111111111111111,
    note,
  }
  const mapping = { in: [MEMBER, { kind: 'template', template: { to: '{{email_address}}' } }] }
  const report = await call(at, { method: 'POST', path: '/reflect', body, mapping, trace: true })
  const { in: told } = report.body['steps'] as { in: { input: object }[] }
  assert.deepEqual(told[0]?.input, body, 'whoever asked is told all of it')
  const record = await served.send('GET', `/v1/calls/${report.body['id']}`, { key: at.key })
  assert.equal(record.status, 200, record.text)
  const kept = (record.body['steps'] as { in: { input: string; output: string }[] }).in
  assert.match(
    kept[0]?.input ?? '',
    /^{"email":"\[masked\]","first_name":"Ana","password":"\[masked\]","card":\[masked\],"note":"x+$/,
  )
  assert.equal(kept[0]?.input.length, 16_384)
  assert.deepEqual(
    [kept[0]?.output, kept[1]?.input, kept[1]?.output],
    [
      '{"email_address":"[masked]","merge_fields":{"FNAME":"Ana"}}',
      '{"email_address":"[masked]","merge_fields":{"FNAME":"Ana"}}',
      '{"to":"[masked]"}',
    ],
  )
})

test('of an operation that takes what is stored nowhere no step keeps what it was given', async () => {
  const at = await connect('stripe')
  const body = {
    operation: 'cards.set_pin',
    input: { card: 'ic_1', word: 'eyJhbGciOiJSU0E.key.iv.kkkkkkkk.tag' },
    mapping: { in: [{ kind: 'map', fields: { vendor_id: 'card', encrypted_pin: 'word' } }] },
    trace: true,
  }
  const report = await call(at, body)
  assert.match(report.text, /kkkkkkkk/, 'whoever asked is told')
  const record = await served.send('GET', `/v1/calls/${report.body['id']}`, { key: at.key })
  const [step] = (record.body['steps'] as { in: object[] }).in
  assert.deepEqual(Object.keys(step ?? {}).sort(), ['kind', 'ok', 'took_ms'])
  assert.doesNotMatch(record.text, /kkkkkkkk/)
})

test('a connection maps all its calls, unless the operation or the call has a mapping of its own', async () => {
  const at = await connect()
  const out = (value: string) => ({ out: [{ kind: 'template', template: { of: value } }] })
  const changed = await served.send('PATCH', at.path, { key: at.key, body: { mapping: out('connection') } })
  assert.deepEqual(changed.body['mapping'], out('connection'), changed.text)
  await store(at, { name: 'own', method: 'GET', path: '/anything', mapping: out('operation') })
  const resultOf = async (body: object) => (await call(at, body)).body['result']
  assert.deepEqual(await resultOf({ method: 'GET', path: '/anything' }), { of: 'connection' })
  assert.deepEqual(await resultOf({ operation: 'own' }), { of: 'operation' })
  assert.deepEqual(await resultOf({ operation: 'own', mapping: out('call') }), { of: 'call' })
  assert.equal(await resultOf({ method: 'GET', path: '/anything', mapping: { out: [] } }), undefined)
  const wrong = { mapping: { in: [{ kind: 'map', fields: { a: 'x', b: 'x' } }] } }
  const refused = await served.send('PATCH', at.path, { key: at.key, body: wrong })
  assert.deepEqual([refused.status, refused.body['field']], [400, 'mapping.in.0.fields.b'])
})

test('a body mapped to XML goes out as XML, and numbers of an answer come back to the digit', async () => {
  const at = await connect()
  const xml = await call(at, {
    method: 'POST',
    path: '/anything',
    body: { valor: '12.50' },
    mapping: { in: [{ kind: 'convert', to: 'xml', xml: { root: 'nota' } }] },
  })
  assert.equal(received(xml).headers['content-type'], 'application/xml')
  assert.match(received(xml).body, /<nota><valor>12.50<\/valor><\/nota>$/)
  const exact = await call(at, {
    method: 'POST',
    path: '/reflect',
    body: '{"total":12.50,"id":12345678901234567890}',
    mapping: { out: [{ kind: 'map', fields: { total: 'amount.value' } }] },
  })
  assert.match(exact.text, /"result":{"id":12345678901234567890,"amount":{"value":12.50}}/)
})

test('a mapping in that fails is refused and sends nothing; one out that fails is told beside the answer', async () => {
  const at = await connect()
  const schema = { type: 'object', required: ['email'] }
  const steps = [{ kind: 'validate', schema }]
  const refused = await call(at, { method: 'POST', path: '/reflect', body: { a: 1 }, mapping: { in: steps } })
  assert.equal(refused.status, 400)
  assert.equal(refused.body['field'], 'mapping.in.0.email')
  const told = await call(at, { method: 'POST', path: '/reflect', body: { a: 1 }, mapping: { out: steps } })
  assert.equal(told.body['state'], 'succeeded')
  assert.match(String(told.body['error']), /could not be mapped: step 0 \(validate\): email is missing/)
  assert.deepEqual(told.body['body'], { a: 1 })
})

test('a call is enriched by another, which is a call of its own on record', async () => {
  const at = await connect()
  const enrich = {
    kind: 'enrich',
    connection_id: at.id,
    call: { method: 'POST', path: '/reflect', body: { name: 'Ana {{id}}' } },
    at: 'customer',
  }
  const body = { id: 7 }
  const report = await call(at, { method: 'POST', path: '/reflect', body, mapping: { in: [enrich] } })
  assert.deepEqual(report.body['body'], { id: 7, customer: { name: 'Ana 7' } }, report.text)
  const { body: list } = await served.send('GET', '/v1/calls', { key: at.key })
  assert.equal((list['data'] as unknown[]).length, 2)
  const nested = { ...enrich, call: { ...enrich.call, mapping: { in: [enrich] } } }
  const refused = await call(at, { method: 'POST', path: '/reflect', body, mapping: { in: [nested] } })
  assert.deepEqual([refused.status, refused.body['field']], [400, 'mapping.in.0.enrich'])
  const foreign = await connect()
  const theirs = { ...enrich, connection_id: foreign.id }
  const stranger = await call(at, { method: 'POST', path: '/reflect', body, mapping: { in: [theirs] } })
  assert.equal(stranger.status, 400)
  assert.match(String(stranger.body['detail']), /there is no connection/)
})

test('a preview says what each step gives and took, and why one failed, without a call', async () => {
  const { key } = await connect()
  const preview = async (body: object) => served.send('POST', '/v1/mappings/preview', { key, body })
  const steps = [
    { kind: 'format', fields: { total: { as: 'number', from: 'pt-BR' } } },
    { kind: 'enrich', connection_id: 'con_x', call: {}, at: 'customer' },
    { kind: 'validate', schema: { properties: { customer: { required: ['cpf'] } } } },
  ]
  const input = { total: '1.234,50' }
  const fine = await preview({ steps, input, answers: [{ cpf: '1' }], trace: true })
  assert.equal(fine.status, 200, fine.text)
  assert.deepEqual(fine.body['output'], { total: '1234.50', customer: { cpf: '1' } })
  const first = (fine.body['steps'] as { input: unknown; output: unknown; took_ms: number }[])[0]
  assert.deepEqual(
    [first?.input, first?.output, typeof first?.took_ms],
    [input, { total: '1234.50' }, 'number'],
  )
  const wrong = await preview({ steps, input, answers: [{}] })
  assert.deepEqual(
    [wrong.body['ok'], wrong.body['errors']],
    [false, [{ step: 2, field: 'customer.cpf', reason: 'is missing' }]],
  )
  const exact = await served.send('POST', '/v1/mappings/preview', {
    key,
    body: '{"steps":[{"kind":"map","fields":{"a":"b"}}],"input":{"a":1.10}}',
  })
  assert.match(exact.text, /"output":{"b":1.10}/)
})

test('a live key stores nothing on a test connection', async () => {
  const { key } = await tenantWithKey(served, ['*'], 'live')
  const at = await connect()
  const reply = await store({ ...at, key }, { name: 'x.y', method: 'GET', path: '/x' })
  assert.equal(reply.status, 404, 'not even of another tenant')
})

const limitsOf = async ({ key, path }: Connected) => {
  const { body } = await served.send('GET', `${path}/limits`, { key })
  const rates = body['rates'] as { level: string; operation: string; limit: number; used: number }[]
  return rates.filter(({ level }) => level === 'operation')
}

test('a stored operation has limits of its own, beside those of its connection, and they change with it', async () => {
  const at = await connect()
  const GET = { method: 'GET', path: '/anything' }
  const rates = [{ calls: 1, per_s: 3600 }]
  await store(at, { name: 'items.list', ...GET, rates })
  const asked = () => call(at, { operation: 'items.list', retries: 0 })
  assert.equal((await asked()).body['state'], 'succeeded')
  const refused = await asked()
  assert.equal(refused.status, 429, refused.text)
  assert.match(String(refused.body['detail']), /the operation items\.list \(1 calls in 3600 s\)/)
  const plain = await call(at, { ...GET, retries: 0 })
  assert.equal(plain.body['state'], 'succeeded', 'only that operation is limited')
  assert.deepEqual(
    (await limitsOf(at)).map(({ operation, limit, used }) => [operation, limit, used]),
    [['items.list', 1, 1]],
  )

  const put = (body: object) =>
    served.send('PUT', `${at.path}/operations/items.list`, { key: at.key, body: { ...GET, ...body } })
  await put({ rates: [{ calls: 2, per_s: 3600 }] })
  assert.equal((await asked()).body['state'], 'succeeded', 'one more, of what was counted before')
  assert.equal((await asked()).status, 429)
  await served.send('PATCH', at.path, {
    key: at.key,
    body: { limits: { operations: { 'items.list': [{ calls: 5, per_s: 3600 }] } } },
  })
  assert.deepEqual(
    (await limitsOf(at)).map(({ limit }) => limit),
    [5],
    'what its connection says of it wins',
  )
  await served.send('PATCH', at.path, { key: at.key, body: { limits: {} } })
  await put({})
  assert.deepEqual(await limitsOf(at), [])
  assert.equal((await asked()).body['state'], 'succeeded', 'without limits of its own')

  const twice = await put({ rates: [...rates, ...rates] })
  assert.deepEqual([twice.status, twice.body['field']], [400, 'rates'], twice.text)
})
