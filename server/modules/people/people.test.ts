import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { testDatabaseUrl } from '../../test/harness.ts'
import { type Served, serve } from '../../test/http_app.ts'
import {
  type Browser,
  browserOf,
  fails,
  invite,
  later,
  PASSWORD,
  tokenOf,
  until,
  whileLocked,
} from '../../test/person.ts'
import { INSTALLATION } from '../app.ts'
import { schedules } from './jobs.ts'
import { firstLink, resetLink } from './people.ts'
import { routes } from './routes.ts'
import { totpCode } from './totp.ts'

let served: Served
/** Another process on the same database. */
let other: Served
let ana: Browser
let padaria: string

before(async () => {
  const database_url = await testDatabaseUrl()
  const options = { database_url, master_key: Buffer.alloc(32, 7), mount: { rooms: [routes] } }
  served = await serve(options)
  other = await serve({ ...options, config: { trusted_proxies: ['127.0.0.0/8'] } })
})

const signIn = (email: string, more: Record<string, string> = {}, headers: Record<string, string> = {}) =>
  served.send('POST', '/v1/session', { body: { email, password: PASSWORD, ...more }, headers })

test('the link of the first start makes its user the administrator, once', async () => {
  const [older, link] = [await firstLink(served.app), await firstLink(served.app)]
  assert.ok(older && link)
  assert.match(link, /^http:\/\/127\.0\.0\.1:\d+\/#\/welcome\?token=[\w-]{43}$/)
  const body = { name: 'Ana Souza', email: 'Ana@Example.com', password: PASSWORD, language: 'pt-BR' }
  const welcome = (token: string) => served.send('POST', '/v1/welcome', { body: { ...body, token } })
  await fails(welcome(tokenOf(older)), 404, 'not_found')
  const at_once = await Promise.all([welcome(tokenOf(link)), welcome(tokenOf(link))])
  assert.deepEqual(at_once.map(({ status }) => status).sort(), [200, 404])
  ana = browserOf(served, at_once.find(({ status }) => status === 200) ?? at_once[0])
  assert.equal(ana.session['is_administrator'], true)
  assert.deepEqual(ana.session['scopes'], ['admin'])
  await fails(welcome(tokenOf(link)), 404, 'not_found')
  assert.equal(await firstLink(served.app), null)
})

test('a link is over after a day', async () => {
  const { body } = await ana.send('POST', '/v1/tenants', { body: { name: 'Padaria Central' } })
  padaria = String(body['id'])
  const headers = { 'trilho-tenant': padaria }
  const invitation = { email: 'late@example.com', role: 'viewer' }
  const made = await ana.send('POST', '/v1/members', { body: invitation, headers })
  const token = tokenOf(String(made.body['link']))
  const clock = served.app.clock
  served.app.clock = { ...clock, now: () => new Date(Date.now() + 25 * 3_600_000) }
  try {
    const late = { token, name: 'Late', email: 'late@example.com', password: PASSWORD, language: 'en' }
    await fails(served.send('POST', '/v1/welcome', { body: late }), 404, 'not_found')
  } finally {
    served.app.clock = clock
  }
})

test('the cookie is closed to scripts and to other sites', async () => {
  const plain = await signIn('ana@example.com')
  const cookie = plain.headers.get('set-cookie') ?? ''
  assert.match(cookie, /^trilho_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/)
  const safe = await signIn('ana@example.com', {}, { origin: 'https://hub.example.com' })
  const secure = safe.headers.get('set-cookie') ?? ''
  assert.match(secure, /^__Host-trilho_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/)
})

test('neither password nor token is kept as it is', async () => {
  const { pool } = served.app.db.owner
  const { rows } = await pool.query<{ password: string }>('select password from person')
  for (const { password } of rows) assert.match(password, /^scrypt\$32768\$8\$3\$/)
  const { rows: hashes } = await pool.query<{ token_hash: Buffer }>('select token_hash from person_session')
  const token = Buffer.from(ana.cookie.split('=')[1] ?? '')
  assert.ok(hashes.length > 0 && hashes.every(({ token_hash }) => !token_hash.equals(token)))
})

test('a session says who it is and ends where it signs out', async () => {
  const browser = browserOf(served, await signIn('ANA@example.com'))
  const { body: me } = await browser.send('GET', '/v1/session')
  assert.deepEqual(me, browser.session)
  assert.equal((me['member'] as { email: string }).email, 'ana@example.com')
  assert.equal((await browser.send('DELETE', '/v1/session')).status, 204)
  await fails(browser.send('GET', '/v1/session'), 401, 'unauthenticated')
})

test('a session ends 12 hours after it was used last, and after 7 days however much it was used', async () => {
  const busy = browserOf(served, await signIn('ana@example.com'))
  const sleeper = browserOf(served, await signIn('ana@example.com'))
  const status = async (browser: Browser, hours: number) =>
    (await later(served, hours, () => browser.send('GET', '/v1/session'))).status
  for (let hours = 11; hours <= 165; hours += 11) assert.equal(await status(busy, hours), 200, `${hours}`)
  assert.equal(await status(busy, 167.9), 200)
  assert.equal(await status(busy, 168.1), 401)
  assert.equal(await status(sleeper, 11.9), 200)
  assert.equal(await status(sleeper, 11.9 + 12.1), 401)
})

test('sessions are listed and ended one by one, and every process refuses what was ended within a second', async () => {
  const [mine, lost] = [browserOf(served, await signIn('ana@example.com')), await signIn('ana@example.com')]
  const elsewhere = browserOf(other, lost)
  assert.equal((await elsewhere.send('GET', '/v1/session')).status, 200)
  const { data } = (await mine.send('GET', '/v1/sessions')).body as {
    data: { id: string; is_this: boolean }[]
  }
  assert.deepEqual(
    data.filter(({ is_this }) => is_this).map(({ id }) => id),
    [mine.session['id']],
  )
  const id = String(elsewhere.session['id'])
  assert.ok(data.some((entry) => entry.id === id))
  assert.equal((await mine.send('DELETE', `/v1/sessions/${id}`)).status, 204)
  const gone = async () => (await elsewhere.send('GET', '/v1/session')).status === 401
  await until(gone)
  await fails(mine.send('DELETE', `/v1/sessions/${id}`), 404, 'not_found')
  assert.equal((await mine.send('GET', '/v1/session')).status, 200)
})

test('a change by cookie needs what only a page of ours knows', async () => {
  const change = (headers: Record<string, string>) =>
    ana.send('PATCH', `/v1/tenants/${padaria}`, { body: { name: 'Padaria do Bairro' }, headers })
  const refused: Record<string, string>[] = [
    { 'trilho-csrf': '' },
    { 'trilho-csrf': 'x'.repeat(43) },
    { origin: 'https://evil.example.com' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ]
  for (const headers of refused) await fails(change(headers), 403, 'forbidden')
  const read = await ana.send('GET', `/v1/tenants/${padaria}`, { headers: { 'trilho-csrf': '' } })
  assert.equal(read.body['name'], 'Padaria Central')
  const own = await change({ origin: served.url, 'sec-fetch-site': 'same-origin' })
  assert.equal(own.status, 200)
})

test('beside an Authorization the cookie says nothing', async () => {
  const headers = { authorization: `Bearer trl_live_${'x'.repeat(43)}` }
  await fails(ana.send('GET', '/v1/session', { headers }), 401, 'unauthenticated')
})

test('an e-mail nobody has is answered like a wrong password, and after ten failures it has to wait', async () => {
  const wrong = (email: string) => signIn(email, { password: 'not the password' })
  const first = await fails(wrong('eve@example.com'), 401, 'unauthenticated')
  for (let failure = 2; failure <= 10; failure++)
    await fails(wrong('eve@example.com'), 401, 'unauthenticated')
  const locked = await fails(wrong('eve@example.com'), 429, 'rate_limited')
  const { retry_after_s } = locked as { retry_after_s: number }
  assert.ok(retry_after_s > 600 && retry_after_s <= 900)
  // The address has failed ten times too: nobody gets in from there, not even by the right password.
  await fails(signIn('ana@example.com'), 429, 'rate_limited')
  await later(served, 0.26, async () => {
    const known = await fails(wrong('ana@example.com'), 401, 'unauthenticated')
    assert.equal(known['detail'], first['detail'])
    assert.equal((await signIn('ana@example.com')).status, 200)
  })
  await served.app.db.owner.pool.query('delete from sign_in_failure')
})

test('many attempts at once are no way around the limit', async () => {
  const all = await Promise.all(
    Array.from({ length: 14 }, () => signIn('mallory@example.com', { password: 'not the password' })),
  )
  assert.equal(all.filter(({ status }) => status === 401).length, 10)
  assert.equal(all.filter(({ status }) => status === 429).length, 4)
  await served.app.db.owner.pool.query('delete from sign_in_failure')
})

/** As from anywhere: the other process believes what a proxy says of the address. */
const signInFrom = (ip: string, email: string, more: Record<string, string> = {}) => {
  const body = { email, password: PASSWORD, ...more }
  return other.send('POST', '/v1/session', { body, headers: { 'x-forwarded-for': ip } })
}

test('one stranger locks nobody out, and an e-mail that fails from everywhere has to wait', async () => {
  const { pool } = served.app.db.owner
  const wrong = { password: 'not the password' }
  const eleven = Array.from({ length: 11 }, () => signInFrom('203.0.113.1', 'ana@example.com', wrong))
  const statuses = (await Promise.all(eleven)).map(({ status }) => status)
  assert.deepEqual(statuses.sort(), [...Array(10).fill(401), 429])
  const who = "sha256('email ana@example.com'::bytea)"
  assert.equal(
    (await pool.query(`select failures from sign_in_failure where who = ${who}`)).rows[0].failures,
    10,
  )
  await fails(signInFrom('203.0.113.2', 'ana@example.com', wrong), 401, 'unauthenticated')
  assert.equal((await signInFrom('203.0.113.3', 'ana@example.com')).status, 200)
  await fails(signInFrom('203.0.113.3', 'ana@example.com', wrong), 401, 'unauthenticated')
  await pool.query(`update sign_in_failure set failures = 50 where who = ${who}`)
  await fails(signInFrom('203.0.113.4', 'ana@example.com'), 429, 'rate_limited')
  await pool.query('delete from sign_in_failure')
})

test('ten wrong codes stop a second factor, from wherever they come', async () => {
  const hugo = await invite(served, ana, 'hugo@example.com', 'viewer', padaria)
  const totp = (body: Record<string, string>) => hugo.send('POST', '/v1/member/totp', { body })
  const { secret } = (await totp({ action: 'begin', password: PASSWORD })).body as { secret: string }
  assert.equal((await totp({ action: 'confirm', code: totpCode(secret, new Date()) })).status, 200)
  const far = totpCode(secret, new Date(Date.now() + 1_800_000))
  const ten = Array.from({ length: 10 }, (_, at) =>
    signInFrom(`198.51.100.${at}`, 'hugo@example.com', { code: far }),
  )
  for (const { status } of await Promise.all(ten)) assert.equal(status, 401)
  await later(other, 0.2, async () => {
    const code = totpCode(secret, new Date(Date.now() + 0.2 * 3_600_000))
    await fails(signInFrom('198.51.100.20', 'hugo@example.com', { code }), 429, 'rate_limited')
  })
  await later(other, 0.5, async () => {
    const code = totpCode(secret, new Date(Date.now() + 0.5 * 3_600_000))
    assert.equal((await signInFrom('198.51.100.20', 'hugo@example.com', { code })).status, 200)
  })
})

test('a second factor is asked for once its code was seen, and each code is taken once', async () => {
  const carla = await invite(served, ana, 'carla@example.com', 'viewer', padaria)
  const totp = (body: Record<string, string>) => carla.send('POST', '/v1/member/totp', { body })
  await fails(totp({ action: 'begin' }), 400, 'invalid_request')
  await fails(totp({ action: 'begin', password: 'not the password' }), 403, 'forbidden')
  const { secret } = (await totp({ action: 'begin', password: PASSWORD })).body as { secret: string }
  assert.equal((await signIn('carla@example.com')).status, 200, 'begun is not on')
  await fails(totp({ action: 'confirm', code: '000000' }), 400, 'invalid_request')
  const now = Date.now()
  const code = (hours: number) => totpCode(secret, new Date(now + hours * 3_600_000))
  const on = await totp({ action: 'confirm', code: code(0) })
  const { recovery_codes, ...shown } = on.body
  assert.deepEqual(shown, { has_totp: true, secret: null, otpauth_uri: null })
  assert.equal((recovery_codes as string[]).length, 10)
  await fails(signIn('carla@example.com', { password: 'not the password' }), 401, 'unauthenticated')
  await fails(signIn('carla@example.com'), 401, 'totp_required')
  await fails(signIn('carla@example.com', { code: code(0) }), 401, 'unauthenticated')
  await later(served, 1, async () => {
    const at_once = [1, 2].map(() => signIn('carla@example.com', { code: code(1) }))
    const statuses = (await Promise.all(at_once)).map(({ status }) => status)
    assert.deepEqual(statuses.sort(), [200, 401])
  })
  await fails(totp({ action: 'remove', password: 'not the password' }), 403, 'forbidden')
  assert.equal((await totp({ action: 'remove', password: PASSWORD })).body['has_totp'], false)
  assert.equal((await signIn('carla@example.com')).status, 200)
})

test('who begins a second factor anew while it is confirmed leaves the confirmed one as it is', async () => {
  const gina = await invite(served, ana, 'gina@example.com', 'viewer', padaria)
  const totp = (body: Record<string, string>) => gina.send('POST', '/v1/member/totp', { body })
  const { secret } = (await totp({ action: 'begin', password: PASSWORD })).body as { secret: string }
  const waiting = await whileLocked(
    served,
    ['gina@example.com'],
    [
      () => totp({ action: 'confirm', code: totpCode(secret, new Date()) }),
      () => totp({ action: 'begin', password: PASSWORD }),
    ],
  )
  assert.deepEqual(
    waiting.map(({ status }) => status),
    [200, 409],
  )
  await later(served, 1, async () => {
    const code = totpCode(secret, new Date(Date.now() + 3_600_000))
    assert.equal((await signIn('gina@example.com', { code })).status, 200)
  })
})

test('a new password wants the old one and ends the other sessions', async () => {
  const dora = await invite(served, ana, 'dora@example.com', 'viewer', padaria)
  const elsewhere = browserOf(served, await signIn('dora@example.com'))
  const change = (body: Record<string, string>) => dora.send('PATCH', '/v1/member', { body })
  const named = await change({ name: 'Dora Lima', language: 'pt-BR' })
  assert.deepEqual([named.body['name'], named.body['language']], ['Dora Lima', 'pt-BR'])
  const password = 'another password of mine'
  await fails(change({ password }), 400, 'invalid_request')
  await fails(change({ password, old_password: 'not the password' }), 403, 'forbidden')
  assert.equal((await change({ password, old_password: PASSWORD })).status, 200)
  assert.equal((await dora.send('GET', '/v1/session')).status, 200)
  await fails(elsewhere.send('GET', '/v1/session'), 401, 'unauthenticated')
  await fails(signIn('dora@example.com'), 401, 'unauthenticated')
  assert.equal((await signIn('dora@example.com', { password })).status, 200)
})

test('what people do with their accounts is in the audit log of the installation, and no secret is', async () => {
  const headers = { 'trilho-tenant': `tnt_${'0'.repeat(26)}` }
  const { text } = await ana.send('GET', '/v1/audit?limit=200', { headers })
  for (const action of [
    'session.create',
    'session.revoke',
    'person.password',
    'person.totp_on',
    'member.join',
  ])
    assert.ok(text.includes(`"${action}"`), action)
  assert.ok(!text.includes(PASSWORD) && !text.includes(ana.csrf))
})

test('a link for a forgotten password asks for the code too, unless it was made to drop it', async () => {
  const eli = await invite(served, ana, 'eli@example.com', 'viewer', padaria)
  const totp = (body: Record<string, string>) => eli.send('POST', '/v1/member/totp', { body })
  const { secret } = (await totp({ action: 'begin', password: PASSWORD })).body as { secret: string }
  assert.equal((await totp({ action: 'confirm', code: totpCode(secret, new Date()) })).status, 200)
  const actor = { kind: 'system' as const, id: 'cli', tenant_id: INSTALLATION, environment: 'live' as const }
  const reset = (drops_totp: boolean) =>
    resetLink(
      served.app,
      { ...actor, scopes: ['admin'], ip: null, request_id: null },
      { email: 'Eli@example.com', drops_totp },
    )
  const welcome = (link: string, code?: string) => {
    const body = {
      token: tokenOf(link),
      name: 'Eli',
      email: 'eli@example.com',
      password: 'a password I remember',
    }
    return served.send('POST', '/v1/welcome', { body: { ...body, language: 'en', ...(code && { code }) } })
  }
  const link = await reset(false)
  await fails(welcome(link), 401, 'totp_required')
  await fails(welcome(link, '000000'), 401, 'unauthenticated')
  const dropping = await reset(true)
  await fails(welcome(link), 404, 'not_found')
  const session = browserOf(served, await welcome(dropping)).session
  assert.equal((session['member'] as { has_totp: boolean }).has_totp, false)
  await fails(eli.send('GET', '/v1/session'), 401, 'unauthenticated')
})

test('what is over is forgotten by the hour', async () => {
  await signIn('nobody@example.com')
  const rows = async () => {
    const count =
      'select (select count(*) from person_session)::int as sessions, (select count(*) from sign_in_failure)::int as failures'
    return (await served.app.db.owner.pool.query(count)).rows[0]
  }
  assert.ok((await rows()).sessions > 0 && (await rows()).failures > 0)
  await later(served, 400, async () => schedules[0]?.run(served.app))
  assert.deepEqual(await rows(), { sessions: 0, failures: 0 })
})
