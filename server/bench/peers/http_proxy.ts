import httpProxy from '@fastify/http-proxy'
import fastify from 'fastify'
import pg from 'pg'
import type { GatewaySettings } from '../pipeline_peers.ts'
import { serveOrders, settingsOf } from '../programs.ts'

// The caller's key compared, one row before the request leaves, the vendor's credentials put on it. No limit, no
// breaker, no record of the answer.
const { url, vendor, token, key } = settingsOf<GatewaySettings>()
const database = new pg.Pool({ connectionString: url, max: 20 })
const http = fastify()
await http.register(httpProxy, {
  upstream: `http://127.0.0.1:${vendor}`,
  undici: { connections: 64, pipelining: 1 },
  preHandler: async (request, reply) => {
    if (request.headers.authorization !== `Bearer ${key}`) return reply.code(401).send()
    await database.query({
      name: 'request',
      text: 'insert into bench_request (method, path, headers) values ($1, $2, $3)',
      values: [request.method, request.url, JSON.stringify(request.headers)],
    })
  },
  replyOptions: {
    rewriteRequestHeaders: (_request, headers) => ({ ...headers, authorization: `Bearer ${token}` }),
  },
})
await http.listen({ port: 0, host: '127.0.0.1' })
const address = http.server.address()
const port = typeof address === 'object' && address ? address.port : 0

serveOrders({ port, authorization: `Bearer ${key}` }, async () => null)
