import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'
import type { GatewaySettings } from '../pipeline_peers.ts'
import { serveOrders, settingsOf } from '../programs.ts'

// What Node can do at best: it passes on what comes, and asks for no key, puts on no credentials, keeps nothing.
const { vendor, key } = settingsOf<GatewaySettings>()
const pool = new Pool(`http://127.0.0.1:${vendor}`, { connections: 64 })
const http = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', async () => {
    const { method = 'GET', url: path = '/' } = request
    const headers = { 'content-type': request.headers['content-type'] ?? '' }
    const answer = await pool.request({ method, path, headers, body: Buffer.concat(chunks) })
    response.writeHead(answer.statusCode).end(await answer.body.bytes())
  })
})
http.listen(0, '127.0.0.1', () => {
  const { port } = http.address() as AddressInfo
  serveOrders({ port, authorization: `Bearer ${key}` }, async () => null)
})
