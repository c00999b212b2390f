import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { testDatabaseUrl } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
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
import type { Http, Routes } from '../app.ts'
import { routes } from './routes.ts'

let served: Served
/** Another process on the same database. */
let other: Served
let ana: Browser
let padaria: string

/** A route of each kind that the rooms have. */
const KINDS = [
  'tenants:read',
  'tenants:write',
  'connections:read',
  'connections:operate',
  'connections:write',
  'calls:operate',
  'calls:write',
  'sources:operate',
  'sources:write',
  'subscriptions:operate',
  'subscriptions:write',
  'events:write',
  'bodies:read',
  'admin',
] as const
const pathOf = (kind: string): string => `/v1/kinds/${kind.replace(':', '-')}`
const kinds: Routes = (http: Http) => {
  for (const access of KINDS) {
    const schema = { operationId: access.replace(':', '_') }
    http.get(pathOf(access), { config: { access }, schema }, async () => ({}))
  }
}

before(async () => {
  const database_url = await testDatabaseUrl()
  const options = { database_url, master_key: Buffer.alloc(32, 7), mount: { rooms: [routes, kinds] } }
  served = await serve(options)
  other = await serve(options)
  ana = await firstPerson(served)
  const { body } = await ana.send('POST', '/v1/tenants', { body: { name: 'Padaria Central' } })
  padaria = String(body['id'])
})

const signIn = (email: string) => served.send('POST', '/v1/session', { body: { email, password: PASSWORD } })

test('what a role may do, the API decides', async () => {
  const may: Record<string, string[]> = {
    viewer: ['tenants:read', 'connections:read'],
    operator: KINDS.filter((kind) => /:operate$/.test(kind) || /^(tenants|connections):read$/.test(kind)),
    developer: KINDS.filter((kind) => kind !== 'tenants:write' && kind !== 'admin'),
    admin: KINDS.filter((kind) => kind !== 'admin'),
  }
  for (const [role, expected] of Object.entries(may)) {
    const person = await invite(served, ana, `${role}@example.com`, role, padaria)
    for (const kind of KINDS) {
      const { status } = await person.send('GET', pathOf(kind))
      assert.equal(status, expected.includes(kind) ? 200 : 403, `${role} ${kind}`)
    }
  }
  for (const kind of KINDS) assert.equal((await ana.send('GET', pathOf(kind))).status, 200, kind)
})

test('nobody uses the invitation of somebody else', async () => {
  const headers = { 'trilho-tenant': padaria }
  const body = { email: 'bia@example.com', role: 'viewer' }
  const made = await ana.send('POST', '/v1/members', { body, headers })
  const token = tokenOf(String(made.body['link']))
  const other_one = { token, name: 'Eve', email: 'eve@example.com', password: PASSWORD, language: 'en' }
  const refused = await fails(served.send('POST', '/v1/welcome', { body: other_one }), 400, 'invalid_request')
  assert.equal(refused['field'], 'email')
  const again = await ana.send('POST', '/v1/members', { body: { ...body, role: 'operator' }, headers })
  assert.equal(again.body['id'], made.body['id'])
  const bia = { ...other_one, name: 'Bia', email: 'Bia@example.com' }
  await fails(served.send('POST', '/v1/welcome', { body: bia }), 404, 'not_found')
  const fresh = { ...bia, token: tokenOf(String(again.body['link'])) }
  const came = browserOf(served, await served.send('POST', '/v1/welcome', { body: fresh }))
  assert.equal(came.session['role'], 'operator')
  await fails(ana.send('POST', '/v1/members', { body, headers }), 409, 'conflict')
})

test('who has an account takes an invitation by its password, and no link makes another of it', async () => {
  const { body } = await ana.send('POST', '/v1/tenants', { body: { name: 'Loja do Porto' } })
  const headers = { 'trilho-tenant': String(body['id']) }
  const invitation = { email: 'bia@example.com', role: 'developer' }
  const made = await ana.send('POST', '/v1/members', { body: invitation, headers })
  const token = tokenOf(String(made.body['link']))
  const come = (password: string) =>
    served.send('POST', '/v1/welcome', {
      body: { token, name: 'Not Bia', email: 'bia@example.com', password, language: 'en' },
    })
  await fails(come('a password of my own'), 401, 'unauthenticated')
  const bia = browserOf(served, await come(PASSWORD))
  assert.equal((bia.session['member'] as { name: string }).name, 'Bia')
  const tenants = bia.session['tenants'] as { role: string }[]
  assert.deepEqual(
    tenants.map(({ role }) => role),
    ['operator', 'developer'],
  )
})

test('a person sees the tenants they are members of and no other', async () => {
  const eva = await invite(served, ana, 'eva@example.com', 'admin', padaria)
  const { body: foreign } = await ana.send('POST', '/v1/tenants', { body: { name: 'Outra' } })
  const headers = { 'trilho-tenant': String(foreign['id']) }
  for (const [method, path] of [
    ['GET', '/v1/tenant'],
    ['GET', '/v1/session'],
    ['GET', '/v1/members'],
  ] as const)
    await fails(eva.send(method, path, { headers }), 403, 'forbidden')
  await fails(eva.send('GET', '/v1/tenants'), 403, 'forbidden')
  assert.equal((await eva.send('GET', '/v1/tenant')).body['id'], padaria)
  const theirs = await ana.send('GET', '/v1/tenant', { headers })
  assert.equal(theirs.body['name'], 'Outra')
  assert.equal(
    (await eva.send('DELETE', '/v1/session', { headers })).status,
    204,
    'signing out is of no tenant',
  )
})

test('who may only look changes no member', async () => {
  const [viewer, admin] = [
    await invite(served, ana, 'vera@example.com', 'viewer', padaria),
    await invite(served, ana, 'alba@example.com', 'admin', padaria),
  ]
  const body = { email: 'new@example.com', role: 'viewer' }
  assert.equal((await viewer.send('GET', '/v1/members')).status, 200)
  await fails(viewer.send('POST', '/v1/members', { body }), 403, 'forbidden')
  await fails(
    viewer.send('PATCH', `/v1/members/${admin.member}`, { body: { role: 'viewer' } }),
    403,
    'forbidden',
  )
  assert.equal((await admin.send('POST', '/v1/members', { body })).status, 201)
  const headers = { 'trilho-tenant': `tnt_${'0'.repeat(26)}` }
  await fails(
    admin.send('POST', '/v1/members', { body: { ...body, role: 'admin' }, headers }),
    403,
    'forbidden',
  )
})

test('nobody makes a member of more than they are, or changes themselves', async () => {
  const { key } = await tenantWithKey(served, ['tenants:write', 'tenants:read', 'calls:*'])
  const body = { email: 'high@example.com', role: 'admin' }
  const refused = await fails(served.send('POST', '/v1/members', { key, body }), 403, 'forbidden')
  assert.equal(refused['field'], 'role')
  const gil = await invite(served, ana, 'gil@example.com', 'admin', padaria)
  await fails(gil.send('PATCH', `/v1/members/${gil.member}`, { body: { role: 'viewer' } }), 409, 'conflict')
  await fails(gil.send('DELETE', `/v1/members/${gil.member}`), 409, 'conflict')
})

test('administrators of the installation are the members of its own tenant', async () => {
  const house = `tnt_${'0'.repeat(26)}`
  const headers = { 'trilho-tenant': house }
  const body = { email: 'rita@example.com', role: 'viewer' }
  await fails(ana.send('POST', '/v1/members', { body, headers }), 400, 'invalid_request')
  const rita = await invite(served, ana, 'rita@example.com', 'admin', house)
  assert.equal(rita.session['is_administrator'], true)
  assert.equal((await rita.send('GET', '/v1/tenants')).status, 200)
  assert.equal(
    (await rita.send('GET', '/v1/tenant')).body['id'],
    padaria,
    'the oldest tenant where none is named',
  )
  assert.equal((await ana.send('DELETE', `/v1/members/${rita.member}`, { headers })).status, 204)
  await fails(rita.send('GET', '/v1/tenants'), 401, 'unauthenticated')
})

test('who looks at test answers for live too: only keys are made for one of them', async () => {
  const headers = { 'trilho-environment': 'test' }
  const luz = await invite(served, ana, 'luz@example.com', 'admin', padaria)
  const me = await luz.send('GET', '/v1/session', { headers })
  assert.equal(me.body['environment'], 'test')
  const changed = await luz.send('PATCH', '/v1/tenant', { headers, body: { time_zone: 'America/Manaus' } })
  assert.equal(changed.status, 200, changed.text)
  const key = { name: 'Checkout', environment: 'live', scopes: ['calls:write'] }
  assert.equal((await luz.send('POST', '/v1/keys', { headers, body: key })).status, 201)
  const body = { email: 'test@example.com', role: 'viewer' }
  assert.equal((await luz.send('POST', '/v1/members', { headers, body })).status, 201)
  const { key: test_key } = await tenantWithKey(served, ['*'], 'test')
  await fails(served.send('POST', '/v1/members', { key: test_key, body }), 403, 'forbidden')
  await fails(
    luz.send('GET', '/v1/session', { headers: { 'trilho-environment': 'both' } }),
    400,
    'invalid_request',
  )
})

test('a role that is taken away is gone everywhere within a second, and so is a member', async () => {
  const iris = await invite(served, ana, 'iris@example.com', 'admin', padaria)
  const elsewhere = browserOf(other, await signIn('iris@example.com'))
  const headers = { 'trilho-tenant': padaria }
  const another = (email: string) =>
    elsewhere.send('POST', '/v1/members', { body: { email, role: 'viewer' }, headers })
  assert.equal((await another('x@example.com')).status, 201)
  const change = (body: unknown) => ana.send('PATCH', `/v1/members/${iris.member}`, { body, headers })
  assert.equal((await change({ role: 'viewer' })).body['role'], 'viewer')
  await until(async () => (await another('y@example.com')).status === 403)
  assert.equal((await elsewhere.send('GET', '/v1/members', { headers })).status, 200)
  assert.equal((await change({ state: 'suspended' })).body['state'], 'suspended')
  await until(async () => (await elsewhere.send('GET', '/v1/members', { headers })).status === 403)
  assert.deepEqual((await elsewhere.send('GET', '/v1/session')).body['tenants'], [])
  assert.equal((await ana.send('DELETE', `/v1/members/${iris.member}`, { headers })).status, 204)
  await until(async () => (await elsewhere.send('GET', '/v1/session')).status === 401)
  await fails(signIn('iris@example.com'), 401, 'unauthenticated')
})

test('what changes a place waits for who is signing in, whose session is told of it', async () => {
  const caio = await invite(served, ana, 'caio@example.com', 'admin', padaria)
  const headers = { 'trilho-tenant': padaria }
  const path = `/v1/members/${caio.member}`
  const emails = ['caio@example.com']
  const [came, changed] = await whileLocked(served, emails, [
    () => signIn('caio@example.com'),
    () => ana.send('PATCH', path, { body: { role: 'viewer' }, headers }),
  ])
  assert.ok(came)
  assert.equal(changed?.status, 200)
  const body = { email: 'z@example.com', role: 'viewer' }
  await until(
    async () => (await browserOf(served, came).send('POST', '/v1/members', { body })).status === 403,
  )
  const removing = [() => ana.send('DELETE', path, { headers })]
  assert.equal((await whileLocked(served, emails, removing))[0]?.status, 204)
})

test('two administrators who take each other down leave one of them', async () => {
  const [abel, bela] = [
    await invite(served, ana, 'abel@example.com', 'admin', padaria),
    await invite(served, ana, 'bela@example.com', 'admin', padaria),
  ]
  const body = { role: 'viewer' }
  const replies = await whileLocked(
    served,
    ['abel@example.com', 'bela@example.com'],
    [
      () => abel.send('PATCH', `/v1/members/${bela.member}`, { body }),
      () => bela.send('PATCH', `/v1/members/${abel.member}`, { body }),
    ],
  )
  assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 403])
})

test('what people do is in the audit log, and no secret is', async () => {
  const headers = { 'trilho-tenant': padaria }
  const { text, body } = await ana.send('GET', '/v1/audit?limit=200', { headers })
  const { data } = body as { data: { action: string; actor: string }[] }
  const actions = new Set(data.map(({ action }) => action))
  for (const action of ['member.invite', 'member.join', 'member.update', 'member.remove'])
    assert.ok(actions.has(action), action)
  assert.ok(data.every(({ actor }) => /^(prs_|test)/.test(actor)))
  assert.ok(!text.includes(PASSWORD))
})
