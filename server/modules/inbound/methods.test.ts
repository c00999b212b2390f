import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { fromWire } from '../../platform/ids.ts'
import { start } from '../../start.ts'
import { quiet } from '../../test/harness.ts'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'

let product: Product
const TOKEN = 'a-token-of-theirs'

before(async () => {
  product = await startProduct()
})

type Source = { id: string; url: string }

const BY_TOKEN = { signature: 'token', signature_header: 'x-token' }
const newSource = async (options: Json, settings: Json = BY_TOKEN): Promise<Source> =>
  (await product.api.ok('POST', '/v1/sources', {
    provider: 'http',
    name: 'Methods',
    settings,
    secrets: [TOKEN],
    options,
  })) as Source

let serial = 0
async function tell(url: string, method = 'POST', token = TOKEN) {
  const headers = { 'content-type': 'application/json', 'x-token': token }
  const body = method === 'GET' ? null : JSON.stringify({ id: `m${++serial}` })
  const response = await fetch(url, { method, headers, body })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Json,
  }
}

const counted = async (result: string): Promise<number> => {
  const text = await product.app.telemetry.text()
  const lines = text.matchAll(
    new RegExp(`trilho_inbound_messages_total\\{[^}]*result="${result}"[^}]*\\} (\\d+)`, 'g'),
  )
  return [...lines].reduce((sum, [, n]) => sum + Number(n), 0)
}

const messageOf = (id: unknown) =>
  eventually(async () => {
    const message = await product.api.ok('GET', `/v1/messages/${id}`)
    return message['state'] !== 'pending' && message
  })

test('a source takes no more than it says, by all processes together; the rest is answered 429 unverified and unkept', async (t) => {
  const other = await start({ ...product.app.config, port: 0 }, quiet)
  t.after(() => other.stop())
  const { id, url } = await newSource({ rate_limit: { requests: 5, per_s: 3_600 } })
  const there = url.replace(product.url, other.url)
  const answers = []
  for (let time = 0; time < 4; time++) answers.push(await tell(url), await tell(there, 'POST', 'a-forger'))
  const statuses = answers.map(({ status }) => status)
  assert.deepEqual(statuses.toSorted(), [200, 200, 200, 401, 401, 429, 429, 429])
  const refused = answers.find(({ status }) => status === 429)
  const wait_s = Number(refused?.headers.get('retry-after'))
  assert.ok(wait_s > 3_000 && wait_s <= 3_720, `${wait_s} s`)
  assert.equal(refused?.body['code'], 'rate_limited')
  assert.equal((await product.api.list(`/v1/messages?source_id=${id}`)).length, 3)
  assert.equal((await product.api.list(`/v1/quarantine?source_id=${id}`)).length, 2)
  assert.equal(
    await counted('rate_limited'),
    statuses.filter((one, at) => one === 429 && at % 2 === 0).length,
  )
  await product.api.ok('PATCH', `/v1/sources/${id}`, { options: { rate_limit: null } })
  assert.equal((await tell(url)).status, 200)
})

test('who may not send at all uses nothing of what a source takes', async () => {
  const source = await newSource({ rate_limit: { requests: 1 }, allowed_ips: ['203.0.113.0/24'] })
  for (let time = 0; time < 3; time++) assert.equal((await tell(source.url)).status, 403)
  await product.api.ok('PATCH', `/v1/sources/${source.id}`, { options: { allowed_ips: null } })
  assert.equal((await tell(source.url)).status, 200)
  assert.equal((await tell(source.url)).status, 429)
})

test('what a source used of its rate goes with it', async () => {
  const { id, url } = await newSource({ rate_limit: { requests: 9, per_s: 60 } })
  await tell(url)
  const rings = async () => {
    const { rows } = await sql`
      select from rate_window where connection_id = ${fromWire('source', id)}`.execute(product.app.db.owner)
    return rows.length
  }
  assert.equal(await rings(), 1)
  await product.api.send('DELETE', `/v1/sources/${id}`)
  assert.equal(await rings(), 0)
})

test('a source takes POST alone unless it names other methods, and says which in Allow', async () => {
  const plain = await newSource({})
  const before = await counted('method')
  for (const method of ['PUT', 'PATCH', 'GET']) {
    const { status, headers } = await tell(plain.url, method)
    assert.deepEqual([status, headers.get('allow')], [405, 'POST'], method)
  }
  assert.equal((await counted('method')) - before, 3)
  for (const method of ['DELETE', 'OPTIONS']) {
    const { status, headers } = await fetch(`${plain.url}?x=1`, { method })
    assert.deepEqual([status, headers.get('allow')], [405, 'POST'], method)
  }
  const { counts } = (await product.api.ok('GET', `/v1/sources/${plain.id}`)) as { counts: Json }
  assert.deepEqual([counts['refused'], counts['received']], [5, 0])
  const { url } = await newSource({ methods: ['PUT', 'PATCH'] })
  for (const method of ['PUT', 'PATCH']) {
    const { status, body } = await tell(url, method)
    assert.equal(status, 200)
    const message = await messageOf(body['id'])
    assert.equal((message['headers'] as Json)[':method'], method)
  }
  const posted = await tell(url)
  assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'PUT, PATCH'])
})

test('what is told by GET is read from the query, without the secret in it', async () => {
  const settings = { signature: 'query_token', token_parameter: 'key', event_id: 'id', event_type: 'status' }
  const { id, url } = await newSource({ methods: ['GET'] }, settings)
  const { status, body } = await tell(`${url}?id=sms-1&status=delivered&key=${TOKEN}`, 'GET')
  assert.equal(status, 200)
  const message = await messageOf(body['id'])
  assert.equal(Buffer.from(String(message['body']), 'base64').toString(), 'id=sms-1&status=delivered')
  assert.deepEqual([message['event_key'], message['event_type']], ['sms-1', 'delivered'])
  const [event] = await eventually(async () => {
    const events = await product.api.list('/v1/events?type=http.delivered')
    return events.length > 0 && events
  })
  assert.deepEqual(event?.['data'], { id: 'sms-1', status: 'delivered' })
  const again = await tell(`${url}?id=sms-1&status=delivered&key=${TOKEN}`, 'GET')
  assert.equal(again.body['status'], 'duplicate')
  assert.equal((await tell(`${url}?id=sms-2&key=a-guess`, 'GET')).status, 401)
  assert.equal((await product.api.list(`/v1/quarantine?source_id=${id}`)).length, 1)
})

test('what is told by GET is read to its end, and a secret with spaces around it is known in it too', async () => {
  const settings = { signature: 'query_token', token_parameter: 'key', event_id: 'id' }
  const { id, url } = await newSource({ methods: ['GET'] }, settings)
  await product.api.ok('PATCH', `/v1/sources/${id}`, { secrets: [` ${TOKEN}\n`] })
  const { body } = await tell(`${url}?text=who?&id=sms-9&key=${TOKEN}`, 'GET')
  const message = await messageOf(body['id'])
  assert.equal(Buffer.from(String(message['body']), 'base64').toString(), 'text=who?&id=sms-9')
  assert.equal(message['event_key'], 'sms-9')
})

test('what a source that wants bodies encrypted is told by GET stands nowhere in clear, taken in or refused', async () => {
  const options = { methods: ['GET', 'POST'], encrypt_bodies: true }
  const { id, url } = await newSource(options, { ...BY_TOKEN, event_id: 'id' })
  const query = '?id=sms-7&cpf=111.444.777-35'
  const { body } = await tell(url + query, 'GET')
  assert.equal((await tell(url + query, 'GET', 'a-forger')).status, 401)
  assert.equal((await tell(`${url}?cpf=111.444.777-35`)).status, 200)
  for (const table of ['inbox', 'quarantine']) {
    const { rows } = await sql<{ kept: string }>`
      select headers || encode(body, 'escape') as kept from ${sql.table(table)}
       where source_id = ${fromWire('source', id)}`.execute(product.app.db.owner)
    assert.equal(rows.length, table === 'inbox' ? 2 : 1)
    for (const { kept } of rows) assert.doesNotMatch(kept, /111\.444/, table)
  }
  const message = await messageOf(body['id'])
  assert.equal(Buffer.from(String(message['body']), 'base64').toString(), query.slice(1))
  const path = new URL(url).pathname + query
  assert.equal((message['headers'] as Json)[':path'], path)
  const [refused] = await product.api.list(`/v1/quarantine?source_id=${id}`)
  const read = await product.api.ok('GET', `/v1/quarantine/${refused?.['id']}`)
  assert.equal((read['headers'] as Json)[':path'], path)
})

test('what was refused by another method is judged as it came when it is released', async () => {
  const settings = { signature: 'address_and_form', signature_header: 'x-token', event_id: 'id' }
  const { id, url } = await newSource({ methods: ['GET', 'POST'] }, settings)
  await product.api.ok('PATCH', `/v1/sources/${id}`, { secrets: ['mistyped'] })
  const address = `${url}?id=late`
  const signature = createHmac('sha1', TOKEN).update(address).digest('base64')
  assert.equal((await tell(address, 'GET', signature)).status, 401)
  await product.api.ok('PATCH', `/v1/sources/${id}`, { secrets: [TOKEN] })
  const [kept] = await product.api.list(`/v1/quarantine?source_id=${id}`)
  const released = await product.api.ok('POST', `/v1/quarantine/${kept?.['id']}/release`)
  const message = await messageOf(released['id'])
  assert.equal(message['event_key'], 'late')
})

test('a source that is told things by GET still answers the handshake of its provider', async () => {
  const { url } = await newSource(
    { methods: ['GET'] },
    { ...BY_TOKEN, handshake: 'hub', verify_token: 'the-verify-token' },
  )
  const shake = `${url}?hub.mode=subscribe&hub.challenge=42&hub.verify_token=the-verify-token`
  const tried = await fetch(shake)
  assert.deepEqual([tried.status, await tried.text()], [200, '42'])
  assert.equal((await tell(`${url}?id=told`, 'GET')).body['status'], 'received')
})
