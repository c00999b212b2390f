import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { fromWire } from '../../platform/ids.ts'
import { type Json, type Product, startProduct } from '../../test/product.ts'

/** What was refused: how it is kept, and taken in after all. */
let product: Product
const SECRET = 'user:a-secret-of-theirs'
const HMAC = { signature: 'hmac', signature_header: 'x-signature', event_id: 'id' }

before(async () => {
  product = await startProduct()
})

type Source = { id: string; url: string }

const newSource = async (options: Json, settings: Json = HMAC): Promise<Source> =>
  (await product.api.ok('POST', '/v1/sources', {
    provider: 'http',
    name: 'Refusing',
    settings,
    secrets: [SECRET],
    options,
  })) as Source

async function post(url: string, body: Json, headers: Record<string, string> = {}, secret = SECRET) {
  const text = JSON.stringify(body)
  const signature = createHmac('sha256', secret).update(text).digest('hex')
  const given = { 'content-type': 'application/json', 'x-signature': signature, ...headers }
  return (await fetch(url, { method: 'POST', headers: given, body: text })).status
}

const change = ({ id }: Source, options: Json) => product.api.ok('PATCH', `/v1/sources/${id}`, { options })
const quarantineOf = ({ id }: Source) => product.api.list(`/v1/quarantine?source_id=${id}`)
const bodyOf = ({ body }: Json) => Buffer.from(String(body), 'base64').toString()

const ORDER = { type: 'object', required: ['id'], properties: { id: { type: 'string' } } }

test('what a source that wants bodies encrypted refuses is stored sealed, and read and released all the same', async () => {
  const source = await newSource({ encrypt_bodies: true, schema: ORDER })
  assert.equal(await post(source.url, { id: 7, cpf: '111.444.777-35' }), 422)
  assert.equal(await post(source.url, { id: 'forged', cpf: '111.444.777-35' }, {}, 'a-forger'), 401)
  const kept = await quarantineOf(source)
  const { rows } = await sql<{ body: Buffer }>`
    select body from quarantine where source_id = ${fromWire('source', source.id)}`.execute(
    product.app.db.owner,
  )
  assert.equal(rows.length, 2)
  for (const { body } of rows) assert.doesNotMatch(String(body), /cpf/)
  for (const { id } of kept) {
    const read = await product.api.ok('GET', `/v1/quarantine/${id}`)
    assert.match(bodyOf(read), /"cpf":"111\.444\.777-35"/)
    assert.ok(!Object.keys(read['headers'] as Json).includes(':sealed'))
  }
  await change(source, { schema: null })
  const misfit = kept.find(({ reason }) => reason === 'schema_mismatch')
  const one = await product.api.ok('POST', `/v1/quarantine/${misfit?.['id']}/release`)
  assert.match(bodyOf(await product.api.ok('GET', `/v1/messages/${one['id']}`)), /"id":7/)
  await product.api.ok('PATCH', `/v1/sources/${source.id}`, { secrets: ['a-forger'] })
  const all = await product.api.ok('POST', `/v1/sources/${source.id}/release`)
  assert.deepEqual([all['released'], await quarantineOf(source)], [1, []])
})

test('nor can what an encrypted body says be guessed by a hash of it, and its copies are known all the same', async () => {
  for (const duplicates of [{ by: 'event_id' }, { by: 'body' }, { by: 'fields', fields: ['cpf'] }]) {
    const source = await newSource({ encrypt_bodies: true, duplicates })
    const body = { id: 'sealed', cpf: '111.444.777-35' }
    for (let time = 0; time < 2; time++) assert.equal(await post(source.url, body), 200)
    const [message, ...more] = await product.api.list(`/v1/messages?source_id=${source.id}`)
    assert.equal(more.length, 0, 'the second is a copy')
    const { rows } = await sql<{ kept: string }>`
      select event_key || ' ' || encode(fingerprint, 'hex') as kept from inbox_seen
       where message_id = ${fromWire('message', String(message?.['id']))}`.execute(product.app.db.owner)
    for (const guess of [JSON.stringify(body), JSON.stringify([body.cpf])]) {
      const by_guess = createHash('sha256').update(guess).digest('hex')
      assert.ok(!rows[0]?.kept.includes(by_guess), duplicates.by)
    }
  }
})

const BASIC = `Basic ${Buffer.from(SECRET).toString('base64')}`
const PROOFS: [string, Json, string, Record<string, string>][] = [
  ['a header', { signature: 'token', signature_header: 'x-token' }, '', { 'x-token': SECRET }],
  ['Basic', { signature: 'basic' }, '', { authorization: BASIC }],
  ['the path', { signature: 'path_token' }, `/${SECRET}`, {}],
  ['the query', { signature: 'query_token', token_parameter: 'key' }, `?key=${SECRET}`, {}],
]

test('what was verified as it came is released by the schema alone, whatever proved it, which is not kept', async () => {
  for (const [name, settings, suffix, headers] of PROOFS) {
    const source = await newSource({ schema: ORDER }, { ...settings, event_id: 'id' })
    assert.equal(await post(source.url + suffix, { id: 7 }, headers), 422, name)
    const [kept] = await quarantineOf(source)
    const release = `/v1/quarantine/${kept?.['id']}/release`
    assert.match(String((await product.api.send('POST', release)).body['detail']), /fit the schema/, name)
    await change(source, { schema: null })
    assert.equal((await product.api.ok('POST', release))['status'], 'received', name)
  }
})

test('what was told by GET and missed the schema is kept with what it said, and released', async () => {
  const settings = { signature: 'query_token', token_parameter: 'key', event_id: 'id' }
  const source = await newSource(
    { methods: ['GET'], schema: { type: 'object', required: ['paid'] } },
    settings,
  )
  assert.equal((await fetch(`${source.url}?id=sms-1&key=${SECRET}`)).status, 422)
  await change(source, { schema: null })
  const [kept] = await quarantineOf(source)
  const { id } = await product.api.ok('POST', `/v1/quarantine/${kept?.['id']}/release`)
  assert.equal(bodyOf(await product.api.ok('GET', `/v1/messages/${id}`)), 'id=sms-1')
})

test('a field whose name PostgreSQL does not take costs no misfit its place in quarantine', async () => {
  const source = await newSource({ schema: { additionalProperties: { type: 'string' } } })
  assert.equal(await post(source.url, { id: 'nul', 'a\0b': 7 }), 422)
  const [kept] = await quarantineOf(source)
  assert.match(String(kept?.['detail']), /\/ab must be string/)
})

test('a signature in Authorization is kept with what it signs, and judged again', async () => {
  const source = await newSource({}, { ...HMAC, signature_header: 'Authorization', prefix: 'HMAC ' })
  const by = createHmac('sha256', 'theirs')
    .update(JSON.stringify({ id: 'teams' }))
    .digest('hex')
  assert.equal(await post(source.url, { id: 'teams' }, { authorization: `HMAC ${by}` }), 401)
  await product.api.ok('PATCH', `/v1/sources/${source.id}`, { secrets: ['theirs'] })
  assert.equal((await product.api.ok('POST', `/v1/sources/${source.id}/release`))['released'], 1)
})

test('what did not verify is judged again, whatever the schema says', async () => {
  const source = await newSource({ schema: ORDER })
  assert.equal(await post(source.url, { id: 'forged' }, {}, 'a-forger'), 401)
  assert.deepEqual((await product.api.ok('POST', `/v1/sources/${source.id}/release`))['refused'], 1)
})

test('a flood of forgeries that is slow to be written holds up nobody who is genuine, and no more than so many of it wait', async () => {
  const source = await newSource({})
  assert.equal(await post(source.url, { id: 'first' }, {}, 'a-forger'), 401)
  const { promise: written, resolve: write } = Promise.withResolvers<void>()
  const { promise: locked, resolve: lock } = Promise.withResolvers<void>()
  const holding = product.app.db.owner.transaction().execute(async (tx) => {
    await sql`lock table quarantine in access exclusive mode`.execute(tx)
    lock()
    await written
  })
  await locked
  const late = () => sleep(20_000, 'held up', { ref: false })
  const flood = Array.from({ length: 80 }, (_, n) => post(source.url, { id: n }, {}, 'a-forger'))
  try {
    assert.equal(await Promise.race([...flood, late()]), 401, 'beyond those that wait all are answered')
    const genuine = ['a', 'b', 'c'].map((id) => post(source.url, { id }))
    assert.deepEqual(await Promise.race([Promise.all(genuine), late()]), [200, 200, 200])
  } finally {
    write()
    await holding
  }
  assert.deepEqual(new Set(await Promise.all(flood)), new Set([401]))
  const kept = await product.api.list(`/v1/quarantine?source_id=${source.id}&limit=100`)
  assert.equal(kept.length, 1 + 64)
})
