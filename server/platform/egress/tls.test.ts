import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { DAY_MS, type Issued, issue } from '../../test/certificates.ts'
import { createEgress } from './egress.ts'

const soon = new Date(Date.now() + 10 * DAY_MS)
const authority = issue('Trilho test authority', [], soon)
setDefaultCACertificates([...getCACertificates(), authority.cert])

/** Asks api.acorn.example, which is a TLS server here with that certificate. */
async function ask(t: TestContext, { cert, key }: Issued, times = 1) {
  const server = createServer(
    { cert, key: key.export({ type: 'pkcs8', format: 'pem' }) },
    (_request, response) => {
      response.end('safe')
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const egress = createEgress({
    allow: [],
    allow_loopback: true,
    resolve: (_host, _options, callback) =>
      setImmediate(callback, null, [{ address: '127.0.0.1', family: 4 }]),
  })
  t.after(async () => {
    await egress.close()
    server.close()
  })
  const url = `https://api.acorn.example:${(server.address() as AddressInfo).port}/`
  const request = { url, method: 'POST', headers: {}, body: 'x', timeout_ms: 30_000, max_response_bytes: 100 }
  let result = await egress.send(request)
  for (let n = 1; n < times; n++) {
    await nextTurn() // undici frees a connection one turn after its answer
    result = await egress.send(request)
  }
  return result
}

test('a trusted certificate is taken, and the handshake is timed once', async (t) => {
  const issued = issue('api.acorn.example', ['api.acorn.example'], soon, authority)
  const first = await ask(t, issued)
  assert(first.kind === 'response', JSON.stringify(first))
  assert.equal(first.body.toString(), 'safe')
  const { dns_ms, connect_ms, tls_ms, first_byte_ms } = first.timing
  assert(
    dns_ms !== undefined && connect_ms !== undefined && tls_ms !== undefined,
    JSON.stringify(first.timing),
  )
  assert(dns_ms + connect_ms + tls_ms <= first_byte_ms)
  const second = await ask(t, issued, 2)
  assert(second.kind === 'response')
  assert.equal(second.timing.tls_ms, undefined)
})

const yesterday = new Date(Math.floor(Date.now() / 1000) * 1000 - DAY_MS)
const REFUSED: [what: string, issued: Issued, message: RegExp][] = [
  [
    'an expired certificate, with its last moment',
    issue('api.acorn.example', ['api.acorn.example'], yesterday, authority),
    new RegExp(
      `^certificate expired on ${yesterday.toISOString()} \\(TLS with api\\.acorn\\.example:\\d+\\)$`,
    ),
  ],
  [
    'a certificate that is not valid yet',
    issue('api.acorn.example', ['api.acorn.example'], new Date(Date.now() + 40 * DAY_MS), authority),
    /^certificate is not valid yet/,
  ],
  [
    'a certificate for another host',
    issue('other.example', ['other.example'], soon, authority),
    /^certificate is for another host: .*other\.example/,
  ],
  ['a self-signed certificate', issue('api.acorn.example', [], soon), /^certificate is self-signed/],
]

for (const [what, issued, message] of REFUSED) {
  test(`refused in words, with nothing sent: ${what}`, async (t) => {
    const result = await ask(t, issued)
    assert(result.kind === 'error', JSON.stringify(result))
    assert.deepEqual([result.code, result.sent], ['tls', false])
    assert.match(result.message, message)
  })
}
