import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { providers } from '../../providers/index.ts'
import { DAY_MS, type Issued, issue } from '../../test/certificates.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { eventually } from '../../test/product.ts'
import { routes as callRoutes } from '../calls/routes.ts'
import { routes } from './routes.ts'

/** Mutual TLS: a vendor that lets in whoever its authority vouches for, and says whom it saw. */

const soon = new Date(Date.now() + 10 * DAY_MS)
const authority = issue('Trilho test authority', [], soon)
const pem = ({ key }: Issued): string => String(key.export({ type: 'pkcs8', format: 'pem' }))

let served: Served
let url: string
/** The sockets that are open at the vendor, by the name of their certificate. */
const open: string[] = []
before(async () => {
  served = await serve({ mount: { rooms: [routes, callRoutes] }, providers })
  const own = issue('localhost', ['localhost'], soon, authority)
  const server = createServer(
    { cert: own.cert, key: pem(own), ca: [authority.cert], requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ name: nameOf(request.socket as TLSSocket) }))
    },
  )
  server.keepAliveTimeout = 60_000
  server.on('secureConnection', (socket) => {
    const name = nameOf(socket)
    open.push(name)
    socket.on('close', () => void open.splice(open.indexOf(name), 1))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => {
    server.close()
    server.closeAllConnections()
  })
  url = `https://localhost:${(server.address() as AddressInfo).port}`
})

const nameOf = (socket: TLSSocket): string => String(socket.getPeerCertificate().subject?.CN ?? '')

const credentialsOf = (client: Issued) => ({
  certificate: client.cert,
  certificate_key: pem(client),
  certificate_authority: authority.cert,
})

const settings = () => ({ base_url: url, auth: 'none', mtls: true })

async function connect(client: Issued): Promise<{ key: string; connection: string }> {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const body = {
    provider: 'http',
    name: 'Bank',
    environment: 'development',
    settings: settings(),
    credentials: credentialsOf(client),
  }
  const reply = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(reply.status, 201, reply.text)
  return { key, connection: String(reply.body['id']) }
}

async function whoAmI({ key, connection }: { key: string; connection: string }): Promise<unknown> {
  const body = { method: 'GET', path: '/', retries: 0 }
  const reply = await served.send('POST', `/v1/connections/${connection}/calls`, { key, body })
  assert.equal(reply.body['state'], 'succeeded', reply.text)
  return (reply.body['body'] as { name: string }).name
}

test('each connection shows its own certificate, on sockets that nobody else uses', async () => {
  const ana = await connect(issue('ana', ['ana.example'], soon, authority))
  const bia = await connect(issue('bia', ['bia.example'], soon, authority))
  for (let round = 0; round < 3; round++) {
    assert.equal(await whoAmI(ana), 'ana')
    assert.equal(await whoAmI(bia), 'bia')
  }
  assert.deepEqual([...open].sort(), ['ana', 'bia'], 'each keeps one socket')
})

test('the sockets of a certificate are closed when it is changed, and when the connection goes', async () => {
  const connected = await connect(issue('old', ['old.example'], soon, authority))
  const { key, connection } = connected
  assert.equal(await whoAmI(connected), 'old')
  const body = { credentials: credentialsOf(issue('new', ['new.example'], soon, authority)) }
  assert.equal((await served.send('PATCH', `/v1/connections/${connection}`, { key, body })).status, 200)
  await eventually(async () => !open.includes('old'))
  assert.equal(await whoAmI(connected), 'new')
  assert.equal((await served.send('DELETE', `/v1/connections/${connection}`, { key })).status, 204)
  await eventually(async () => !open.includes('new'))
})

test('without a certificate the vendor does not let a connection in', async () => {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const body = { provider: 'http', name: 'x', environment: 'development', settings: { base_url: url } }
  const made = await served.send('POST', '/v1/connections', { key, body })
  const asked = { method: 'GET', path: '/', retries: 0 }
  const reply = await served.send('POST', `/v1/connections/${made.body['id']}/calls`, { key, body: asked })
  assert.equal(reply.body['state'], 'failed')
})

test('a key that belongs to another certificate is refused by name', async () => {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const [one, other] = ['one', 'other'].map((name) => issue(name, [], soon, authority)) as [Issued, Issued]
  const credentials = { ...credentialsOf(one), certificate_key: pem(other) }
  const body = { provider: 'http', name: 'x', environment: 'development', settings: settings(), credentials }
  const reply = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(reply.status, 422)
  assert.equal(reply.body['field'], 'credentials.certificate_key')
  assert.match(String(reply.body['detail']), /does not belong to the certificate/)
})
