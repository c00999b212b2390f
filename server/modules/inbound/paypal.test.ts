import assert from 'node:assert/strict'
import { type KeyObject, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { crc32 } from 'node:zlib'
import { DAY_MS, type Issued, issue } from '../../test/certificates.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Json, type Product, startProduct } from '../../test/product.ts'

/** PayPal's messages through the whole door: believed by a chain that leads from its certificate to a root, and by no other. */
const SIGNER = 'messageverificationcerts.paypal.com'
const PAYPAL = 'https://api.paypal.com'
const CERTS = '/v1/notifications/certs/'
const WEBHOOK = '8PT597110X687430L'

const soon = new Date(Date.now() + 10 * DAY_MS)
const yesterday = new Date(Date.now() - DAY_MS)
const root = issue('Trilho test authority', [], soon)
const middle = issue('Trilho test authority 2', [], soon, root, { authority: true })
const ended = issue('Trilho test authority 3', [], yesterday, root, { authority: true })
const unknown = issue('Trilho test authority', [], soon)
const signer = (issuer: Issued, until = soon, subject = SIGNER) =>
  issue(subject, [subject], until, issuer, { key: 'rsa' })

const genuine = signer(middle)
const neighbour = signer(middle, soon, 'shop.example.com')
/** What is published, by the last part of its address. */
const chains: Record<string, Issued[]> = {
  genuine: [genuine, middle],
  short: [genuine],
  unknown: [signer(unknown), unknown],
  named: [neighbour, middle],
  expired: [signer(middle, yesterday), middle],
  ended: [signer(ended), ended],
  borrowed: [signer(neighbour), neighbour, middle],
}

const fetched: string[] = []
let product: Product
let source: Json

before(async () => {
  setDefaultCACertificates([...getCACertificates(), root.cert])
  const server = createServer(({ url = '' }, response) => {
    fetched.push(url)
    response.end(chains[url.replace(CERTS, '')]?.map(({ cert }) => cert).join(''))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  undoAfter(async () => void server.close())
  product = await startProduct()
  // The one thing that is not as it is outside: PayPal's host is that server.
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { egress } = product.app
  const send: typeof egress.send = (request) =>
    egress.send({ ...request, url: request.url.replace(PAYPAL, at) })
  Object.assign(product.app, { egress: { ...egress, send } })
  const wanted = { provider: 'paypal', name: 'PayPal', settings: { webhook_id: WEBHOOK } }
  source = await product.api.ok('POST', '/v1/sources', wanted)
})

let serial = 0
/** The status it is answered with, and why it was refused. */
async function tell(cert_url: string, key: KeyObject): Promise<[number, string]> {
  const id = `WH-${++serial}`
  const time = new Date().toISOString()
  const event = { id, event_type: 'PAYMENT.CAPTURE.COMPLETED', resource: { id: `CAPTURE-${serial}` } }
  const body = JSON.stringify({ ...event, create_time: time, resource_type: 'capture' })
  const signed = Buffer.from(`${id}|${time}|${WEBHOOK}|${crc32(body)}`)
  const response = await fetch(String(source['url']), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'paypal-transmission-id': id,
      'paypal-transmission-time': time,
      'paypal-transmission-sig': sign('sha256', signed, key).toString('base64'),
      'paypal-auth-algo': 'SHA256withRSA',
      'paypal-cert-url': cert_url,
    },
    body,
  })
  const { detail = '' } = (await response.json()) as { detail?: string }
  return [response.status, detail]
}

test('a message of PayPal is believed by a chain from its certificate, by an authority between, to a root', async () => {
  assert.deepEqual(await tell(`${PAYPAL}${CERTS}genuine`, genuine.key), [200, ''])
  assert.deepEqual(fetched, [`${CERTS}genuine`])
  const [status] = await tell(`${PAYPAL}${CERTS}genuine`, neighbour.key)
  assert.equal(status, 401, 'signed by another key than that of the certificate')
})

const NOT_PAYPALS = /not one that PayPal signs messages with/
const WRONG: [string, string][] = [
  ['that lacks the authority between', 'short'],
  ['of an authority that nobody trusts, though it bears a trusted name', 'unknown'],
  ['that was issued to somebody else', 'named'],
  ['that has expired', 'expired'],
  ['of an authority that has expired', 'ended'],
  ['of one that is no authority', 'borrowed'],
]
for (const [what, name] of WRONG) {
  test(`a message by a certificate ${what} is refused`, async () => {
    const [own] = chains[name] ?? []
    assert(own)
    const [status, detail] = await tell(`${PAYPAL}${CERTS}${name}`, own.key)
    assert.equal(status, 401)
    assert.match(detail, NOT_PAYPALS)
  })
}

test('a certificate on another host than those of PayPal is not even fetched', async () => {
  const before = fetched.length
  for (const host of ['https://api.paypal.com.example.com', 'https://example.com', 'http://api.paypal.com']) {
    const [status, detail] = await tell(`${host}${CERTS}genuine`, genuine.key)
    assert.equal(status, 401, host)
    assert.match(detail, /not on an address of PayPal/)
  }
  assert.equal(fetched.length, before)
})
