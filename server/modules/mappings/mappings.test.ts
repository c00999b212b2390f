import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { providers } from '../../providers/index.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { type Reply, type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import type { Actor } from '../app.ts'
import { routes as callRoutes } from '../calls/routes.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes as operationRoutes } from '../operations/routes.ts'
import { createKey } from '../tenants/tenants.ts'
import { routes } from './routes.ts'

let served: Served
let sandbox: Sandbox
before(async () => {
  sandbox = await startSandbox({ port: 0 })
  served = await serve({
    mount: { rooms: [routes, connectionRoutes, operationRoutes, callRoutes] },
    providers,
  })
})
after(() => sandbox.stop())

const send = (method: string, path: string, key: string, body?: object): Promise<Reply> =>
  served.send(method, path, { key, ...(body && { body }) })

const connect = (key: string, more: object = {}): Promise<Reply> =>
  send('POST', '/v1/connections', key, {
    provider: 'http',
    name: 'x',
    environment: 'development',
    settings: { base_url: `${sandbox.url}/echo` },
    ...more,
  })

const renames = (ours: string) => ({ out: [{ kind: 'map', fields: { path: ours }, others: 'drop' }] })

async function begin() {
  const { key, tenant_id } = await tenantWithKey(served, ['*'], 'test')
  const made = await send('POST', '/v1/mappings', key, { name: 'where', ...renames('at') })
  assert.equal(made.status, 201, made.text)
  return { key, tenant_id }
}

const called = async (key: string, id: unknown, body: object): Promise<Reply['body']> => {
  const reply = await send('POST', `/v1/connections/${id}/calls`, key, {
    method: 'GET',
    path: '/anything/p',
    ...body,
  })
  assert.equal(reply.status, 200, reply.text)
  return reply.body
}

test('a mapping with a name maps for connections, operations and calls, and a change of it for all of them', async () => {
  const { key } = await begin()
  const { body } = await connect(key, { mapping: 'where' })
  assert.equal(body['mapping'], 'where')
  const at = `/v1/connections/${body['id']}/operations`
  const stored = { name: 'look', method: 'GET', path: '/anything/p', mapping: 'where' }
  assert.equal((await send('POST', at, key, stored)).status, 201)
  const plain = await connect(key)
  const results = async () => {
    const own = await called(key, body['id'], {})
    const operation = await send('POST', `/v1/connections/${body['id']}/calls`, key, { operation: 'look' })
    const asked = await called(key, plain.body['id'], { mapping: 'where' })
    return [own, operation.body, asked].map((report) => {
      assert.equal(report['state'], 'succeeded', JSON.stringify(report))
      return Object.keys(report['result'] as object)
    })
  }
  assert.deepEqual(await results(), [['at'], ['at'], ['at']])
  const changed = await send('PUT', '/v1/mappings/where', key, { description: 'Where', ...renames('place') })
  assert.deepEqual([changed.status, changed.body['version']], [200, 2], changed.text)
  let seen = await results()
  for (let n = 0; n < 100 && seen.flat().includes('at'); n++) {
    await sleep(20)
    seen = await results()
  }
  assert.deepEqual(seen, [['place'], ['place'], ['place']])
})

test('a mapping that is named by somebody is not deleted, and the refusal says by whom', async () => {
  const { key } = await begin()
  const { body } = await connect(key, { mapping: 'where' })
  const at = `/v1/connections/${body['id']}`
  const stored = { name: 'look', method: 'GET', path: '/anything/p', mapping: 'where' }
  await send('POST', `${at}/operations`, key, stored)
  const refused = await send('DELETE', '/v1/mappings/where', key)
  assert.equal(refused.status, 409)
  assert.ok(String(refused.body['detail']).includes(`used by connection ${body['id']}, operation look of`))
  const { used_by } = (await send('GET', '/v1/mappings/where', key)).body
  assert.deepEqual(used_by, [
    { connection_id: body['id'], operation: null },
    { connection_id: body['id'], operation: 'look' },
  ])
  await send('PATCH', at, key, { mapping: renames('mine') })
  assert.equal((await send('DELETE', '/v1/mappings/where', key)).status, 409)
  await send('DELETE', `${at}/operations/look`, key)
  assert.equal((await send('DELETE', '/v1/mappings/where', key)).status, 204)
  assert.equal((await send('GET', '/v1/mappings/where', key)).status, 404)
})

test('what a connection named is free again when the connection is gone', async () => {
  const { key } = await begin()
  const { body } = await connect(key, { mapping: 'where' })
  assert.equal((await send('DELETE', `/v1/connections/${body['id']}`, key)).status, 204)
  assert.equal((await send('DELETE', '/v1/mappings/where', key)).status, 204)
})

test('a name that nobody gave is refused where it is written, and so are steps that could never run', async () => {
  const { key } = await begin()
  const { body } = await connect(key)
  const at = `/v1/connections/${body['id']}`
  const named = { method: 'GET', path: '/anything/p', mapping: 'nobody' }
  for (const refused of [
    await connect(key, { mapping: 'nobody' }),
    await send('PATCH', at, key, { mapping: 'nobody' }),
    await send('POST', `${at}/operations`, key, { name: 'look', ...named }),
    await send('POST', `${at}/calls`, key, named),
  ]) {
    assert.deepEqual([refused.status, refused.body['field']], [400, 'mapping'], refused.text)
  }
  const broken = { out: [{ kind: 'map', fields: { 'a[]': 'b' } }] }
  const told = await send('PUT', '/v1/mappings/where', key, broken)
  assert.equal(told.status, 400, told.text)
  assert.match(String(told.body['field']), /^out\.0/)
  const twice = await send('POST', '/v1/mappings', key, { name: 'where' })
  assert.deepEqual([twice.status, twice.body['field']], [409, 'name'])
})

test('a production connection uses only what a live key wrote, and then a test key does not change it', async () => {
  const { key, tenant_id } = await begin()
  const actor: Actor = {
    kind: 'system',
    id: 'test',
    tenant_id,
    environment: 'live',
    scopes: ['admin'],
    ip: null,
    request_id: null,
  }
  const live = (await createKey(served.app, actor, { name: 'x', environment: 'live', scopes: ['*'] })).key
  const production = { environment: 'production', mapping: 'where' }
  const early = await connect(live, production)
  assert.deepEqual([early.status, early.body['field']], [400, 'mapping'], early.text)
  assert.equal((await send('PUT', '/v1/mappings/where', live, renames('at'))).status, 200)
  assert.equal((await connect(live, production)).status, 201)
  assert.equal((await send('PUT', '/v1/mappings/where', key, renames('b'))).status, 403)
  assert.equal((await send('DELETE', '/v1/mappings/where', key)).status, 403)
  assert.equal((await connect(key, { mapping: 'where' })).status, 201, 'test uses it too')
})

test('a mapping is its tenant’s alone', async () => {
  const { key } = await begin()
  const other = (await tenantWithKey(served, ['*'], 'test')).key
  assert.equal((await send('GET', '/v1/mappings/where', other)).status, 404)
  assert.deepEqual((await send('GET', '/v1/mappings', other)).body['data'], [])
  assert.equal((await connect(other, { mapping: 'where' })).status, 400)
  assert.equal(((await send('GET', '/v1/mappings', key)).body['data'] as unknown[]).length, 1)
})
