import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { floorId, fromWire } from '../../platform/ids.ts'
import { type Api, eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { records } from './jobs.ts'

let product: Product
const SECRET = 'whsec_of_the_inbox'

before(async () => {
  product = await startProduct()
})

type Source = { id: string; url: string }
const newSource = async (api: Api, options: Json = {}): Promise<Source> =>
  (await api.ok('POST', '/v1/sources', {
    provider: 'stripe',
    name: 'Stripe',
    secrets: [SECRET],
    options,
  })) as Source

let serial = 0
/** One that cannot be translated where it has no amount. */
async function post(
  { url }: Source,
  payment: string,
  type = 'payment_intent.succeeded',
  amount?: number,
): Promise<string> {
  const created = 1_767_225_600 + serial
  const object = {
    id: payment,
    object: 'payment_intent',
    amount,
    currency: 'brl',
    status: 'succeeded',
    created,
    customer: `cus_${payment}`,
  }
  const body = JSON.stringify({ id: `evt_in_${++serial}`, type, created, data: { object } })
  const t = Math.floor(Date.now() / 1000)
  const v1 = createHmac('sha256', SECRET).update(`${t}.${body}`).digest('hex')
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'stripe-signature': `t=${t},v1=${v1}` },
    body,
  })
  assert.equal(response.status, 200)
  return String(((await response.json()) as Json)['id'])
}

const ended = (api: Api, id: string) =>
  eventually(async () => {
    const message = await api.ok('GET', `/v1/messages/${id}`)
    return message['state'] !== 'pending' && message
  })
const idsOf = async (api: Api, query: string) => (await api.list(`/v1/messages?${query}`)).map(({ id }) => id)

test('the inbox is found by any id the body names, by state, type, source and time', async () => {
  const api = await product.newTenant()
  const [one, two] = [await newSource(api), await newSource(api)]
  const paid = await post(one, 'pi_found', 'payment_intent.succeeded', 990)
  const bad = await post(two, 'pi_bad')
  const other = await post(two, 'pi_other', 'customer.created')
  for (const id of [paid, bad, other]) await ended(api, id)
  assert.deepEqual(await idsOf(api, 'q=pi_found'), [paid])
  assert.deepEqual(await idsOf(api, 'q=cus_pi_found'), [paid])
  assert.deepEqual(await idsOf(api, 'q=nobody'), [])
  assert.deepEqual(await idsOf(api, 'state=failed'), [bad])
  assert.deepEqual(await idsOf(api, `state=ignored&source_id=${one.id}`), [])
  assert.deepEqual(await idsOf(api, 'event_type=customer.created'), [other])
  const now = new Date(Date.now() + 1_000).toISOString()
  assert.deepEqual(await idsOf(api, `since=${now}`), [])
  assert.deepEqual(await idsOf(api, `until=${HOUR_AGO()}`), [])
  assert.deepEqual(await idsOf(api, `until=${now}&event_type=payment_intent.succeeded&source_id=${one.id}`), [
    paid,
  ])
  const stranger = await product.newTenant()
  assert.deepEqual(await idsOf(stranger, 'q=pi_found'), [])
})

test('what came in is counted by type and state, within the time that is asked for', async () => {
  const api = await product.newTenant()
  const [one, two] = [await newSource(api), await newSource(api)]
  const sent = [
    await post(one, 'pi_counted', 'payment_intent.succeeded', 990),
    await post(one, 'pi_uncounted'),
    await post(two, 'pi_else', 'customer.created'),
  ]
  for (const id of sent) await ended(api, id)
  const typesOf = async (query: string) => {
    const read = await api.ok('GET', `/v1/messages/types?${query}`)
    assert.equal(read['counted_since'], null)
    return read['types']
  }
  const paid = { event_type: 'payment_intent.succeeded', count: 2, states: { completed: 1, failed: 1 } }
  const other = { event_type: 'customer.created', count: 1, states: { ignored: 1 } }
  const last = await api.ok('GET', `/v1/messages/${sent[2]}`)
  const until = new Date(Date.parse(String(last['received_at'])) + 1).toISOString()
  assert.deepEqual(await typesOf(`until=${until}`), [paid, other])
  assert.deepEqual(await typesOf(`until=${until}&source_id=${two.id}`), [other])
  assert.deepEqual(
    await typesOf(`since=${until}&until=${new Date(Date.parse(until) + 60_000).toISOString()}`),
    [],
  )
})

test('the story of a message has its bytes, its steps, its events, their deliveries and what is related', async () => {
  const api = await product.newTenant()
  await api.ok('POST', '/v1/subscriptions', {
    name: 'All',
    url: `${product.sandbox.url}/bin/story`,
    event_types: ['*'],
  })
  const source = await newSource(api)
  const first = await post(source, 'pi_story', 'payment_intent.created', 990)
  const id = await post(source, 'pi_story', 'payment_intent.succeeded', 990)
  await ended(api, first)
  await ended(api, id)
  const story = await eventually(async () => {
    const told = await api.ok('GET', `/v1/messages/${id}/story`)
    return (told['deliveries'] as Json[]).some(({ state }) => state === 'delivered') && told
  })
  const steps = (story['steps'] as Json[]).map(({ step }) => step)
  assert.deepEqual(steps, ['received', 'verified', 'stored', 'processed'])
  assert.deepEqual(
    (story['events'] as Json[]).map(({ type, message_id }) => [type, message_id]),
    [['payment.completed', id]],
  )
  assert.ok((story['related'] as Json[]).some((ref) => ref['id'] === first))
  assert.match(Buffer.from(String((story['message'] as Json)['body']), 'base64').toString(), /pi_story/)
})

test('the story tells what was verified when it came, whatever the source says since', async () => {
  const api = await product.newTenant()
  const source = await api.ok('POST', '/v1/sources', {
    provider: 'http',
    name: 'Changed later',
    settings: { signature: 'token', signature_header: 'x-token', event_id: 'id' },
    secrets: ['the-new-one', 'the-old-one'],
    options: { schema: { type: 'object', required: ['id'] } },
  })
  const send = async (body: Json, token: string) => {
    const headers = { 'content-type': 'application/json', 'x-token': token }
    const sent = { method: 'POST', headers, body: JSON.stringify(body) }
    return (await (await fetch(String(source['url']), sent)).json()) as Json
  }
  const of_old = await send({ id: 'm1' }, 'the-old-one')
  await send({ misfit: true }, 'the-new-one')
  await send({ id: 'm2' }, 'the-next-one')
  const hmac = { signature: 'hmac', signature_header: 'x-signature', event_id: 'id' }
  const path = `/v1/sources/${source['id']}`
  await api.ok('PATCH', path, { settings: { ...hmac, signature: 'token', signature_header: 'x-token' } })
  await api.ok('PATCH', path, { options: { schema: null } })
  const [unverified, misfit] = await api.list(`/v1/quarantine?source_id=${source['id']}`)
  const release = (one?: Json) => api.send('POST', `/v1/quarantine/${one?.['id']}/release`)
  assert.equal((await release(unverified)).status, 409, 'what it needs was not kept')
  const released = (await release(misfit)).body
  await api.ok('PATCH', path, { settings: hmac, secrets: ['another'] })
  const told = async ({ id }: Json) => {
    const { steps } = await api.ok('GET', `/v1/messages/${id}/story`)
    return (steps as Json[]).find(({ step }) => step === 'verified')?.['detail']
  }
  assert.equal(await told(of_old), 'by token with secret 2 of 2')
  assert.equal(await told(released), 'by token with secret 1 of 2')
  const { entries } = (await api.ok('GET', `/v1/stories/${of_old['id']}`)) as { entries: Json[] }
  const received = entries.find(({ kind }) => kind === 'received')
  assert.equal(received?.['detail'], 'verified by token with secret 2 of 2')
})

test('what was released tells that it verified on its release', async () => {
  const api = await product.newTenant()
  const source = await newSource(api)
  await api.ok('PATCH', `/v1/sources/${source['id']}`, { secrets: ['whsec_not_yet'] })
  await assert.rejects(post(source, 'pi_released'))
  await api.ok('PATCH', `/v1/sources/${source['id']}`, { secrets: [SECRET] })
  const [kept] = await api.list(`/v1/quarantine?source_id=${source['id']}`)
  const { id } = await api.ok('POST', `/v1/quarantine/${kept?.['id']}/release`)
  const { headers } = (await api.ok('GET', `/v1/messages/${id}`)) as { headers: Json }
  assert.equal(headers[':verified'], 'stripe with secret 1 of 1 on its release')
})

test('a message is erased for good, and on the record of who did it', async () => {
  const api = await product.newTenant()
  const id = await post(await newSource(api), 'pi_erase')
  await ended(api, id)
  assert.equal((await api.send('DELETE', `/v1/messages/${id}/body`)).status, 204)
  const message = await api.ok('GET', `/v1/messages/${id}`)
  const left = { ':verified': 'stripe with secret 1 of 1' }
  assert.deepEqual([message['body'], message['headers'], message['flags']], ['', left, ['erased']])
  assert.equal((await api.send('POST', `/v1/messages/${id}/replay`)).status, 409)
  const { rows } = await sql<{ action: string }>`
    select action from audit where target = ${id} order by id desc limit 1`.execute(product.app.db.owner)
  assert.equal(rows[0]?.action, 'message.erase')
})

test('a body that its source wants encrypted is stored sealed, and read and processed all the same', async () => {
  const api = await product.newTenant()
  const source = await newSource(api, { encrypt_bodies: true })
  const id = await post(source, 'pi_sealed', 'payment_intent.succeeded', 990)
  const message = await ended(api, id)
  assert.equal(message['state'], 'completed')
  assert.match(Buffer.from(String(message['body']), 'base64').toString(), /pi_sealed/)
  const { rows } = await sql<{
    body: Buffer
  }>`select body from inbox where id = ${fromWire('message', id)}`.execute(product.app.db.owner)
  assert.doesNotMatch(String(rows[0]?.body), /pi_sealed/)
  const [found] = await idsOf(api, 'q=pi_sealed')
  assert.equal(found, id)
})

const HOUR_AGO = () => new Date(Date.now() - 3_600_000).toISOString()

/** So many ignored messages of one type, put there without their webhooks. */
async function fill(api: Api, source: Source, count: number): Promise<void> {
  const [tenant_id, source_id] = [fromWire('tenant', api.tenant_id), fromWire('source', source.id)]
  const ids = Array.from({ length: count }, () => product.app.newId())
  const body = Buffer.from('{"id":"evt_x","type":"customer.created","data":{"object":{}}}')
  await sql`
    insert into inbox (tenant_id, id, source_id, event_key, headers, body, state, event_type, closed_at)
    select ${tenant_id}, i, ${source_id}, i::text, '{}', ${body}, 'ignored', 'customer.created', now()
      from unnest(${ids}::uuid[]) i`.execute(product.app.db.owner)
}

const progress = (api: Api, id: unknown, until: (replay: Json) => boolean) =>
  eventually(async () => {
    const replay = await api.ok('GET', `/v1/message-replays/${id}`)
    return until(replay) && replay
  })

test('messages are processed again by type, state and time, each once; a dry run only counts', async () => {
  const api = await product.newTenant()
  const source = await newSource(api)
  await fill(api, source, 2_500)
  const wanted = {
    source_id: source.id,
    states: ['ignored'],
    event_type: 'customer.created',
    since: HOUR_AGO(),
  }
  assert.deepEqual(await api.ok('POST', '/v1/message-replays', { ...wanted, dry_run: true }), {
    dry_run: true,
    total: 2_500,
  })
  const none = await api.ok('POST', '/v1/message-replays', {
    ...wanted,
    event_type: 'nothing.like.it',
    dry_run: true,
  })
  assert.equal(none['total'], 0)
  const { id } = await api.ok('POST', '/v1/message-replays', wanted)
  const replay = await progress(api, id, ({ state }) => state === 'completed')
  assert.deepEqual([replay['total'], replay['replayed']], [2_500, 2_500])
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from inbox where tenant_id = ${fromWire('tenant', api.tenant_id)} and flags = '{replayed}'`.execute(
    product.app.db.owner,
  )
  assert.equal(rows[0]?.n, 2_500)
})

test('a replay keeps to its rate, is paused, resumed and canceled, and goes on where it stood', async () => {
  const api = await product.newTenant()
  const source = await newSource(api)
  // A busy machine has ten seconds and more from the first of them to the last.
  await fill(api, source, 60)
  const wanted = { source_id: source.id, states: ['ignored'], since: HOUR_AGO(), per_second: 5 }
  const { id } = await api.ok('POST', '/v1/message-replays', wanted)
  await progress(api, id, ({ replayed }) => Number(replayed) > 0)
  const paused = await api.ok('POST', `/v1/message-replays/${id}/pause`)
  assert.deepEqual([paused['state'], Number(paused['replayed']) < 60], ['paused', true])
  assert.equal((await api.send('POST', `/v1/message-replays/${id}/pause`)).status, 409)
  await api.ok('POST', `/v1/message-replays/${id}/resume`)
  const replay = await progress(api, id, ({ state }) => state === 'completed')
  assert.equal(replay['replayed'], 60)
  const second = await api.ok('POST', '/v1/message-replays', { ...wanted, per_second: 1 })
  const canceled = await api.ok('POST', `/v1/message-replays/${second['id']}/cancel`)
  assert.equal(canceled['state'], 'canceled')
  assert.equal((await api.send('POST', `/v1/message-replays/${second['id']}/resume`)).status, 409)
})

test('messages that a replay has still to look at are not dropped with their day', async () => {
  const api = await product.newTenant()
  const source = await newSource(api)
  await fill(api, source, 5)
  const inbox = records(product.app).find(({ table }) => table === 'inbox')
  const held = async () => (await inbox?.held(floorId(new Date(Date.now() + 60_000)))) ?? 0
  await eventually(async () => (await held()) === 0)
  const wanted = { source_id: source.id, states: ['ignored'], since: HOUR_AGO(), per_second: 1 }
  const { id } = await api.ok('POST', '/v1/message-replays', wanted)
  await api.ok('POST', `/v1/message-replays/${id}/pause`)
  await eventually(async () => (await held()) === 1)
  await api.ok('POST', `/v1/message-replays/${id}/cancel`)
  await eventually(async () => (await held()) === 0)
})
