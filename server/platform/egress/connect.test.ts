import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createEgress } from './egress.ts'

async function listen(t: TestContext): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {}) // who only looks hangs up at once
    socket.end('hello')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

function open(t: TestContext, allow_loopback: boolean) {
  const egress = createEgress({ allow: [], allow_loopback })
  t.after(() => egress.close())
  return egress
}

test('a socket goes where a request may go, and speaks whatever its owner speaks', async (t) => {
  const port = await listen(t)
  const connected = await open(t, true).connect({ host: '127.0.0.1', port, timeout_ms: 30_000 })
  assert(connected.kind === 'socket')
  const [chunk] = (await once(connected.socket, 'data')) as [Buffer]
  assert.equal(chunk.toString(), 'hello')
  connected.socket.destroy()
})

test('a socket goes nowhere a request may not go, by address or by name', async (t) => {
  const port = await listen(t)
  const egress = open(t, false)
  for (const host of ['127.0.0.1', 'localhost', '169.254.169.254']) {
    const connected = await egress.connect({ host, port, timeout_ms: 30_000 })
    assert(connected.kind === 'error', host)
    assert.equal(connected.code, 'refused_address')
  }
})

test('a port where nobody listens is said in words, and a closed egress opens nothing', async (t) => {
  const egress = open(t, true)
  const nobody = await egress.connect({ host: '127.0.0.1', port: 1, timeout_ms: 30_000 })
  assert(nobody.kind === 'error')
  assert.equal(nobody.code, 'connect')
  await egress.close()
  const late = await egress.connect({ host: '127.0.0.1', port: 1, timeout_ms: 30_000 })
  assert(late.kind === 'error')
  assert.equal(late.code, 'aborted')
})

test('the way to a server is looked at without a request', async (t) => {
  const port = await listen(t)
  const egress = open(t, true)
  const seen = await egress.inspect({ host: '127.0.0.1', port, tls: null })
  assert.deepEqual(seen, {
    host: `127.0.0.1:${port}`,
    addresses: ['127.0.0.1'],
    failure: null,
    certificate: null,
    distrust: null,
  })
  const nobody = await egress.inspect({ host: '127.0.0.1', port: 1, tls: null })
  assert.match(String(nobody.failure), /127\.0\.0\.1:1/)
  const plain = await egress.inspect({ host: '127.0.0.1', port, tls: {} })
  assert.match(String(plain.distrust), /does not speak TLS/)
})
