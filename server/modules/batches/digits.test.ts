import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { providers } from '../../providers/index.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { startDeferred } from '../calls/jobs.ts'
import { routes as callRoutes } from '../calls/routes.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes as eventRoutes } from '../events/routes.ts'
import { routes as operationRoutes } from '../operations/routes.ts'
import { runTurn } from './jobs.ts'
import { routes } from './routes.ts'

/** Through each door by which a call is made: the vendor reads the digits that the caller wrote, and back. */
let served: Served
before(async () => {
  const rooms = [connectionRoutes, eventRoutes, operationRoutes, callRoutes, routes]
  served = await serve({ mount: { rooms }, providers })
})

const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }
const ORDER = { id: rawJSON('12345678901234567890'), price: rawJSON('1.50'), note: 'x' }
const WRITTEN = '{"id":12345678901234567890,"price":1.50,"note":"x"}'

async function connect() {
  const bodies: string[] = []
  const server = createServer(async (request, response) => {
    bodies.push(await textOf(request))
    response.writeHead(200, { 'content-type': 'application/json' }).end(WRITTEN)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => {
    server.closeAllConnections()
    server.close()
  })
  const base_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const send = async (path: string, body: object, status: number) => {
    const reply = await served.send('POST', path, { key, body })
    assert.equal(reply.status, status, reply.text)
    return reply
  }
  const made = await send(
    '/v1/connections',
    { provider: 'http', name: 'x', environment: 'development', settings: { base_url } },
    201,
  )
  return { key, bodies, send, path: `/v1/connections/${made.body['id']}` }
}

test('a call at once sends the digits that were written, as JSON, as a form, mapped and by a stored operation', async () => {
  const { bodies, send, path } = await connect()
  const call = (body: object) => send(`${path}/calls`, { method: 'POST', path: '/x', ...body }, 200)
  await call({ body: ORDER })
  await call({ body: ORDER, encoding: 'form' })
  await call({
    body: ORDER,
    mapping: { in: [{ kind: 'map', fields: { order_id: 'id', price: 'price' }, others: 'drop' }] },
  })
  await send(`${path}/operations`, { name: 'order', method: 'POST', path: '/x', body: { of: '{{id}}' } }, 201)
  await send(`${path}/calls`, { operation: 'order', input: { id: ORDER.id } }, 200)
  assert.deepEqual(bodies, [
    WRITTEN,
    'id=12345678901234567890&price=1.50&note=x',
    '{"order_id":12345678901234567890,"price":1.50}',
    '{"of":12345678901234567890}',
  ])
})

test('a call made later and one of a batch send the digits that were written, and report those that came', async () => {
  const { key, bodies, send, path } = await connect()
  const call = { method: 'POST', path: '/x', body: ORDER }
  const later = await send(`${path}/calls`, { ...call, mode: 'async' }, 202)
  const calls = [{ method: 'POST', path: '/x', body: { a: 1 } }, call]
  const batch = await send(`${path}/calls/batch`, { calls }, 202)
  const loop = startDeferred(served.app, runTurn)
  undoAfter(() => loop.stop())
  const reportsAt = async (at: string) =>
    (await served.send('GET', at, { key })).text.split(`"body":${WRITTEN}`).length - 1
  const places = [`/v1/calls/${later.body['id']}`, `/v1/batches/${batch.body['id']}/calls`]
  const seen = async () => await Promise.all(places.map(reportsAt))
  for (const end = performance.now() + 30_000; (await seen()).join() !== '1,2'; await sleep(20))
    assert.ok(performance.now() < end, `${bodies} ${await seen()}`)
  assert.deepEqual(bodies.sort(), ['{"a":1}', WRITTEN, WRITTEN])
})

test('a number that an operation of a provider cannot be given unchanged is refused by its field', async () => {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const made = await served.send('POST', '/v1/connections', {
    key,
    body: {
      ...{ provider: 'stripe', name: 'x', environment: 'development' },
      ...{
        settings: { base_url: 'http://127.0.0.1:9' },
        credentials: { secret_key: 'sk_test_abcdef123456' },
      },
    },
  })
  assert.equal(made.status, 201, made.text)
  const ask = (amount: unknown) =>
    served.send('POST', `/v1/connections/${made.body['id']}/calls`, {
      key,
      body: { operation: 'payments.create', retries: 0, input: { amount, currency: 'BRL' } },
    })
  const { status, body } = await ask(rawJSON('9007199254740993'))
  assert.deepEqual([status, body['field']], [400, 'input.amount'])
  assert.match(String(body['detail']), /send it as text/)
  const same = await ask(rawJSON('1.050e3'))
  assert.ok(!JSON.stringify(same.body).includes('send it as text'), 'a double all the same')
})
