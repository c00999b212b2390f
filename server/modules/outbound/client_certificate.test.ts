import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, beforeEach, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { startSecureRedis, without } from '../../test/brokers.ts'
import { DAY_MS, type Issued, issue } from '../../test/certificates.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Api, eventually, type Json, type Product, startProduct } from '../../test/product.ts'

/** Mutual TLS: a receiver that lets in whoever its authority vouches for, and says whom it saw. */

const soon = new Date(Date.now() + 10 * DAY_MS)
const authority = issue('Trilho test authority', [], soon)
const pem = ({ key }: Issued): string => String(key.export({ type: 'pkcs8', format: 'pem' }))

let product: Product
let url: string
/** Names of the certificates that requests came with, by path. */
const seen: [path: string, name: string][] = []
/** A tenant of its own for each test. */
let api: Api

before(async () => {
  product = await startProduct()
  const own = issue('localhost', ['localhost'], soon, authority)
  const server = createServer(
    { cert: own.cert, key: pem(own), ca: [authority.cert], requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate()
      seen.push([String(request.url), String(subject?.CN)])
      response.end()
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  undoAfter(async () => {
    server.close()
    server.closeAllConnections()
  })
  url = `https://localhost:${(server.address() as AddressInfo).port}`
})
beforeEach(async () => {
  api = await product.newTenant()
})

const authOf = (client: Issued): Json => ({
  type: 'mtls',
  certificate: client.cert,
  key: pem(client),
  authority: authority.cert,
})
const subscription = (path: string, more: Json): Json => ({
  name: path,
  url: url + path,
  event_types: ['webhook.received'],
  retry_schedule_s: [],
  ...more,
})
const subscribe = (path: string, more: Json) => api.ok('POST', '/v1/subscriptions', subscription(path, more))
const publish = () => api.ok('POST', '/v1/events', { type: 'webhook.received', data: {} })
const namesAt = (path: string) => seen.filter(([at]) => at === path).map(([, name]) => name)

test('each subscription shows its own certificate to the receiver that demands one, and its key is never shown', async () => {
  const [ana, bia] = ['ana', 'bia'].map((name) => issue(name, [], soon, authority)) as [Issued, Issued]
  const made = await subscribe('/ana', { auth: authOf(ana) })
  await subscribe('/bia', { auth: authOf(bia) })
  assert.deepEqual(made['auth'], {
    type: 'mtls',
    subject: 'CN=ana',
    expires_at: new Date(Math.floor(soon.getTime() / 1000) * 1000).toISOString(),
  })
  const read = await api.ok('GET', `/v1/subscriptions/${made['id']}`)
  assert.doesNotMatch(JSON.stringify([made, read]), /BEGIN/)
  for (let round = 1; round <= 3; round++) {
    await publish()
    await eventually(async () => namesAt('/ana').length >= round && namesAt('/bia').length >= round)
  }
  assert.deepEqual(namesAt('/ana'), ['ana', 'ana', 'ana'])
  assert.deepEqual(namesAt('/bia'), ['bia', 'bia', 'bia'])
})

test('a certificate that is changed is the one shown from then on', async () => {
  const { id } = await subscribe('/changed', { auth: authOf(issue('old', [], soon, authority)) })
  await publish()
  await eventually(async () => namesAt('/changed').length === 1)
  await api.ok('PATCH', `/v1/subscriptions/${id}`, { auth: authOf(issue('new', [], soon, authority)) })
  await publish()
  await eventually(async () => namesAt('/changed').length === 2)
  assert.deepEqual(namesAt('/changed'), ['old', 'new'])
})

test('without a certificate the receiver lets nothing in, and the delivery says so', async () => {
  const stranger = issue('Another authority', [], soon)
  await subscribe('/stranger', { auth: authOf(issue('eve', [], soon, stranger)) })
  await publish()
  const failed = await eventually(async () => (await api.list('/v1/deliveries?state=failed'))[0])
  assert.ok(String(failed['error']).length > 0)
  assert.deepEqual(namesAt('/stranger'), [])
})

test('a key of another certificate, or an address without TLS, is refused by name', async () => {
  const [one, other] = ['one', 'other'].map((name) => issue(name, [], soon, authority)) as [Issued, Issued]
  const wrong = await api.send(
    'POST',
    '/v1/subscriptions',
    subscription('/x', { auth: { ...authOf(one), key: pem(other) } }),
  )
  assert.equal(wrong.status, 400)
  assert.equal(wrong.body['field'], 'auth.key')
  assert.match(String(wrong.body['detail']), /does not belong to the certificate/)
  const none = await api.send(
    'POST',
    '/v1/subscriptions',
    subscription('/x', { auth: { ...authOf(one), certificate: 'x' } }),
  )
  assert.equal(none.body['field'], 'auth.certificate')
  const plain = await api.send(
    'POST',
    '/v1/subscriptions',
    subscription('/x', { url: 'http://localhost:1/x', auth: authOf(one) }),
  )
  assert.equal(plain.status, 400)
  assert.match(String(plain.body['detail']), /url must be an address with TLS/)
})

test('a subscription shows its certificate to a broker, with its login, and neither key nor password is shown', {
  skip: without.redis,
}, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'trilho-tls-'))
  undoAfter(() => rm(dir, { recursive: true, force: true }))
  const at = { cert: join(dir, 'cert'), key: join(dir, 'key'), ca: join(dir, 'ca') }
  const server = issue('localhost', ['localhost'], soon, authority)
  await writeFile(at.cert, server.cert)
  await writeFile(at.key, pem(server))
  await writeFile(at.ca, authority.cert)
  const { port } = await startSecureRedis(at, ['--requirepass', 'correct-horse'])
  const auth = {
    ...authOf(issue('ana', [], soon, authority)),
    username: 'default',
    password: 'correct-horse',
  }
  const to = { name: 'queue', event_types: ['webhook.received'], retry_schedule_s: [] }
  const made = await api.ok('POST', '/v1/subscriptions', {
    ...to,
    url: `rediss://localhost:${port}/orders`,
    auth,
  })
  assert.deepEqual((made['auth'] as Json)['username'], 'default')
  assert.doesNotMatch(JSON.stringify(made), /correct-horse|PRIVATE KEY/)
  await publish()
  await eventually(async () => (await api.list('/v1/deliveries?state=delivered')).length === 1)
  const plain = await api.send('POST', '/v1/subscriptions', {
    ...to,
    url: `redis://localhost:${port}/orders`,
    auth,
  })
  assert.deepEqual([plain.status, plain.body['field']], [400, 'url'])
  const https = await api.send('POST', '/v1/subscriptions', subscription('/x', { auth }))
  assert.deepEqual([https.status, https.body['field']], [400, 'auth.username'])
})
