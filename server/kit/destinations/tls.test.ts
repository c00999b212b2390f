import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createServer, getCACertificates, setDefaultCACertificates } from 'node:tls'
import { createEgress } from '../../platform/egress/egress.ts'
import { startNats, startRedis, startSecureRedis, type Tls, without } from '../../test/brokers.ts'
import { DAY_MS, type Issued, issue } from '../../test/certificates.ts'
import { undoAfter } from '../../test/harness.ts'
import { type DestinationAuth, publish, readDestination } from './destinations.ts'

const soon = new Date(Date.now() + 10 * DAY_MS)
const authority = issue('Trilho test authority', [], soon)
const stranger = issue('Trilho test authority', [], soon)
setDefaultCACertificates([...getCACertificates(), authority.cert])
const trusted = issue('mq.acorn.example', ['mq.acorn.example'], soon, authority)
const unknown = issue('mq.acorn.example', ['mq.acorn.example'], soon, stranger)
const another = issue('other.acorn.example', ['other.acorn.example'], soon, authority)

/** Every name is this machine. */
const egress = createEgress({
  allow: [],
  allow_loopback: true,
  resolve: (_host, _options, done) => setImmediate(done, null, [{ address: '127.0.0.1', family: 4 }]),
})
undoAfter(() => egress.close())

async function send(url: string, timeout_ms = 5_000, auth: DestinationAuth | null = null) {
  const destination = readDestination(url)
  assert(destination && typeof destination !== 'string', String(destination))
  const message = {
    id: 'evt_1',
    copy_id: 'evt_1.sub_1',
    type: 'a',
    timestamp: new Date(),
    headers: { a: 'b' },
    body: '{}',
    key: null,
  }
  return publish(egress, { destination, auth, message, timeout_ms })
}

const pem = ({ key }: Issued) => key.export({ type: 'pkcs8', format: 'pem' })

/** TLS in front of what speaks plainly. */
async function inFrontOf(port: number, issued: Issued): Promise<number> {
  const server = createServer({ cert: issued.cert, key: pem(issued) }, (socket) => {
    const inner = connect(port, '127.0.0.1')
    socket.on('error', () => inner.destroy()).on('close', () => inner.destroy())
    inner.on('error', () => socket.destroy()).on('close', () => socket.destroy())
    socket.pipe(inner).pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  undoAfter(async () => void server.close())
  return (server.address() as AddressInfo).port
}

test('rediss is TLS with a server whose certificate is trusted and its own', {
  skip: without.redis,
}, async () => {
  const { port } = await startRedis()
  const at = async (issued: Issued) => `rediss://mq.acorn.example:${await inFrontOf(port, issued)}/orders`
  assert.equal((await send(await at(trusted))).kind, 'accepted')
  for (const wrong of [unknown, another]) {
    const landing = await send(await at(wrong))
    assert(landing.kind === 'error')
    assert.equal(landing.sent, false)
    assert.match(landing.message, /^no TLS with mq\.acorn\.example/)
  }
  const plain = await send(`rediss://mq.acorn.example:${port}/orders`, 500)
  assert(plain.kind === 'error')
  assert.equal(plain.sent, false)
})

test('natss goes over to TLS after the greeting, and to nobody who does not', {
  skip: without.nats,
}, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'trilho-tls-'))
  undoAfter(() => rm(dir, { recursive: true, force: true }))
  await writeFile(join(dir, 'cert'), trusted.cert)
  await writeFile(join(dir, 'key'), pem(trusted))
  const secure = await startNats(['--tls', '--tlscert', join(dir, 'cert'), '--tlskey', join(dir, 'key')])
  const url = `natss://mq.acorn.example:${secure.port}/a?jetstream=off`
  assert.deepEqual(await send(url), { kind: 'accepted', answer: {} })
  assert.equal((await send(url.replace('mq.', 'other.'))).kind, 'error')
  const plain = await startNats()
  const landing = await send(`natss://mq.acorn.example:${plain.port}/a?jetstream=off`)
  assert(landing.kind === 'error')
  assert.equal(landing.sent, false)
})

async function filesOf(server: Issued): Promise<Tls> {
  const dir = await mkdtemp(join(tmpdir(), 'trilho-tls-'))
  undoAfter(() => rm(dir, { recursive: true, force: true }))
  const at = { cert: join(dir, 'cert'), key: join(dir, 'key'), ca: join(dir, 'ca') }
  await writeFile(at.cert, server.cert)
  await writeFile(at.key, pem(server))
  await writeFile(at.ca, authority.cert)
  return at
}

/** Of ours, with the login that the broker wants as well. */
const shown = (issued: Issued, login: { username?: string; password?: string } = {}): DestinationAuth => ({
  type: 'mtls',
  identity: { owner: 'sub', certificate: issued.cert, key: String(pem(issued)), authority: authority.cert },
  ...login,
})

const client = issue('trilho', [], soon, authority)
const impostor = issue('trilho', [], soon, stranger)

test('a Redis that wants certificates takes from who shows one of its authority, and from no other', {
  skip: without.redis,
}, async () => {
  const { port } = await startSecureRedis(await filesOf(trusted), ['--requirepass', 'correct-horse'])
  const url = `rediss://mq.acorn.example:${port}/orders`
  const login = { username: 'default', password: 'correct-horse' }
  assert.equal((await send(url, 5_000, shown(client, login))).kind, 'accepted')
  for (const auth of [null, shown(impostor, login), shown(client)]) {
    const landing = await send(url, 5_000, auth)
    assert(landing.kind === 'error', JSON.stringify(landing))
  }
})

test('a NATS that verifies certificates takes from who shows one of its authority, and from no other', {
  skip: without.nats,
}, async () => {
  const { cert, key, ca } = await filesOf(trusted)
  const { port } = await startNats(['--tlsverify', '--tlscert', cert, '--tlskey', key, '--tlscacert', ca])
  const url = `natss://mq.acorn.example:${port}/a?jetstream=off`
  assert.deepEqual(await send(url, 5_000, shown(client)), { kind: 'accepted', answer: {} })
  for (const auth of [null, shown(impostor)]) assert.equal((await send(url, 5_000, auth)).kind, 'error')
})
