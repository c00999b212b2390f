import assert from 'node:assert/strict'
import { before, beforeEach, describe, test } from 'node:test'
import { fromWire } from '../../platform/ids.ts'
import { type Api, apiOf, eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { type Receiver, startReceiver } from '../../test/receiver.ts'
import { schedules } from './jobs.ts'

let product: Product
let receiver: Receiver
/** A tenant of its own for each test. */
let api: Api

before(async () => {
  receiver = await startReceiver()
  product = await startProduct()
})
beforeEach(async () => {
  api = await product.newTenant()
})

const tokenOf = (link: Json): string => new URL(String(link['url'])).hash.slice(1)
const comeWith = (token: string, headers: Record<string, string> = {}): Api =>
  apiOf(product.url, { authorization: `Bearer ${token}`, ...headers }, token, '')
const makeLink = (customer: string, more: Json = {}) =>
  api.ok('POST', '/v1/portal/links', { customer, ...more })
/** A customer who came by a link. */
const customer = async (name: string, more: Json = {}): Promise<Api> =>
  comeWith(tokenOf(await makeLink(name, more)))

const subscribe = (who: Api, path: string, more: Json = {}): Promise<Json> =>
  who.ok('POST', '/v1/portal/subscriptions', {
    name: path.slice(1),
    url: receiver.base + path,
    event_types: ['webhook.received'],
    ...more,
  })
const publish = (more: Json = {}) =>
  api.ok('POST', '/v1/events', { type: 'webhook.received', data: { order: 1 }, ...more })
const at = (subscription: Json, rest = '') => `/v1/portal/subscriptions/${subscription['id']}${rest}`
const firstOf = (who: Api, subscription: Json, state: string) =>
  eventually(async () => (await who.list(at(subscription, `/deliveries?state=${state}`)))[0])

test('a customer subscribes, is sent their events and no others, and sees each attempt and what was sent', async () => {
  const ana = await customer('shop-1', { event_types: ['webhook.*'] })
  const made = await subscribe(ana, '/ana')
  assert.match(String(made['secret']), /^whsec_/)
  assert.equal((await publish())['deliveries'], 0, 'of nobody')
  assert.equal((await publish({ customer: 'shop-2' }))['deliveries'], 0, 'of another')
  const event = await api.ok(
    'POST',
    '/v1/events',
    '{"type":"webhook.received","customer":"shop-1","data":{"total":100.10000000000000000001}}',
  )
  assert.equal(event['deliveries'], 1)
  const { id } = await firstOf(ana, made, 'delivered')
  const delivery = await ana.ok('GET', at(made, `/deliveries/${id}`))
  assert.equal(delivery['event_id'], event['id'])
  assert.equal(delivery['data'], '{"total":100.10000000000000000001}')
  const [attempt] = delivery['log'] as Json[]
  assert.equal(attempt?.['status'], 200)
  assert.equal(receiver.at('/ana').length, 1)
  const read = await api.ok('GET', `/v1/subscriptions/${made['id']}`)
  assert.equal(read['customer'], 'shop-1')
})

test("the tenant's own subscriptions take the events of every customer, and those of one are found by their name", async () => {
  const all = { name: 'All', url: `${receiver.base}/all`, event_types: ['*'] }
  await api.ok('POST', '/v1/subscriptions', all)
  const theirs = await api.ok('POST', '/v1/subscriptions', { ...all, customer: 'shop-1' })
  assert.equal((await publish({ customer: 'shop-1' }))['deliveries'], 2)
  assert.equal((await publish({ customer: 'shop-2' }))['deliveries'], 1)
  const found = await api.list('/v1/subscriptions?customer=shop-1')
  assert.deepEqual(
    found.map(({ id }) => id),
    [theirs['id']],
  )
  const { body, status } = await api.send('PATCH', `/v1/subscriptions/${theirs['id']}`, {
    customer: 'shop-2',
  })
  assert.deepEqual([status, body['field']], [400, 'customer'])
})

test('events that a customer was never sent are sent later only where they are that customer’s', async () => {
  const since = new Date(Date.now() - 60_000).toISOString()
  await publish({ customer: 'shop-2' })
  await publish()
  await publish({ customer: 'shop-1' })
  const made = await subscribe(await customer('shop-1'), '/missed')
  const subscription_id = String(made['id'])
  const replay = { subscription_id, since, state: 'missing' }
  assert.equal((await api.ok('POST', '/v1/replays', { ...replay, dry_run: true }))['total'], 1)
})

test('a secret is shown, rotated with an overlap, and a test event is sent and resent', async () => {
  const ana = await customer('shop-1')
  const made = await subscribe(ana, '/secret')
  assert.equal((await ana.ok('GET', at(made, '/secret')))['secret'], made['secret'])
  const rotated = await ana.ok('POST', at(made, '/secret/rotate'), {})
  assert.notEqual(rotated['secret'], made['secret'])
  assert.ok(rotated['previous_secret_until'])
  const { delivery_id } = await ana.ok('POST', at(made, '/test'))
  await firstOf(ana, made, 'delivered')
  assert.equal((await ana.send('POST', at(made, `/deliveries/${delivery_id}/replay`))).status, 202)
  await eventually(async () => receiver.at('/secret').length === 2)
  await eventually(async () => Number((await ana.ok('GET', at(made, '/counters')))['delivered']) === 2)
  const { data } = await api.ok('GET', '/v1/audit')
  const done = (data as Json[]).filter(({ actor }) => String(actor).startsWith('ptl_'))
  assert.deepEqual(done.map(({ action }) => action).sort(), [
    'delivery.replay',
    'subscription.create',
    'subscription.read_secret',
    'subscription.rotate_secret',
    'subscription.test',
  ])
})

test('what failed is sent again in one go', async () => {
  const ana = await customer('shop-1')
  receiver.answer('/down', { status: 410 }, { status: 200 })
  const made = await subscribe(ana, '/down')
  await ana.ok('POST', at(made, '/test'))
  await firstOf(ana, made, 'failed')
  await eventually(async () => (await ana.ok('GET', at(made)))['state'] === 'disabled')
  await ana.ok('PATCH', at(made), { state: 'enabled' })
  const since = new Date(Date.now() - 60_000).toISOString()
  assert.equal((await ana.ok('POST', at(made, '/resend'), { since }))['total'], 1)
  await firstOf(ana, made, 'delivered')
})

test('a customer subscribes only to what the link allows, and to addresses of http', async () => {
  const ana = await customer('shop-1', { event_types: ['payment.*', 'webhook.received'] })
  const names = (await ana.list('/v1/portal/event-types')).map(({ name }) => String(name))
  assert.ok(names.includes('payment.completed') && names.includes('webhook.received'))
  assert.deepEqual(
    names.filter((name) => !/^(payment\.|webhook\.received$)/.test(name)),
    [],
  )
  const refused = async (more: Json) => {
    const body = { name: 'A', url: receiver.base, event_types: ['payment.*'], ...more }
    const reply = await ana.send('POST', '/v1/portal/subscriptions', body)
    return [reply.status, reply.body['field']]
  }
  for (const event_types of [['*'], ['webhook.*'], ['payments.*'], ['payment.*', 'event.published']])
    assert.deepEqual(await refused({ event_types }), [403, 'event_types'])
  assert.deepEqual(await refused({ url: 'amqp://localhost/?exchange=x' }), [400, 'url'])
  assert.deepEqual(await refused({ headers: { 'x-a': 'b' } }), [400, 'headers'])
  const made = await subscribe(ana, '/allowed', { event_types: ['payment.completed', 'payment.failed'] })
  const { status } = await ana.send('PATCH', at(made), { event_types: ['*'] })
  assert.equal(status, 403)
})

test('what a tenant keeps of a subscription to itself stays with it: the shape, the data behind it, what lets it in', async () => {
  const made = await api.ok('POST', '/v1/subscriptions', {
    name: 'Shaped',
    customer: 'shop-1',
    url: `${receiver.base}/shaped`,
    event_types: ['*'],
    headers: { 'x-key': 'k-1' },
    metadata: { plan: 'gold' },
    payload: { template: { order: '{{data.order}}' } },
  })
  await publish({ customer: 'shop-1', data: { order: 7, cost: 'kept-secret' } })
  const ana = await customer('shop-1')
  const { id } = await firstOf(ana, made, 'delivered')
  const shown = await ana.ok('GET', at(made, `/deliveries/${id}`))
  assert.equal(shown['data'], null)
  const all = JSON.stringify([
    shown,
    await ana.ok('GET', at(made)),
    await ana.list('/v1/portal/subscriptions'),
  ])
  for (const kept of ['kept-secret', 'k-1', 'gold', 'template']) assert.ok(!all.includes(kept), kept)
  const moved = await ana.send('PATCH', at(made), { url: `${receiver.base}/elsewhere` })
  assert.deepEqual([moved.status, moved.body['field']], [403, 'url'])
  assert.equal((await ana.send('PATCH', at(made), { name: 'Mine', url: String(made['url']) })).status, 200)
})

test('a customer cannot fill the tenant’s subscriptions alone', async () => {
  const ana = await customer('shop-1')
  for (let n = 0; n < 50; n++) await subscribe(ana, `/many-${n}`)
  const { status, body } = await ana.send('POST', '/v1/portal/subscriptions', {
    name: 'One more',
    url: receiver.base,
    event_types: ['*'],
  })
  assert.equal(status, 409)
  assert.match(String(body['detail']), /a customer has at most 50/)
  await subscribe(await customer('shop-2'), '/another')
})

test('a link for looking shows and changes nothing, and gives no secret away', async () => {
  const made = await subscribe(await customer('shop-1'), '/looked-at')
  const eve = await customer('shop-1', { can_edit: false })
  assert.equal((await eve.ok('GET', at(made)))['url'], `${receiver.base}/looked-at`)
  assert.equal((await eve.ok('GET', '/v1/portal'))['can_edit'], false)
  const tries: [string, string, Json?][] = [
    ['POST', '/v1/portal/subscriptions', { name: 'A', url: receiver.base, event_types: ['*'] }],
    ['PATCH', at(made), { name: 'B' }],
    ['DELETE', at(made)],
    ['GET', at(made, '/secret')],
    ['POST', at(made, '/secret/rotate'), {}],
    ['POST', at(made, '/test')],
    ['POST', at(made, '/resend'), { since: new Date(0).toISOString() }],
  ]
  for (const [method, path, body] of tries)
    assert.equal((await eve.send(method, path, body)).status, 403, `${method} ${path}`)
})

describe('a link', () => {
  const opens = async (token: string) => (await comeWith(token).send('GET', '/v1/portal')).status

  test('holds for its time and not a moment longer, however often it is used', async () => {
    const link = await makeLink('shop-1', { expires_in_s: 120 })
    const token = tokenOf(link)
    assert.equal(await opens(token), 200)
    const { app } = product
    const { clock } = app
    const now = () => new Date(Date.now() + 121_000)
    app.clock = { ...clock, now }
    try {
      assert.equal(await opens(token), 401)
    } finally {
      app.clock = clock
    }
    assert.equal(await opens(token), 200)
    for (const expires_in_s of [59, 86_401])
      assert.equal((await api.send('POST', '/v1/portal/links', { customer: 'a', expires_in_s })).status, 400)
  })

  test('goes once it is over', async () => {
    const { pool } = product.app.db.owner
    const [over, other] = [await makeLink('shop-1'), await makeLink('shop-1')]
    const id = fromWire('portal_link', String(over['id']))
    await pool.query("update portal_link set expires_at = now() - interval '1 s' where id = $1", [id])
    for (const { run } of schedules) await run(product.app)
    assert.deepEqual(
      (await api.list('/v1/portal/links')).map((link) => link['id']),
      [other['id']],
    )
  })

  test('is refused once it is revoked, one or all of a customer’s, and those of others go on', async () => {
    const [one, two, other] = [await makeLink('shop-1'), await makeLink('shop-1'), await makeLink('shop-2')]
    const tokens = [one, two, other].map(tokenOf)
    const all = () => Promise.all(tokens.map(opens))
    assert.deepEqual(await all(), [200, 200, 200])
    await api.ok('DELETE', `/v1/portal/links/${one['id']}`)
    assert.deepEqual(await all(), [401, 200, 200])
    assert.equal((await api.ok('POST', '/v1/portal/links/revoke', { customer: 'shop-1' }))['revoked'], 1)
    assert.deepEqual(await all(), [401, 401, 200])
    assert.deepEqual(
      (await api.list('/v1/portal/links')).map(({ id }) => id),
      [other['id']],
    )
    const stranger = await product.newTenant()
    assert.equal((await stranger.send('DELETE', `/v1/portal/links/${other['id']}`)).status, 404)
    assert.deepEqual(await all(), [401, 401, 200])
  })

  test('is worth nothing with one letter changed, cut short, by its id or by its hash', async () => {
    const link = await makeLink('shop-1')
    const token = tokenOf(link)
    const other = token.endsWith('A') ? 'B' : 'A'
    const forged = [
      token.slice(0, 30) + (token[30] === 'x' ? 'y' : 'x') + token.slice(31),
      `${token.slice(0, -2)}${other}${other}`,
      token.slice(0, -1),
      `${token}A`,
      `trl_portal_${link['id']}`,
      token.replace('trl_portal_', 'trl_live_'),
    ]
    for (const one of forged) assert.equal(await opens(one), 401, one)
    assert.equal(await opens(token), 200)
  })

  test('opens no other tenant by the header with which an administrator chooses', async () => {
    const stranger = await product.newTenant()
    const ana = comeWith(tokenOf(await makeLink('shop-1')), { 'trilho-tenant': stranger.tenant_id })
    assert.equal((await ana.send('GET', '/v1/portal/subscriptions')).status, 403)
  })

  test('is shown once: no answer, no audit row and no table has its token', async () => {
    const link = await makeLink('shop-1')
    const token = tokenOf(link)
    const { rows } = await product.app.db.owner.pool.query<{ text: string }>(
      'select t::text as text from portal_link t',
    )
    const shown = [rows, await api.list('/v1/portal/links'), await api.list('/v1/audit')]
    assert.ok(!JSON.stringify(shown).includes(token))
  })

  test('is refused where its theme or a frame could say more than it should in a header', async () => {
    const refused = async (more: Json) => {
      const { status, body } = await api.send('POST', '/v1/portal/links', { customer: 'a', ...more })
      return status === 400 && body['field']
    }
    for (const logo_url of [
      'http://example.com/a.png',
      'https://a;sandbox/a.png',
      'https://u:p@example.com/',
    ])
      assert.equal(await refused({ theme: { logo_url } }), 'theme.logo_url', logo_url)
    for (const origin of [
      'http://example.com',
      'https://example.com/path',
      'https://*',
      "https://a;script-src'self'",
      'https://u@example.com',
    ])
      assert.match(String(await refused({ frame_origins: [origin] })), /^frame_origins/, origin)
    assert.equal(await refused({ theme: { color: 'red;' } }), 'theme.color')
  })
})

test('the page may be framed by the origins of its link alone, and a logo comes from its own', async () => {
  const theme = { logo_url: 'https://cdn.example.com/logo.svg' }
  const link = await makeLink('shop-1', { theme, frame_origins: ['https://app.example.com'] })
  const page = async (path: string) => {
    const { status, headers } = await fetch(product.url + path)
    return {
      status,
      policy: headers.get('content-security-policy') ?? '',
      old: headers.get('x-frame-options'),
    }
  }
  const framed = await page(`/portal/${link['id']}`)
  assert.equal(framed.status, 200)
  assert.match(framed.policy, /frame-ancestors https:\/\/app\.example\.com$/)
  assert.match(framed.policy, /img-src 'self' data: https:\/\/cdn\.example\.com;/)
  assert.match(framed.policy, /script-src 'self' 'nonce-|script-src 'self';/)
  assert.equal(framed.old, null)
  const closed = await makeLink('shop-1')
  for (const path of [`/portal/${closed['id']}`, '/portal/ptl_01jz8k3v9mf2tb7xq4c5n6p8rs', '/portal/x']) {
    const { policy, old } = await page(path)
    assert.match(policy, /frame-ancestors 'none'$/, path)
    assert.equal(old, 'DENY')
  }
})
