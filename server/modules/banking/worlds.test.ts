import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { Provider } from '../../kit/provider.ts'
import { fromWire } from '../../platform/ids.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { type ModelBank, modelProvider, openModelBank } from '../../test/model_bank.ts'
import { openConnection } from '../connections/connections.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes } from './routes.ts'
import { runSync } from './sync.ts'
import { claimSyncs } from './sync_queries.ts'

/** Banks on connections of production and of development, and keys of both worlds. */
let served: Served
let vendor: ModelBank
let live: string
let owner: { tenant_id: string; key: string }
let trial: string

before(async () => {
  vendor = await openModelBank()
  const provider = modelProvider({ history_days: 5 })
  const plain: Provider = {
    ...provider,
    id: 'plain_bank',
    fields: [
      ...provider.fields,
      ...['client_id', 'client_secret'].map((key) => ({ key, label: key, secret: true, required: true })),
    ],
  }
  served = await serve({
    providers: new Map([provider, plain].map((one) => [one.id, one])),
    mount: { rooms: [connectionRoutes, routes] },
  })
  owner = await tenantWithKey(served, ['*'], 'live')
  live = owner.key
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

test('a test key gives no category to what a bank of the live world told, also once the bank is gone', async () => {
  vendor.accounts.set('one', [
    {
      ...{ vendor_id: 'a', status: 'booked', money: { amount: '-100', currency: 'BRL' }, kind: 'pix' },
      ...{ description: 'Lunch', at: new Date().toISOString(), is_final: true },
    },
  ])
  for (const [environment, key, other] of [
    ['production', live, trial],
    ['development', trial, live],
  ] as const) {
    const bank = await newBank(environment, key, { environment })
    const path = `/v1/bank-transactions/${await transactionOf(environment, bank['id'], key)}`
    assert.equal((await send(other, 'PATCH', path, { category: 'food' })).status, 403)
    assert.equal((await send(key, 'PATCH', path, { category: 'food' })).status, 200)
    assert.equal((await send(key, 'DELETE', `/v1/banks/${bank['id']}`)).status, 204)
    assert.equal((await send(other, 'PATCH', path, { category: null })).status, 403)
    assert.equal((await send(key, 'GET', path)).body['category'], 'food')
    assert.equal((await send(key, 'PATCH', path, { category: null })).status, 200)
  }
})

async function transactionOf(user_id: string, bank_id: unknown, key: string): Promise<unknown> {
  assert.equal((await send(key, 'POST', `/v1/banks/${bank_id}/sync`)).status, 202)
  const { items } = await claimSyncs(served.app.db.worker, {
    id: crypto.randomUUID(),
    limit: 8,
    ahead: false,
  })
  for (const due of items) await runSync(served.app, due, () => true)
  const { data } = (await send(key, 'GET', `/v1/bank-transactions?user_id=${user_id}`)).body
  return (data as { id: string }[])[0]?.id
}

test('a bank that is connected again by the contract is the bank it was, with the secrets sent last', async () => {
  const path = '/api/users/dora/banks'
  const sent = { bank_name: 'Plain', bank_code: '18236120', provider: 'plain_bank', base_url: vendor.url }
  const body = { ...sent, client_id: 'a-client', client_secret: 'first' }
  const connect = async (more: object = {}, key = live) => {
    const reply = await send(key, 'POST', path, { ...body, ...more })
    assert.equal(reply.status, 201, reply.text)
    return reply.body['id']
  }
  const both = await Promise.all([connect(), connect()])
  assert.equal(both[0], both[1])
  assert.equal(await connect({ client_secret: 'second', unknown: 1 }), both[0])
  const others = [
    await connect({ client_id: 'of-another-company' }),
    await connect({ bank_name: 'Joint' }),
    await connect({}, trial),
  ]
  assert.equal(new Set([both[0], ...others]).size, 4)
  const { banks } = (await send(live, 'GET', path)).body as { banks: { id: unknown }[] }
  assert.equal(banks.length, 4)
  const { data } = (await send(live, 'GET', '/v1/banks?user_id=dora')).body as {
    data: { number: number; connection_id: string }[]
  }
  const first = data.find(({ number }) => number === both[0])
  const { tenant_id } = owner
  const connection_id = fromWire('connection', String(first?.connection_id))
  const { opened } = await openConnection(served.app, tenant_id, connection_id)
  assert.deepEqual({ ...opened.credentials }, { client_id: 'a-client', client_secret: 'second' })
  assert.equal((await send(live, 'DELETE', `${path}/${both[0]}`)).status, 200)
  assert.notEqual(await connect(), both[0])
})
