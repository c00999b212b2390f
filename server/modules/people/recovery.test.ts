import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { testDatabaseUrl } from '../../test/harness.ts'
import { type Served, serve } from '../../test/http_app.ts'
import { type Browser, browserOf, fails, firstPerson, invite, later, PASSWORD } from '../../test/person.ts'
import { routes } from './routes.ts'
import { totpCode } from './totp.ts'

let served: Served
/** Believes what a proxy says of where somebody comes from. */
let proxied: Served
let ana: Browser
let padaria: string

before(async () => {
  const database_url = await testDatabaseUrl()
  const options = { database_url, master_key: Buffer.alloc(32, 7), mount: { rooms: [routes] } }
  served = await serve(options)
  proxied = await serve({ ...options, config: { trusted_proxies: ['127.0.0.0/8'] } })
  ana = await firstPerson(served)
  const { body } = await ana.send('POST', '/v1/tenants', { body: { name: 'Padaria Central' } })
  padaria = String(body['id'])
})

/** Somebody with a second factor, and the ten codes they were shown. */
async function withCodes(email: string) {
  const person = await invite(served, ana, email, 'viewer', padaria)
  const totp = (body: Record<string, string>) => person.send('POST', '/v1/member/totp', { body })
  const { secret } = (await totp({ action: 'begin', password: PASSWORD })).body as { secret: string }
  const on = await totp({ action: 'confirm', code: totpCode(secret, new Date()) })
  const codes = on.body['recovery_codes'] as string[]
  return { person, totp, codes, secret }
}

const signIn = (email: string, code: string) =>
  served.send('POST', '/v1/session', { body: { email, password: PASSWORD, code } })

const left = async (browser: Browser) =>
  ((await browser.send('GET', '/v1/session')).body['member'] as Record<string, unknown>)[
    'recovery_codes_left'
  ]

test('turning the second factor on shows ten codes, each of which signs in once', async () => {
  const { person, codes } = await withCodes('bia@example.com')
  assert.equal(new Set(codes).size, 10)
  for (const code of codes) assert.match(code, /^[a-z2-9]{4}(-[a-z2-9]{4}){3}$/)
  const [first = '', second = ''] = codes
  assert.equal((await signIn('bia@example.com', first)).status, 200)
  await fails(signIn('bia@example.com', first), 401, 'unauthenticated')
  assert.equal((await signIn('bia@example.com', second.toUpperCase().replaceAll('-', ''))).status, 200)
  assert.equal(await left(person), 8)
})

test('of two that use one recovery code at once one comes in', async () => {
  const { codes } = await withCodes('caio@example.com')
  const at_once = await Promise.all([1, 2, 3].map(() => signIn('caio@example.com', codes[3] ?? '')))
  assert.deepEqual(at_once.map(({ status }) => status).sort(), [200, 401, 401])
})

test('a recovery code wants the password too, and is of its person alone', async () => {
  const { codes } = await withCodes('davi@example.com')
  await withCodes('elisa@example.com')
  const body = { email: 'davi@example.com', password: 'not the password', code: codes[0] ?? '' }
  await fails(served.send('POST', '/v1/session', { body }), 401, 'unauthenticated')
  await fails(signIn('elisa@example.com', codes[0] ?? ''), 401, 'unauthenticated')
  assert.equal((await signIn('davi@example.com', codes[0] ?? '')).status, 200)
})

test('ten wrong recovery codes stop the second factor as ten wrong codes do', async () => {
  const { codes } = await withCodes('fabio@example.com')
  const from = (at: number, code: string) =>
    proxied.send('POST', '/v1/session', {
      body: { email: 'fabio@example.com', password: PASSWORD, code },
      headers: { 'x-forwarded-for': `198.51.100.${at}` },
    })
  for (let at = 1; at <= 10; at++) assert.equal((await from(at, '2222-2222-2222-2222')).status, 401)
  await fails(from(11, codes[0] ?? ''), 429, 'rate_limited')
})

test('new recovery codes want the password, and those before are worth nothing', async () => {
  const { person, totp, codes } = await withCodes('gil@example.com')
  await fails(totp({ action: 'renew_codes' }), 400, 'invalid_request')
  await fails(totp({ action: 'renew_codes', password: 'not the password' }), 403, 'forbidden')
  const renewed = (await totp({ action: 'renew_codes', password: PASSWORD })).body[
    'recovery_codes'
  ] as string[]
  assert.equal(renewed.length, 10)
  await fails(signIn('gil@example.com', codes[0] ?? ''), 401, 'unauthenticated')
  assert.equal((await signIn('gil@example.com', renewed[0] ?? '')).status, 200)
  assert.equal(await left(person), 9)
})

test('without a second factor there are no recovery codes, and none of before opens it when it is on again', async () => {
  const { person, totp, codes } = await withCodes('iara@example.com')
  await totp({ action: 'remove', password: PASSWORD })
  assert.equal(await left(person), 0)
  await fails(totp({ action: 'renew_codes', password: PASSWORD }), 409, 'conflict')
  const { secret } = (await totp({ action: 'begin', password: PASSWORD })).body as { secret: string }
  await later(served, 1, () =>
    totp({ action: 'confirm', code: totpCode(secret, new Date(Date.now() + 3_600_000)) }),
  )
  assert.equal(await left(person), 10)
  await fails(signIn('iara@example.com', codes[0] ?? ''), 401, 'unauthenticated')
})

test('the database holds no recovery code, and the audit log says that one was used and how many are left', async () => {
  const { codes } = await withCodes('joana@example.com')
  browserOf(served, await signIn('joana@example.com', codes[5] ?? ''))
  const headers = { 'trilho-tenant': `tnt_${'0'.repeat(26)}` }
  const { text } = await ana.send('GET', '/v1/audit?limit=200', { headers })
  assert.match(text, /"person\.recovery_code_used"/)
  assert.match(text, /"left":9/)
  const { rows } = await served.app.db.owner.pool.query<{ kept: string }>(
    'select person::text as kept from person',
  )
  for (const code of codes) {
    assert.ok(!text.includes(code))
    for (const { kept } of rows) assert.ok(!kept.includes(code) && !kept.includes(code.replaceAll('-', '')))
  }
})
