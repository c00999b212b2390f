import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Job, startJobs } from '../../platform/jobs/jobs.ts'
import { providers } from '../../providers/index.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes as eventRoutes } from '../events/routes.ts'
import { closeAbandonedCalls, handlers } from './jobs.ts'
import { writeCalls } from './queries.ts'
import { routes } from './routes.ts'

let served: Served
let vendor: string
before(async () => {
  served = await serve({ mount: { rooms: [connectionRoutes, eventRoutes, routes] }, providers })
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/no' ? 404 : 200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => void server.close())
  vendor = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

type Connected = { key: string; tenant_id: string; path: string; id: string }

async function connect(call_events?: string): Promise<Connected> {
  const { key, tenant_id } = await tenantWithKey(served, ['*'], 'test')
  const about = { provider: 'http', name: 'x', environment: 'development', settings: { base_url: vendor } }
  const made = await served.send('POST', '/v1/connections', {
    key,
    body: { ...about, ...(call_events && { call_events }) },
  })
  assert.equal(made.status, 201, made.text)
  assert.equal(made.body['call_events'], call_events ?? 'none')
  const id = String(made.body['id'])
  return { key, tenant_id, id, path: `/v1/connections/${id}` }
}

async function call({ key, path }: Connected, at: string): Promise<string> {
  const body = { method: 'GET', path: at, retries: 0 }
  const { status, body: report, text } = await served.send('POST', `${path}/calls`, { key, body })
  assert.equal(status, 200, text)
  return String(report['id'])
}

type Told = { type: string; data: Record<string, unknown> }

async function eventsOf({ key }: Connected): Promise<Told[]> {
  const { body } = await served.send('GET', '/v1/events', { key })
  return (body['data'] as Told[]).toReversed()
}

const jobsOf = async ({ tenant_id }: Connected): Promise<Job[]> => {
  const sql =
    "select tenant_id, id, payload::text, attempts from job where tenant_id = $1 and kind = 'calls.tell' order by id"
  const { rows } = await served.app.db.owner.pool.query<Job & { payload: string }>(sql, [tenant_id])
  return rows.map((row) => ({ ...row, payload: JSON.parse(row.payload) }))
}

/** The jobs that stand there now, once each; their number. */
async function run(at: Connected): Promise<number> {
  const jobs = await waitingJobs(at)
  const tell = handlers(served.app).get('calls.tell')
  for (const job of jobs) await tell?.(job)
  return jobs.length
}

/** A close is on its way when the caller is told: it is waited for by the record of the call. */
async function waitingJobs(at: Connected): Promise<Job[]> {
  for (let tries = 0; tries < 3_000; tries++) {
    const { body } = await served.send('GET', `/v1/calls?connection_id=${at.id}`, { key: at.key })
    if ((body['data'] as { state: string }[]).every(({ state }) => state !== 'started')) return jobsOf(at)
    await sleep(20)
  }
  return assert.fail('a call was never closed on record')
}

test('each call of a connection that asks for it is told of, once, with how it went', async () => {
  const at = await connect('all')
  const [good, bad] = [await call(at, '/yes'), await call(at, '/no')]
  const jobs = await waitingJobs(at)
  const tell = handlers(served.app).get('calls.tell')
  assert.ok(tell)
  // A job may be run more than once, by processes that know nothing of each other.
  for (const job of [...jobs, ...jobs]) await tell(job)
  const told = await eventsOf(at)
  assert.deepEqual(
    told.map(({ type, data }) => [type, data['call_id'], data['state'], data['status'], data['operation']]),
    [
      ['call.completed', good, 'succeeded', 200, null],
      ['call.failed', bad, 'refused', 404, null],
    ],
  )
  assert.equal(typeof told[0]?.data['duration_ms'], 'number')
  assert.deepEqual(await jobsOf(at), [])
})

test('a connection that asks for failures is told of nothing else, and one that asks for none of nothing', async () => {
  const failures = await connect('failures')
  const none = await connect()
  for (const at of [failures, none]) {
    await call(at, '/yes')
    await call(at, '/no')
    await run(at)
  }
  assert.deepEqual(
    (await eventsOf(failures)).map(({ type }) => type),
    ['call.failed'],
  )
  assert.deepEqual(await eventsOf(none), [])
  const changed = await served.send('PATCH', none.path, { key: none.key, body: { call_events: 'all' } })
  assert.equal(changed.status, 200, changed.text)
  for (let tries = 0; tries < 500 && (await eventsOf(none)).length === 0; tries++) {
    await call(none, '/yes')
    await run(none)
  }
  assert.equal((await eventsOf(none))[0]?.type, 'call.completed')
})

test('a call that a stopped server left open is told of when it is found', async () => {
  const at = await connect('all')
  const id = served.app.newId()
  const { rows } = await served.app.db.owner.pool.query<{ id: string }>(
    'select id from connection where tenant_id = $1',
    [at.tenant_id],
  )
  const start = {
    ...{ tenant_id: at.tenant_id, id, connection_id: String(rows[0]?.id) },
    ...{ operation: null, method: 'GET', path: '/x', actor: 'x', request_id: null },
  }
  await writeCalls(served.app.db.worker, { starts: [start], attempts: [], closes: [], external_ids: [] })
  await closeAbandonedCalls(served.app, { older_than_ms: -60_000 })
  assert.equal(await run(at), 1)
  assert.deepEqual(
    (await eventsOf(at)).map(({ type, data }) => [type, data['state']]),
    [['call.failed', 'failed']],
  )
})

test('the worker tells by itself, within the time of a look at the queues', async () => {
  const at = await connect('all')
  const { app } = served
  const loop = startJobs({ ...app, handlers: new Map(handlers(app)) })
  undoAfter(() => loop.stop())
  await call(at, '/yes')
  for (let tries = 0; tries < 3_000 && (await eventsOf(at)).length === 0; tries++) await sleep(20)
  assert.equal((await eventsOf(at))[0]?.type, 'call.completed')
  await loop.stop()
})
