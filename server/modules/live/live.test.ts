import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { undoAfter } from '../../test/harness.ts'
import { type Api, eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { startReceiver } from '../../test/receiver.ts'
import { signedPayment } from '../../test/stripe_payment.ts'

const SECRET = 'whsec_of_the_live'
let product: Product
let vendor: string
/** Lets the answer to `/held` go, once it was asked for. */
let release: (() => void) | null = null
before(async () => {
  const server = createServer((request, response) => {
    const answer = () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    if (request.url === '/held') {
      release = answer
      return
    }
    setTimeout(answer, request.url === '/slow' ? 1_500 : 0)
  })
  server.listen(0, '127.0.0.1')
  undoAfter(async () => {
    server.closeAllConnections()
    server.close()
  })
  product = await startProduct()
  vendor = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

type Told = { id: string; name: string; data: Json }
type Watching = { status: number; told: Told[]; ended: Promise<void>; stop(): void }

/** Reads the stream as a browser would. */
async function watch(key: string, query = '', headers: Record<string, string> = {}): Promise<Watching> {
  const gone = new AbortController()
  undoAfter(async () => gone.abort())
  const response = await fetch(`${product.url}/v1/live${query}`, {
    headers: { authorization: `Bearer ${key}`, ...headers },
    signal: gone.signal,
  })
  const told: Told[] = []
  const ended = response.ok ? readAll(response, told).catch(() => {}) : Promise.resolve()
  return { status: response.status, told, ended, stop: () => gone.abort() }
}

async function readAll(response: Response, told: Told[]): Promise<void> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((line) => [line.split(': ')[0], line.slice(line.indexOf(': ') + 2)]),
      )
      const [name, data] = [fields.get('event'), fields.get('data')]
      if (name && data) told.push({ id: fields.get('id') ?? '', name, data: JSON.parse(data) as Json })
    }
  }
}

const connect = async (api: Api): Promise<string> => {
  const settings = { base_url: vendor }
  const body = { provider: 'http', name: 'Shop', environment: 'development', settings }
  return String((await api.ok('POST', '/v1/connections', body))['id'])
}
const statesOf = ({ told }: Watching, kind: string): unknown[] =>
  told.filter(({ name }) => name === kind).map(({ data }) => data['state'])

test('a webhook is seen as it comes, becomes an event and is delivered; and a call as it begins and ends', async () => {
  const api = await product.newTenant()
  const receiver = await startReceiver()
  const connection = await connect(api)
  const source = await api.ok('POST', '/v1/sources', { provider: 'stripe', name: 'S', secrets: [SECRET] })
  await api.ok('POST', '/v1/subscriptions', { name: 'All', url: receiver.base, event_types: ['*'] })
  const live = await watch(api.key)
  const { body, headers } = signedPayment('of_the_live', SECRET)
  assert.equal((await fetch(String(source['url']), { method: 'POST', headers, body })).status, 200)
  const call = await api.ok('POST', `/v1/connections/${connection}/calls`, { method: 'GET', path: '/slow' })
  await eventually(
    async () =>
      statesOf(live, 'message').includes('completed') &&
      statesOf(live, 'event').includes('published') &&
      statesOf(live, 'delivery').includes('delivered') &&
      statesOf(live, 'call').includes('succeeded'),
  )
  assert.equal(statesOf(live, 'message').filter((state) => state === 'completed').length, 1)
  assert.equal(statesOf(live, 'call').filter((state) => state === 'succeeded').length, 1)
  const last = live.told.findLast(({ name }) => name === 'call')?.data
  assert.deepEqual(
    [last?.['id'], last?.['connection_id'], last?.['type'], last?.['status']],
    [call['id'], connection, 'GET', 200],
  )
})

test('a call that began before somebody watched is told when it ends', async () => {
  const api = await product.newTenant()
  const path = `/v1/connections/${await connect(api)}/calls`
  const ended = api.ok('POST', path, { method: 'GET', path: '/held' })
  const go = await eventually(async () => release)
  const live = await watch(api.key)
  await api.ok('POST', path, { method: 'GET', path: '/' })
  await eventually(async () => statesOf(live, 'call').includes('succeeded'))
  go()
  const { id } = await ended
  await eventually(async () =>
    live.told.some(({ data }) => data['id'] === id && data['state'] === 'succeeded'),
  )
  assert.deepEqual(
    live.told.filter(({ data }) => data['id'] === id).map(({ data }) => data['state']),
    ['succeeded'],
  )
})

test('nobody is told of another tenant, nor of what their credential may not read', async () => {
  const api = await product.newTenant()
  const stranger = await product.newTenant()
  const { key } = await api.ok('POST', '/v1/keys', {
    name: 'Events',
    environment: 'test',
    scopes: ['events:read'],
  })
  const [all, some, other] = await Promise.all([watch(api.key), watch(String(key)), watch(stranger.key)])
  await api.ok('POST', `/v1/connections/${await connect(api)}/calls`, { method: 'GET', path: '/' })
  await api.ok('POST', '/v1/event-types', { name: 'order.seen', description: 'x', schema: {} })
  await api.ok('POST', '/v1/events', { type: 'order.seen', data: {} })
  await stranger.ok('POST', '/v1/event-types', { name: 'order.other', description: 'x', schema: {} })
  await stranger.ok('POST', '/v1/events', { type: 'order.other', data: {} })
  await eventually(
    async () =>
      [all, some, other].every((one) => statesOf(one, 'event').length > 0) &&
      statesOf(all, 'call').length > 0,
  )
  assert.deepEqual([statesOf(some, 'call'), statesOf(other, 'call')], [[], []])
  assert.deepEqual([...new Set(other.told.map(({ data }) => data['type']))], ['order.other'])
})

test('who was cut off is told what happened meanwhile, and only of the kinds they ask for', async () => {
  const api = await product.newTenant()
  const since = new Date().toISOString()
  await api.ok('POST', `/v1/connections/${await connect(api)}/calls`, { method: 'GET', path: '/' })
  await api.ok('POST', '/v1/event-types', { name: 'order.missed', description: 'x', schema: {} })
  await api.ok('POST', '/v1/events', { type: 'order.missed', data: {} })
  const again = await watch(api.key, '?kinds=event', { 'last-event-id': since })
  await eventually(async () => again.told.length > 0)
  assert.deepEqual(
    again.told.map(({ name, data }) => [name, data['type']]),
    [['event', 'order.missed']],
  )
})

test('of too many who watch the last is asked to wait, and a place is free when one leaves', async () => {
  const api = await product.newTenant()
  const all = await Promise.all(Array.from({ length: 20 }, () => watch(api.key)))
  assert.ok(all.every(({ status }) => status === 200))
  const refused = await api.send('GET', '/v1/live')
  assert.equal(refused.status, 429)
  assert.equal(refused.headers.get('retry-after'), '10')
  all[0]?.stop()
  const next = await eventually(async () => {
    const one = await watch(api.key)
    return one.status === 200 && one
  })
  for (const one of [...all, next]) one.stop()
})

test('a server that stops ends the streams', async () => {
  const own = await startProduct()
  const response = await fetch(`${own.url}/v1/live`, { headers: { authorization: `Bearer ${own.api.key}` } })
  assert.equal(response.status, 200)
  const [text] = await Promise.all([response.text(), own.stop()])
  assert.match(text, /^retry: 2000\n/)
})
