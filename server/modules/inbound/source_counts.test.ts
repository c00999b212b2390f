import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { fromWire } from '../../platform/ids.ts'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { noteSource, writeCounts } from '../metrics/metrics.ts'
import { forgetCounts } from './forget_counts.ts'

/** What came to each source since it was made, in the source itself and in the list. */

let product: Product
before(async () => {
  product = await startProduct()
})

const SETTINGS = { signature: 'token', signature_header: 'x-token', event_id: 'id', event_type: 'type' }

const newSource = (name: string) =>
  product.api.ok('POST', '/v1/sources', {
    provider: 'http',
    name,
    settings: SETTINGS,
    secrets: ['a-token-of-ours'],
  })

async function send(url: unknown, id: string, token = 'a-token-of-ours'): Promise<number> {
  const headers = { 'content-type': 'application/json', 'x-token': token }
  const body = JSON.stringify({ id, type: 'paid' })
  return (await fetch(String(url), { method: 'POST', headers, body })).status
}

const told = ({ counts, last_received_at }: Json) => ({ counts, last_received_at })
const inList = async (id: unknown) =>
  (await product.api.list('/v1/sources')).find((one) => one['id'] === id) ?? assert.fail('it is not listed')

test('a source tells how many came, how many were copies or turned away, and when the last was taken in', async () => {
  const busy = await newSource('Busy')
  const quiet = await newSource('Quiet')
  const none = { counts: { received: 0, duplicates: 0, quarantined: 0, refused: 0 }, last_received_at: null }
  assert.deepEqual(told(busy), none)
  const statuses = [
    await send(busy['url'], 'm1'),
    await send(busy['url'], 'm2'),
    await send(busy['url'], 'm1'),
    await send(busy['url'], 'm3', 'forged'),
  ]
  assert.deepEqual(statuses, [200, 200, 200, 401])
  const [newest] = await product.api.list(`/v1/messages?source_id=${busy['id']}`)
  const expected = {
    counts: { received: 2, duplicates: 1, quarantined: 1, refused: 0 },
    last_received_at: newest?.['received_at'],
  }
  assert.deepEqual(told(await product.api.ok('GET', `/v1/sources/${busy['id']}`)), expected)
  assert.deepEqual(told(await inList(busy['id'])), expected)
  assert.deepEqual(told(await inList(quiet['id'])), none)
  await send(busy['url'], 'm4')
  const { counts } = await product.api.ok('PATCH', `/v1/sources/${busy['id']}`, { name: 'Busier' })
  assert.equal((counts as Json)['duplicates'], 1, 'a change takes nothing away')
  const later = await product.api.ok('GET', `/v1/sources/${busy['id']}`)
  assert.deepEqual(later['counts'], { received: 3, duplicates: 1, quarantined: 1, refused: 0 })
})

/** What a source is set to, what comes then, and how it is answered. */
const UNREAD: [Json, { headers?: Record<string, string>; body?: string }, number][] = [
  [{ options: { allowed_ips: ['203.0.113.0/24'] } }, {}, 403],
  [{ options: { access_token: true } }, {}, 401],
  [{ options: { rate_limit: { requests: 1, per_s: 86_400 } } }, {}, 429],
  [{ options: { methods: ['PUT'] } }, {}, 405],
  [{ options: { body_limit_bytes: 1_024 } }, { body: 'x'.repeat(2_000) }, 413],
  [{ options: {} }, { body: 'x'.repeat(1_100_000) }, 413],
  [{ options: {} }, { headers: { 'content-encoding': 'compress' } }, 415],
  [{ options: {} }, { headers: { 'content-encoding': 'gzip' } }, 400],
  [{ state: 'disabled' }, {}, 404],
]

test('whatever is turned away unread is counted at its source, and who may not send is told of', async () => {
  const { id, url } = await newSource('Turning away')
  const path = `/v1/sources/${id}`
  const counts = async () => (await product.api.ok('GET', path))['counts'] as Json
  const headers = { 'content-type': 'application/json', 'x-token': 'a-token-of-ours' }
  let refused = 0
  for (const [change, given, expected] of UNREAD) {
    await product.api.ok('PATCH', path, change)
    if (expected === 429) await send(url, 'm1')
    const sent = { method: 'POST', body: '{}', ...given, headers: { ...headers, ...given.headers } }
    const { status } = await fetch(String(url), sent)
    assert.deepEqual([status, (await counts())['refused']], [expected, ++refused], JSON.stringify(change))
    const taken_back = Object.keys((change['options'] as Json) ?? {}).map((option) => [option, null])
    await product.api.ok('PATCH', path, { options: Object.fromEntries(taken_back) })
  }
  assert.deepEqual(await counts(), { received: 1, duplicates: 0, quarantined: 0, refused })
  const told = async () => {
    const events = await product.api.list(`/v1/security-events?source_id=${id}`)
    return events.map(({ kind }) => String(kind)).toSorted()
  }
  const kinds = ['webhook.address_refused', 'webhook.rate_limited', 'webhook.token_refused']
  await eventually(async () => (await told()).length === kinds.length) // written beside the answer
  assert.deepEqual(await told(), kinds)
})

test('what was counted is deleted with its source', async () => {
  const { id, url } = await newSource('Short-lived')
  await send(url, 'm1')
  const { status } = await product.api.send('DELETE', `/v1/sources/${id}`)
  assert.equal(status, 204)
  assert.equal((await product.api.send('GET', `/v1/sources/${id}`)).status, 404)
  assert.deepEqual(await strays(), [])
})

test('what another process had counted of a source that is deleted goes within a day, and nothing else does', async () => {
  const [gone, kept] = [await newSource('Deleted'), await newSource('Kept')]
  await send(kept['url'], 'm1')
  assert.equal((await product.api.send('DELETE', `/v1/sources/${gone['id']}`)).status, 204)
  const { app, api } = product
  const [tenant_id, source_id] = [fromWire('tenant', api.tenant_id), fromWire('source', String(gone['id']))]
  noteSource(app, { tenant_id, source_id, outcome: 'received', at: new Date() })
  await writeCounts(app)
  assert.deepEqual(await strays(), [source_id])
  await forgetCounts(app)
  assert.deepEqual(await strays(), [])
  const { counts } = await api.ok('GET', `/v1/sources/${kept['id']}`)
  assert.equal((counts as Json)['received'], 1)
})

/** What is counted of sources that are there no more. */
async function strays(): Promise<string[]> {
  const { owner } = product.app.db
  const left = await owner.selectFrom('source_tally').select('source_id').execute()
  const sources = await owner.selectFrom('source').select('id').execute()
  return left.map((one) => one.source_id).filter((id) => !sources.some((one) => one.id === id))
}
