import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { inTenant } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { providers } from '../../providers/index.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { createKey } from '../tenants/tenants.ts'
import { openConnection } from './connections.ts'
import { routes } from './routes.ts'

let served: Served
before(async () => {
  served = await serve({ mount: { rooms: [routes] }, providers })
})

const STRIPE = {
  provider: 'stripe',
  name: 'Loja',
  environment: 'development',
  credentials: { secret_key: 'sk_test_4eC39HqLyjWDarjtT1zdp7dc' },
}

async function made(body: object = STRIPE) {
  const { key, tenant_id } = await tenantWithKey(served, ['connections:*'], 'test')
  const reply = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(reply.status, 201, reply.text)
  return { key, tenant_id, id: String(reply.body['id']), reply }
}

test('a connection comes back with the names of its credentials and never with their values', async () => {
  const { key, id, reply } = await made()
  const read = await served.send('GET', `/v1/connections/${id}`, { key })
  const list = await served.send('GET', '/v1/connections', { key })
  assert.deepEqual(read.body['credentials'], ['secret_key'])
  for (const { text } of [reply, read, list]) assert.doesNotMatch(text, /sk_test/)
  assert.ok(!served.lines.some((line) => JSON.stringify(line).includes('sk_test_4eC39')))
})

test('a connection says what it is for and who made it', async () => {
  const { key, id, reply } = await made({ ...STRIPE, description: 'Subscriptions' })
  assert.equal(reply.body['description'], 'Subscriptions')
  assert.match(String(reply.body['created_by']), /^key_/)
  const path = `/v1/connections/${id}`
  const changed = await served.send('PATCH', path, { key, body: { description: null } })
  assert.deepEqual(
    [changed.body['description'], changed.body['created_by']],
    [null, reply.body['created_by']],
  )
})

test('what does not fit the provider is refused, naming each field, and nothing is made', async () => {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const body = { ...STRIPE, settings: { acount: 'acct_1', base_url: 'ftp://x' }, credentials: {} }
  const reply = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(reply.status, 422)
  assert.equal(reply.body['code'], 'invalid_settings')
  const fields = (reply.body['errors'] as { field: string }[]).map(({ field }) => field)
  assert.deepEqual(fields.sort(), ['credentials.secret_key', 'settings.acount', 'settings.base_url'])
  assert.deepEqual((await served.send('GET', '/v1/connections', { key })).body['data'], [])
})

test('an unknown provider is refused with the list of the known ones', async () => {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const reply = await served.send('POST', '/v1/connections', { key, body: { ...STRIPE, provider: 'strype' } })
  assert.equal(reply.status, 422)
  assert.match(String(reply.body['detail']), /strype.*known ones are .*http, .*stripe/)
})

test('credentials are replaced as a whole, settings beside them stay', async () => {
  const body = {
    provider: 'http',
    name: 'ERP',
    environment: 'staging',
    settings: { base_url: 'http://erp.test', auth: 'basic' },
    credentials: { username: 'ana', password: 'one-password' },
  }
  const { key, tenant_id, id } = await made(body)
  const part = { credentials: { password: 'two-password' } }
  const partial = await served.send('PATCH', `/v1/connections/${id}`, { key, body: part })
  assert.equal(partial.status, 422, 'the user name was not merged in from before')
  const whole = { credentials: { username: 'rui', password: 'two-password' } }
  const changed = await served.send('PATCH', `/v1/connections/${id}`, { key, body: whole })
  assert.equal(changed.status, 200)
  assert.deepEqual(changed.body['settings'], body.settings)
  const { opened } = await openConnection(served.app, tenant_id, fromWire('connection', id))
  assert.deepEqual(opened.credentials, whole.credentials)
})

test('how old the credentials are is told, and another change leaves it as it is', async () => {
  const { key, id, reply } = await made()
  const set_at = reply.body['credentials_set_at']
  assert.ok(Date.parse(String(set_at)) > 0, 'when they were given')
  const renamed = await served.send('PATCH', `/v1/connections/${id}`, { key, body: { name: 'Outra' } })
  assert.equal(renamed.body['credentials_set_at'], set_at)
  const body = { credentials: { secret_key: 'sk_test_other000000000000000000000' } }
  const replaced = await served.send('PATCH', `/v1/connections/${id}`, { key, body })
  assert.ok(Date.parse(String(replaced.body['credentials_set_at'])) > Date.parse(String(set_at)))
  const { body: list } = await served.send('GET', '/v1/connections?limit=200', { key })
  const listed = (list['data'] as (typeof list)[]).find((one) => one['id'] === id)
  assert.deepEqual(listed?.['credentials'], replaced.body['credentials'])
  assert.equal(listed?.['credentials_set_at'], replaced.body['credentials_set_at'])
})

test('a change of settings is checked together with the credentials that stay', async () => {
  const { key, id } = await made({
    provider: 'http',
    name: 'ERP',
    environment: 'development',
    settings: { base_url: 'http://erp.test', auth: 'bearer' },
    credentials: { token: 'abcdef' },
  })
  const body = { settings: { base_url: 'http://erp.test' } }
  const reply = await served.send('PATCH', `/v1/connections/${id}`, { key, body })
  assert.equal(reply.status, 422)
  assert.match(String(reply.body['detail']), /credentials\.token/)
})

test('a test key never touches a production connection, nor a live key another', async () => {
  const { key, tenant_id, id } = await made()
  const system = {
    kind: 'system',
    id: 'test',
    tenant_id,
    environment: 'live',
    scopes: ['admin'],
    ip: null,
  } as const
  const live = await createKey(
    served.app,
    { ...system, request_id: null },
    { name: 'Live', environment: 'live', scopes: ['*'] },
  )
  const tries = [
    served.send('POST', '/v1/connections', { key, body: { ...STRIPE, environment: 'production' } }),
    served.send('PATCH', `/v1/connections/${id}`, { key, body: { environment: 'production' } }),
    served.send('PATCH', `/v1/connections/${id}`, { key: live.key, body: { name: 'x' } }),
    served.send('DELETE', `/v1/connections/${id}`, { key: live.key }),
  ]
  for (const reply of await Promise.all(tries)) {
    assert.equal(reply.status, 403, reply.text)
    assert.match(String(reply.body['detail']), /use a (live|test) key/)
  }
})

test('credentials of one world of the vendor are not taken for the other, when made or changed', async () => {
  const { key, id } = await made()
  const live = { secret_key: 'sk_live_4eC39HqLyjWDarjtT1zdp7dc' }
  const changed = await served.send('PATCH', `/v1/connections/${id}`, { key, body: { credentials: live } })
  assert.deepEqual([changed.status, changed.body['field']], [422, 'credentials.secret_key'], changed.text)
  const { key: live_key } = await tenantWithKey(served, ['connections:*'], 'live')
  const body = { ...STRIPE, environment: 'production' }
  const refused = await served.send('POST', '/v1/connections', { key: live_key, body })
  assert.deepEqual([refused.status, refused.body['field']], [422, 'credentials.secret_key'])
  assert.match(String(refused.body['detail']), /test world, and this is a production connection/)
  assert.doesNotMatch(refused.text, /4eC39/)
  const taken = await served.send('POST', '/v1/connections', {
    key: live_key,
    body: { ...body, credentials: live },
  })
  assert.equal(taken.status, 201)
})

test("another tenant's connection is not there", async () => {
  const { id } = await made()
  const { key, tenant_id } = await tenantWithKey(served, ['*'], 'test')
  for (const [method, body] of [['GET'], ['PATCH', { name: 'mine' }], ['DELETE']] as const) {
    const reply = await served.send(method, `/v1/connections/${id}`, { key, body })
    assert.equal(reply.status, 404, `${method}: ${reply.text}`)
  }
  await assert.rejects(openConnection(served.app, tenant_id, fromWire('connection', id)), {
    code: 'not_found',
  })
})

test('a change reaches what a process remembers', async () => {
  const { key, tenant_id, id } = await made()
  const uuid = fromWire('connection', id)
  const before = await openConnection(served.app, tenant_id, uuid)
  assert.equal(await openConnection(served.app, tenant_id, uuid), before, 'remembered')
  await served.send('PATCH', `/v1/connections/${id}`, { key, body: { state: 'disabled' } })
  const after = await openConnection(served.app, tenant_id, uuid)
  assert.equal(after.state, 'disabled')
  assert.equal(after.version, before.version + 1)
})

test('a deleted connection takes its credentials along', async () => {
  const { key, tenant_id, id } = await made()
  const owner_id = fromWire('connection', id)
  assert.equal((await served.send('DELETE', `/v1/connections/${id}`, { key })).status, 204)
  assert.equal((await served.send('GET', `/v1/connections/${id}`, { key })).status, 404)
  const left = await inTenant(served.app.db, tenant_id, (tx) =>
    served.app.vault.getAll(tx, { tenant_id, owner_id }),
  )
  assert.deepEqual(left, {})
})

test('every change is in the audit log, without a secret', async () => {
  const { key, id } = await made()
  await served.send('PATCH', `/v1/connections/${id}`, {
    key,
    body: { credentials: { secret_key: 'sk_test_other1' } },
  })
  await served.send('DELETE', `/v1/connections/${id}`, { key })
  const actions = await auditOf(id)
  assert.deepEqual(
    actions.map(({ action }) => action),
    ['connection.create', 'connection.update', 'connection.delete'],
  )
  assert.doesNotMatch(JSON.stringify(actions), /sk_test/)
})

async function auditOf(target: string): Promise<{ action: string; detail: unknown }[]> {
  return served.app.db.owner
    .selectFrom('audit')
    .select(['action', 'detail'])
    .where('target', '=', target)
    .orderBy('id')
    .execute()
}

test('pages go from the newest to the oldest', async () => {
  const { key } = await made()
  for (const name of ['b', 'c'])
    await served.send('POST', '/v1/connections', { key, body: { ...STRIPE, name } })
  const first = await served.send('GET', '/v1/connections?limit=2', { key })
  const rest = await served.send('GET', `/v1/connections?limit=2&cursor=${first.body['next_cursor']}`, {
    key,
  })
  const names = [first, rest].map(({ body }) => (body['data'] as { name: string }[]).map(({ name }) => name))
  assert.deepEqual(names, [['c', 'b'], ['Loja']])
  assert.equal(rest.body['next_cursor'], null)
})

test('the catalog tells the fields and operations of each provider', async () => {
  const { key } = await tenantWithKey(served, ['connections:read'], 'test')
  const { body } = await served.send('GET', '/v1/providers/stripe', { key })
  assert.ok((body['fields'] as { key: string }[]).some((field) => field.key === 'secret_key'))
  assert.ok(
    (body['operations'] as { operation: string }[]).some(({ operation }) => operation === 'payments.create'),
  )
  assert.equal((await served.send('GET', '/v1/providers/nope', { key })).status, 404)
})
