import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { Http } from '../modules/app.ts'
import { type Served, serve } from '../test/http_app.ts'

let served: Served
before(async () => {
  served = await serve({ mount: { rooms: [oddRoom] } })
})

function oddRoom(http: Http): void {
  const schema = { hide: true }
  http.get('/v1/odd', { config: { access: 'public' }, schema }, async (_request, reply) =>
    reply.header('x-odd', 'no header may say\nthis').send('odd'),
  )
  http.get('/v1/even', { config: { access: 'public' }, schema }, async () => 'even')
}

test('an answer that cannot be written ends its own connection, and no other of its moment', async () => {
  const ask = (path: string) =>
    fetch(`${served.url}${path}`).then(
      ({ status }) => status,
      () => 'cut off',
    )
  const answers = await Promise.all(['/v1/even', '/v1/odd', '/v1/even', '/v1/odd', '/v1/even'].map(ask))
  assert.deepEqual(answers, [200, 'cut off', 200, 'cut off', 200])
  assert.equal(await ask('/v1/even'), 200)
})
