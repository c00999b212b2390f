import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { undoAfter } from '../../test/harness.ts'
import { type Api, eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { type Receiver, startReceiver } from '../../test/receiver.ts'
import { signedPayment } from '../../test/stripe_payment.ts'

const SECRET = 'whsec_of_the_story'
let product: Product
let receiver: Receiver
let vendor: string
before(async () => {
  const server = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"pi_of_the_story"}'),
  )
  server.listen(0, '127.0.0.1')
  undoAfter(async () => {
    server.closeAllConnections()
    server.close()
  })
  product = await startProduct()
  receiver = await startReceiver()
  vendor = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

type Entry = Json & { kind: string; at: string; links: Json }
type Story = { subject: Json; entries: Entry[]; is_more: boolean }
const read = async (api: Api, id: string): Promise<Story> =>
  (await api.ok('GET', `/v1/stories/${encodeURIComponent(id)}`)) as Story
const kindsOf = ({ entries }: Story): string[] => entries.map(({ kind }) => kind)
const entryOf = ({ entries }: Story, kind: string): Entry | undefined =>
  entries.find((one) => one.kind === kind)

/** A payment that Stripe told of, delivered at the second attempt. */
async function tellPayment(api: Api, number: string): Promise<{ message: string; source: string }> {
  const source = await api.ok('POST', '/v1/sources', { provider: 'stripe', name: 'S', secrets: [SECRET] })
  receiver.answer(`/${number}`, { status: 503 }, { status: 200 })
  await api.ok('POST', '/v1/subscriptions', {
    name: 'The shop',
    url: `${receiver.base}/${number}`,
    event_types: ['*'],
    retry_schedule_s: [1],
  })
  const { body, headers } = signedPayment(number, SECRET)
  const posted = await fetch(String(source['url']), { method: 'POST', headers, body })
  assert.equal(posted.status, 200)
  const message = String(((await posted.json()) as Json)['id'])
  await eventually(async () => {
    const [delivery] = await api.list('/v1/deliveries')
    return delivery?.['state'] === 'delivered'
  })
  return { message, source: String(source['id']) }
}

test('from whichever id one begins, the story is the same: webhook, event, delivery and each attempt', async () => {
  const api = await product.newTenant()
  const { message } = await tellPayment(api, 'of_the_story')
  const story = await read(api, message)
  assert.equal(kindsOf(story)[0], 'received')
  assert.equal(entryOf(story, 'processed')?.['state'], 'completed')
  assert.deepEqual([story.subject['kind'], story.subject['state']], ['message', 'completed'])
  const attempts = story.entries.filter(({ kind }) => kind === 'attempt')
  assert.deepEqual(
    attempts.map((one) => [one['state'], one['status']]),
    [
      ['refused', 503],
      ['delivered', 200],
    ],
  )
  assert.ok(attempts.every(({ waited_ms }) => Number.isInteger(waited_ms)))
  const [event, delivery] = [entryOf(story, 'event'), entryOf(story, 'delivery')]
  assert.equal(event?.links['message_id'], message)
  assert.match(String(delivery?.['title']), /to The shop$/)
  assert.match(String(entryOf(story, 'received')?.['detail']), /verified by/)
  const times = story.entries.map(({ at }) => at)
  assert.deepEqual(times, times.toSorted())
  for (const id of [String(event?.['id']), String(delivery?.['id']), 'pi_of_the_story', 'evt_of_the_story']) {
    const same = await read(api, id)
    assert.deepEqual(same.entries, story.entries, id)
  }
  assert.equal((await read(api, 'pi_of_the_story')).subject['kind'], 'thing')
})

test('a call has a story with its attempts, and one about a thing stands in the story of the thing', async () => {
  const api = await product.newTenant()
  const settings = { base_url: vendor }
  const connection = await api.ok('POST', '/v1/connections', {
    provider: 'http',
    name: 'Shop',
    environment: 'development',
    settings,
  })
  const path = `/v1/connections/${connection['id']}/calls`
  const call = await api.ok('POST', path, {
    method: 'POST',
    path: '/pay',
    body: { cpf: '529.982.247-25' },
  })
  const story = await read(api, String(call['id']))
  assert.deepEqual(kindsOf(story), ['call', 'call_attempt'])
  assert.deepEqual(
    [story.subject['kind'], story.subject['title'], story.subject['state']],
    ['call', 'POST /pay', 'succeeded'],
  )
  const found = await read(api, '529.982.247-25')
  assert.deepEqual(found.entries, story.entries)
})

test('a batch tells of its calls, and what was refused at the door why', async () => {
  const api = await product.newTenant()
  const settings = { base_url: vendor }
  const made = { provider: 'http', name: 'Shop', environment: 'development', settings }
  const connection = await api.ok('POST', '/v1/connections', made)
  const batch = await api.ok('POST', `/v1/connections/${connection['id']}/calls/batch`, {
    calls: [
      { method: 'GET', path: '/one' },
      { method: 'GET', path: '/two' },
    ],
  })
  await eventually(async () => (await api.ok('GET', `/v1/batches/${batch['id']}`))['state'] === 'completed')
  const story = await read(api, String(batch['id']))
  assert.deepEqual(story.subject['title'], 'a batch of 2 calls')
  assert.equal(
    story.entries.filter(({ kind, state }) => kind === 'call' && state === 'succeeded').length >= 2,
    true,
  )
  const source = await api.ok('POST', '/v1/sources', { provider: 'stripe', name: 'S', secrets: [SECRET] })
  await fetch(String(source['url']), { method: 'POST', body: '{}' })
  const [refused] = await eventually(async () => {
    const page = await api.list('/v1/quarantine')
    return page.length > 0 && page
  })
  const why = await read(api, String(refused?.['id']))
  assert.deepEqual([kindsOf(why), why.subject['kind']], [['refused'], 'quarantine'])
})

test('another tenant finds nothing, and a credential is told of what it may read alone', async () => {
  const api = await product.newTenant()
  const stranger = await product.newTenant()
  const { message } = await tellPayment(api, 'of_another')
  for (const id of [message, 'pi_of_another', 'nothing has this id']) {
    assert.equal((await stranger.send('GET', `/v1/stories/${encodeURIComponent(id)}`)).status, 404, id)
  }
  const { key } = await api.ok('POST', '/v1/keys', {
    name: 'E',
    environment: 'test',
    scopes: ['events:read'],
  })
  const reply = await fetch(`${product.url}/v1/stories/pi_of_another`, {
    headers: { authorization: `Bearer ${key}` },
  })
  assert.deepEqual([...new Set(kindsOf((await reply.json()) as Story))], ['event'])
})

test('what a search finds is told with its name, its state and where it leads', async () => {
  const api = await product.newTenant()
  const { message } = await tellPayment(api, 'of_the_search')
  const search = (q: string) => api.list(`/v1/search?q=${encodeURIComponent(q)}`)
  const found = await search('pi_of_the_search')
  const of_kind = (kind: string) => found.find((one) => one['kind'] === kind)
  const event = of_kind('event')
  assert.deepEqual(
    [of_kind('message')?.['id'], of_kind('message')?.['title'], of_kind('message')?.['state']],
    [message, 'payment_intent.succeeded', 'completed'],
  )
  assert.equal(event?.['leads_to'], `/v1/events/${event?.['id']}`)
  assert.equal(event?.['title'], (await api.ok('GET', String(event?.['leads_to'])))['type'])
  assert.ok(
    (await search(String(event?.['title']))).some(({ id }) => id === event?.['id']),
    'by its type',
  )
  const [delivery] = await api.list('/v1/deliveries')
  const [own] = await search(String(delivery?.['id']))
  assert.deepEqual([own?.['kind'], own?.['state']], ['delivery', 'delivered'])
  const stranger = await product.newTenant()
  assert.deepEqual(await stranger.list(`/v1/search?q=${delivery?.['id']}`), [])
})

test('a CPF finds its call however it is written, and the search shows none of it', async () => {
  const api = await product.newTenant()
  const settings = { base_url: vendor }
  const made = { provider: 'http', name: 'Shop', environment: 'development', settings }
  const connection = await api.ok('POST', '/v1/connections', made)
  const path = `/v1/connections/${connection['id']}/calls`
  const call = await api.ok('POST', path, {
    method: 'POST',
    path: '/pay',
    body: { cpf: '11144477735', email: 'Rui@Exemplo.com' },
  })
  for (const q of ['111.444.777-35', '11144477735', 'rui@exemplo.com']) {
    const hit = await eventually(async () => {
      const hits = await api.list(`/v1/search?q=${encodeURIComponent(q)}`)
      return hits.find(({ state }) => state === 'succeeded')
    })
    assert.deepEqual([hit['id'], hit['title']], [call['id'], 'POST /pay'], q)
  }
})
