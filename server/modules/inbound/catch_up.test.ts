import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { fromWire, toWire } from '../../platform/ids.ts'
import type { Job } from '../../platform/jobs/jobs.ts'
import { type Front, openFront } from '../../test/faulty_front.ts'
import { undoAfter } from '../../test/harness.ts'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { catchUp, catchUpAll, startCatchUp } from './catch_up.ts'
import { listToCatchUp } from './catch_up_queries.ts'

const NO_EVENTS = '{"object":"list","data":[],"has_more":false,"url":"/v1/events"}'

let product: Product
let front: Front
let connection: string
let source: Json & { id: string }
before(async () => {
  product = await startProduct()
  front = await openFront(product.sandbox.url)
  const { api } = product
  const made = await api.ok('POST', '/v1/connections', {
    provider: 'stripe',
    name: 'Stripe',
    environment: 'development',
    settings: { base_url: `${front.url}/stripe` },
    credentials: { secret_key: 'sk_test_abcdef123456' },
    limits: { breaker: false, retry_budget: false },
  })
  connection = String(made['id'])
  source = (await api.ok('POST', '/v1/sources', {
    provider: 'stripe',
    name: 'Stripe',
    connection_id: connection,
    secrets: ['whsec_test'],
  })) as Json & { id: string }
})

/** Past all of ours. */
async function stripe(method: string, path: string, body?: string): Promise<Json> {
  const headers = {
    authorization: 'Bearer sk_test_abcdef123456',
    'content-type': 'application/x-www-form-urlencoded',
  }
  const url = `${product.sandbox.url}/stripe${path}`
  return (await (await fetch(url, { method, headers, ...(body && { body }) })).json()) as Json
}

/** A payment that its payer makes while nobody hears of it. */
async function paidUnheard(): Promise<string> {
  const money = { amount: '990', currency: 'BRL' }
  const payment = await product.api.ok('POST', '/v1/payments', { connection_id: connection, money })
  assert.equal(payment['status'], 'pending')
  await stripe('POST', `/v1/payment_intents/${payment['vendor_id']}/confirm`, 'payment_method=pm_card_visa')
  return String(payment['id'])
}

const path = () => `/v1/sources/${source.id}/catch-up`
const idle = () =>
  eventually(async () => {
    const row = await product.api.ok('GET', path())
    return row['state'] === 'idle' && row
  })

/** The vendor lists what it made in the second before. */
const caughtUp = (look: () => Promise<unknown>) =>
  eventually(async () => {
    await product.api.ok('POST', path(), {})
    await idle()
    return look()
  })

const statusOf = async (id: string) => (await product.api.ok('GET', `/v1/payments/${id}`))['status']

async function countOf(table: 'inbox' | 'event', id?: string): Promise<number> {
  const tenant_id = fromWire('tenant', product.api.tenant_id)
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from ${sql.table(table)} where tenant_id = ${tenant_id}
       ${id === undefined ? sql`` : sql`and entity_id = ${id}`}`.execute(product.app.db.owner)
  return rows[0]?.n ?? 0
}

test('what nobody heard in an outage becomes true by the list of the vendor, once', async () => {
  const ids = await Promise.all([paidUnheard(), paidUnheard(), paidUnheard()])
  await caughtUp(async () => {
    const states = await Promise.all(ids.map(statusOf))
    return states.every((state) => state === 'completed')
  })
  await eventually(
    async () => (await sql`select from inbox_queue`.execute(product.app.db.owner)).rows.length === 0,
  )
  const [inbox, events] = [await countOf('inbox'), await countOf('event')]
  await product.api.ok('POST', path(), { from: new Date(Date.now() - 86_400_000).toISOString() })
  const row = await idle()
  const [newest] = await product.api.list(`/v1/messages?source_id=${source.id}`)
  const { headers } = (await product.api.ok('GET', `/v1/messages/${newest?.['id']}`)) as { headers: Json }
  assert.equal(headers[':verified'], 'the list of the vendor')
  assert.ok(Number(row['read']) > 0)
  assert.equal(row['added'], 0)
  assert.equal(row['error'], null)
  assert.deepEqual([await countOf('inbox'), await countOf('event')], [inbox, events])
})

test('the webhook of an event that was listed before is a copy, and the other way round', async () => {
  const id = await paidUnheard()
  await caughtUp(async () => (await statusOf(id)) === 'completed')
  const { vendor_id } = (await product.api.ok('GET', `/v1/payments/${id}`)) as { vendor_id: string }
  const listed = (await stripe('GET', '/v1/events?limit=100'))['data'] as (Json & {
    id: string
    type: string
  })[]
  const told = listed.find(
    ({ type, data }) =>
      type === 'payment_intent.succeeded' && (data as { object: Json }).object['id'] === vendor_id,
  )
  assert.ok(told)
  const before = await countOf('inbox')
  const { pathname } = new URL(String(source['url']))
  const reply = await fetch(`${product.sandbox.url}/stripe/_control/send`, {
    method: 'POST',
    body: JSON.stringify({
      url: product.url + pathname,
      secret: 'whsec_test',
      type: told.type,
      id: told.id,
      object: (told['data'] as { object: Json }).object,
    }),
  })
  assert.equal(((await reply.json()) as Json)['accepted'], true)
  assert.equal(await countOf('inbox'), before)
})

test('a vendor that does not list keeps the place, says why, and is read from there', async () => {
  const before = await idle()
  front.fault(/events/, 'status=400')
  const id = await paidUnheard()
  await product.api.ok('POST', path(), {})
  const failed = await eventually(async () => {
    const row = await idle()
    return row['error'] !== null && row
  })
  assert.match(String(failed['error']), /did not list/)
  assert.equal(failed['seen_until'], before['seen_until'])
  front.calm()
  await caughtUp(async () => (await statusOf(id)) === 'completed')
  assert.equal((await idle())['error'], null)
})

test('a source whose vendor keeps nothing, or that names no connection, says so', async () => {
  const { api } = product
  const make = async (provider: string, more: Json) =>
    String(
      (await api.ok('POST', '/v1/sources', { provider, name: 'No', secrets: ['whsec_none'], ...more }))['id'],
    )
  const lonely = await api.send('POST', `/v1/sources/${await make('stripe', {})}/catch-up`, {})
  assert.equal(lonely.status, 409)
  assert.match(String(lonely.body['detail']), /names no connection/)
  const by_body = { connection_id: connection, options: { duplicates: { by: 'body' } } }
  const other = await api.send('POST', `/v1/sources/${await make('stripe', by_body)}/catch-up`, {})
  assert.match(String(other.body['detail']), /copies by their bodies/)
})

const newSource = async (more: Json = {}) =>
  String(
    (
      await product.api.ok('POST', '/v1/sources', {
        ...{ provider: 'stripe', name: 'More', connection_id: connection, secrets: ['whsec_more'] },
        ...more,
      })
    )['id'],
  )

const ended = (id: string) =>
  eventually(async () => {
    const row = await product.api.ok('GET', `/v1/sources/${id}/catch-up`)
    return row['state'] === 'idle' && row['ended_at'] !== null && row
  })

test('where nothing was read yet nothing is passed over, whenever it is asked to begin', async () => {
  const id = await newSource()
  front.fault(/events/, 'status=400')
  const begun = (from?: string) =>
    eventually(async () => {
      await product.api.ok('POST', `/v1/sources/${id}/catch-up`, { from })
      const row = await ended(id)
      return row['error'] !== null && row // in the second in which it is made there is nothing to read
    })
  await begun()
  assert.equal((await begun(new Date().toISOString()))['seen_until'], null)
  front.calm()
  await product.api.ok('DELETE', `/v1/sources/${id}`)
})

test('of two sources on one connection one takes each event in: the first that wants it', async () => {
  const [picky, other] = [
    await newSource({ options: { event_types: ['payment_intent.succeeded'] } }),
    await newSource({ options: { event_types: ['payment_intent.*'] } }),
  ]
  const id = await paidUnheard()
  await caughtUp(async () => (await statusOf(id)) === 'completed')
  for (const later of [picky, other]) {
    await eventually(async () => {
      await product.api.ok('POST', `/v1/sources/${later}/catch-up`, {})
      const { read, added } = await ended(later)
      assert.equal(added, 0)
      return Number(read) > 0
    })
  }
  await product.api.ok('DELETE', `/v1/sources/${picky}`)
  await product.api.ok('DELETE', `/v1/sources/${other}`)
})

test('what lies before copies are known is not read, which is said until somebody asks again', async () => {
  const id = await newSource({ options: { duplicates: { window_hours: 1 } } })
  await eventually(async () => {
    await product.api.ok('POST', `/v1/sources/${id}/catch-up`, {})
    return (await ended(id))['seen_until'] !== null
  })
  const { app, api } = product
  const now = () => new Date(Date.now() + 6 * 3_600_000)
  const later = { ...app, clock: { ...app.clock, now } }
  const tenant_id = fromWire('tenant', api.tenant_id)
  const actor = {
    kind: 'system',
    id: 'test',
    environment: 'test',
    scopes: [],
    ip: null,
    request_id: null,
  } as const
  await startCatchUp(later, { ...actor, tenant_id }, id, {})
  const { rows } = await sql<Job>`
    select tenant_id, id, payload, attempts from job
     where tenant_id = ${tenant_id} and kind = 'inbound.catch_up' and due > now() + interval '1 h'`.execute(
    app.db.owner,
  )
  assert.ok(rows[0])
  await catchUp(later, rows[0])
  assert.match(String((await ended(id))['error']), /^not read from \S+Z to \S+Z, since copies/)
  await product.api.ok('POST', `/v1/sources/${id}/catch-up`, {})
  assert.equal((await ended(id))['error'], null)
})

test('each minute has a share of all sources, and none twice in a quarter of an hour', async () => {
  for (let n = 0; n < 16; n++) await newSource()
  const { app } = product
  const due = () => listToCatchUp(app.db.owner, ['stripe'])
  const first = await due()
  assert.equal(first.length, 2)
  await catchUpAll(app)
  for (const { source_id } of first) await ended(toWire('source', source_id))
  const second = (await due()).map(({ source_id }) => source_id)
  assert.equal(second.length, 2)
  assert.ok(first.every(({ source_id }) => !second.includes(source_id)))
})

test('a vendor that hangs holds up no more than four, says so meanwhile, and the others follow', async () => {
  const held: ServerResponse[] = []
  let most = 0
  const answer = (response: ServerResponse) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(NO_EVENTS)
  let is_hanging = true
  const server = createServer((request, response) => {
    request.resume()
    if (!is_hanging) return void answer(response)
    held.push(response)
    most = Math.max(most, held.length)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  undoAfter(async () => void server.close())
  const made = await product.api.ok('POST', '/v1/connections', {
    ...{ provider: 'stripe', name: 'Hanging', environment: 'development' },
    settings: { base_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    credentials: { secret_key: 'sk_test_abcdef123456' },
    limits: { retries: 0, timeout_ms: 60_000, breaker: false },
  })
  const ids: string[] = []
  for (let n = 0; n < 6; n++) ids.push(await newSource({ connection_id: made['id'] }))
  // A source that was made within this second has nothing to read yet.
  await sql`select pg_sleep(1.1)`.execute(product.app.db.owner)
  for (const id of ids) await product.api.ok('POST', `/v1/sources/${id}/catch-up`, {})
  const putOff = async () => {
    const { rows } = await sql`
      select 1 from job where kind = 'inbound.catch_up' and claim is null and due between now() and now() + interval '1 h'`.execute(
      product.app.db.owner,
    )
    return rows.length >= 2 && held.length === 4
  }
  await eventually(putOff)
  const from = new Date().toISOString()
  assert.equal((await product.api.send('POST', `/v1/sources/${ids[0]}/catch-up`, { from })).status, 409)
  assert.equal((await product.api.send('POST', `/v1/sources/${ids[0]}/catch-up`, {})).status, 202)
  is_hanging = false
  for (const response of held) answer(response)
  for (const id of ids) assert.equal((await ended(id))['error'], null)
  assert.equal(most, 4)
})
