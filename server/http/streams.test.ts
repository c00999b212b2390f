import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as ask, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import type { Http } from '../modules/app.ts'
import { clientError } from './problems.ts'
import { markStreams } from './streams.ts'

test('a body that is streamed may take longer to arrive than other requests may', async (t) => {
  const server = Fastify({
    requestTimeout: 4000,
    http: { headersTimeout: 4000, connectionsCheckingInterval: 50 },
    clientErrorHandler: clientError,
  })
  t.after(() => server.close())
  markStreams(server as unknown as Http)
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', (_request, _body, done) => done(null))
  const handler = async ({ raw }: { raw: IncomingMessage }) => text(raw)
  server.post('/streamed', { config: { streams: true } }, handler)
  server.post('/other', handler)
  await server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.server.address() as AddressInfo
  const post = async (path: string) => {
    const request = ask({ host: '127.0.0.1', port, method: 'POST', path, agent: false })
    request.on('error', () => {})
    request.write('slow ')
    void sleep(12_000).then(() => request.end('but whole'))
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    return { status: response.statusCode, body: await text(response) }
  }
  const [streamed, other] = await Promise.all([post('/streamed'), post('/other')])
  assert.deepEqual(streamed, { status: 200, body: 'slow but whole' })
  assert.equal(other.status, 408)
})
