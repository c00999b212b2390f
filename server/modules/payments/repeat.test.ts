import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import Type from 'typebox'
import { bearer } from '../../kit/auth.ts'
import type { RefundPayment } from '../../kit/payments.ts'
import { defineProvider, get, operation, path, post } from '../../kit/provider.ts'
import { inTenant } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { openConnection } from '../connections/connections.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { answered } from './create.ts'
import * as queries from './queries.ts'
import * as refunds from './refund_queries.ts'
import { markOf, reserveRefund, sendRefund } from './refunds.ts'
import { settle } from './settle.ts'
import { asker } from './vendor.ts'

const money = { amount: '990', currency: 'BRL' }
const Refund = Type.Object({ id: Type.String(), reference: Type.String() })
const toRefund = ({ id, reference }: { id: string; reference: string }) => ({
  ...{ vendor_id: id, payment_id: 'tx_1', status: 'completed' as const, money, reference },
})

/** Makes nothing twice under our id, and lists what it made some time after it made it. */
const late = defineProvider({
  id: 'late',
  name: 'Late',
  category: 'payments',
  docs: 'https://late.example',
  fields: [{ key: 'base_url', label: 'Base URL', type: 'url', required: true }],
  auth: bearer('key'),
  limits: { timeout_ms: 30_000 },
  test: get('/refunds'),
  payments: {
    settles: 'lookup',
    repeats: true,
    find_by_reference: operation({
      request: ({ reference }) => get(path`/payments/${reference}`),
      reads: Type.Unknown(),
      translate: () => null,
    }),
    refund: operation({
      request: ({ reference }: RefundPayment) => post('/refunds', { reference }),
      reads: Refund,
      translate: toRefund,
    }),
    refunds: operation({
      request: () => get('/refunds'),
      reads: Type.Array(Refund),
      translate: (listed) => listed.map(toRefund),
    }),
  },
})

let served: Served
let tenant_id: string
let connection_id: string
let is_listed = false
let made: { id: string; reference: string } | null = null

before(async () => {
  const vendor = createServer((request, response) => {
    let body = ''
    request.on('data', (part) => {
      body += part
    })
    request.on('end', () => {
      const reply = (status: number, what: unknown) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(what))
      if (request.method === 'GET') return reply(200, is_listed && made ? [made] : [])
      // The first is done and its answer is lost; what it says to the second is in no documentation.
      if (made) return reply(400, { said: 'x19' })
      made = { id: 'rf_1', reference: (JSON.parse(body) as { reference: string }).reference }
      return request.socket.destroy()
    })
  })
  await new Promise<void>((resolve) => vendor.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => {
    vendor.closeAllConnections()
    await new Promise((resolve) => vendor.close(resolve))
  })
  const { port } = vendor.address() as AddressInfo
  served = await serve({ mount: { rooms: [connectionRoutes] }, providers: new Map([['late', late]]) })
  const tenant = await tenantWithKey(served, ['*'], 'test')
  tenant_id = tenant.tenant_id
  const body = {
    provider: 'late',
    name: 'Late',
    environment: 'development',
    settings: { base_url: `http://127.0.0.1:${port}` },
    credentials: { key: 'key_1' },
    limits: { breaker: false, retry_budget: false },
  }
  const reply = await served.send('POST', '/v1/connections', { key: tenant.key, body })
  assert.equal(reply.status, 201, reply.text)
  connection_id = fromWire('connection', String(reply.body['id']))
})

test('a repeated refund that is refused in words nobody knows, and not listed yet, has not failed', async () => {
  const { app } = served
  const place = { tenant_id, id: app.newId() }
  await inTenant(app.db, tenant_id, (tx) =>
    queries.insertPayment(tx, {
      ...place,
      ...{ connection_id, provider: 'late', method: 'pix', capture: 'automatic', held: false, actor: 'test' },
      ...{ ...money, customer: null, description: null, metadata: '{}', due_date: null, request: null },
    }),
  )
  const told = { vendor_id: 'tx_1', status: 'completed' as const, money }
  await answered(app, place, { kind: 'told', told, call_id: 'call_1' }, 'answer')
  const connection = await openConnection(app, tenant_id, connection_id)
  const mark = await markOf(app, connection)
  const { payment, refund } = await reserveRefund(app, asker(connection), place, {}, mark)
  await sendRefund(app, asker(connection), connection, payment, refund)
  const now = () => inTenant(app.db, tenant_id, (tx) => refunds.findRefund(tx, { tenant_id, id: refund.id }))
  const turn = async () => {
    const row = await inTenant(app.db, tenant_id, (tx) => queries.findPayment(tx, place))
    assert.ok(row?.job_id)
    const payload = { payment_id: place.id, tries: 6, denied: 0 }
    await settle(app, { tenant_id, id: row.job_id, payload, attempts: 1 })
    return (await now())?.status
  }
  assert.equal((await now())?.status, 'processing')
  assert.equal(await turn(), 'processing')
  is_listed = true
  assert.equal(await turn(), 'completed')
})
