import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { Routes } from '../modules/app.ts'
import { routes as people } from '../modules/people/routes.ts'
import { testDatabaseUrl } from '../test/harness.ts'
import { type Served, serve } from '../test/http_app.ts'
import { type Browser, fails, firstPerson, PASSWORD } from '../test/person.ts'

let served: Served
let ana: Browser
let database_url: string

/** What asks a vendor, and what only reads. */
const room: Routes = (http) => {
  const acting = { access: 'calls:write' as const, acts_outside: true }
  const schema = { response: {} }
  http.get('/v1/asks', { config: acting, schema: { ...schema, operationId: 'asks' } }, async () => ({
    asked: true,
  }))
  const changing = { access: 'calls:write' as const }
  http.post(
    '/v1/made',
    { config: changing, schema: { ...schema, operationId: 'make' } },
    async (request) => ({
      environment: request.actor.environment,
    }),
  )
  const reading = { access: 'calls:read' as const }
  http.get('/v1/reads', { config: reading, schema: { ...schema, operationId: 'reads' } }, async () => ({
    read: true,
  }))
}

before(async () => {
  database_url = await testDatabaseUrl()
  served = await serve({ database_url, mount: { rooms: [people, room] } })
  ana = await firstPerson(served)
  assert.equal((await ana.send('POST', '/v1/tenants', { body: { name: 'Mercado Azul' } })).status, 201)
})

test('a key of a person for test is another request than the same for live', async () => {
  const headers = { 'idempotency-key': 'the-same' }
  const test_headers = { ...headers, 'trilho-environment': 'test' }
  assert.equal((await ana.send('POST', '/v1/made', { headers })).body['environment'], 'live')
  await fails(ana.send('POST', '/v1/made', { headers: test_headers }), 422, 'idempotency_key_reused')
  const again = await ana.send('POST', '/v1/made', { headers })
  assert.deepEqual([again.body['environment'], again.headers.get('idempotency-replayed')], ['live', 'true'])
})

test('a link that somebody was sent reads, and asks no vendor', async () => {
  const { cookie } = ana
  const bare = { headers: { cookie } }
  assert.equal((await served.send('GET', '/v1/reads', bare)).status, 200)
  await fails(served.send('GET', '/v1/asks', bare), 403, 'forbidden')
  const typed = { headers: { cookie, 'trilho-csrf': ana.csrf, 'sec-fetch-site': 'none' } }
  await fails(served.send('GET', '/v1/asks', typed), 403, 'forbidden')
  assert.equal((await ana.send('GET', '/v1/asks')).status, 200)
})

test('the answer that lets somebody in is kept for nobody who repeats the request', async () => {
  const body = { email: 'ana@example.com', password: PASSWORD }
  const headers = { 'idempotency-key': 'the same' }
  const [first, second] = [
    await served.send('POST', '/v1/session', { body, headers }),
    await served.send('POST', '/v1/session', { body, headers }),
  ]
  assert.deepEqual([first.status, second.status], [200, 200])
  assert.equal(second.headers.get('idempotency-replayed'), null)
  assert.notEqual(first.headers.get('set-cookie'), second.headers.get('set-cookie'))
})

test('where others know us by https, a cookie that plain http could set does not count', async () => {
  const secure = await serve({
    database_url,
    config: { public_url: 'https://hub.example.com' },
    mount: { rooms: [people, room] },
  })
  const value = ana.cookie.slice(ana.cookie.indexOf('=') + 1)
  const asks = (cookie: string) => secure.send('GET', '/v1/reads', { headers: { cookie } })
  assert.equal((await asks(`trilho_session=${value}`)).status, 401)
  assert.equal((await asks(`__Host-trilho_session=${value}`)).status, 200)
})
