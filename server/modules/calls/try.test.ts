import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { providers } from '../../providers/index.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes } from './routes.ts'

let served: Served
let asked = 0
let vendor: string
before(async () => {
  served = await serve({ mount: { rooms: [connectionRoutes, routes] }, providers })
  const server = createServer((_request, response) => {
    asked += 1
    response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => void server.close())
  vendor = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

const make = async (base_url: string, query: string) => {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const body = { provider: 'http', name: 'x', environment: 'development', settings: { base_url } }
  return { key, made: await served.send('POST', `/v1/connections${query}`, { key, body }) }
}

test('a connection is tried as it is made where that is asked for, and made however that goes', async () => {
  const { made: plain } = await make(vendor, '')
  assert.deepEqual([plain.status, 'test' in plain.body, asked], [201, false, 0], plain.text)
  const { made: good } = await make(vendor, '?test=true')
  assert.equal(good.status, 201, good.text)
  assert.deepEqual([(good.body['test'] as { ok: boolean }).ok, asked], [true, 1])
  const { key, made: bad } = await make('http://127.0.0.1:1', '?test=true')
  assert.equal(bad.status, 201, bad.text)
  const found = bad.body['test'] as {
    ok: boolean
    message: string
    diagnosis: { step: string; ok: boolean }[]
  }
  assert.equal(found.ok, false)
  assert.match(found.message, /not reached/)
  assert.ok(
    found.diagnosis.some(({ step, ok }) => step === 'reach' && !ok),
    bad.text,
  )
  const { status } = await served.send('GET', `/v1/connections/${bad.body['id']}`, { key })
  assert.equal(status, 200)
})
