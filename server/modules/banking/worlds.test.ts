import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { type ModelBank, modelProvider, openModelBank } from '../../test/model_bank.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes } from './routes.ts'

/** Banks on connections of production and of development, and keys of both worlds. */
let served: Served
let vendor: ModelBank
let live: string
let trial: string

before(async () => {
  vendor = await openModelBank()
  const provider = modelProvider({ history_days: 5 })
  served = await serve({
    providers: new Map([[provider.id, provider]]),
    mount: { rooms: [connectionRoutes, routes] },
  })
  live = (await tenantWithKey(served, ['*'], 'live')).key
  const body = { name: 'Trial', environment: 'test', scopes: ['banking'] }
  trial = String((await served.send('POST', '/v1/keys', { key: live, body })).body['key'])
})

const send = (key: string, method: string, path: string, body?: unknown) =>
  served.send(method, path, { key, ...(body !== undefined && { body }) })

async function newBank(user_id: string, key: string, more: object = {}) {
  const settings = { base_url: vendor.url }
  const about = { user_id, name: 'Model', bank_code: '00000000', schedule: null }
  const on = 'connection_id' in more ? {} : { provider: 'model_bank', settings }
  const reply = await send(key, 'POST', '/v1/banks', { ...about, ...on, ...more })
  assert.equal(reply.status, 201, reply.text)
  return reply.body
}

test('a test key changes, reads anew and removes no bank of the live world', async () => {
  const { connection_id } = await newBank('ana', live)
  const { id, number } = await newBank('ana', live, { connection_id })
  const bank = `/v1/banks/${id}`
  const attempts = [
    ['POST', `${bank}/sync`],
    ['PATCH', bank, { state: 'inactive' }],
    ['PATCH', bank, { schedule: '0 6 * * *' }],
    ['DELETE', bank],
    ['DELETE', `/api/users/ana/banks/${number}`],
    ['POST', '/api/users/ana/openfinance/sync', { provider: '00000000', bank_id: number }],
  ] as const
  for (const [method, path, body] of attempts)
    assert.equal((await send(trial, method, path, body)).status, 403, `${method} ${path}`)
  assert.equal((await send(trial, 'POST', '/api/users/ana/openfinance/sync-all')).status, 404)
  const { data } = (await send(live, 'GET', '/v1/bank-syncs')).body
  assert.deepEqual(data, [])
  const now = (await send(live, 'GET', bank)).body
  assert.deepEqual([now['state'], now['schedule']], ['active', null])
  assert.equal((await send(live, 'PATCH', bank, { schedule: '0 6 * * *' })).status, 200)
  assert.equal((await send(live, 'DELETE', bank)).status, 204)
})

test('a bank whose connection another stands on is not removed before that one', async () => {
  const owner = await newBank('bia', live)
  const guest = await newBank('bia', live, { connection_id: owner['connection_id'] })
  const refused = await send(live, 'DELETE', `/v1/banks/${owner['id']}`)
  assert.equal(refused.status, 409)
  assert.match(String(refused.body['detail']), /used by a source or another bank/)
  assert.equal((await send(live, 'GET', `/v1/banks/${owner['id']}`)).status, 200)
  assert.equal((await send(live, 'DELETE', `/v1/banks/${guest['id']}`)).status, 204)
  assert.equal((await send(live, 'DELETE', `/v1/banks/${owner['id']}`)).status, 204)
})
