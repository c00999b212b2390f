import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { testDatabaseUrl } from '../../test/harness.ts'
import { type Served, serve } from '../../test/http_app.ts'
import { type Browser, browserOf, PASSWORD, tokenOf } from '../../test/person.ts'
import { firstLink } from './people.ts'
import { routes } from './routes.ts'

let served: Served
let ana: Browser

before(async () => {
  const database_url = await testDatabaseUrl()
  const master_key = Buffer.alloc(32, 7)
  served = await serve({ database_url, master_key, mount: { rooms: [routes] } })
})

async function fails(reply: ReturnType<Served['send']>, status: number, code: string) {
  const { status: got, body } = await reply
  assert.deepEqual([got, body['code']], [status, code], JSON.stringify(body))
  return body
}

test('the link of the first start makes its user the administrator, once', async () => {
  const [older, link] = [await firstLink(served.app), await firstLink(served.app)]
  assert.ok(older && link)
  assert.match(link, /^http:\/\/127\.0\.0\.1:\d+\/#\/welcome\?token=[\w-]{43}$/)
  const body = { name: 'Ana Souza', email: 'Ana@Example.com', password: PASSWORD, language: 'pt-BR' }
  const welcome = (token: string) => served.send('POST', '/v1/welcome', { body: { ...body, token } })
  await fails(welcome(tokenOf(older)), 404, 'not_found')
  const reply = await welcome(tokenOf(link))
  ana = browserOf(served, reply)
  assert.equal(ana.session['is_administrator'], true)
  assert.deepEqual(ana.session['scopes'], ['admin'])
  await fails(welcome(tokenOf(link)), 404, 'not_found')
  assert.equal(await firstLink(served.app), null)
})

test('the cookie is closed to scripts and to other sites', async () => {
  const body = { email: 'ana@example.com', password: PASSWORD }
  const plain = await served.send('POST', '/v1/session', { body })
  assert.match(
    plain.headers.get('set-cookie') ?? '',
    /^trilho_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
  )
  const headers = { origin: 'https://hub.example.com' }
  const safe = await served.send('POST', '/v1/session', { body, headers })
  assert.match(
    safe.headers.get('set-cookie') ?? '',
    /^__Host-trilho_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
  )
})

test('a session says who it is and ends where it signs out', async () => {
  const body = { email: 'ANA@example.com', password: PASSWORD }
  const browser = browserOf(served, await served.send('POST', '/v1/session', { body }))
  const { body: me } = await browser.send('GET', '/v1/session')
  assert.deepEqual(me, browser.session)
  assert.equal((await browser.send('DELETE', '/v1/session')).status, 204)
  await fails(browser.send('GET', '/v1/session'), 401, 'unauthenticated')
})

test('a change by cookie needs what only a page of ours knows', async () => {
  const change = (headers: Record<string, string>) =>
    ana.send('POST', '/v1/tenants', { body: { name: 'Padaria' }, headers })
  const host = new URL(served.url).host
  for (const headers of [
    { 'trilho-csrf': '' },
    { 'trilho-csrf': 'x'.repeat(43) },
    { origin: 'https://evil.example.com' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ] as Record<string, string>[])
    await fails(change(headers), 403, 'forbidden')
  const made = await change({ origin: `http://${host}`, 'sec-fetch-site': 'same-origin' })
  assert.equal(made.status, 201)
})
