import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createEgress } from '../../platform/egress/egress.ts'
import { undoAfter } from '../../test/harness.ts'
import type { App } from '../app.ts'
import type { OpenConnection } from '../connections/connections.ts'
import { askingOf } from './tokens.ts'

test('of several questions for one token none is asked that may be answered when another process asks as well', async () => {
  let asked = 0
  const server = createServer((_request, response) => {
    asked += 1
    response.end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const egress = createEgress({ allow: [], allow_loopback: true })
  undoAfter(async () => {
    await egress.close()
    server.closeAllConnections()
    server.close()
  })
  let now_ms = 1_000
  const app = { clock: { now: () => new Date(), monotonic: () => now_ms }, egress } as unknown as App
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const opened = { credentials: {}, provider: { base_url: url }, settings: { base_url: url } }
  const { send } = askingOf(app, { opened } as unknown as OpenConnection, 20_000)
  const ask = () => send({ url, method: 'GET', headers: {}, timeout_ms: 10_000, max_response_bytes: 100 })
  assert.equal((await ask()).kind, 'response')
  now_ms += 9_500 // the first was slow
  const late = await ask()
  assert.deepEqual([late.kind, late.kind === 'error' && late.sent, asked], ['error', false, 1])
})
