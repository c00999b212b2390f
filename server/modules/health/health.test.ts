import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { inTenant } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { providers } from '../../providers/index.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { eventually } from '../../test/product.ts'
import { routes as callRoutes } from '../calls/routes.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes as eventRoutes } from '../events/routes.ts'
import { check } from './health.ts'
import { findHealth, moveHealth } from './queries.ts'
import { routes } from './routes.ts'

let served: Served
let vendor: Server
/** What the vendor answers next. */
let status = 200
let said = '{}'
let asked: string[] = []
before(async () => {
  vendor = createServer((request, response) => {
    asked.push(String(request.url))
    response.writeHead(status).end(said)
  })
  vendor.listen(0, '127.0.0.1')
  served = await serve({ mount: { rooms: [connectionRoutes, callRoutes, eventRoutes, routes] }, providers })
})
after(() => vendor.close())

type Watched = { key: string; tenant_id: string; connection: string }

async function watch(checks: object = { timeout_ms: 20_000 }): Promise<Watched> {
  status = 200
  said = '{}'
  const { key, tenant_id } = await tenantWithKey(served, ['*'], 'test')
  const base_url = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`
  const body = { provider: 'http', name: 'x', environment: 'development', settings: { base_url } }
  const made = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(made.status, 201, made.text)
  const connection = String(made.body['id'])
  const set = await served.send('PATCH', `/v1/connections/${connection}/health`, { key, body: checks })
  assert.equal(set.status, 200, set.text)
  return { key, tenant_id, connection }
}

const rowOf = ({ tenant_id, connection }: Watched) =>
  inTenant(served.app.db, tenant_id, (tx) =>
    findHealth(tx, { tenant_id, connection_id: fromWire('connection', connection) }),
  )

/** Runs the link of now, as the worker does when it falls due. */
async function turn(watched: Watched, link?: string): Promise<void> {
  const id = link ?? (await rowOf(watched))?.job_id ?? ''
  const { tenant_id, connection } = watched
  const payload = { connection_id: fromWire('connection', connection) }
  await check(served.app, { tenant_id, id, payload, attempts: 1 })
}

const read = async ({ key, connection }: Watched, path = '') =>
  (await served.send('GET', `/v1/connections/${connection}/health${path}`, { key })).body

async function typesOf({ key }: Watched): Promise<string[]> {
  const { body } = await served.send('GET', '/v1/events', { key })
  return (body['data'] as { type: string }[]).map(({ type }) => type)
}

test('an outage is called one after three checks in a row, told once, and over after two good ones', async () => {
  const watched = await watch()
  await turn(watched)
  assert.equal((await read(watched))['status'], 'healthy')
  status = 503
  for (const expected of ['degraded', 'degraded', 'unhealthy', 'unhealthy']) {
    await turn(watched)
    assert.equal((await read(watched))['status'], expected)
  }
  assert.match(String((await read(watched))['note']), /503/)
  status = 200
  await turn(watched)
  assert.equal((await read(watched))['status'], 'degraded')
  await turn(watched)
  assert.equal((await read(watched))['status'], 'healthy')
  const changes = (await typesOf(watched)).filter((type) => type === 'connection.health_changed')
  assert.equal(changes.length, 4) // degraded, unhealthy, degraded, healthy
  const checks = (await read(watched, '/checks'))['data'] as { result: string; call_id: string }[]
  assert.deepEqual(
    checks.map(({ result }) => result),
    ['well', 'well', 'failed', 'failed', 'failed', 'failed', 'well'],
  )
  const call = await served.send('GET', `/v1/calls/${checks[0]?.call_id}`, { key: watched.key })
  assert.equal(call.body['operation'], 'health')
})

test('a link that ran twice asks twice and counts once, and the chain does not fork', async () => {
  const watched = await watch()
  const link = (await rowOf(watched))?.job_id ?? ''
  await Promise.all([turn(watched, link), turn(watched, link)])
  await turn(watched, link)
  assert.equal(((await read(watched, '/checks'))['data'] as unknown[]).length, 1)
  const jobs = await inTenant(served.app.db, watched.tenant_id, (tx) =>
    tx.selectFrom('job').select('id').where('tenant_id', '=', watched.tenant_id).execute(),
  )
  const next = (await rowOf(watched))?.job_id
  assert.ok(jobs.some(({ id }) => id === next))
})

test('checks read the path they were told and judge by the statuses they were told', async () => {
  const watched = await watch({ path: '/status?deep=1', statuses: [404], timeout_ms: 20_000 })
  status = 404
  asked = []
  await turn(watched)
  assert.deepEqual(asked, ['/status?deep=1'])
  assert.equal((await read(watched))['status'], 'healthy')
})

test('a vendor that answers 200 is not well where it does not say what it was expected to', async () => {
  const watched = await watch({ answer: { status: { $in: ['UP', 'ok'] } }, timeout_ms: 20_000 })
  for (const [answer, expected] of [
    ['{"status":"UP","db":"slow"}', 'healthy'],
    ['{"status":"DOWN"}', 'degraded'],
    ['up', 'degraded'],
    ['{}', 'unhealthy'],
  ] as const) {
    said = answer
    await turn(watched)
    assert.equal((await read(watched))['status'], expected, answer)
  }
  assert.match(String((await read(watched))['note']), /answered 200, and not what the check expects/)
  const path = `/v1/connections/${watched.connection}/health`
  const refused = await served.send('PATCH', path, {
    key: watched.key,
    body: { answer: { a: { $near: 1 } } },
  })
  assert.deepEqual([refused.status, refused.body['field']], [400, 'answer.a.$near'], refused.text)
})

test('a path that cannot be read is refused when it is set, and one that no longer can be fails its checks', async () => {
  const watched = await watch()
  const path = `/v1/connections/${watched.connection}/health`
  for (const wrong of ['/a b', '/../x', '/a#b']) {
    const refused = await served.send('PATCH', path, { key: watched.key, body: { path: wrong } })
    assert.deepEqual([refused.status, refused.body['field']], [400, 'path'], refused.text)
    assert.match(String(refused.body['detail']), /dot segments.*encode them/)
  }
  await inTenant(served.app.db, watched.tenant_id, (tx) =>
    moveHealth(
      tx,
      { tenant_id: watched.tenant_id, connection_id: fromWire('connection', watched.connection) },
      { path: '/a b' },
    ),
  )
  await turn(watched)
  const { status: found, note } = await read(watched)
  assert.equal(found, 'degraded')
  assert.match(String(note), /cannot be checked: path must begin/)
  const [check] = (await read(watched, '/checks'))['data'] as { result: string; call_id: null }[]
  assert.deepEqual([check?.result, check?.call_id], ['failed', null])
})

test('a disabled connection is not checked, and checks begin again when it is enabled', async () => {
  const watched = await watch()
  const { key, connection } = watched
  await served.send('PATCH', `/v1/connections/${connection}`, { key, body: { state: 'disabled' } })
  asked = []
  await turn(watched)
  assert.deepEqual(asked, [])
  assert.equal((await rowOf(watched))?.job_id, null)
  await served.send('PATCH', `/v1/connections/${connection}`, { key, body: { state: 'enabled' } })
  await turn(watched)
  assert.equal(asked.length, 1)
})

test('a connection without checks keeps none, and a deleted one leaves nothing', async () => {
  const watched = await watch({ every_s: null })
  assert.equal((await rowOf(watched))?.job_id, null)
  const { key, connection } = watched
  await served.send('DELETE', `/v1/connections/${connection}`, { key })
  assert.equal(await rowOf(watched), undefined)
})

test('the test of a connection says step by step what is wrong', async () => {
  const { key, connection } = await watch()
  status = 401
  const { body } = await served.send('POST', `/v1/connections/${connection}/test`, { key })
  const steps = body['diagnosis'] as { step: string; ok: boolean; detail: string }[]
  assert.deepEqual(
    steps.map(({ step, ok }) => [step, ok]),
    [
      ['name', true],
      ['reach', true],
      ['credentials', false],
      ['clock', true],
    ],
  )
})

test('a call that fails after a check that went well is seen at once', async () => {
  const watched = await watch()
  const { key, connection } = watched
  const path = `/v1/connections/${connection}`
  /** What calls find is written beside them, a moment after. */
  const healthIs = (wanted: string) =>
    eventually(async () => (await served.send('GET', path, { key })).body['health'] === wanted)
  const fail = async () => {
    status = 503
    const body = { method: 'GET', path: '/', retries: 0 }
    assert.equal((await served.send('POST', `${path}/calls`, { key, body })).body['state'], 'failed')
  }
  await fail()
  await healthIs('degraded')
  status = 200
  await turn(watched)
  await healthIs('healthy')
  await fail()
  await healthIs('degraded')
})
