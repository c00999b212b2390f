import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inTenant } from '../../platform/database/database.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import { type Job, startJobs } from '../../platform/jobs/jobs.ts'
import { providers } from '../../providers/index.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes as eventRoutes } from '../events/routes.ts'
import { closeAbandoned } from './abandoned_queries.ts'
import { findDeferred, startTry } from './deferred_queries.ts'
import { closeAbandonedCalls, handlers } from './jobs.ts'
import { type NewCall, writeCalls } from './queries.ts'
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

type OfKind = Job & { kind: string }

const jobsOf = async ({ tenant_id }: Connected): Promise<OfKind[]> => {
  const sql =
    "select tenant_id, id, kind, payload::text, attempts from job where tenant_id = $1 and kind like 'calls.tell%' order by id"
  const { rows } = await served.app.db.owner.pool.query<OfKind & { payload: string }>(sql, [tenant_id])
  return rows.map((row) => ({ ...row, payload: JSON.parse(row.payload) }))
}

/** The jobs that stand there now, once each; their number. */
async function run(at: Connected): Promise<number> {
  const jobs = await waitingJobs(at)
  for (const job of jobs) await handlers(served.app).get(job.kind)?.(job)
  return jobs.length
}

/** A close is on its way when the caller is told: it is waited for by the record of the call. */
async function waitingJobs(at: Connected): Promise<OfKind[]> {
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

/** As a server leaves it that stops while the vendor has not answered. */
async function leaveOpen(
  { tenant_id, id: connection }: Connected,
  more: Partial<NewCall> = {},
): Promise<string> {
  const id = served.app.newId()
  const start = {
    ...{ tenant_id, id, connection_id: fromWire('connection', connection), operation: null },
    ...{ method: 'GET', path: '/x', actor: 'x', request_id: null, ...more },
  }
  await writeCalls(served.app.db.worker, { starts: [start], attempts: [], closes: [], external_ids: [] })
  return id
}

const FROM = new Date(Date.now() - 60_000)
const TO = new Date(Date.now() + 3_600_000)

test('a call that a stopped server left open is told of, whatever happens after the commit that closes it', async () => {
  const at = await connect('all')
  const id = await leaveOpen(at)
  await closeAbandoned(served.app.db.worker, FROM, TO)
  assert.equal(await run(at), 1)
  assert.deepEqual(
    (await eventsOf(at)).map(({ type, data }) => [type, data['call_id'], data['state']]),
    [['call.failed', toWire('call', id), 'failed']],
  )
  assert.match(String((await eventsOf(at))[0]?.data['error']), /^the server stopped/)
  assert.deepEqual(await jobsOf(at), [])
  const none = await connect()
  await leaveOpen(none)
  await closeAbandonedCalls(served.app, { older_than_ms: -60_000 })
  await run(none)
  assert.deepEqual(await eventsOf(none), [])
})

test('a call that was taken for left open, and ends after all, is told of once', async () => {
  const at = await connect('all')
  const id = await leaveOpen(at)
  await closeAbandonedCalls(served.app, { older_than_ms: -60_000 })
  const ended = { state: 'succeeded', status: 200, attempts: 1, duration_ms: 5, error: null } as const
  const told = { id: served.app.newId(), data: { call_id: toWire('call', id), state: 'succeeded' } }
  const close = { ...ended, tenant_id: at.tenant_id, id, external_reference: null, told }
  const external_ids = [{ tenant_id: at.tenant_id, value_hmac: Buffer.alloc(32), kind: 'call', ref_id: id }]
  for (const found of [[], external_ids])
    await writeCalls(served.app.db.worker, { starts: [], attempts: [], closes: [close], external_ids: found })
  await run(at)
  assert.deepEqual(
    (await eventsOf(at)).map(({ type }) => type),
    ['call.failed'],
  )
})

test('a try of a deferred call that was left open is not told of: the deferred call is, at its end', async () => {
  const at = await connect('all')
  const body = { mode: 'async', method: 'POST', path: '/yes' }
  const {
    status,
    body: deferred,
    text,
  } = await served.send('POST', `${at.path}/calls`, { key: at.key, body })
  assert.equal(status, 202, text)
  const [parent_id, id] = [String(deferred['id']), served.app.newId()]
  const { tenant_id } = at
  await inTenant(served.app.db, tenant_id, async (tx) => {
    const row = await findDeferred(tx, tenant_id, fromWire('call', parent_id))
    assert.ok(row && (await startTry(tx, tenant_id, row, id)))
  })
  await leaveOpen(at, { id, parent_id })
  const asked = await leaveOpen(at, { parent_id: toWire('call', id) }) // by its mapping: a call of its own
  await closeAbandonedCalls(served.app, { older_than_ms: -60_000 })
  await run(at)
  assert.deepEqual(
    (await eventsOf(at)).map(({ data }) => data['call_id']),
    [toWire('call', asked)],
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
