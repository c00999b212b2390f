import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Http } from '../modules/app.ts'
import { type Served, serve, tenantWithKey } from '../test/http_app.ts'
import { eventually } from '../test/product.ts'

/** Aborted when nobody reads any more. */
const stop = new AbortController()
let served: Served
before(async () => {
  served = await serve({ mount: { rooms: [tickingRoom] } })
})

function tickingRoom(http: Http): void {
  http.get(
    '/v1/ticks',
    { config: { access: 'calls:read' }, schema: { hide: true } },
    async (_request, reply) => {
      reply.raw.on('close', () => stop.abort())
      return reply.type('text/event-stream').send(Readable.from(ticks(stop.signal)))
    },
  )
}

async function* ticks(signal: AbortSignal): AsyncGenerator<string> {
  while (!signal.aborted) {
    yield ': tick\n\n'
    await sleep(50, null, { signal }).catch(() => null)
  }
}

test('a stream of events ends by itself when its key is revoked, and not before', {
  timeout: 120_000,
}, async () => {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const other = await served.send('POST', '/v1/keys', {
    key,
    body: { name: 'Watcher', environment: 'test', scopes: ['calls:read'] },
  })
  const response = await fetch(`${served.url}/v1/ticks`, {
    headers: { authorization: `Bearer ${other.body['key']}` },
  })
  assert.equal(response.status, 200)
  let has_ended = false
  const whole = response.text().then((text) => {
    has_ended = true
    return text
  })
  await sleep(6_000) // asked at least once, and still let in
  assert.equal(has_ended, false)
  assert.equal((await served.send('DELETE', `/v1/keys/${other.body['id']}`, { key })).status, 200)
  assert.match(await whole, /^(: tick\n\n)+$/)
  await eventually(async () => stop.signal.aborted)
})
