import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Type from 'typebox'
import { noAuth } from '../../kit/auth.ts'
import { defineProvider, get, operation, path, post } from '../../kit/provider.ts'
import { asWorker, type Db } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { providers } from '../../providers/index.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { openRawVendor } from '../../test/raw_vendor.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes as eventRoutes } from '../events/routes.ts'
import { closeAbandonedCalls, schedules, startDeferred } from './jobs.ts'
import { writeCalls } from './queries.ts'
import { routes } from './routes.ts'
import { settleCalls } from './settle.ts'
import { keepPlan } from './settle_plan.ts'

/** A vendor that is asked by our reference, since it knows no idempotency keys. */
const slips = defineProvider({
  id: 'slips',
  name: 'Slips',
  category: 'payments',
  docs: 'https://docs.slips.example',
  fields: [{ key: 'base_url', label: 'Base URL', required: true }],
  auth: noAuth,
  limits: { timeout_ms: 20_000, requests_per_minute: 10_000 },
  test: { method: 'GET', path: '/' },
  payments: {
    settles: 'lookup',
    create: operation({
      request: ({ reference }) => post('/slips', { reference }),
      reads: Type.Object({ id: Type.String() }),
      translate: ({ id }) =>
        ({ vendor_id: id, status: 'pending', money: { amount: 1n, currency: 'BRL' } }) as never,
    }),
    find_by_reference: operation({
      request: ({ reference }) => get(path`/slips/by_reference/${reference}`),
      reads: Type.Object({ found: Type.Boolean() }),
      translate: ({ found }) => (found ? ({ vendor_id: 'slip_1' } as never) : null),
    }),
  },
})

let served: Served
let sandbox: Sandbox
before(async () => {
  sandbox = await startSandbox({ port: 0 })
  const known = new Map([...providers, ['slips', slips]])
  served = await serve({ mount: { rooms: [connectionRoutes, eventRoutes, routes] }, providers: known })
})
after(() => sandbox.stop())

type Connected = { key: string; tenant_id: string; id: string; path: string }

async function connect(provider: string, base_url: string, credentials: object = {}): Promise<Connected> {
  const { key, tenant_id } = await tenantWithKey(served, ['*'], 'test')
  const body = { provider, name: 'x', environment: 'development', settings: { base_url }, credentials }
  const reply = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(reply.status, 201, reply.text)
  const id = String(reply.body['id'])
  return { key, tenant_id, id, path: `/v1/connections/${id}/calls` }
}

const connectStripe = () => connect('stripe', `${sandbox.url}/stripe`, { secret_key: 'sk_test_abcdef123456' })

const PAYMENT = {
  operation: 'payments.create',
  input: { money: { amount: '15050', currency: 'BRL' }, reference: 'order-1042' },
  retries: 0,
}

/** Its end is written a moment after it is told; who reads it waits for that. */
async function call(connected: Connected, body: object) {
  const reply = await served.send('POST', connected.path, { key: connected.key, body })
  assert.equal(reply.status, 200, reply.text)
  await recordOf(connected, String(reply.body['id']))
  return reply.body as Record<string, unknown> & { id: string; state: string }
}

async function recordOf({ key }: Connected, id: string) {
  const { body } = await served.send('GET', `/v1/calls/${id}`, { key })
  return body as Record<string, unknown> & { state: string; error: string | null }
}

async function eventsOf({ key }: Connected, type: string) {
  const { body } = await served.send('GET', `/v1/events?type=${type}`, { key })
  return (body['data'] as { data: Record<string, unknown> }[]).map(({ data }) => data)
}

async function paymentsAt(connected: Connected): Promise<number> {
  const report = await call(connected, { operation: 'payments.list', input: {} })
  return (report['result'] as { payments: unknown[] }).payments.length
}

/** As if its time to be asked again had come. */
const makeDue = (call_id: string) =>
  asWorker(served.app.db, (tx) =>
    tx
      .updateTable('call_unsettled')
      .set({ due: new Date(0) })
      .where('call_id', '=', call_id)
      .execute(),
  )

let faults = 0
const fault = (text: string) => ({ 'x-sandbox-fault': `${text};times=1;key=settle-${++faults}` })

test('a payment whose answer was cut off is asked for under its key: it was made once, and the call says so', async () => {
  const vendor = await connectStripe()
  const before = await paymentsAt(vendor)
  const report = await call(vendor, { ...PAYMENT, headers: fault('cut') })
  assert.equal(report.state, 'unknown')
  const { body } = await served.send('GET', '/v1/calls?state=unknown', { key: vendor.key })
  assert.equal((body['data'] as unknown[]).length, 1)
  await settleCalls(served.app)
  const settled = await recordOf(vendor, report.id)
  assert.equal(settled.state, 'succeeded')
  assert.match(String(settled.error), /^unknown at first; settled by call_/)
  assert.equal(await paymentsAt(vendor), before + 1)
  const [told, ...twice] = await eventsOf(vendor, 'call.unknown')
  assert.deepEqual([told?.['call_id'], twice.length], [report.id, 0])
  assert.deepEqual(
    (await eventsOf(vendor, 'call.settled')).map(({ state }) => state),
    ['succeeded'],
  )
})

test('a call left by a process that died is swept, told of once, and settled under the key it had', async () => {
  const vendor = await connectStripe()
  const { app } = served
  const call_id = app.newId()
  const request = { method: 'POST' as const, path: '/v1/payment_intents', encoding: 'form' as const }
  const body = { amount: '15050', currency: 'brl', metadata: { reference: 'order-9' } }
  const asked = { ...request, body, idempotency_key: 'call_of_the_dead' }
  // The vendor did it; the process died before it could say so.
  const done = await call(vendor, { ...request, body, idempotency_key: 'call_of_the_dead' })
  assert.equal(done.state, 'succeeded')
  const made = await paymentsAt(vendor)
  await keepPlan(app, vendor.tenant_id, call_id, { plan: { by: 'repeat', within_h: 23 }, request: asked })
  const started = {
    tenant_id: vendor.tenant_id,
    id: call_id,
    connection_id: fromWire('connection', vendor.id),
    operation: 'payments.create',
    method: 'POST',
    path: '/v1/payment_intents',
    actor: 'key_x',
    request_id: null,
  }
  await writeCalls(app.db.worker, { starts: [started], attempts: [], closes: [], external_ids: [] })
  await settleCalls(app)
  assert.equal((await eventsOf(vendor, 'call.unknown')).length, 0, 'it is still under way')
  await closeAbandonedCalls(app, { older_than_ms: -1000 })
  await Promise.all([settleCalls(app), settleCalls(app)])
  const { body: listed } = await served.send('GET', '/v1/calls?state=unknown', { key: vendor.key })
  assert.deepEqual(listed['data'], [])
  assert.equal((await eventsOf(vendor, 'call.unknown')).length, 1)
  assert.equal((await eventsOf(vendor, 'call.settled')).length, 1)
  assert.equal(await paymentsAt(vendor), made)
})

test('a call whose mapping took long is over before the sweep takes its process for dead', async (t) => {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const { app } = served
  let later_ms = 0
  const { clock } = app
  app.clock = {
    now: () => new Date(clock.now().getTime() + later_ms),
    monotonic: () => clock.monotonic() + later_ms,
  }
  t.after(() => {
    app.clock = clock
  })
  let asked = 0
  const vendor = await openRawVendor((socket, _nth, request) => {
    if (request.startsWith('POST')) {
      asked += 1 // and never answered
      return
    }
    later_ms = 298_000 // of five minutes
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}')
  })
  const made = await served.send('POST', '/v1/connections', {
    key,
    body: { provider: 'http', name: 'x', environment: 'development', settings: { base_url: vendor.url } },
  })
  const enrich = {
    kind: 'enrich',
    connection_id: made.body['id'],
    at: 'more',
    call: { method: 'GET', path: '/' },
  }
  const body = {
    method: 'POST',
    path: '/',
    body: {},
    mapping: { in: [enrich] },
    timeout_ms: 5000,
    retries: 0,
  }
  const calling = served.send('POST', `/v1/connections/${made.body['id']}/calls`, { key, body })
  for (let tries = 0; tries < 500 && asked === 0; tries++) await sleep(10)
  await sleep(2500)
  later_ms = 362_000 // older by now than any call may last
  assert.equal(await closeAbandonedCalls(app), 0, 'it was still under way')
  const { body: report } = await calling
  assert.deepEqual([report['state'], report['attempts']], ['unknown', 1], JSON.stringify(report))
  assert.match(String(report['error']), /no answer within 1?\d{3} ms/)
})

test('a vendor that is asked by reference: found is succeeded, not found twice is failed', async () => {
  let [found, silent] = [true, false]
  const raw = await openRawVendor((socket, _nth, request) => {
    if (silent || request.startsWith('POST')) return void socket.destroy()
    const body = JSON.stringify({ found })
    socket.write(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
  })
  const vendor = await connect('slips', raw.url)
  const made = await call(vendor, PAYMENT)
  assert.equal(made.state, 'unknown')
  await settleCalls(served.app)
  assert.equal((await recordOf(vendor, made.id)).state, 'succeeded')
  assert.match(raw.asked.at(-1) ?? '', /^GET \/slips\/by_reference\/order-1042 /)
  found = false
  const lost = await call(vendor, PAYMENT)
  silent = true
  await settleCalls(served.app)
  silent = false
  await makeDue(fromWire('call', lost.id))
  await settleCalls(served.app)
  assert.equal((await recordOf(vendor, lost.id)).state, 'unknown', 'its list may be a little behind')
  await makeDue(fromWire('call', lost.id))
  await settleCalls(served.app)
  const record = await recordOf(vendor, lost.id)
  assert.equal(record.state, 'failed')
  assert.match(String(record.error), /^the vendor knows nothing of it/)
  assert.equal(raw.asked.filter((request) => request.startsWith('POST')).length, 2, 'never sent again')
})

async function callLater(connected: Connected, body: object): Promise<string> {
  const asked = { mode: 'async', retry_later: { times: 0 }, ...body }
  const reply = await served.send('POST', connected.path, { key: connected.key, body: asked })
  assert.equal(reply.status, 202, reply.text)
  const id = String(reply.body['id'])
  const loop = startDeferred(served.app, async () => {})
  const end = performance.now() + 60_000
  while ((await recordOf(connected, id))['closed_at'] === null) {
    assert.ok(performance.now() < end, 'not over')
    await sleep(20)
  }
  await loop.stop()
  return id
}

test('a deferred call whose answer was cut off is settled with its try, and told of by the id its caller has', async () => {
  const vendor = await connectStripe()
  const id = await callLater(vendor, { ...PAYMENT, headers: fault('cut') })
  const unknown = await recordOf(vendor, id)
  assert.equal(unknown.state, 'unknown')
  const [try_id] = unknown['call_ids'] as string[]
  await settleCalls(served.app)
  const settled = await recordOf(vendor, id)
  assert.deepEqual([settled.state, settled['status']], ['succeeded', 200])
  assert.match(String(settled.error), /^unknown at first; settled by call_/)
  assert.equal((await recordOf(vendor, String(try_id))).state, 'succeeded')
  for (const type of ['call.unknown', 'call.settled']) {
    const told = await eventsOf(vendor, type)
    assert.deepEqual(
      told.map((data) => [data['call_id'], data['try_id']]),
      [[id, try_id]],
    )
  }
})

test('a deferred call that is not closed yet is told of and settled when it is', async () => {
  const vendor = await connectStripe()
  const id = await callLater(vendor, { ...PAYMENT, headers: fault('cut') })
  const put = (state: string) =>
    served.app.db.owner.pool.query('update deferred_call set state = $2 where id = $1', [
      fromWire('call', id),
      state,
    ])
  await put('started')
  await settleCalls(served.app)
  assert.equal((await eventsOf(vendor, 'call.unknown')).length, 0)
  await put('unknown')
  const [try_id] = (await recordOf(vendor, id))['call_ids'] as string[]
  await makeDue(fromWire('call', String(try_id)))
  await settleCalls(served.app)
  assert.equal((await recordOf(vendor, id)).state, 'succeeded')
  assert.deepEqual(
    (await eventsOf(vendor, 'call.settled')).map(({ call_id }) => call_id),
    [id],
  )
})

test('what nothing can be asked about is told of once and stays unknown', async () => {
  const raw = await openRawVendor((socket) => void socket.destroy())
  const vendor = await connect('http', raw.url)
  const report = await call(vendor, { method: 'POST', path: '/orders', body: {}, retries: 0 })
  assert.equal(report.state, 'unknown')
  await settleCalls(served.app)
  await settleCalls(served.app)
  assert.equal((await recordOf(vendor, report.id)).state, 'unknown')
  assert.equal((await eventsOf(vendor, 'call.unknown')).length, 1)
  assert.equal(raw.asked.length, 1)
})

test('an asking that nobody saw the end of either is not told of: it stands for the call that was', async () => {
  const vendor = await connectStripe()
  const cut_twice = { 'x-sandbox-fault': 'cut;times=2;key=twice' }
  const report = await call(vendor, { ...PAYMENT, headers: cut_twice })
  await settleCalls(served.app)
  await settleCalls(served.app)
  assert.equal((await recordOf(vendor, report.id)).state, 'unknown')
  assert.equal((await eventsOf(vendor, 'call.unknown')).length, 1)
  await makeDue(fromWire('call', report.id))
  await settleCalls(served.app)
  assert.equal((await recordOf(vendor, report.id)).state, 'succeeded')
})

test('a vendor that is away is asked again later, and what was asked is kept sealed until then', async () => {
  const vendor = await connectStripe()
  const report = await call(vendor, { ...PAYMENT, headers: fault('cut') })
  const { key } = vendor
  await served.send('POST', `/v1/connections/${vendor.id}/breaker/open`, { key })
  await settleCalls(served.app)
  assert.equal((await recordOf(vendor, report.id)).state, 'unknown')
  const call_id = fromWire('call', report.id)
  const [row] = await served.app.db.owner
    .selectFrom('call_unsettled')
    .selectAll()
    .where('call_id', '=', call_id)
    .execute()
  assert.ok(row?.due && row.due > new Date())
  assert.ok(!row.plan?.toString('latin1').includes('order-1042'))
  await served.send('POST', `/v1/connections/${vendor.id}/breaker/close`, { key })
  await makeDue(call_id)
  await settleCalls(served.app)
  assert.equal((await recordOf(vendor, report.id)).state, 'succeeded')
  assert.equal((await eventsOf(vendor, 'call.unknown')).length, 1)
})

test('what one server asks for holds up none of what another may ask for', async () => {
  let under_way = 0
  let most_at_once = 0
  const both = Promise.withResolvers<void>()
  const server = createServer(async (request, response) => {
    if (request.method === 'POST') return void request.socket.destroy()
    under_way += 1
    most_at_once = Math.max(most_at_once, under_way)
    if (under_way === 2) both.resolve()
    await Promise.race([both.promise, sleep(10_000, null, { ref: false })])
    under_way -= 1
    response.setHeader('content-type', 'application/json').end('{"found":true}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => void server.close())
  const vendor = await connect('slips', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  for (let n = 0; n < 2; n++) await call(vendor, PAYMENT)
  await Promise.all([settleCalls(served.app), settleCalls(served.app)])
  assert.equal(most_at_once, 2)
})

/** The spans that are swept, and as often as it says the second of them fails. */
function watchSweeps({ pool }: Db, fails: number) {
  const spans: { from: number; to: number }[] = []
  const query = pool.query.bind(pool) as (...args: unknown[]) => unknown
  const watched = async (...args: unknown[]): Promise<unknown> => {
    const { name, values = [] } = args[0] as { name?: string; values?: Date[] }
    if (name !== 'call_abandoned') return query(...args)
    const [from, to] = values.map(Number)
    spans.push({ from: from ?? 0, to: to ?? 0 })
    if (spans.length > 1 && fails-- > 0) throw new Error('canceling statement due to statement timeout')
    return query(...args)
  }
  Object.assign(pool, { query: watched })
  return { spans, restore: () => void Object.assign(pool, { query }) }
}

test('a sweep that failed keeps nobody from being asked, goes on where it stood, and the next ones read no day again', async () => {
  const app = { ...served.app } // that has not swept yet
  const vendor = await connectStripe()
  const report = await call(vendor, { ...PAYMENT, headers: fault('cut') })
  const sweep = schedules.find(({ name }) => name === 'calls.close_abandoned')
  const hour = 3_600_000
  const { spans, restore } = watchSweeps(app.db.worker, 1)
  try {
    await assert.rejects(async () => sweep?.run(app), /statement timeout/)
    assert.equal((await recordOf(vendor, report.id)).state, 'succeeded')
    const [first, failed] = spans.splice(0)
    assert.ok(first && failed && Date.now() - first.from > 23 * hour, 'all that is kept')
    await sweep?.run(app)
    assert.ok(spans[0] && Math.abs(failed.from - hour - spans[0].from) < 1_000, 'it goes on')
    assert.ok(spans.every(({ from, to }, at) => to - from <= hour && from === (spans[at - 1]?.to ?? from)))
    const [last] = spans.splice(0).slice(-1)
    await sweep?.run(app)
    assert.ok(spans[0] && last && Math.abs(last.to - hour - spans[0].from) < 1_000)
    assert.ok(Date.now() - (spans.at(-1)?.to ?? 0) < 10 * 60_000)
  } finally {
    restore()
  }
})

test('a turn of asking ends after its time, and the next one goes on', async () => {
  const answers = createServer(async (request, response) => {
    if (request.method === 'POST') return void request.socket.destroy()
    await sleep(200)
    response.setHeader('content-type', 'application/json').end('{"found":true}')
  })
  await new Promise<void>((resolve) => answers.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => void answers.close())
  const vendor = await connect('slips', `http://127.0.0.1:${(answers.address() as AddressInfo).port}`)
  const reports = [await call(vendor, PAYMENT), await call(vendor, PAYMENT)]
  const states = () => Promise.all(reports.map(async ({ id }) => (await recordOf(vendor, id)).state))
  await settleCalls(served.app, { turn_ms: 100 })
  assert.deepEqual((await states()).sort(), ['succeeded', 'unknown'])
  await settleCalls(served.app)
  assert.deepEqual(await states(), ['succeeded', 'succeeded'])
})
