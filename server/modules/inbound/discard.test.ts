import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { fromWire } from '../../platform/ids.ts'
import { apiOf, type Json, type Product, startProduct } from '../../test/product.ts'

/** What was refused and is wanted by nobody: thrown away, one or many at once. */
let product: Product
before(async () => {
  product = await startProduct()
})

type Source = { id: string; url: string }

const newSource = async (options: Json = {}): Promise<Source> =>
  (await product.api.ok('POST', '/v1/sources', {
    provider: 'http',
    name: 'Refusing',
    settings: { signature: 'token', signature_header: 'x-token', event_id: 'id' },
    secrets: ['a-token-of-ours'],
    options,
  })) as Source

async function refuse({ url }: Source, id: string, token: string | null = 'forged') {
  const headers = { 'content-type': 'application/json', ...(token !== null && { 'x-token': token }) }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ id }) })
  assert.equal(response.status, 401)
}

const quarantineOf = ({ id }: Source) => product.api.list(`/v1/quarantine?source_id=${id}`)
const BEGAN = { since: new Date().toISOString() }
const discardOf = ({ id }: Source, body: Json = {}) =>
  product.api.send('POST', `/v1/sources/${id}/discard`, { ...BEGAN, ...body })
const audited = async (target: unknown) =>
  (await product.api.list('/v1/audit?action=quarantine.discard')).filter((one) => one['target'] === target)

test('one refused message is discarded for good, with its record, and only once', async () => {
  const source = await newSource()
  await refuse(source, 'm1')
  const [kept] = await quarantineOf(source)
  const path = `/v1/quarantine/${kept?.['id']}`
  assert.equal((await product.api.send('DELETE', path)).status, 204)
  assert.equal((await product.api.send('GET', path)).status, 404)
  assert.equal((await product.api.send('DELETE', path)).status, 404)
  assert.equal((await audited(kept?.['id'])).length, 1)
})

test('what a source refused is counted first, then discarded as far as the filter says', async () => {
  const source = await newSource()
  const other = await newSource()
  for (const id of ['m1', 'm2', 'm3']) await refuse(source, id)
  await refuse(source, 'm4', null)
  await refuse(other, 'm5')
  const forged = { reason: 'bad_signature', ip: '127.0.0.1' }
  const counted = await discardOf(source, { ...forged, dry_run: true })
  assert.deepEqual([counted.status, counted.body['total']], [200, 3])
  const fitting = async (more: Json) => (await discardOf(source, { ...more, dry_run: true })).body['total']
  assert.equal(await fitting({ ip: '203.0.113.7' }), 0)
  const since = new Date(Date.now() + 1).toISOString()
  await sleep(10)
  assert.equal(await fitting({ since }), 0)
  assert.equal(await fitting({}), 4)
  assert.equal((await quarantineOf(source)).length, 4)
  const until = String(counted.body['until'])
  await refuse(source, 'm6')
  const done = await discardOf(source, { ...forged, until })
  assert.deepEqual([done.status, done.body], [200, { discarded: 3 }])
  const left = await quarantineOf(source)
  assert.deepEqual(
    left.map(({ reason }) => reason),
    ['bad_signature', 'missing_header'],
  )
  const [record] = await audited(source.id)
  assert.deepEqual(record?.['detail'], { ...BEGAN, ...forged, until, discarded: 3 })
  assert.deepEqual((await discardOf(source)).body, { discarded: 2 })
  assert.equal((await quarantineOf(other)).length, 1)
})

test('what is counted ends now, whatever end is asked for, so that nothing goes that nobody has seen', async () => {
  const source = await newSource()
  const until = new Date(Date.now() + 3_600_000).toISOString()
  const counted = await discardOf(source, { until, dry_run: true })
  assert.ok(Date.parse(String(counted.body['until'])) <= Date.now())
})

test('more than one commit holds are discarded all the same, also once their source is gone', async () => {
  const source = await newSource()
  await refuse(source, 'm1')
  const ids = Array.from({ length: 1_200 }, () => product.app.newId())
  await sql`
    insert into quarantine (tenant_id, id, source_id, reason, detail, headers, body)
    select ${fromWire('tenant', product.api.tenant_id)}, i, ${fromWire('source', source.id)}, 'bad_signature', '', '{}', ''
      from unnest(${ids}::uuid[]) i`.execute(product.app.db.owner)
  assert.equal((await product.api.send('DELETE', `/v1/sources/${source.id}`)).status, 204)
  assert.deepEqual((await discardOf(source)).body, { discarded: 1_201 })
  assert.equal((await audited(source.id)).length, 2, 'each commit with the record of it')
  assert.equal((await discardOf(source)).status, 404, 'of a source that is gone nothing is left')
})

test('a full quarantine has room again once something of it is discarded', async () => {
  const source = await newSource({ quarantine_limit: 2 })
  for (const id of ['m1', 'm2', 'm3']) await refuse(source, id)
  const [newest, oldest] = await quarantineOf(source)
  await product.api.ok('DELETE', `/v1/quarantine/${newest?.['id']}`)
  for (const id of ['m4', 'm5']) await refuse(source, id)
  const kept = await quarantineOf(source)
  assert.deepEqual([kept.length, kept[1]?.['id']], [2, oldest?.['id']])
  await discardOf(source)
  await refuse(source, 'm6')
  assert.equal((await quarantineOf(source)).length, 1)
})

test('a full quarantine has room again once what it holds is released', async () => {
  const source = await newSource({ quarantine_limit: 1, schema: { required: ['paid'] } })
  const misfit = async (id: string) => {
    const headers = { 'content-type': 'application/json', 'x-token': 'a-token-of-ours' }
    assert.equal(
      (await fetch(source.url, { method: 'POST', headers, body: JSON.stringify({ id }) })).status,
      422,
    )
    return quarantineOf(source)
  }
  const [first] = await misfit('m1')
  assert.deepEqual(await misfit('m2'), [first])
  await product.api.ok('PATCH', `/v1/sources/${source.id}`, { options: { schema: null } })
  await product.api.ok('POST', `/v1/quarantine/${first?.['id']}/release`)
  await refuse(source, 'm3')
  assert.deepEqual(
    (await quarantineOf(source)).map(({ reason }) => reason),
    ['bad_signature'],
  )
})

test('nothing is discarded of another tenant, nor by who may only mend, nor from a span that has no length', async () => {
  const source = await newSource()
  await refuse(source, 'm1')
  const stranger = await product.newTenant()
  const theirs = await stranger.send('POST', `/v1/sources/${source.id}/discard`, BEGAN)
  assert.equal(theirs.status, 404)
  const scopes = ['sources:operate', 'sources:read']
  const { key } = await product.api.ok('POST', '/v1/keys', { name: 'Mends', environment: 'test', scopes })
  const mender = apiOf(product.url, { authorization: `Bearer ${key}` }, String(key), product.api.tenant_id)
  assert.equal((await mender.send('POST', `/v1/sources/${source.id}/discard`, BEGAN)).status, 403)
  const [kept] = await quarantineOf(source)
  const path = `/v1/quarantine/${kept?.['id']}`
  assert.equal((await mender.send('DELETE', path)).status, 403)
  assert.equal((await stranger.send('DELETE', path)).status, 404)
  const at = new Date().toISOString()
  const empty = await discardOf(source, { since: at, until: at })
  assert.deepEqual([empty.status, empty.body['field']], [400, 'since'])
  assert.equal((await quarantineOf(source)).length, 1)
})
