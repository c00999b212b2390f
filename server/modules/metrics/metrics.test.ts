import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { toWire } from '../../platform/ids.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { noteCache, noteCall } from './counts.ts'
import { forgetOld, writeCounts } from './metrics.ts'
import { addCounts, type MetricRow, TOGETHER } from './queries.ts'
import { routes } from './routes.ts'
import { noteTraffic } from './traffic.ts'

let served: Served
before(async () => {
  served = await serve({ mount: { rooms: [routes] } })
})

type Figures = Record<string, number> & { errors: Record<string, number> }
type Body = {
  total: Figures
  connections: (Figures & { connection_id: string })[]
  series: (Figures & { at: string })[]
}

async function read(key: string, query: Record<string, string> = {}): Promise<Body> {
  const reply = await served.send('GET', `/v1/metrics/connections?${new URLSearchParams(query)}`, { key })
  assert.equal(reply.status, 200, reply.text)
  return reply.body as unknown as Body
}

const noted = (tenant_id: string, connection_id: string, more: object = {}) => ({
  tenant_id,
  connection_id,
  state: 'succeeded' as const,
  attempts: 1,
  duration_ms: 100,
  sent_bytes: 10,
  received_bytes: 1000,
  error: null,
  ...more,
})

test('what was done is counted by connection, with the percentiles of all calls and not the mean of means', async () => {
  const { tenant_id, key } = await tenantWithKey(served)
  const [busy, quiet] = [served.app.newId(), served.app.newId()]
  for (let n = 0; n < 98; n++) noteCall(served.app, noted(tenant_id, busy))
  for (let n = 0; n < 2; n++) {
    noteCall(
      served.app,
      noted(tenant_id, quiet, { state: 'failed', duration_ms: 5000, error: 'status_503', attempts: 4 }),
    )
  }
  noteCache(served.app, tenant_id, busy, true)
  const { total, connections } = await read(key)
  assert.equal(total['calls'], 100)
  assert.equal(total['success_rate'], 98)
  assert.equal(total['attempts'], 106)
  assert.equal(total['received_bytes'], 100_000)
  assert.equal(total['cache_hits'], 1)
  assert.equal(total['max_ms'], 5000)
  assert.equal(total['mean_ms'], 198)
  assert.deepEqual(total.errors, { status_503: 2 })
  assert.ok(Math.abs((total['p95_ms'] as number) - 100) < 10)
  assert.ok(Math.abs((total['p99_ms'] as number) - 5000) < 500)
  assert.deepEqual(
    connections.map((one) => [one.connection_id, one['calls']]),
    [
      [toWire('connection', busy), 98],
      [toWire('connection', quiet), 2],
    ],
  )
})

test('counts of several processes and moments add up, and nothing is counted twice', async () => {
  const { tenant_id, key } = await tenantWithKey(served)
  const id = served.app.newId()
  noteCall(served.app, noted(tenant_id, id))
  await writeCounts(served.app)
  noteCall(served.app, noted(tenant_id, id, { state: 'refused', error: 'status_402', duration_ms: 1 }))
  await Promise.all([writeCounts(served.app), writeCounts(served.app)])
  const { total } = await read(key, { connection_id: toWire('connection', id) })
  assert.deepEqual([total['calls'], total['succeeded'], total['refused']], [2, 1, 1])
})

test('a range by the day is its whole days and the hours at its edges', async () => {
  const { tenant_id, key } = await tenantWithKey(served)
  const subject_id = served.app.newId()
  const row = (grain: 'hour' | 'day', at: string, calls: number): MetricRow => ({
    ...{ tenant_id, subject_id, grain, at: new Date(at), calls, succeeded: calls, refused: 0, failed: 0 },
    ...{ unknown: 0, attempts: calls, total_ms: calls, max_ms: 1, durations: [0, calls], sent_bytes: 0 },
    ...{ received_bytes: 0, cache_hits: 0, cache_misses: 0, errors: {} },
  })
  const counted = [
    row('hour', '2026-03-01T22:00:00Z', 1),
    row('hour', '2026-03-01T20:00:00Z', 100),
    row('day', '2026-03-01T00:00:00Z', 101),
    row('hour', '2026-03-02T05:00:00Z', 20),
    row('day', '2026-03-02T00:00:00Z', 20),
    row('hour', '2026-03-03T01:00:00Z', 300),
    row('hour', '2026-03-03T09:00:00Z', 4000),
    row('day', '2026-03-03T00:00:00Z', 4300),
  ]
  const together = counted.map((one) => ({ ...one, subject_id: TOGETHER }))
  await addCounts(served.app.db.worker, [...counted, ...together])
  const range = { from: '2026-03-01T21:30:00Z', to: '2026-03-03T02:10:00Z' }
  const days = await read(key, { ...range, step: 'day' })
  assert.equal(days.total['calls'], 321)
  assert.deepEqual(
    days.series.map((one) => [one.at, one['calls']]),
    [
      ['2026-03-01T00:00:00.000Z', 1],
      ['2026-03-02T00:00:00.000Z', 20],
      ['2026-03-03T00:00:00.000Z', 300],
    ],
  )
  assert.deepEqual((await read(key, range)).total, days.total)
})

test('another tenant sees nothing of it, and a range that cannot be is refused by name', async () => {
  const { tenant_id } = await tenantWithKey(served)
  noteCall(served.app, noted(tenant_id, served.app.newId()))
  const stranger = await tenantWithKey(served)
  assert.equal((await read(stranger.key)).total['calls'], 0)
  for (const query of ['from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z', 'from=2020-01-01T00:00:00Z']) {
    const refused = await served.send('GET', `/v1/metrics/connections?${query}`, { key: stranger.key })
    assert.equal(refused.status, 400, refused.text)
    assert.equal(refused.body['field'], 'from')
  }
})

test('what is older than 400 days is forgotten', async () => {
  const { tenant_id, key } = await tenantWithKey(served)
  const old = {
    tenant_id,
    subject_id: served.app.newId(),
    grain: 'day' as const,
    at: new Date(Date.now() - 401 * 86_400_000),
  }
  const counts = {
    calls: 1,
    succeeded: 1,
    refused: 0,
    failed: 0,
    unknown: 0,
    attempts: 1,
    total_ms: 1,
    max_ms: 1,
  }
  const rest = { durations: [], sent_bytes: 0, received_bytes: 0, cache_hits: 0, cache_misses: 0, errors: {} }
  await addCounts(served.app.db.worker, [{ ...old, ...counts, ...rest }])
  await forgetOld(served.app)
  const to = new Date(Date.now() - 399 * 86_400_000).toISOString()
  const from = new Date(Date.now() - 405 * 86_400_000).toISOString()
  assert.equal((await read(key, { from, to, step: 'day' })).total['calls'], 0)
})

test('webhooks are counted by provider or type and by what came of them, each tenant its own', async () => {
  const { tenant_id, key } = await tenantWithKey(served)
  const note = (direction: 'inbound' | 'outbound', subject: string, outcome: string, duration_ms: number) =>
    noteTraffic(served.app, { tenant_id, direction, subject, outcome, duration_ms })
  for (const ms of [10, 20, 30]) note('inbound', 'stripe', 'completed', ms)
  note('inbound', 'stripe', 'duplicate', 0)
  note('inbound', 'github', 'quarantined', 0)
  await writeCounts(served.app)
  note('outbound', 'payment.completed', 'refused', 40)
  note('outbound', 'payment.completed', 'delivered', 60)
  const get = async (who: string) => (await served.send('GET', '/v1/metrics/webhooks', { key: who })).body
  const { subjects, series } = (await get(key)) as Record<'subjects' | 'series', Record<string, unknown>[]>
  assert.deepEqual(subjects, [
    {
      ...{ subject: 'stripe', direction: 'inbound', count: 4, mean_ms: 20 },
      outcomes: { completed: 3, duplicate: 1 },
    },
    {
      ...{ subject: 'payment.completed', direction: 'outbound', count: 2, mean_ms: 50 },
      outcomes: { delivered: 1, refused: 1 },
    },
    { subject: 'github', direction: 'inbound', count: 1, mean_ms: null, outcomes: { quarantined: 1 } },
  ])
  const together = (direction: string) =>
    series.filter((one) => one['direction'] === direction).reduce((sum, one) => sum + Number(one['count']), 0)
  assert.deepEqual([together('inbound'), together('outbound')], [5, 2])
  const stranger = await tenantWithKey(served)
  assert.deepEqual((await get(stranger.key))['subjects'], [])
})
