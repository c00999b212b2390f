import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { fromWire } from '../../platform/ids.ts'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { tellSeldom } from './refusals.ts'
import { findActiveSource } from './sources.ts'

/** Who was turned away at the door: read, and found by what is asked about. */
let product: Product
before(async () => {
  product = await startProduct()
})

const newSource = (options: Json = {}) =>
  product.api.ok('POST', '/v1/sources', {
    provider: 'http',
    name: 'Guarded',
    settings: { signature: 'token', signature_header: 'x-token' },
    secrets: ['a-token-of-ours'],
    options,
  })

async function refuse(url: unknown): Promise<number> {
  const headers = { 'content-type': 'application/json', 'x-token': 'forged' }
  return (await fetch(String(url), { method: 'POST', headers, body: '{}' })).status
}

const listed = async (query: string) => {
  const events = await product.api.list(`/v1/security-events?${query}`)
  return events.map(({ kind, source_id, ip }) => ({ kind, source_id, ip }))
}

test('who was turned away is told by kind, source, address and time', async () => {
  const forged = await newSource()
  const barred = await newSource({ allowed_ips: ['203.0.113.0/24'] })
  assert.deepEqual([await refuse(forged['url']), await refuse(barred['url'])], [401, 403])
  const ip = '127.0.0.1'
  const refused = { kind: 'webhook.refused', source_id: forged['id'], ip }
  const address = { kind: 'webhook.address_refused', source_id: barred['id'], ip }
  await eventually(async () => (await listed('')).length === 2) // written beside the answer
  assert.deepEqual(await listed(''), [address, refused])
  assert.deepEqual(await listed('kind=webhook.refused'), [refused])
  assert.deepEqual(await listed(`source_id=${barred['id']}`), [address])
  assert.deepEqual(await listed(`ip=${ip}`), [address, refused])
  assert.deepEqual(await listed('ip=203.0.113.7'), [])
  const [newest] = await product.api.list('/v1/security-events')
  assert.match(String(newest?.['detail']), /may not send/)
  assert.deepEqual(await listed(`until=${newest?.['at']}`), [refused])
  assert.deepEqual(await listed(`since=${newest?.['at']}`), [address])
  const stranger = await product.newTenant()
  assert.deepEqual(await stranger.list('/v1/security-events'), [])
})

test('who keeps being turned away is told of once a minute, with how many there were since', async () => {
  const { id } = await newSource()
  const source = await findActiveSource(product.app, String(id))
  assert.ok(source)
  let now_ms = 0
  const app = { ...product.app, clock: { ...product.app.clock, monotonic: () => now_ms } }
  for (const at_ms of [0, 10, 59_999, 60_000]) {
    now_ms = at_ms
    tellSeldom(app, source, 'webhook.rate_limited', '203.0.113.9', 'too many')
  }
  const told = () => product.api.list(`/v1/security-events?source_id=${id}`)
  await eventually(async () => (await told()).length === 2)
  assert.deepEqual(
    (await told()).map(({ detail }) => detail),
    ['too many; and 2 more since the last', 'too many'],
  )
})

test('those for whom the quarantine has no room are told of too', async () => {
  const { id, url } = await newSource({ quarantine_limit: 1 })
  for (let time = 0; time < 4; time++) assert.equal(await refuse(url), 401)
  const told = () => product.api.list(`/v1/security-events?source_id=${id}`)
  await eventually(async () => (await told()).length === 2) // written beside the answer
  const [not_kept, kept] = await told()
  assert.deepEqual([not_kept?.['kind'], kept?.['kind']], ['webhook.not_kept', 'webhook.refused'])
  assert.match(String(not_kept?.['detail']), /^bad_signature: not kept, .*quarantine_limit/)
})

test('the pages of a filtered list are those of one, whatever lies between', async () => {
  const { id, url } = await newSource()
  for (let time = 0; time < 5; time++) assert.equal(await refuse(url), 401)
  const seen: unknown[] = []
  let cursor = ''
  do {
    const page = await product.api.ok('GET', `/v1/security-events?source_id=${id}&limit=2${cursor}`)
    seen.push(...(page['data'] as Json[]).map((one) => one['id']))
    cursor = page['next_cursor'] === null ? '' : `&cursor=${page['next_cursor']}`
  } while (cursor !== '')
  assert.deepEqual([seen.length, new Set(seen).size], [5, 5])
})

test('what lies behind more events than a page looks at is found by going on from where it stopped', async () => {
  const [quiet, busy] = [await newSource(), await newSource()]
  assert.equal(await refuse(quiet['url']), 401)
  const ids = Array.from({ length: 5_100 }, () => product.app.newId())
  await sql`
    insert into security_event (tenant_id, id, kind, subject, detail)
    select ${fromWire('tenant', product.api.tenant_id)}, i, 'webhook.refused', ${fromWire('source', String(busy['id']))}, ''
      from unnest(${ids}::uuid[]) i`.execute(product.app.db.owner)
  const path = `/v1/security-events?source_id=${quiet['id']}`
  const first = await product.api.ok('GET', path)
  assert.deepEqual(first['data'], [])
  const next = await product.api.ok('GET', `${path}&cursor=${first['next_cursor']}`)
  assert.deepEqual([(next['data'] as Json[]).length, next['next_cursor']], [1, null])
})
