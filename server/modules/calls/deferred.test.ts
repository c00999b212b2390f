import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inTenant } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { providers } from '../../providers/index.ts'
import { testDatabaseUrl, undoAfter } from '../../test/harness.ts'
import { type Reply, type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes as eventRoutes } from '../events/routes.ts'
import { routes as operationRoutes } from '../operations/routes.ts'
import { startTry } from './deferred_queries.ts'
import { tryDeferred } from './deferred_tries.ts'
import { startDeferred } from './jobs.ts'
import { routes } from './routes.ts'
import { settleCalls } from './settle.ts'
import { keepPlan, openPlan } from './settle_plan.ts'

let served: Served
before(async () => {
  const database_url = await testDatabaseUrl()
  const master_key = randomBytes(32)
  const mount = { rooms: [connectionRoutes, eventRoutes, operationRoutes, routes] }
  served = await serve({ database_url, master_key, mount, providers })
})

type Vendor = { url: string; hits: { key: string; body: string }[]; status: number[]; delay_ms: number }

const read = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}

/** Answers the statuses it is given, one after another, then 200; at 0 it hangs up and cannot be reached any more. */
async function openVendor(): Promise<Vendor> {
  const vendor: Vendor = { url: '', hits: [], status: [], delay_ms: 0 }
  const server = createServer(async (request, response) => {
    vendor.hits.push({ key: String(request.headers['idempotency-key']), body: await read(request) })
    const status = vendor.status.shift() ?? 200
    if (vendor.delay_ms > 0) await sleep(vendor.delay_ms)
    if (status === 0) {
      server.close()
      server.closeAllConnections()
      return
    }
    response.writeHead(status, { 'content-type': 'application/json' }).end('{"total":12.50}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => {
    server.closeAllConnections()
    server.close()
  })
  vendor.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return vendor
}

type Connected = { vendor: Vendor; tenant_id: string; key: string; path: string }

/** `of` is whose it is to be; somebody's own where absent. */
async function connect(
  settings: object = {},
  limits: object = {},
  of?: Pick<Connected, 'key' | 'tenant_id'>,
): Promise<Connected> {
  const vendor = await openVendor()
  const { key, tenant_id } = of ?? (await tenantWithKey(served, ['*'], 'test'))
  const body = {
    provider: 'http',
    name: 'x',
    environment: 'development',
    settings: { base_url: vendor.url, ...settings },
    limits: { rates: [{ calls: 100_000, per_s: 60 }], breaker: false, ...limits },
  }
  const reply = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(reply.status, 201, reply.text)
  return { vendor, tenant_id, key, path: `/v1/connections/${reply.body['id']}` }
}

const IDEMPOTENT = { idempotency_header: 'Idempotency-Key' }

async function defer({ key, path }: Connected, more: object = {}): Promise<string> {
  const body = { mode: 'async', method: 'POST', path: '/x', retries: 0, ...more }
  const reply = await served.send('POST', `${path}/calls`, { key, body })
  assert.equal(reply.status, 202, reply.text)
  assert.equal(reply.body['state'], 'queued')
  return String(reply.body['id'])
}

const look = async ({ key }: Connected, id: string): Promise<Reply['body']> => {
  const { status, body, text } = await served.send('GET', `/v1/calls/${id}`, { key })
  assert.equal(status, 200, text)
  return body
}

async function over(at: Connected, id: string, within_ms = 60_000): Promise<Reply['body']> {
  const end = performance.now() + within_ms
  for (;;) {
    const body = await look(at, id)
    if (body['closed_at'] !== null) return body
    assert.ok(performance.now() < end, `not over: ${JSON.stringify(body)}`)
    await sleep(20)
  }
}

const work = () => {
  const loop = startDeferred(served.app, async () => assert.fail('there is no batch here'))
  undoAfter(() => loop.stop())
  return loop
}

async function eventsOf({ key }: Connected): Promise<{ type: string; data: Record<string, unknown> }[]> {
  const { body } = await served.send('GET', '/v1/events', { key })
  return body['data'] as { type: string; data: Record<string, unknown> }[]
}

test('a deferred call waits, is made by a job, and tells of its end by an event and in its report', async () => {
  const at = await connect()
  const id = await defer(at, {
    body: { a: 1 },
    mapping: { out: [{ kind: 'map', fields: { total: 'sum' } }] },
  })
  const queued = await look(at, id)
  assert.deepEqual(
    [queued['state'], queued['report'], queued['method'], queued['path']],
    ['queued', null, 'POST', '/x'],
  )
  assert.equal(at.vendor.hits.length, 0)
  const jobs = work()
  const ended = await over(at, id)
  await jobs.stop()
  assert.deepEqual([ended['state'], ended['status'], ended['tries']], ['succeeded', 200, 1])
  const report = ended['report'] as Record<string, unknown>
  assert.deepEqual([report['id'], report['state'], report['result']], [id, 'succeeded', { sum: 12.5 }])
  assert.equal((ended['log'] as unknown[]).length, 1)
  assert.deepEqual(at.vendor.hits, [{ key: 'undefined', body: '{"a":1}' }])
  const [event] = await eventsOf(at)
  assert.deepEqual(
    [event?.type, event?.data['call_id'], event?.data['state']],
    ['call.completed', id, 'succeeded'],
  )
})

test('what is asked is not kept in the clear, and is gone when the call is over', async () => {
  const at = await connect()
  const id = await defer(at, { body: { cpf: '123.456.789-09' } })
  const row = async () => {
    const { rows } = await served.app.db.owner.pool.query(
      'select request, report from deferred_call where id = $1',
      [fromWire('call', id)],
    )
    return rows[0] as { request: Buffer | null; report: Buffer | null }
  }
  const waiting = await row()
  assert.ok(waiting.request)
  assert.doesNotMatch(waiting.request.toString('latin1'), /123\.456/)
  const jobs = work()
  await over(at, id)
  await jobs.stop()
  const ended = await row()
  assert.equal(ended.request, null)
  assert.doesNotMatch(ended.report?.toString('latin1') ?? '', /total/)
})

test('a vendor that fails is asked again later, under one idempotency key, until it is well', async () => {
  const at = await connect(IDEMPOTENT)
  at.vendor.status = [500, 503]
  const jobs = work()
  const id = await defer(at, { retry_later: { times: 3, after_ms: 100 } })
  const ended = await over(at, id)
  await jobs.stop()
  assert.deepEqual([ended['state'], ended['tries']], ['succeeded', 3])
  assert.deepEqual(
    at.vendor.hits.map(({ key }) => key),
    [id, id, id],
  )
  assert.equal((ended['call_ids'] as unknown[]).length, 3)
})

test('a key that the caller brings, as a field or as a header, is the one the vendor sees', async () => {
  const at = await connect(IDEMPOTENT)
  const jobs = work()
  await over(at, await defer(at, { headers: { 'idempotency-key': 'order-1' } }))
  await over(at, await defer(at, { idempotency_key: 'order-2' }))
  await jobs.stop()
  assert.deepEqual(
    at.vendor.hits.map(({ key }) => key),
    ['order-1', 'order-2'],
  )
})

test('a change that must not happen twice is not tried again, and its end is told', async () => {
  const at = await connect()
  at.vendor.status = [500]
  const jobs = work()
  const id = await defer(at, { retry_later: { times: 3, after_ms: 100 } })
  const ended = await over(at, id)
  await jobs.stop()
  assert.equal(at.vendor.hits.length, 1)
  assert.notEqual(ended['state'], 'succeeded')
  const [event] = await eventsOf(at)
  assert.equal(event?.type, 'call.failed')
})

test('a change of which the vendor did nothing is tried again, whether or not it knows keys', async () => {
  const at = await connect()
  at.vendor.status = [429]
  const jobs = work()
  const more = { retry_later: { times: 1, after_ms: 100 } }
  const told = await over(at, await defer(at, more))
  assert.deepEqual([told['state'], told['tries'], at.vendor.hits.length], ['succeeded', 2, 2])
  const gone = await connect({ base_url: 'http://127.0.0.1:1' })
  const ended = await over(gone, await defer(gone, more))
  await jobs.stop()
  assert.deepEqual([ended['state'], ended['tries']], ['failed', 2])
})

for (const status of [302, 303, 501])
  test(`a change that is answered ${status} is not tried again`, async () => {
    const at = await connect()
    at.vendor.status = [status]
    const jobs = work()
    const ended = await over(at, await defer(at, { retry_later: { times: 1, after_ms: 100 } }))
    await jobs.stop()
    assert.deepEqual([ended['state'], ended['tries']], [status === 303 ? 'unknown' : 'failed', 1])
  })

test('a change that one try left unknown stays so where a later try sent nothing, and is settled with the one that is', async () => {
  const at = await connect(IDEMPOTENT)
  at.vendor.status = [0]
  const jobs = work()
  const id = await defer(at, { retry_later: { times: 1, after_ms: 100 } })
  const ended = await over(at, id)
  await jobs.stop()
  assert.deepEqual([at.vendor.hits.length, ended['tries'], ended['state']], [1, 2, 'unknown'])
  assert.match(String(ended['error']), /the vendor may have acted on a try before/)
  assert.equal((ended['report'] as Record<string, unknown>)['state'], 'unknown')
  const [first] = ended['call_ids'] as string[]
  const states = await Promise.all((ended['call_ids'] as string[]).map((one) => look(at, one)))
  assert.deepEqual(
    states.map(({ state }) => state),
    ['unknown', 'failed'],
  )
  await settleCalls(served.app)
  const told = (await eventsOf(at)).find(({ type }) => type === 'call.unknown')
  assert.deepEqual([told?.data['call_id'], told?.data['try_id']], [id, first])
})

test('a change that one try left unknown and that was found out since ends as that try did', async () => {
  const at = await connect(IDEMPOTENT)
  at.vendor.status = [0]
  const id = await defer(at, { retry_later: { times: 1, after_ms: 100 } })
  const uuid = fromWire('call', id)
  await tryDeferred(served.app, at.tenant_id, uuid)
  const [first = ''] = (await look(at, id))['call_ids'] as string[]
  await served.app.db.owner.pool.query(
    `update call set state = 'succeeded', status = 201, error = 'unknown at first' where id = $1`,
    [fromWire('call', first)],
  )
  await sleep(150)
  await tryDeferred(served.app, at.tenant_id, uuid)
  const { state, status, tries } = await look(at, id)
  assert.deepEqual([state, status, tries], ['succeeded', 201, 2])
})

test('one that is given up while it waits is never sent; one that is over cannot be given up', async () => {
  const at = await connect()
  const id = await defer(at)
  const cancel = () => served.send('POST', `/v1/calls/${id}/cancel`, { key: at.key })
  assert.equal((await cancel()).body['state'], 'canceled')
  assert.equal((await cancel()).status, 409)
  const jobs = work()
  const next = await defer(at)
  await over(at, next)
  await jobs.stop()
  assert.equal(at.vendor.hits.length, 1)
  assert.equal((await look(at, id))['state'], 'canceled')
})

test('one whose connection is disabled or gone by its turn has failed, and says so', async () => {
  const at = await connect()
  const [first, second] = [await defer(at), await defer(at, { retry_later: { times: 0 } })]
  await served.send('PATCH', at.path, { key: at.key, body: { state: 'disabled' } })
  await tryDeferred(served.app, at.tenant_id, fromWire('call', first))
  const disabled = await look(at, first)
  assert.deepEqual([disabled['state'], disabled['attempts']], ['failed', 0])
  assert.match(String(disabled['error']), /disabled/)
  assert.equal((await served.send('DELETE', at.path, { key: at.key })).status, 204)
  await tryDeferred(served.app, at.tenant_id, fromWire('call', second))
  const gone = await look(at, second)
  assert.deepEqual([gone['state'], gone['attempts']], ['failed', 0])
  assert.match(String(gone['error']), /there is no connection/)
  assert.equal(at.vendor.hits.length, 0)
})

test('one that is given up after a try that was left unknown is unknown, not canceled', async () => {
  const at = await connect(IDEMPOTENT)
  at.vendor.status = [0]
  const id = await defer(at, { retry_later: { times: 1, after_ms: 60_000 } })
  await tryDeferred(served.app, at.tenant_id, fromWire('call', id))
  const { body } = await served.send('POST', `/v1/calls/${id}/cancel`, { key: at.key })
  assert.equal(body['state'], 'unknown')
  assert.equal((await look(at, id))['next_try_at'], null)
  await settleCalls(served.app)
  const told = (await eventsOf(at)).find(({ type }) => type === 'call.unknown')
  assert.equal(told?.data['call_id'], id)
})

test('an attempt that the vendor did not look at leaves unknown what one before it may have done', async () => {
  const at = await connect(IDEMPOTENT)
  at.vendor.status = [500, 429]
  const body = { method: 'POST', path: '/x', retries: 1 }
  const reply = await served.send('POST', `${at.path}/calls`, { key: at.key, body })
  assert.deepEqual([at.vendor.hits.length, reply.body['state'], reply.body['status']], [2, 'unknown', 429])
  assert.match(String(reply.body['error']), /the vendor may have acted on an attempt before/)
})

/** As a server that died would leave it: the try begun, and its call on record or not. */
async function leaveBehind(at: Connected, id: string, how: 'unsent' | 'sent'): Promise<string> {
  const { app } = served
  const call_id = app.newId()
  const uuid = fromWire('call', id)
  await inTenant(app.db, at.tenant_id, (tx) =>
    startTry(tx, at.tenant_id, { id: uuid, state: 'queued', call_ids: [] } as never, call_id),
  )
  if (how === 'sent')
    await app.db.owner.pool.query(
      `insert into call (tenant_id, id, connection_id, method, path, actor) select tenant_id, $2, connection_id, 'POST', '/x', 'x'
         from deferred_call where id = $1`,
      [uuid, call_id],
    )
  return call_id
}

test('a server that died before sending loses nothing: the call is made once', async () => {
  const at = await connect()
  const id = await defer(at)
  await leaveBehind(at, id, 'unsent')
  const jobs = work()
  const ended = await over(at, id)
  await jobs.stop()
  assert.deepEqual([ended['state'], ended['tries'], at.vendor.hits.length], ['succeeded', 1, 1])
})

test('a server that died while sending: the call is repeated under its key, or else its outcome is unknown', async () => {
  const careless = await connect()
  const careful = await connect(IDEMPOTENT)
  const ids = [await defer(careless), await defer(careful)]
  await leaveBehind(careless, ids[0] ?? '', 'sent')
  await leaveBehind(careful, ids[1] ?? '', 'sent')
  const jobs = work()
  const unknown = await over(careless, ids[0] ?? '')
  const repeated = await over(careful, ids[1] ?? '')
  await jobs.stop()
  assert.deepEqual([unknown['state'], careless.vendor.hits.length], ['unknown', 0])
  assert.match(String(unknown['error']), /server stopped/)
  assert.deepEqual([repeated['state'], careful.vendor.hits.map(({ key }) => key)], ['succeeded', [ids[1]]])
})

test('a server that died between the plan of a call and its record loses nothing', async () => {
  const at = await connect()
  const id = await defer(at)
  const call_id = await leaveBehind(at, id, 'unsent')
  const plan = { by: 'lookup', operation: 'x', input: 1 } as const
  for (const path of ['/before', '/after'])
    await keepPlan(served.app, at.tenant_id, call_id, { plan, request: { method: 'POST', path } })
  const { rows } = await served.app.db.owner.pool.query(
    'select plan from call_unsettled where call_id = $1',
    [call_id],
  )
  const kept = await openPlan(served.app, at.tenant_id, call_id, rows[0]?.plan as Buffer)
  assert.equal(kept.request.path, '/after')
})

test('a call that was turned away by a server that died is made, since nothing was sent', async () => {
  const at = await connect()
  const id = await defer(at)
  const call_id = await leaveBehind(at, id, 'sent')
  await served.app.db.owner.pool.query(
    `update call set state = 'failed', attempts = 0, error = 'no room' where id = $1`,
    [call_id],
  )
  const jobs = work()
  const ended = await over(at, id)
  await jobs.stop()
  assert.deepEqual([ended['state'], at.vendor.hits.length], ['succeeded', 1])
})

test('two workers at one call send it once', async () => {
  const at = await connect()
  at.vendor.delay_ms = 100
  const id = await defer(at)
  const uuid = fromWire('call', id)
  await Promise.all([1, 2, 3].map(() => tryDeferred(served.app, at.tenant_id, uuid).catch(() => null)))
  assert.equal(at.vendor.hits.length, 1)
})

test('one that finds no room in the limits waits for it, and that costs it no try', async () => {
  const at = await connect({}, { rates: [{ calls: 1, per_s: 1 }] })
  const jobs = work()
  const ids = [await defer(at), await defer(at)]
  for (const id of ids) {
    const ended = await over(at, id)
    assert.deepEqual([ended['state'], ended['tries']], ['succeeded', 1])
  }
  await jobs.stop()
  assert.equal(at.vendor.hits.length, 2)
})

const enrichedBy = ({ path }: Connected, more: object = {}) => ({
  kind: 'enrich',
  connection_id: path.split('/').at(-1),
  call: { method: 'GET', path: '/who', retries: 0, ...more },
  at: 'who',
})

test('a call whose enriching call fails is tried again later; one whose enriching call is refused is over', async () => {
  const at = await connect()
  const other = await connect({}, {}, at)
  other.vendor.status = [503, 429]
  const mapping = { in: [enrichedBy(other)] }
  const jobs = work()
  const ended = await over(at, await defer(at, { body: {}, mapping, retry_later: { after_ms: 100 } }))
  assert.deepEqual([ended['state'], ended['tries'], at.vendor.hits.length], ['succeeded', 3, 1])
  other.vendor.status = [404]
  const refused = await over(at, await defer(at, { body: {}, mapping, retry_later: { after_ms: 100 } }))
  await jobs.stop()
  assert.deepEqual([refused['state'], refused['tries'], at.vendor.hits.length], ['failed', 1, 1])
  assert.match(String(refused['error']), /enrich failed: .*404/)
})

test('one whose enriching call finds no room in the limits waits for it, and that costs it no try', async () => {
  const at = await connect()
  const other = await connect({}, { rates: [{ calls: 1, per_s: 1 }] }, at)
  const asked = { body: {}, mapping: { in: [enrichedBy(other)] }, retry_later: { times: 0 } }
  const jobs = work()
  for (const id of [await defer(at, asked), await defer(at, asked)]) {
    const ended = await over(at, id)
    assert.deepEqual([ended['state'], ended['tries']], ['succeeded', 1])
  }
  await jobs.stop()
})

test('who waits for a call is told of a passing fault of its mapping as one', async () => {
  const at = await connect()
  const other = await connect({}, {}, at)
  other.vendor.status = [503]
  const body = { method: 'POST', path: '/x', body: {}, mapping: { in: [enrichedBy(other)] } }
  const reply = await served.send('POST', `${at.path}/calls`, { key: at.key, body })
  assert.deepEqual(
    [reply.status, reply.body['code'], reply.body['field']],
    [502, 'vendor_failed', 'mapping.in.0.enrich'],
  )
})

test('the deadline of a deferred call is that of each try, from when it begins', async () => {
  const at = await connect()
  at.vendor.delay_ms = 3_000
  const id = await defer(at, { method: 'GET', deadline_ms: 300, retry_later: { times: 1, after_ms: 500 } })
  await sleep(400) // while it waits its time does not run
  const jobs = work()
  const ended = await over(at, id)
  await jobs.stop()
  assert.deepEqual([ended['state'], ended['tries'], at.vendor.hits.length], ['failed', 2, 2])
  const durations = (ended['log'] as { duration_ms: number }[]).map(({ duration_ms }) => duration_ms)
  assert.ok(durations.length === 2 && durations.every((ms) => ms < 2_000), JSON.stringify(durations))
})

test('what could never be sent is refused when it is asked for', async () => {
  const at = await connect()
  const refused = async (more: object, field: string) => {
    const body = { mode: 'async', ...more }
    const reply = await served.send('POST', `${at.path}/calls`, { key: at.key, body })
    assert.deepEqual([reply.status, reply.body['field']], [400, field], reply.text)
  }
  await refused({ method: 'GET' }, 'path')
  await refused({ operation: 'nope' }, 'operation')
  await refused(
    { method: 'GET', path: '/', mapping: { out: [{ kind: 'map', fields: { 'a..': 'b' } }] } },
    'mapping.out.0.fields.a..',
  )
})
