import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { inTenant } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { testDatabaseUrl } from '../../test/harness.ts'
import { adminKey, type Reply, type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import {
  type Browser,
  browserOf,
  fails,
  firstPerson,
  invite,
  PASSWORD,
  tokenOf,
  until,
  whileLocked,
} from '../../test/person.ts'
import { type Actor, INSTALLATION } from '../app.ts'
import { membershipsOf } from './directory_queries.ts'
import { firstLink, resetLink } from './people.ts'
import { routes } from './routes.ts'
import { totpCode } from './totp.ts'

const HOUSE = `tnt_${'0'.repeat(26)}`
let served: Served
/** Another process on the same database. */
let other: Served
let ana: Browser
let padaria: string
let key: string

before(async () => {
  const database_url = await testDatabaseUrl()
  const options = { database_url, master_key: Buffer.alloc(32, 7), mount: { rooms: [routes] } }
  served = await serve(options)
  other = await serve(options)
  key = await adminKey(served)
  ana = await firstPerson(served)
  padaria = await company('Padaria Central')
})

async function company(name: string): Promise<string> {
  return String((await ana.send('POST', '/v1/tenants', { body: { name } })).body['id'])
}

const signIn = (email: string, more: object = {}, at = served): Promise<Reply> =>
  at.send('POST', '/v1/session', { body: { email, password: PASSWORD, ...more } })

/** What the administrator sees of somebody. */
async function seen(email: string): Promise<Record<string, unknown>> {
  const { body } = await ana.send('GET', `/v1/people?email=${encodeURIComponent(email)}`)
  const [one, ...more] = body['data'] as Record<string, unknown>[]
  assert.ok(one)
  assert.deepEqual(more, [])
  return one
}

const idOf = async (email: string): Promise<string> => String((await seen(email))['id'])

async function act(what: string, email: string, by = ana): Promise<Reply> {
  return by.send('POST', `/v1/people/${await idOf(email)}/${what}`)
}

async function audited(action: string): Promise<{ actor: string; target: string; detail: object }[]> {
  const headers = { 'trilho-tenant': HOUSE }
  const { body } = await ana.send('GET', '/v1/audit?limit=200', { headers })
  const rows = body['data'] as { action: string; actor: string; target: string; detail: object }[]
  return rows.filter((row) => row.action === action)
}

test('the administrator sees the people of all tenants, page by page, each with every place', async () => {
  const porto = await company('Loja do Porto')
  const bia = await invite(served, ana, 'bia@example.com', 'operator', padaria)
  const headers = { 'trilho-tenant': porto }
  const body = { email: 'bia@example.com', role: 'admin' }
  const made = await ana.send('POST', '/v1/members', { body, headers })
  const token = tokenOf(String(made.body['link']))
  const come = { token, name: 'Bia', email: 'bia@example.com', password: PASSWORD, language: 'en' }
  assert.equal((await served.send('POST', '/v1/welcome', { body: come })).status, 200)
  const state = { body: { state: 'suspended' }, headers: { 'trilho-tenant': padaria } }
  assert.equal((await ana.send('PATCH', `/v1/members/${bia.member}`, state)).status, 200)

  const shown = await seen('Bia@Example.com')
  assert.deepEqual([shown['state'], shown['has_totp'], shown['sessions']], ['active', false, 2])
  assert.ok(Date.parse(String(shown['seen_at'])) > 0)
  assert.deepEqual(
    (shown['memberships'] as { tenant: object; role: string; state: string }[]).map((place) => [
      place.tenant,
      place.role,
      place.state,
    ]),
    [
      [{ id: padaria, name: 'Padaria Central' }, 'operator', 'suspended'],
      [{ id: porto, name: 'Loja do Porto' }, 'admin', 'active'],
    ],
  )
  assert.deepEqual((await ana.send('GET', `/v1/people/${shown['id']}`)).body, shown)

  const all: string[] = []
  for (let cursor = ''; ; ) {
    const { body: page } = await served.send('GET', `/v1/people?limit=1${cursor}`, { key })
    all.push(...(page['data'] as { email: string }[]).map(({ email }) => email))
    if (page['next_cursor'] === null) break
    cursor = `&cursor=${page['next_cursor']}`
  }
  assert.deepEqual(all, ['bia@example.com', 'ana@example.com'])
  const me = await seen('ana@example.com')
  assert.deepEqual([me['is_administrator'], shown['is_administrator']], [true, false])
})

test('nobody but the administrator of the installation sees or stops a person', async () => {
  const caio = await invite(served, ana, 'caio@example.com', 'admin', padaria)
  const { key: everything } = await tenantWithKey(served, ['*'])
  const id = await idOf('caio@example.com')
  const paths = ['sign-out', 'reset-second-factor', 'suspend', 'restore'].map((what) => `${id}/${what}`)
  for (const [method, path] of [
    ['GET', ''],
    ['GET', `/${id}`],
    ...paths.map((one) => ['POST', `/${one}`] as const),
  ] as const) {
    await fails(caio.send(method, `/v1/people${path}`), 403, 'forbidden')
    await fails(served.send(method, `/v1/people${path}`, { key: everything }), 403, 'forbidden')
    await fails(served.send(method, `/v1/people${path}`), 401, 'unauthenticated')
  }
  assert.deepEqual(
    [(await seen('caio@example.com'))['state'], await audited('person.suspend')],
    ['active', []],
  )
  await fails(ana.send('GET', `/v1/people/${id.slice(0, -4)}0000`), 404, 'not_found')
})

test('who is signed out is refused by every process within a second, and comes in again by the password', async () => {
  const davi = await invite(served, ana, 'davi@example.com', 'viewer', padaria)
  const elsewhere = browserOf(other, await signIn('davi@example.com', {}, other))
  assert.equal((await elsewhere.send('GET', '/v1/session')).status, 200)
  const done = await act('sign-out', 'davi@example.com')
  assert.deepEqual([done.status, done.body['sessions'], done.body['state']], [200, 0, 'active'])
  await until(async () => (await davi.send('GET', '/v1/session')).status === 401)
  await until(async () => (await elsewhere.send('GET', '/v1/session')).status === 401)
  assert.equal((await signIn('davi@example.com')).status, 200)
  const [row] = await audited('person.sign_out')
  assert.deepEqual(
    [row?.actor, row?.target, row?.detail],
    [await idOf('ana@example.com'), done.body['id'], { sessions: 2 }],
  )
})

test('the administrator may end all their own sessions, and loses nothing but those', async () => {
  const rita = await invite(served, ana, 'rita@example.com', 'admin', HOUSE)
  assert.equal((await act('sign-out', 'rita@example.com', rita)).status, 200)
  await until(async () => (await rita.send('GET', '/v1/session')).status === 401)
  assert.equal(browserOf(served, await signIn('rita@example.com')).session['is_administrator'], true)
})

/** Turns the second factor on, and says what stands in for it. */
async function withTotp(person: Browser): Promise<{ secret: string; codes: string[] }> {
  const totp = (body: Record<string, string>) => person.send('POST', '/v1/member/totp', { body })
  const { secret } = (await totp({ action: 'begin', password: PASSWORD })).body as { secret: string }
  const on = await totp({ action: 'confirm', code: totpCode(secret, new Date()) })
  assert.equal(on.status, 200, on.text)
  return { secret, codes: on.body['recovery_codes'] as string[] }
}

test('a second factor that is reset is asked for no more, its recovery codes are gone, and the sessions end', async () => {
  const eva = await invite(served, ana, 'eva@example.com', 'viewer', padaria)
  const { codes } = await withTotp(eva)
  const before = await seen('eva@example.com')
  assert.deepEqual([before['has_totp'], before['recovery_codes_left'], before['sessions']], [true, 10, 1])
  await fails(signIn('eva@example.com'), 401, 'totp_required')
  const { body } = await act('reset-second-factor', 'eva@example.com')
  assert.deepEqual([body['has_totp'], body['recovery_codes_left'], body['sessions']], [false, 0, 0])
  await until(async () => (await eva.send('GET', '/v1/session')).status === 401)
  const back = browserOf(served, await signIn('eva@example.com'))
  const again = await withTotp(back)
  assert.ok(again.codes.every((code) => !codes.includes(code)))
  await fails(signIn('eva@example.com', { code: codes[0] }), 401, 'unauthenticated')
  const [row] = await audited('person.totp_reset')
  assert.deepEqual([row?.target, row?.detail], [before['id'], { sessions: 1 }])
})

test('the second factor of one’s own is not ended without the password', async () => {
  const sara = await invite(served, ana, 'sara@example.com', 'admin', HOUSE)
  await withTotp(sara)
  await fails(act('reset-second-factor', 'sara@example.com', sara), 409, 'conflict')
  assert.equal((await seen('sara@example.com'))['has_totp'], true)
})

test('nobody comes in as who is suspended, by no way, and all is as it was once they are restored', async () => {
  const gil = await invite(served, ana, 'gil@example.com', 'developer', padaria)
  const porto = await company('Loja de Gil')
  const actor: Actor = {
    kind: 'system',
    id: 'cli',
    tenant_id: INSTALLATION,
    environment: 'live',
    scopes: ['admin'],
    ip: null,
    request_id: null,
  }
  const link = (): Promise<string> =>
    resetLink(served.app, actor, { email: 'gil@example.com', drops_totp: false })
  const forgotten = tokenOf(await link())
  const done = await act('suspend', 'gil@example.com')
  assert.deepEqual([done.body['state'], done.body['sessions']], ['suspended', 0])
  assert.equal((await act('suspend', 'gil@example.com')).status, 200, 'again changes nothing')
  await until(async () => (await gil.send('GET', '/v1/session')).status === 401)

  await fails(signIn('gil@example.com'), 403, 'forbidden')
  const wrong = { email: 'gil@example.com', password: 'not the password' }
  await fails(served.send('POST', '/v1/session', { body: wrong }), 401, 'unauthenticated')
  const come = (token: string) =>
    served.send('POST', '/v1/welcome', {
      body: { token, name: 'Gil', email: 'gil@example.com', password: PASSWORD, language: 'en' },
    })
  await fails(come(forgotten), 404, 'not_found')
  await assert.rejects(link(), { code: 'conflict' })
  const body = { email: 'gil@example.com', role: 'viewer' }
  const made = await ana.send('POST', '/v1/members', { body, headers: { 'trilho-tenant': porto } })
  await fails(come(tokenOf(String(made.body['link']))), 403, 'forbidden')

  assert.equal((await act('restore', 'gil@example.com')).body['state'], 'active')
  assert.equal(browserOf(served, await signIn('gil@example.com')).session['role'], 'developer')
  assert.equal((await audited('person.suspend')).length, 1)
  assert.equal((await audited('person.restore')).length, 1)
})

test('nobody suspends themselves, and of two administrators who suspend each other one is left', async () => {
  await fails(act('suspend', 'ana@example.com'), 409, 'conflict')
  const emails = ['abel@example.com', 'bela@example.com'] as const
  const [abel, bela] = [
    await invite(served, ana, emails[0], 'admin', HOUSE),
    await invite(served, ana, emails[1], 'admin', HOUSE),
  ]
  const ids = [await idOf(emails[0]), await idOf(emails[1])]
  const replies = await whileLocked(
    served,
    [...emails],
    [
      () => abel.send('POST', `/v1/people/${ids[1]}/suspend`),
      () => bela.send('POST', `/v1/people/${ids[0]}/suspend`),
    ],
  )
  assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 403])
})

test('no key suspends the last who administers the installation, nor does a key of test anybody', async () => {
  const house = await serve({ mount: { rooms: [routes] } })
  const admin = await adminKey(house)
  await firstPerson(house, 'sole@example.com')
  const { data } = (await house.send('GET', '/v1/people', { key: admin })).body as { data: { id: string }[] }
  const path = `/v1/people/${data[0]?.id}/suspend`
  await fails(house.send('POST', path, { key: admin }), 409, 'conflict')
  const body = { name: 'Test', environment: 'test', scopes: ['admin'] }
  const headers = { 'trilho-tenant': HOUSE }
  const made = await house.send('POST', '/v1/keys', { key: admin, body, headers })
  assert.equal(made.status, 201, made.text)
  await fails(house.send('POST', path, { key: String(made.body['key']) }), 403, 'forbidden')
  assert.equal(await firstLink(house.app), null)
})

test('where people may act PostgreSQL itself shows to nobody but the installation', async () => {
  const ids = [fromWire('person', await idOf('ana@example.com'))]
  const seenFrom = (tenant_id: string) =>
    inTenant(served.app.db, tenant_id, (tx) => membershipsOf(tx, ids)).then((places) => places.length)
  assert.deepEqual([await seenFrom(INSTALLATION), await seenFrom(fromWire('tenant', padaria))], [1, 0])
})
