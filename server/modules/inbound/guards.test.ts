import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { diskOf } from '../../platform/disk.ts'
import { fromWire } from '../../platform/ids.ts'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { within } from './guards.ts'
import { schedules } from './jobs.ts'

let product: Product
const TOKEN = 'a-token-of-theirs'

before(async () => {
  product = await startProduct()
})

type Source = { id: string; url: string }

const newSource = async (options: Json, settings: Json = {}): Promise<Source> =>
  (await product.api.ok('POST', '/v1/sources', {
    provider: 'http',
    name: 'Guarded',
    settings: { signature: 'token', signature_header: 'x-token', entity_id: 'order', ...settings },
    secrets: [TOKEN],
    options,
  })) as Source

async function post({ url }: Source, body: Json | string, token = TOKEN) {
  const headers = { 'content-type': 'application/json', 'x-token': token }
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(url, { method: 'POST', headers, body: text })
  const answer = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text: answer,
    json: () => JSON.parse(answer) as Json,
  }
}

const quarantineOf = ({ id }: Source) => product.api.list(`/v1/quarantine?source_id=${id}`)
const messagesOf = ({ id }: Source) => product.api.list(`/v1/messages?source_id=${id}`)
const counted = async (result: string) => {
  const text = await product.app.telemetry.text()
  return new RegExp(`trilho_inbound_messages_total\\{[^}]*result="${result}"[^}]*\\} [1-9]`).test(text)
}

test('an address that is not on the list is answered 403 and nothing of it is kept but a security event', async () => {
  const source = await newSource({ allowed_ips: ['203.0.113.0/24', '2001:db8::/32'] })
  for (let time = 0; time < 3; time++) assert.equal((await post(source, {})).status, 403)
  assert.deepEqual([await quarantineOf(source), await messagesOf(source)], [[], []])
  const told = async () => {
    const { rows } = await sql<{ n: number }>`
      select count(*)::int as n from security_event
       where kind = 'webhook.address_refused' and subject = ${fromWire('source', source.id)}`.execute(
      product.app.db.owner,
    )
    return rows[0]?.n ?? 0
  }
  assert.equal(await eventually(told), 1, 'one a minute') // written beside the answer
  assert.ok(await counted('address_refused'))
  await product.api.ok('PATCH', `/v1/sources/${source.id}`, {
    options: { allowed_ips: ['127.0.0.0/8', '::1'] },
  })
  assert.equal((await post(source, { id: 'now' })).status, 200)
})

test('a range that is none is refused by name', async () => {
  for (const range of ['10.0.0.0/33', '10.0.0', '::1/129', '1.2.3.4/8/8']) {
    const made = { provider: 'http', name: 'x', settings: {}, options: { allowed_ips: [range] } }
    const { status, body } = await product.api.send('POST', '/v1/sources', {
      ...made,
      settings: { signature: 'token', signature_header: 'x' },
    })
    assert.deepEqual([status, body['field']], [400, 'options.allowed_ips'], range)
  }
})

test('a body that does not fit the schema of its source is answered 422 and kept', async () => {
  const schema = { type: 'object', required: ['order'], properties: { order: { type: 'string' } } }
  const source = await newSource({ schema })
  const misfit = await post(source, { order: 7 })
  assert.deepEqual([misfit.status, misfit.json()['code']], [422, 'schema_mismatch'])
  assert.deepEqual(
    (await quarantineOf(source)).map(({ reason }) => reason),
    ['schema_mismatch'],
  )
  assert.ok(await counted('schema_mismatch'))
  assert.equal((await post(source, { order: 'seven' })).status, 200)
})

test('a pattern of a schema holds up nobody, and one that cannot be judged is refused or quarantines', async () => {
  const withPattern = (pattern: string) => ({ schema: { properties: { order: { pattern } } } })
  const source = await newSource(withPattern('^(a+)+$'))
  const before = performance.now()
  assert.equal((await post(source, { order: `${'a'.repeat(40)}!` })).status, 422)
  assert.ok(performance.now() - before < 2_000)
  const change = { options: withPattern('^(?=a)b') }
  const { status, body } = await product.api.send('PATCH', `/v1/sources/${source.id}`, change)
  assert.deepEqual([status, body['field']], [400, 'options.schema'])
  assert.match(String(body['detail']), /no look-around.*\(\?=a\)/)
  // As one that was set when it could be.
  const id = fromWire('source', source.id)
  await sql`update source set options = ${JSON.stringify(change.options)}::jsonb where id = ${id}`.execute(
    product.app.db.owner,
  )
  await product.api.ok('PATCH', `/v1/sources/${source.id}`, { name: 'Guarded still' })
  assert.equal((await post(source, { order: 'b' })).status, 422)
  const [newest] = await quarantineOf(source)
  assert.match(String(newest?.['detail']), /the schema has a pattern that .*no look-around/)
})

test('a flood of forgeries is kept no further than the source has room, and all of it is answered', async () => {
  const source = await newSource({ quarantine_limit: 5 })
  for (let time = 0; time < 12; time++) assert.equal((await post(source, { time }, 'a-forger')).status, 401)
  assert.equal((await quarantineOf(source)).length, 5)
})

test('what was refused for a wrong secret is taken in all at once when it is mended', async () => {
  const source = await newSource({}, { signature: 'hmac', signature_header: 'x-token' })
  for (let time = 0; time < 3; time++) {
    const body = JSON.stringify({ id: time })
    await post(source, body, createHmac('sha256', 'the-right-one').update(body).digest('hex'))
  }
  const release = () => product.api.ok('POST', `/v1/sources/${source.id}/release`)
  assert.deepEqual(await release(), { released: 0, refused: 3, next_cursor: null })
  await product.api.ok('PATCH', `/v1/sources/${source.id}`, { secrets: ['the-right-one'] })
  assert.deepEqual(await release(), { released: 3, refused: 0, next_cursor: null })
  assert.deepEqual([(await quarantineOf(source)).length, (await messagesOf(source)).length], [0, 3])
})

test('the same id with another body is kept and flagged, once for each body, and becomes no event by itself', async () => {
  const source = await newSource({})
  const first = (await post(source, { id: 'one', paid: 10 })).json()
  const other = (await post(source, { id: 'one', paid: 99 })).json()
  const again = (await post(source, { id: 'one', paid: 99 })).json()
  assert.deepEqual([first['status'], other['status'], again['status']], ['received', 'received', 'duplicate'])
  assert.equal(again['id'], other['id'])
  const message = await eventually(async () => {
    const one = await product.api.ok('GET', `/v1/messages/${other['id']}`)
    return one['state'] !== 'pending' && one
  })
  assert.deepEqual([message['state'], message['flags']], ['ignored', ['changed']])
  await product.api.ok('POST', `/v1/messages/${other['id']}/replay`)
  const believed = await eventually(async () => {
    const one = await product.api.ok('GET', `/v1/messages/${other['id']}`)
    return one['state'] !== 'pending' && one
  })
  assert.deepEqual([believed['state'], believed['flags']], ['completed', ['changed', 'replayed']])
})

test('copies are known by the fields that the source declares, digit for digit', async () => {
  const source = await newSource({ duplicates: { by: 'fields', fields: ['order', 'n'] } })
  const statuses: unknown[] = []
  for (const body of [
    '{"id":"a","order":"o","n":12345678901234567}',
    '{"id":"b","order":"o","n":12345678901234567,"sent":2}',
    '{"id":"c","order":"o","n":12345678901234568}',
  ]) {
    statuses.push((await post(source, body)).json()['status'])
  }
  assert.deepEqual(statuses, ['received', 'duplicate', 'received'])
})

test('copies are known by their bytes where the source says so, whatever id they bear', async () => {
  const source = await newSource({ duplicates: { by: 'body' } })
  const statuses: unknown[] = []
  for (const body of ['{"id":"a","n":1}', '{"id":"a","n":2}', '{"id":"a","n":1}'])
    statuses.push((await post(source, body)).json()['status'])
  assert.deepEqual(statuses, ['received', 'received', 'duplicate'])
  const flags = (await messagesOf(source)).map((one) => one['flags'])
  assert.deepEqual(flags, [[], []])
})

test('a window in which copies are known is refused where it is longer than messages are kept', async () => {
  const { id } = await newSource({ duplicates: { window_hours: 720 } })
  const change = { options: { duplicates: { window_hours: 721 } } }
  const { status, body } = await product.api.send('PATCH', `/v1/sources/${id}`, change)
  assert.deepEqual([status, body['field']], [400, 'options.duplicates.window_hours'])
  assert.match(String(body['detail']), /720 hours/)
})

test('a copy is news again after the window of its source', async () => {
  const source = await newSource({ duplicates: { window_hours: 1 } })
  assert.equal((await post(source, { id: 'w' })).json()['status'], 'received')
  const forget = schedules.find(({ name }) => name === 'inbound.forget_windows')
  await forget?.run(product.app)
  assert.equal((await post(source, { id: 'w' })).json()['status'], 'duplicate')
  const clock = { ...product.app.clock, now: () => new Date(Date.now() + 3_700_000) }
  await forget?.run({ ...product.app, clock })
  assert.equal((await post(source, { id: 'w' })).json()['status'], 'received')
})

test('a source is answered as it wants to be', async () => {
  const response = {
    status: 202,
    headers: { 'x-seen': 'yes' },
    content_type: 'text/plain',
    body: 'OK {id} {status}',
  }
  const source = await newSource({ response })
  const answer = await post(source, { id: 'mine' })
  const [message] = await messagesOf(source)
  assert.deepEqual([answer.status, answer.text], [202, `OK ${message?.['id']} received`])
  assert.deepEqual([answer.headers.get('x-seen'), answer.headers.get('content-type')], ['yes', 'text/plain'])
})

test('while the disk is nearly full webhooks are answered 503 with Retry-After, and /ready says why', async () => {
  const source = await newSource({})
  const disk = diskOf(product.app.config)
  disk.free_bytes = 900_000_000
  const full = await post(source, { id: 'full' })
  assert.deepEqual([full.status, full.headers.get('retry-after')], [503, '30'])
  const ready = await fetch(`${product.url}/ready`)
  const { checks } = (await ready.json()) as { checks: { disk: { ok: boolean; detail: string } } }
  assert.deepEqual([ready.status, checks.disk.ok], [503, false])
  assert.match(checks.disk.detail, /0\.9 GB/)
  disk.free_bytes = 4_900_000_000
  assert.equal((await post(source, { id: 'full' })).status, 200)
  const low = await fetch(`${product.url}/ready`)
  assert.equal(low.status, 200)
  assert.match(await low.text(), /4\.9 GB are free on the disk of the database: below 1 GB/)
  disk.free_bytes = null
})

test('a setting that is a secret is never shown, and holds', async () => {
  const made = await product.api.ok('POST', '/v1/sources', {
    provider: 'whatsapp',
    name: 'WhatsApp',
    secrets: ['an-app-secret'],
    settings: { verify_token: 'the-verify-token' },
  })
  const read = await product.api.ok('GET', `/v1/sources/${made['id']}`)
  assert.deepEqual([made['settings'], read['settings']], [{}, {}])
  const shake = `${made['url']}?hub.mode=subscribe&hub.challenge=42&hub.verify_token=`
  assert.equal((await fetch(`${shake}the-verify-token`)).status, 200)
  await product.api.ok('PATCH', `/v1/sources/${made['id']}`, { name: 'Renamed', settings: {} })
  assert.equal((await fetch(`${shake}the-verify-token`)).status, 200)
  assert.equal((await fetch(`${shake}a-guess-of-theirs`)).status, 403)
  const { rows } = await sql<{
    text: string
  }>`select settings::text as text from source where id = ${fromWire('source', String(made['id']))}`.execute(
    product.app.db.owner,
  )
  assert.equal(rows[0]?.text, '{}')
})

test('when more waits for its commit than memory should hold, senders are asked to come again, and nothing is kept', async () => {
  const source = await newSource({})
  let settle: () => void = () => {}
  const commit = new Promise<void>((resolve) => {
    settle = resolve
  })
  const waiting = within(product.app, 128 * 1024 * 1024 - 10, () => commit)
  const refused = await post(source, { id: 'later' })
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '2'])
  assert.deepEqual(await messagesOf(source), [])
  assert.ok(await counted('overloaded'))
  settle()
  await waiting
  assert.equal((await post(source, { id: 'later' })).json()['status'], 'received')
})

test('however small they are, no more wait for their commit than are counted on', async () => {
  const source = await newSource({})
  const { promise: commit, resolve: settle } = Promise.withResolvers<void>()
  const waiting = Array.from({ length: 10_000 }, () => within(product.app, 1, () => commit))
  const refused = await post(source, { id: 'one more' })
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '2'])
  settle()
  await Promise.all(waiting)
  assert.equal((await post(source, { id: 'one more' })).json()['status'], 'received')
})

test('every refusal is counted under a name of its own', async () => {
  const source = await newSource({ body_limit_bytes: 1_024 })
  const nowhere = { ...source, url: source.url.replace(/.{4}$/, 'zzzz') }
  assert.equal((await post(nowhere, {})).status, 404)
  assert.equal((await post(source, { filler: 'x'.repeat(2_000) })).status, 413)
  await product.api.ok('PATCH', `/v1/sources/${source.id}`, { state: 'disabled' })
  assert.equal((await post(source, {})).status, 404)
  for (const result of ['unknown_source', 'too_large', 'disabled']) assert.ok(await counted(result), result)
})

test('headers that belong to the connection are refused in the answer of a source', async () => {
  const source = await newSource({})
  for (const name of ['Content-Length', 'transfer-encoding', 'Connection']) {
    const change = { options: { response: { headers: { 'x-team': 'a', [name]: '5' } } } }
    const { status, body } = await product.api.send('PATCH', `/v1/sources/${source.id}`, change)
    assert.deepEqual([status, body['field']], [400, `options.response.headers.${name}`])
  }
})
