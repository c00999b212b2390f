import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { toWire } from '../../platform/ids.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Reply, type Served, serve } from '../../test/http_app.ts'
import { CLIENT, startOidc, visit } from '../../test/oidc/oidc.ts'
import {
  type Browser,
  fails,
  firstPerson,
  invite,
  PASSWORD,
  tokenOf,
  whileLocked,
} from '../../test/person.ts'
import { freePort } from '../../test/ports.ts'
import { INSTALLATION } from '../app.ts'
import { resetLink } from './people.ts'
import { routes } from './routes.ts'
import { totpCode } from './totp.ts'

const HOUSE = toWire('tenant', INSTALLATION)
/** Nobody listens there: the test takes what comes back to the server itself. */
const PUBLIC_URL = 'http://trilho.example'
let served: Served
let ana: Browser
let tenant: string
let start: string
let oidc_url: string
/** Who logs in at the company, and what it says of them. */
let account = 'bia'
let said: Record<string, unknown>

before(async () => {
  served = await serve({ mount: { rooms: [routes] }, config: { public_url: PUBLIC_URL } })
  ana = await firstPerson(served, 'ana@trilho.example')
  tenant = String((await ana.send('POST', '/v1/tenants', { body: { name: 'Padaria Central' } })).body['id'])
  const { url, stop } = await startOidc({
    redirect_uri: register,
    token_life_s: 600,
    account: () => account,
    claims: () => said,
  })
  oidc_url = url
  undoAfter(stop)
})

/** Lets the company sign its people in, and says where they come back to. */
async function register(issuer: string): Promise<string> {
  const domains = ['Padaria.example']
  const body = { name: 'Padaria', issuer, ...CLIENT, domains, tenant_id: tenant, role: 'operator' }
  const made = await ana.send('POST', '/v1/sign-in-providers', { body })
  assert.equal(made.status, 201, made.text)
  assert.ok(!made.text.includes(CLIENT.client_secret))
  const { providers } = (await served.send('GET', '/v1/sign-in')).body as { providers: { start: string }[] }
  start = String(providers[0]?.start)
  return String(made.body['redirect_uri'])
}

/** Leaves for the company; `path` is where it sends the browser back to. */
async function leave(): Promise<{ cookie: string; path: string }> {
  const left = await served.send('GET', start)
  assert.equal(left.status, 303, left.text)
  const line = left.headers.get('set-cookie') ?? ''
  assert.match(line, /^trilho_sign_in=[\w-]+; Path=\/v1\/sign-in; HttpOnly; SameSite=Lax; Max-Age=600$/)
  const back = await visit(left.headers.get('location') ?? '', oidc_url)
  assert.ok(back.startsWith(`${PUBLIC_URL}/v1/sign-in/sip_`), back)
  return { cookie: line.split(';')[0] ?? '', path: back.slice(PUBLIC_URL.length) }
}

const comeBack = (path: string, cookie: string): Promise<Reply> =>
  served.send('GET', path, { headers: { cookie } })

async function signIn(): Promise<Reply> {
  const { path, cookie } = await leave()
  return comeBack(path, cookie)
}

async function sessionOf(reply: Reply): Promise<Record<string, unknown>> {
  assert.deepEqual([reply.status, reply.headers.get('location')], [303, '/'])
  const cookie = reply.headers.getSetCookie().find((line) => line.startsWith('trilho_session=')) ?? ''
  return (await served.send('GET', '/v1/session', { headers: { cookie: cookie.split(';')[0] ?? '' } })).body
}

const refusal = (reply: Reply): string | null => {
  assert.ok(!reply.headers.getSetCookie().some((line) => line.startsWith('trilho_session')))
  return reply.headers.get('location')
}

test('a company speaks for verified e-mails of its domains alone', async () => {
  for (const claims of [
    { email: 'bia@padaria.example', email_verified: false },
    { email: 'bia@padaria.example' },
    { email: 'bia@elsewhere.example', email_verified: true },
    { email: 'bia@padaria.example@elsewhere.example', email_verified: true },
    { email: 'ana@trilho.example', email_verified: true },
    {},
  ]) {
    said = claims
    assert.equal(refusal(await signIn()), '/#/sign-in?refused=email', JSON.stringify(claims))
  }
})

test('who the company knows becomes a member, and is the same person the next time under another e-mail', async () => {
  said = { email: 'Bia@padaria.example', email_verified: true, name: 'Bia', locale: 'en-GB' }
  const first = await sessionOf(await signIn())
  const bia = first['member'] as { id: string; email: string; language: string }
  assert.deepEqual([bia.email, bia.language], ['bia@padaria.example', 'en'])
  assert.deepEqual(first['tenants'], [{ id: tenant, name: 'Padaria Central', role: 'operator' }])
  said = { email: 'bia.lima@elsewhere.example', email_verified: false }
  const again = await sessionOf(await signIn())
  assert.equal((again['member'] as { id: string }).id, bia.id)
  const body = { email: 'bia@padaria.example', password: '' }
  await fails(served.send('POST', '/v1/session', { body }), 400, 'invalid_request')
  await fails(
    served.send('POST', '/v1/session', { body: { ...body, password: 'any password' } }),
    401,
    'unauthenticated',
  )
})

test('the browser that comes back is the one that left, and each code is good once', async () => {
  const { path, cookie } = await leave()
  const other = await leave()
  const none = await comeBack(path, 'a=b')
  assert.equal(refusal(none), '/#/sign-in?refused=expired')
  assert.equal(refusal(await comeBack(path, 'trilho_sign_in=forged')), '/#/sign-in?refused=expired')
  assert.equal(refusal(await comeBack(path, other.cookie)), '/#/sign-in?refused=provider')
  await sessionOf(await comeBack(path, cookie))
  assert.equal(refusal(await comeBack(path, cookie)), '/#/sign-in?refused=provider')
})

test('what the provider refuses is refused, and so is an answer in the name of another', async () => {
  const { path, cookie } = await leave()
  const url = new URL(path, PUBLIC_URL)
  const state = url.searchParams.get('state') ?? ''
  const denied = `${url.pathname}?error=access_denied&state=${state}&iss=${encodeURIComponent(oidc_url)}`
  assert.equal(refusal(await comeBack(denied, cookie)), '/#/sign-in?refused=provider')
  url.searchParams.set('iss', 'https://evil.example')
  assert.equal(refusal(await comeBack(url.pathname + url.search, cookie)), '/#/sign-in?refused=provider')
})

test('who was invited gets the role of the invitation, and who has an account keeps account and role', async () => {
  const headers = { 'trilho-tenant': tenant }
  const body = { email: 'caio@padaria.example', role: 'developer' }
  assert.equal((await ana.send('POST', '/v1/members', { body, headers })).status, 201)
  account = 'caio'
  said = { email: 'caio@padaria.example', email_verified: true }
  assert.equal((await sessionOf(await signIn()))['role'], 'developer')
  const dora = await invite(served, ana, 'dora@padaria.example', 'viewer', tenant)
  account = 'dora'
  said = { email: 'dora@padaria.example', email_verified: true }
  const session = await sessionOf(await signIn())
  assert.deepEqual([session['member'], session['role']], [dora.session['member'], 'viewer'])
})

const byPassword = (email: string) =>
  served.send('POST', '/v1/session', { body: { email, password: PASSWORD } })

test('who signed up by an e-mail that is not theirs is out once the company has said whose it is', async () => {
  const { body } = await ana.send('POST', '/v1/tenants', { body: { name: 'Loja' } })
  const eve = await invite(served, ana, 'eva@padaria.example', 'viewer', String(body['id']))
  const totp = (sent: Record<string, string>) =>
    eve.send('POST', '/v1/member/totp', { body: { password: PASSWORD, ...sent } })
  const { secret } = (await totp({ action: 'begin' })).body as { secret: string }
  assert.equal((await totp({ action: 'confirm', code: totpCode(secret, new Date()) })).status, 200)
  account = 'eva'
  said = { email: 'eva@padaria.example', email_verified: true }
  const eva = await sessionOf(await signIn())
  assert.deepEqual(eva['member'], { ...(eve.session['member'] as object), has_totp: false })
  await fails(eve.send('GET', '/v1/session'), 401, 'unauthenticated')
  await fails(byPassword('eva@padaria.example'), 401, 'unauthenticated')
  assert.notEqual((await sessionOf(await signIn()))['id'], eva['id'])
})

test('who comes by a company alone has the second factor of the company, and none of ours that nothing would ask for', async () => {
  account = 'rui'
  said = { email: 'rui@padaria.example', email_verified: true }
  const reply = await signIn()
  const { csrf } = await sessionOf(reply)
  const cookie = reply.headers.getSetCookie().find((line) => line.startsWith('trilho_session=')) ?? ''
  const headers = { cookie: cookie.split(';')[0] ?? '', 'trilho-csrf': String(csrf) }
  const body = { action: 'begin' }
  await fails(served.send('POST', '/v1/member/totp', { headers, body }), 409, 'conflict')
})

test('who has no password takes an invitation by coming from the company again', async () => {
  const { body } = await ana.send('POST', '/v1/tenants', { body: { name: 'Loja da Esquina' } })
  await invite(served, ana, 'gil@padaria.example', 'viewer', String(body['id']))
  account = 'gil'
  said = { email: 'gil@padaria.example', email_verified: true }
  const roles = async () =>
    ((await sessionOf(await signIn()))['tenants'] as { role: string }[]).map(({ role }) => role)
  assert.deepEqual(await roles(), ['viewer'])
  const headers = { 'trilho-tenant': tenant }
  const invitation = { email: 'gil@padaria.example', role: 'developer' }
  assert.equal((await ana.send('POST', '/v1/members', { body: invitation, headers })).status, 201)
  assert.deepEqual(await roles(), ['developer', 'viewer'])
})

test('whom the company would let in again is suspended, not removed', async () => {
  const headers = { 'trilho-tenant': tenant }
  account = 'lea'
  said = { email: 'lea@padaria.example', email_verified: true }
  await sessionOf(await signIn())
  const { data } = (await ana.send('GET', '/v1/members', { headers })).body as {
    data: { id: string; email: string }[]
  }
  const path = `/v1/members/${data.find(({ email }) => email === 'lea@padaria.example')?.id}`
  await fails(ana.send('DELETE', path, { headers }), 409, 'conflict')
  const body = { state: 'suspended' }
  assert.equal((await ana.send('PATCH', path, { body, headers })).status, 200)
  assert.deepEqual((await sessionOf(await signIn()))['tenants'], [])
  const invitation = { email: 'new@padaria.example', role: 'viewer' }
  const made = await ana.send('POST', '/v1/members', { body: invitation, headers })
  assert.equal((await ana.send('DELETE', `/v1/members/${made.body['id']}`, { headers })).status, 204)
})

test('no company signs in who administers the installation', async () => {
  await invite(served, ana, 'rita@padaria.example', 'admin', `tnt_${'0'.repeat(26)}`)
  account = 'rita'
  said = { email: 'rita@padaria.example', email_verified: true }
  assert.equal(refusal(await signIn()), '/#/sign-in?refused=email')
  assert.equal((await byPassword('rita@padaria.example')).status, 200)
})

test('who comes to administer the installation is signed in by a company no more', async () => {
  const email = 'nina@padaria.example'
  account = 'nina'
  said = { email, email_verified: true }
  await sessionOf(await signIn())
  const actor = { kind: 'system', id: 'cli', tenant_id: INSTALLATION, environment: 'live' } as const
  const by = { ...actor, scopes: ['admin'], ip: null, request_id: null }
  const link = await resetLink(served.app, by, { email, drops_totp: false })
  const body = { token: tokenOf(link), name: 'Nina', email, password: PASSWORD, language: 'en' }
  assert.equal((await served.send('POST', '/v1/welcome', { body })).status, 200)
  await invite(served, ana, email, 'admin', `tnt_${'0'.repeat(26)}`)
  assert.equal(refusal(await signIn()), '/#/sign-in?refused=email')
})

test('who is suspended is turned away, though the company knows them, and comes in again once restored', async () => {
  account = 'olga'
  said = { email: 'olga@padaria.example', email_verified: true }
  const { member } = await sessionOf(await signIn())
  const { id } = member as { id: string }
  assert.equal((await ana.send('POST', `/v1/people/${id}/suspend`)).status, 200)
  assert.equal(refusal(await signIn()), '/#/sign-in?refused=suspended')
  account = 'olga again' // the company's word for a new one
  assert.equal(refusal(await signIn()), '/#/sign-in?refused=suspended')
  assert.equal((await ana.send('POST', `/v1/people/${id}/restore`)).status, 200)
  account = 'olga'
  assert.equal(((await sessionOf(await signIn()))['member'] as { id: string }).id, id)
})

test('who is suspended while the company vouches for them keeps the password for when they are restored', async () => {
  const email = 'uma@padaria.example'
  const uma = await invite(served, ana, email, 'viewer', tenant)
  const { id } = uma.session['member'] as { id: string }
  account = 'uma'
  said = { email, email_verified: true }
  const suspend = () => ana.send('POST', `/v1/people/${id}/suspend`)
  const [suspended, came] = await whileLocked(served, [email], [suspend, signIn])
  assert.ok(suspended && came)
  assert.equal(suspended.status, 200)
  assert.equal(refusal(came), '/#/sign-in?refused=email')
  assert.equal((await ana.send('POST', `/v1/people/${id}/restore`)).status, 200)
  assert.equal((await byPassword(email)).status, 200)
})

test('a company is not told that somebody is suspended for whom it may not speak', async () => {
  const tess = await invite(served, ana, 'tess@elsewhere.example', 'viewer', tenant)
  const { id } = tess.session['member'] as { id: string }
  assert.equal((await ana.send('POST', `/v1/people/${id}/suspend`)).status, 200)
  account = 'tess'
  said = { email: 'tess@elsewhere.example', email_verified: true }
  assert.equal(refusal(await signIn()), '/#/sign-in?refused=email')
})

test('a company that does not answer is said at the page of signing in', async () => {
  const gone = `http://127.0.0.1:${await freePort()}`
  const body = {
    name: 'Gone',
    issuer: gone,
    ...CLIENT,
    domains: ['gone.example'],
    tenant_id: tenant,
    role: 'viewer',
  }
  const { id } = (await ana.send('POST', '/v1/sign-in-providers', { body })).body
  const left = await served.send('GET', `/v1/sign-in/${id}/start`)
  assert.deepEqual([left.status, left.headers.get('location')], [303, '/#/sign-in?refused=provider'])
  assert.equal((await ana.send('DELETE', `/v1/sign-in-providers/${id}`)).status, 204)
})

test('a key of test lets no company sign anybody in, and removes none', async () => {
  const asked = { name: 'Test', environment: 'test', scopes: ['admin'] }
  const headers = { 'trilho-tenant': HOUSE }
  const key = String((await ana.send('POST', '/v1/keys', { body: asked, headers })).body['key'])
  const domains = ['evil.example']
  const body = { name: 'Evil', issuer: oidc_url, ...CLIENT, domains, tenant_id: tenant, role: 'admin' }
  await fails(served.send('POST', '/v1/sign-in-providers', { key, body }), 403, 'forbidden')
  const id = /sip_\w+/.exec(start)?.[0] ?? ''
  await fails(served.send('DELETE', `/v1/sign-in-providers/${id}`, { key }), 403, 'forbidden')
  const listed = await served.send('GET', '/v1/sign-in-providers', { key })
  assert.deepEqual(
    (listed.body['data'] as { name: string }[]).map(({ name }) => name),
    ['Padaria'],
  )
})

test('a company that was removed signs nobody in', async () => {
  const { path, cookie } = await leave()
  const id = /sip_\w+/.exec(start)?.[0] ?? ''
  await fails(ana.send('DELETE', `/v1/sign-in-providers/${id}x`), 400, 'invalid_id')
  assert.equal((await ana.send('DELETE', `/v1/sign-in-providers/${id}`)).status, 204)
  await fails(comeBack(path, cookie), 404, 'not_found')
  await fails(served.send('GET', start), 404, 'not_found')
  assert.deepEqual((await served.send('GET', '/v1/sign-in')).body, { password: true, providers: [] })
})

test('who sets out sixty times and never comes back signed in has to wait, and nobody else has', async () => {
  const proxied = await serve({
    mount: { rooms: [routes] },
    config: { trusted_proxies: ['127.0.0.0/8'] },
  })
  const admin = await firstPerson(proxied)
  const made = await admin.send('POST', '/v1/tenants', { body: { name: 'Loja do Porto' } })
  const issuer = `http://127.0.0.1:${await freePort()}`
  const provider = { name: 'Gone', issuer, ...CLIENT, domains: ['gone.example'], role: 'viewer' }
  const body = { ...provider, tenant_id: made.body['id'] }
  const { id } = (await admin.send('POST', '/v1/sign-in-providers', { body })).body
  const from = (ip: string) =>
    proxied.send('GET', `/v1/sign-in/${id}/start`, { headers: { 'x-forwarded-for': ip } })
  for (let turn = 0; turn < 60; turn++) assert.equal((await from('198.51.100.1')).status, 303)
  const refused = await from('198.51.100.1')
  assert.deepEqual([refused.status, refused.body['code']], [429, 'rate_limited'])
  const wait_s = Number(refused.headers.get('retry-after'))
  assert.ok(wait_s > 0 && wait_s <= 900, String(wait_s))
  assert.equal((await from('198.51.100.2')).status, 303)
})
