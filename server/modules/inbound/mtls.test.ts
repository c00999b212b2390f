import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Issued, selfSigned } from '../../sandbox/hooks/certificate.ts'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'

/** Senders who show a certificate: to our own TLS port, and to a proxy that tells of it. */
const bank = selfSigned('pix.banco.example')
const stranger = selfSigned('stranger.example')
let dir: string
let product: Product

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trilho-tls-'))
  const server = selfSigned('localhost')
  await writeFile(join(dir, 'server.pem'), server.pem)
  await writeFile(join(dir, 'server.key'), server.key.export({ type: 'pkcs8', format: 'pem' }))
  await writeFile(join(dir, 'client_ca.pem'), bank.pem)
  product = await startProduct({
    webhook_tls_port: 0,
    webhook_tls_dir: dir,
    trusted_proxies: ['127.0.0.1/32'],
  })
})
after(() => rm(dir, { recursive: true, force: true }))

/** What a proxy says that ended TLS. */
const BY_TLS = { 'x-forwarded-proto': 'https' }

const newSource = async (settings: Json) => {
  const source = { provider: 'http', name: 'Pix', settings: { signature: 'mtls', ...settings } }
  return (await product.api.ok('POST', '/v1/sources', source)) as { id: string; url: string }
}

/** The status of a POST over TLS, with a certificate or none. */
function post(path: string, client: Issued | null, headers = {}): Promise<number> {
  const shown = client && { cert: client.pem, key: client.key.export({ type: 'pkcs8', format: 'pem' }) }
  const port = product.tls_port
  const options = {
    host: '127.0.0.1',
    port,
    path,
    method: 'POST',
    rejectUnauthorized: false,
    headers,
    ...shown,
  }
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sent.on('error', reject)
    sent.end('{"type":"pix.received"}')
  })
}

const reasonsAt = async (source: string) =>
  (await product.api.list(`/v1/quarantine?source_id=${source}`)).map(({ reason }) => reason).sort()

test('our own port takes the certificate of the bank, and no other, none, or one that is only told of', async () => {
  const { id, url } = await newSource({ client_subjects: 'CN=pix.banco.example' })
  const path = new URL(url).pathname
  assert.equal(await post(path, bank), 200)
  assert.equal(await post(path, stranger), 401)
  assert.equal(await post(path, null), 401)
  const told = { 'x-client-certificate': bank.pem.replaceAll('\n', ' ') }
  assert.equal(await post(path, null, told), 401)
  assert.equal((await fetch(url, { method: 'POST', headers: BY_TLS, body: '{}' })).status, 401)
  await eventually(async () => (await product.api.list('/v1/events?type=http.pix.received')).length === 1)
  assert.deepEqual(await reasonsAt(id), Array(4).fill('missing_header'))
})

test('another certificate of the same authorities is refused by its subject, and released once that is listed', async () => {
  const { id, url } = await newSource({ client_subjects: 'CN=another.example' })
  assert.equal(await post(new URL(url).pathname, bank), 401)
  const [refused] = await product.api.list(`/v1/quarantine?source_id=${id}`)
  assert.equal(refused?.['reason'], 'bad_signature')
  const release = () => product.api.send('POST', `/v1/quarantine/${refused?.['id']}/release`)
  assert.equal((await release()).status, 409)
  const settings = { signature: 'mtls', client_subjects: 'CN=pix.banco.example' }
  await product.api.ok('PATCH', `/v1/sources/${id}`, { settings })
  assert.equal((await release()).status, 200)
})

test('nothing but webhooks is served on the TLS port', async () => {
  assert.equal(await post('/v1/events', bank), 404)
  assert.equal(await post('/health', bank), 404)
})

test('a certificate is kept with the messages of no source that did not ask for it', async () => {
  const source = {
    provider: 'http',
    name: 'Token',
    secrets: ['s3cret'],
    settings: { signature: 'path_token' },
  }
  const { id, url } = await product.api.ok('POST', '/v1/sources', source)
  assert.equal(await post(`${new URL(String(url)).pathname}/s3cret`, bank), 200)
  const [message] = await product.api.list(`/v1/messages?source_id=${id}`)
  const { headers } = await product.api.ok('GET', `/v1/messages/${message?.['id']}`)
  assert(!JSON.stringify(headers).includes('certificate'))
})

test('a trusted proxy tells of the certificate in a header, and its word is kept for the release', async () => {
  const { id, url } = await newSource({
    client_header: 'X-Client-Subject',
    client_subjects: 'CN=another.example',
  })
  const told = { ...BY_TLS, 'x-client-subject': 'CN=pix.banco.example,O=Banco' }
  const send = async () => (await fetch(url, { method: 'POST', body: '{}', headers: told })).status
  assert.equal(await send(), 401)
  const settings = {
    signature: 'mtls',
    client_header: 'X-Client-Subject',
    client_subjects: 'CN=pix.banco.example',
  }
  await product.api.ok('PATCH', `/v1/sources/${id}`, { settings })
  const [refused] = await product.api.list(`/v1/quarantine?source_id=${id}`)
  assert.equal((await product.api.send('POST', `/v1/quarantine/${refused?.['id']}/release`)).status, 200)
  assert.equal(await send(), 200)
})
