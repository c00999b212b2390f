import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { builtDashboard } from '../test/dashboard.ts'
import { type Served, serve } from '../test/http_app.ts'

let served: Served
before(async () => {
  await builtDashboard()
  served = await serve()
})

const page = (path: string, accept = 'text/html,*/*') => served.send('GET', path, { headers: { accept } })

test('the page is served at / and at every address of a page, and may load nothing from elsewhere', async () => {
  const nonces = new Set<string>()
  for (const path of ['/', '/connections', '/story/msg_01jz8k3v9mf2tb7xq4c5n6p8rs?range=7d']) {
    const { status, headers, text } = await page(path)
    assert.equal(status, 200)
    const policy = headers.get('content-security-policy') ?? ''
    assert.match(policy, /default-src 'none'; script-src 'self';/)
    assert.doesNotMatch(policy, /unsafe/)
    const [, nonce = ''] = /'nonce-([\w+/=]+)'/.exec(policy) ?? []
    assert.ok(nonce.length > 20 && text.includes(`content="${nonce}"`))
    assert.equal(headers.get('cache-control'), 'no-store')
    nonces.add(nonce)
  }
  assert.equal(nonces.size, 3)
})

test('a program that asks for an address that is not there is told so, whatever it accepts under /v1', async () => {
  const program = await page('/connections', 'application/json')
  assert.deepEqual([program.status, program.body['code']], [404, 'not_found'])
  const api = await page('/v1/nothing')
  assert.deepEqual([api.status, api.body['code']], [404, 'not_found'])
  const posted = await served.send('POST', '/connections', { headers: { accept: 'text/html' } })
  assert.equal(posted.status, 404)
})

test('files are kept for ever under names that change, packed where the browser can unpack them', async () => {
  const { text } = await page('/')
  const [path = ''] = /\/assets\/[\w.-]+\.js/.exec(text) ?? []
  const packed = await fetch(served.url + path, { headers: { 'accept-encoding': 'br' } })
  assert.equal(packed.headers.get('content-encoding'), 'br')
  assert.match(packed.headers.get('cache-control') ?? '', /immutable/)
  assert.match(packed.headers.get('content-type') ?? '', /^text\/javascript/)
  const plain = await fetch(served.url + path, { headers: { 'accept-encoding': 'identity' } })
  assert.equal(plain.headers.get('content-encoding'), null)
  assert.equal(await plain.text(), await packed.text())
  const again = await fetch(served.url + path, {
    headers: { 'if-none-match': packed.headers.get('etag') ?? '' },
  })
  assert.equal(again.status, 304)
  for (const other of ['/assets/../../package.json', '/assets/%2e%2e%2findex.html', '/assets/none.js']) {
    assert.equal((await fetch(served.url + other)).status, 404)
  }
})
