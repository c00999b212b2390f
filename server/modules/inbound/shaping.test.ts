import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { fromWire } from '../../platform/ids.ts'
import { type Api, eventually, type Json, type Product, startProduct } from '../../test/product.ts'

let product: Product
let api: Api
const TOKEN = 'a-token-of-theirs'

before(async () => {
  product = await startProduct()
  api = await product.newTenant()
})

type Source = { id: string; url: string }
const newSource = async (options: Json): Promise<Source> =>
  (await api.ok('POST', '/v1/sources', {
    provider: 'http',
    name: 'Shaped',
    settings: { signature: 'token', signature_header: 'x-token', event_type: 'type' },
    secrets: [TOKEN],
    options,
  })) as Source

/** The message once it has ended. */
async function told({ url }: Source, body: string): Promise<Json> {
  const headers = { 'content-type': 'application/json', 'x-token': TOKEN, 'user-agent': 'Acorn/3' }
  const response = await fetch(url, { method: 'POST', headers, body })
  const { id } = (await response.json()) as Json
  return eventually(async () => {
    const message = await api.ok('GET', `/v1/messages/${id}`)
    return message['state'] !== 'pending' && message
  })
}

async function dataOf(message: Json): Promise<string> {
  const events = await api.list('/v1/events?limit=100')
  const event = events.find(({ message_id }) => message_id === message['id'])
  return JSON.stringify(event?.['data'])
}

test('what the filter of a source does not take is recorded as ignored, with the reason', async () => {
  const source = await newSource({ filter: { live: true, total: { $gte: 100 } } })
  const taken = await told(source, '{"id":"f1","type":"paid","live":true,"total":250}')
  assert.equal(taken['state'], 'completed')
  for (const body of ['{"id":"f2","live":false,"total":250}', '{"id":"f3","live":true,"total":99}']) {
    const { state, error } = await told(source, body)
    assert.deepEqual([state, error], ['ignored', 'the filter of the source leaves it out'])
  }
})

test('a source maps what its vendor says; the bytes stay as they came, and no number loses a digit', async () => {
  const mapping = [{ kind: 'template', template: { order: '{{data.order}}', total: '{{data.total}}' } }]
  const source = await newSource({ mapping })
  const body = '{"id":"m1","type":"paid","data":{"order":"o-1","total":12.50000000000000000001,"card":"x"}}'
  const message = await told(source, body)
  assert.deepEqual([message['state'], message['error']], ['completed', null])
  assert.equal(Buffer.from(String(message['body']), 'base64').toString(), body)
  const { rows } = await sql<{ data: string }>`
    select data::text as data from event where message_id = ${fromWire('message', String(message['id']))}`.execute(
    product.app.db.owner,
  )
  assert.equal(rows[0]?.data, '{"order":"o-1","total":12.50000000000000000001}')
})

test('a message that the mapping of its source cannot take is failed, says which step, and is replayed once that is mended', async () => {
  const schema = { type: 'object', required: ['order'] }
  const source = await newSource({ mapping: [{ kind: 'validate', schema }] })
  const message = await told(source, '{"id":"m2","type":"paid"}')
  assert.equal(message['state'], 'failed')
  assert.match(String(message['error']), /^step 0 of the mapping: .*order/)
  await api.ok('PATCH', `/v1/sources/${source.id}`, { options: { mapping: null } })
  await api.ok('POST', `/v1/messages/${message['id']}/replay`)
  const again = await eventually(async () => {
    const one = await api.ok('GET', `/v1/messages/${message['id']}`)
    return one['state'] !== 'pending' && one
  })
  assert.equal(again['state'], 'completed')
  assert.equal(await dataOf(again), '{"id":"m2","type":"paid"}')
})

test('a mapping that asks a vendor waits for it, and is tried again while it does not answer', async () => {
  const connection = await api.ok('POST', '/v1/connections', {
    provider: 'http',
    name: 'Orders',
    environment: 'development',
    settings: { base_url: `${product.sandbox.url}/echo` },
  })
  const enrich = { kind: 'enrich', connection_id: connection['id'], at: 'echo' }
  const call = (path: string) => ({ call: { method: 'GET', path, retries: 0 } })
  const source = await newSource({ mapping: [{ ...enrich, ...call('/anything') }] })
  const message = await told(source, '{"id":"e1","type":"enriched"}')
  assert.equal(message['state'], 'completed')
  assert.match(await dataOf(message), /"echo":\{/)
  const failing = { options: { mapping: [{ ...enrich, ...call('/status/503') }], retry_schedule_s: [600] } }
  await api.ok('PATCH', `/v1/sources/${source.id}`, failing)
  const headers = { 'content-type': 'application/json', 'x-token': TOKEN }
  const response = await fetch(source.url, { method: 'POST', headers, body: '{"id":"e2","type":"enriched"}' })
  const { id } = (await response.json()) as Json
  const waiting = await eventually(async () => {
    const one = await api.ok('GET', `/v1/messages/${id}`)
    return one['error'] !== null && one
  })
  assert.equal(waiting['state'], 'pending')
  assert.match(String(waiting['error']), /^step 0 of the mapping: /)
})

test('a filter or a mapping that could never run is refused by name', async () => {
  const refused = async (options: Json) => {
    const source = { provider: 'http', name: 'x', settings: { signature: 'token', signature_header: 'x' } }
    const { status, body } = await api.send('POST', '/v1/sources', { ...source, options })
    return [status, body['field']]
  }
  assert.deepEqual(await refused({ filter: { total: { $more: 1 } } }), [400, 'options.filter.total.$more'])
  const [status, field] = await refused({ mapping: [{ kind: 'map', fields: { a: 'x', b: 'x' } }] })
  assert.deepEqual([status, field], [400, 'options.mapping.0.fields.b'])
})

test('a source says for people what it is for, and when it last received; the story says who sent', async () => {
  const source = await newSource({})
  const at = `/v1/sources/${source.id}`
  assert.deepEqual(
    [(await api.ok('GET', at))['description'], (await api.ok('GET', at))['last_received_at']],
    [null, null],
  )
  await api.ok('PATCH', at, { description: 'Orders of the shop in Recife' })
  const message = await told(source, '{"id":"d1","type":"paid"}')
  const { description, last_received_at } = await api.ok('GET', at)
  assert.deepEqual([description, last_received_at], ['Orders of the shop in Recife', message['received_at']])
  const story = await api.ok('GET', `/v1/messages/${message['id']}/story`)
  const [received] = story['steps'] as Json[]
  assert.equal(received?.['detail'], '25 bytes from 127.0.0.1 by Acorn/3')
})
