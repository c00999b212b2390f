import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { toWire } from '../../platform/ids.ts'
import { secret } from '../../platform/secret.ts'
import { testDatabaseUrl } from '../../test/harness.ts'
import { adminKey, type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { INSTALLATION } from '../app.ts'
import { accessTokenKey, ensureAdminKey, readAccessToken } from './tenants.ts'

let served: Served
let other: Served
let admin: string

before(async () => {
  const database_url = await testDatabaseUrl()
  const master_key = Buffer.alloc(32, 7)
  served = await serve({ database_url, master_key })
  other = await serve({ database_url, master_key })
  admin = await adminKey(served)
})

const newKey = { name: 'Checkout', environment: 'live', scopes: ['calls:write', 'events:read'] }

async function fails(
  reply: Promise<{ status: number; body: Record<string, unknown> }>,
  status: number,
  code: string,
) {
  const { status: got, body } = await reply
  assert.deepEqual([got, body['code']], [status, code], JSON.stringify(body))
  return body
}

test('an administrator makes, lists, reads and changes tenants', async () => {
  const made = await served.send('POST', '/v1/tenants', { key: admin, body: { name: 'Mercado Azul' } })
  assert.equal(made.status, 201)
  assert.equal(made.body['time_zone'], 'America/Sao_Paulo')
  const path = `/v1/tenants/${made.body['id']}`
  const changed = await served.send('PATCH', path, { key: admin, body: { name: 'Mercado Verde' } })
  assert.deepEqual(changed.body, { ...made.body, name: 'Mercado Verde' })
  assert.deepEqual((await served.send('GET', path, { key: admin })).body, changed.body)
  const { body } = await served.send('GET', '/v1/tenants?limit=1', { key: admin })
  assert.deepEqual(body['data'], [changed.body])
})

test('pages of tenants follow each other without a gap or a repeat', async () => {
  for (let i = 0; i < 3; i++)
    await served.send('POST', '/v1/tenants', { key: admin, body: { name: `Page ${i}` } })
  const all = (await served.send('GET', '/v1/tenants?limit=200', { key: admin })).body['data'] as {
    id: string
  }[]
  const seen: string[] = []
  let cursor: unknown = ''
  while (cursor !== null) {
    const { body } = await served.send('GET', `/v1/tenants?limit=2${cursor ? `&cursor=${cursor}` : ''}`, {
      key: admin,
    })
    seen.push(...(body['data'] as { id: string }[]).map(({ id }) => id))
    cursor = body['next_cursor']
  }
  assert.deepEqual(
    seen,
    all.map(({ id }) => id),
  )
})

test('a time zone that does not exist is refused by name', async () => {
  const body = { name: 'Lua', time_zone: 'America/Sao_Paolo' }
  const problem = await fails(
    served.send('POST', '/v1/tenants', { key: admin, body }),
    400,
    'invalid_request',
  )
  assert.equal(problem['field'], 'time_zone')
})

test('a tenant reads and changes itself, and may not even list the others', async () => {
  const { key, tenant } = await tenantWithKey(served)
  const own = await served.send('GET', '/v1/tenant', { key })
  assert.equal(own.body['id'], tenant)
  const changed = await served.send('PATCH', '/v1/tenant', { key, body: { time_zone: 'America/Manaus' } })
  assert.deepEqual(changed.body, { ...own.body, time_zone: 'America/Manaus' })
  await fails(served.send('GET', '/v1/tenants', { key }), 403, 'forbidden')
  await fails(served.send('GET', `/v1/tenants/${tenant}`, { key }), 403, 'forbidden')
})

test('an administrator acts on a tenant only by naming it', async () => {
  const { tenant } = await tenantWithKey(served)
  const nameless = await fails(served.send('GET', '/v1/tenant', { key: admin }), 400, 'invalid_request')
  assert.equal(nameless['field'], 'trilho-tenant')
  const named = await served.send('GET', '/v1/tenant', { key: admin, headers: { 'trilho-tenant': tenant } })
  assert.equal(named.body['id'], tenant)
  const nobody = toWire('tenant', served.app.newId())
  const headers = { 'trilho-tenant': nobody }
  await fails(served.send('GET', '/v1/tenant', { key: admin, headers }), 404, 'not_found')
  await fails(
    served.send('GET', '/v1/tenant', { key: admin, headers: { 'trilho-tenant': 'x' } }),
    400,
    'invalid_id',
  )
})

test('a tenant that names another in trilho-tenant is refused', async () => {
  const [mine, theirs] = [await tenantWithKey(served), await tenantWithKey(served)]
  const headers = { 'trilho-tenant': theirs.tenant }
  await fails(served.send('GET', '/v1/tenant', { key: mine.key, headers }), 403, 'forbidden')
})

test('a key is shown once, works, and is kept only as a hash', async () => {
  const { key } = await tenantWithKey(served)
  const made = await served.send('POST', '/v1/keys', { key, body: newKey })
  assert.equal(made.status, 201)
  const shown = String(made.body['key'])
  assert.match(shown, /^trl_live_[0-9A-Za-z]{43}$/)
  const { key: _, ...kept } = made.body
  const read = await served.send('GET', `/v1/keys/${made.body['id']}`, { key })
  assert.deepEqual(read.body, kept)
  assert.equal(kept['hint'], `trl_live_…${shown.slice(-4)}`)
  assert.ok(!JSON.stringify((await served.send('GET', '/v1/keys', { key })).body).includes(shown))
  await fails(served.send('GET', '/v1/tenant', { key: shown }), 403, 'forbidden') // known, without the scope
})

test('nobody hands out a scope they do not hold', async () => {
  const { key } = await tenantWithKey(served, ['tenants:write', 'calls:read', 'calls:write'])
  const ask = (scopes: string[]) => served.send('POST', '/v1/keys', { key, body: { ...newKey, scopes } })
  assert.equal((await ask(['calls:*'])).status, 201)
  for (const scope of ['*', 'events:read', 'tenants:*', 'internal'])
    await fails(ask([scope]), 403, 'forbidden')
  await fails(ask(['admin']), 400, 'invalid_request')
  const unknown = await fails(ask(['conections:read']), 400, 'invalid_request')
  assert.equal(unknown['field'], 'scopes')
})

test('not even all of a tenant holds what reaches beyond it', async () => {
  const { key, tenant } = await tenantWithKey(served, ['*'])
  for (const scope of ['admin', 'metrics:read']) {
    await fails(
      served.send('POST', '/v1/keys', { key, body: { ...newKey, scopes: [scope] } }),
      400,
      'invalid_request',
    )
  }
  const body = { ...newKey, scopes: ['admin'] }
  const headers = { 'trilho-tenant': tenant }
  await fails(served.send('POST', '/v1/keys', { key: admin, headers, body }), 400, 'invalid_request')
})

test('an administrator makes another admin key and revokes it', async () => {
  const headers = { 'trilho-tenant': toWire('tenant', INSTALLATION) }
  const made = await served.send('POST', '/v1/keys', {
    key: admin,
    headers,
    body: { ...newKey, scopes: ['admin'] },
  })
  assert.equal(made.status, 201)
  const second = String(made.body['key'])
  assert.equal((await served.send('GET', '/v1/tenants', { key: second })).status, 200)
  await served.send('DELETE', `/v1/keys/${made.body['id']}`, { key: admin, headers })
  await fails(served.send('GET', '/v1/tenants', { key: second }), 401, 'unauthenticated')
})

test('a test key makes no live key, sees none and changes nothing that live shares', async () => {
  const live = await tenantWithKey(served)
  const body = { ...newKey, environment: 'test', scopes: ['*'] }
  const made = await served.send('POST', '/v1/keys', { key: live.key, body })
  const key = String(made.body['key'])
  assert.match(key, /^trl_test_/)
  await fails(served.send('POST', '/v1/keys', { key, body: newKey }), 403, 'forbidden')
  const list = (await served.send('GET', '/v1/keys', { key })).body['data'] as { id: string }[]
  assert.deepEqual(
    list.map(({ id }) => id),
    [made.body['id']],
  )
  await fails(served.send('DELETE', `/v1/keys/${live.key_id}`, { key }), 404, 'not_found')
  await fails(served.send('PATCH', '/v1/tenant', { key, body: { name: 'Outra' } }), 403, 'forbidden')
})

test('a revoked key is refused within a second by every server', async () => {
  const { key, key_id } = await tenantWithKey(served)
  for (const server of [served, other])
    assert.equal((await server.send('GET', '/v1/tenant', { key })).status, 200)
  const revoked = await served.send('DELETE', `/v1/keys/${key_id}`, { key })
  assert.notEqual(revoked.body['revoked_at'], null)
  await fails(served.send('GET', '/v1/tenant', { key }), 401, 'unauthenticated')
  const deadline = performance.now() + 20_000 // a busy machine is no failure of ours
  while ((await other.send('GET', '/v1/tenant', { key })).status !== 401) {
    assert.ok(performance.now() < deadline, 'the other server still takes the key')
    await sleep(10)
  }
})

test('a revocation is heard though the process that made it died right after its commit', async () => {
  const { key, key_id } = await tenantWithKey(served)
  assert.equal((await other.send('GET', '/v1/tenant', { key })).status, 200)
  const notify = served.app.db.notify
  served.app.db.notify = () => {} // what comes after the commit never happens
  try {
    assert.equal((await served.send('DELETE', `/v1/keys/${key_id}`, { key })).status, 200)
  } finally {
    served.app.db.notify = notify
  }
  const deadline = performance.now() + 20_000 // a busy machine is no failure of ours
  for (const server of [served, other]) {
    while ((await server.send('GET', '/v1/tenant', { key })).status !== 401) {
      assert.ok(performance.now() < deadline, 'the key is still taken')
      await sleep(10)
    }
  }
})

test('a key ends at its expiry, though it is remembered', async () => {
  const { key } = await tenantWithKey(served)
  const expires_at = new Date(Date.now() + 10_000).toISOString()
  const made = await served.send('POST', '/v1/keys', {
    key,
    body: { ...newKey, scopes: ['tenants:read'], expires_at },
  })
  const short = String(made.body['key'])
  assert.equal((await served.send('GET', '/v1/tenant', { key: short })).status, 200)
  await sleep(10_050)
  await fails(served.send('GET', '/v1/tenant', { key: short }), 401, 'unauthenticated')
  const past = { ...newKey, expires_at: '2020-01-01T00:00:00Z' }
  const problem = await fails(served.send('POST', '/v1/keys', { key, body: past }), 400, 'invalid_request')
  assert.equal(problem['field'], 'expires_at')
})

test("another tenant's key, client and tenant ids answer 404 and nothing happens to them", async () => {
  const [mine, theirs] = [await tenantWithKey(served), await tenantWithKey(served)]
  await fails(served.send('GET', `/v1/keys/${theirs.key_id}`, { key: mine.key }), 404, 'not_found')
  await fails(served.send('DELETE', `/v1/keys/${theirs.key_id}`, { key: mine.key }), 404, 'not_found')
  const client = await makeClient(theirs.tenant)
  await fails(served.send('DELETE', `/v1/oauth-clients/${client['id']}`, { key: mine.key }), 404, 'not_found')
  assert.equal((await served.send('GET', '/v1/tenant', { key: theirs.key })).status, 200)
})

test('the audit log is looked through by who, what, on what and when, page by page', async () => {
  const { key, key_id } = await tenantWithKey(served)
  const made = await served.send('POST', '/v1/keys', {
    key,
    body: { name: 'A', environment: 'test', scopes: ['calls:read'] },
  })
  const target = String(made.body['id'])
  await served.send('DELETE', `/v1/keys/${target}`, { key })
  for (const name of ['B', 'C', 'D']) {
    await served.send('POST', '/v1/keys', {
      key,
      body: { name, environment: 'test', scopes: ['calls:read'] },
    })
  }
  const look = async (query: string) => {
    const { status, body, text } = await served.send('GET', `/v1/audit?${query}`, { key })
    assert.equal(status, 200, text)
    return { rows: body['data'] as Record<string, unknown>[], next: body['next_cursor'] }
  }
  assert.deepEqual(
    (await look(`target=${target}`)).rows.map(({ action }) => action),
    ['key.revoke', 'key.create'],
  )
  assert.deepEqual(
    (await look(`target=${target}&action=key.revoke`)).rows.map(({ action }) => action),
    ['key.revoke'],
  )
  const mine = `actor=${key_id}`
  const by_me = (await look(mine)).rows
  assert.ok(by_me.length === 5 && by_me.every(({ actor }) => actor === by_me[0]?.['actor']))
  const first = await look(`action=key.create&${mine}&limit=3`)
  const rest = await look(`action=key.create&${mine}&limit=3&cursor=${first.next}`)
  assert.deepEqual([first.rows.length, rest.rows.length, rest.next], [3, 1, null])
  const at = String(first.rows[0]?.['at'])
  const hour = (hours: number) => new Date(Date.parse(at) + hours * 3_600_000).toISOString()
  assert.equal((await look(`${mine}&from=${hour(-1)}&to=${hour(1)}`)).rows.length, 5)
  assert.equal((await look(`${mine}&to=${hour(-1)}`)).rows.length, 0)
  assert.equal((await look(`${mine}&from=${hour(1)}`)).rows.length, 0)
})

test('every change is in the audit log with who, what and from where, and no secret', async () => {
  const { key, key_id, tenant } = await tenantWithKey(served)
  const made = await served.send('POST', '/v1/keys', { key, body: newKey })
  await served.send('DELETE', `/v1/keys/${made.body['id']}`, { key })
  await served.send('DELETE', `/v1/keys/${made.body['id']}`, { key }) // changes nothing, so says nothing
  const log = await served.send('GET', '/v1/audit', { key })
  const rows = log.body['data'] as Record<string, unknown>[]
  assert.deepEqual(
    rows.map(({ action, target, actor }) => [action, target, actor]),
    [
      ['key.revoke', made.body['id'], key_id],
      ['key.create', made.body['id'], key_id],
      ['key.create', key_id, 'test'],
      ['tenant.create', tenant, 'test'],
    ],
  )
  assert.equal(rows[0]?.['ip'], '127.0.0.1')
  assert.equal(rows[1]?.['request_id'], made.headers.get('request-id'))
  assert.ok(!log.text.includes(String(made.body['key'])))
  const next = await served.send('GET', `/v1/audit?limit=2`, { key })
  const rest = await served.send('GET', `/v1/audit?limit=2&cursor=${next.body['next_cursor']}`, { key })
  assert.deepEqual([...(next.body['data'] as []), ...(rest.body['data'] as [])], rows)
})

async function makeClient(tenant: string, body: object = {}): Promise<Record<string, unknown>> {
  const made = await served.send('POST', '/v1/oauth-clients', {
    key: admin,
    headers: { 'trilho-tenant': tenant },
    body: {
      client_id: `app-${crypto.randomUUID()}`,
      name: 'App',
      environment: 'live',
      scopes: ['internal', 'riskengine'],
      ...body,
    },
  })
  assert.equal(made.status, 201, made.text)
  return made.body
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const askToken = (form: Record<string, string>, headers = {}, path = '/oauth/token', server = served) =>
  server.send('POST', path, { headers: { ...FORM, ...headers }, body: new URLSearchParams(form).toString() })

const named = (client: Record<string, unknown>) => ({
  client_id: String(client['client_id']),
  client_secret: String(client['client_secret']),
})
const basic = (id: unknown, secret: unknown) => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(String(id))}:${secret}`).toString('base64')}`,
})

test('a client gets a token by form and by Basic, with and without a slash at the end', async () => {
  const { tenant } = await tenantWithKey(served)
  const client = await makeClient(tenant)
  const grant_type = 'client_credentials'
  for (const path of ['/oauth/token', '/oauth/token/']) {
    const byForm = await askToken({ grant_type, ...named(client) }, {}, path)
    const byBasic = await askToken(
      { grant_type, scope: 'internal' },
      basic(client['client_id'], client['client_secret']),
      path,
    )
    for (const [reply, scope] of [
      [byForm, 'internal riskengine'],
      [byBasic, 'internal'],
    ] as const) {
      const { access_token, ...rest } = reply.body
      assert.equal(reply.status, 200)
      assert.deepEqual(rest, { token_type: 'Bearer', expires_in: 3600, scope })
      assert.equal(String(access_token).split('.').length, 3)
      assert.equal(reply.headers.get('cache-control'), 'no-store')
    }
  }
})

test("who may ask for transfers makes neither a token nor a key that lets another's go", async () => {
  const { tenant, key: all } = await tenantWithKey(served)
  const client = await makeClient(tenant, { scopes: ['transfers:read', 'transfers:write'] })
  const wanted = { grant_type: 'client_credentials', scope: 'transfers:approve', ...named(client) }
  assert.equal((await askToken(wanted)).body['error'], 'invalid_scope')
  const scopes = ['tenants:*', 'transfers:*']
  const made = await served.send('POST', '/v1/keys', { key: all, body: { ...newKey, scopes } })
  const body = { ...newKey, scopes: ['transfers:approve'] }
  await fails(served.send('POST', '/v1/keys', { key: String(made.body['key']), body }), 403, 'forbidden')
})

test('a token opens what its scope says on every server, until its client is revoked', async () => {
  const { tenant, key } = await tenantWithKey(served)
  const client = await makeClient(tenant, { scopes: ['tenants:*', 'calls:read'] })
  const issue = (scope: string) => askToken({ grant_type: 'client_credentials', scope, ...named(client) })
  const token = String((await issue('tenants:read')).body['access_token'])
  const narrow = String((await issue('calls:read')).body['access_token'])
  for (const server of [served, other]) {
    const { body } = await server.send('GET', '/v1/tenant', { key: token })
    assert.equal(body['id'], tenant)
    await fails(server.send('PATCH', '/v1/tenant', { key: token, body: { name: 'X' } }), 403, 'forbidden')
    await fails(server.send('GET', '/v1/tenant', { key: narrow }), 403, 'forbidden')
  }
  await served.send('DELETE', `/v1/oauth-clients/${client['id']}`, { key })
  const deadline = performance.now() + 20_000 // a busy machine is no failure of ours
  for (const server of [served, other]) {
    while ((await server.send('GET', '/v1/tenant', { key: token })).status !== 401) {
      assert.ok(performance.now() < deadline, 'the token still opens')
      await sleep(10)
    }
  }
  const refused = await issue('tenants:read')
  assert.deepEqual([refused.status, refused.body['error']], [401, 'invalid_client'])
})

test('a tampered, expired or algorithm-less token is refused', async () => {
  const { tenant } = await tenantWithKey(served)
  const client = await makeClient(tenant, { scopes: ['tenants:read'] })
  const token = String(
    (await askToken({ grant_type: 'client_credentials', ...named(client) })).body['access_token'],
  )
  assert.equal((await served.send('GET', '/v1/tenant', { key: token })).status, 200)
  const [head, body, signature] = token.split('.') as [string, string, string]
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString())
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const wider = encode({ ...claims, scope: '*' })
  const none = encode({ alg: 'none', typ: 'at+jwt' })
  const signing = await accessTokenKey(other.app)
  const at = (seconds: number) => readAccessToken(signing, token, new Date(Date.now() + seconds * 1000))
  assert.equal((await at(3590))?.client_id, client['client_id'])
  assert.equal(await at(3601), null)
  for (const bad of [
    `${head}.${wider}.${signature}`,
    `${none}.${body}.`,
    `${none}.${body}.${signature}`,
    `${head}.${body}.AAAA`,
  ]) {
    await fails(served.send('GET', '/v1/tenant', { key: bad }), 401, 'unauthenticated')
  }
})

test('the token endpoint refuses in the words of RFC 6749', async () => {
  const { tenant } = await tenantWithKey(served)
  const client = await makeClient(tenant)
  const grant_type = 'client_credentials'
  const cases: [Promise<{ status: number; body: Record<string, unknown> }>, number, string][] = [
    [askToken({ grant_type, ...named(client), client_secret: 'trl_client_wrong' }), 401, 'invalid_client'],
    [askToken({ grant_type, client_id: 'nobody', client_secret: 'x' }), 401, 'invalid_client'],
    [askToken({ grant_type }), 401, 'invalid_client'],
    [askToken({ grant_type }, { authorization: 'Basic !!' }), 401, 'invalid_client'],
    [askToken({ grant_type: 'password', ...named(client) }), 400, 'unsupported_grant_type'],
    [askToken({ ...named(client) }), 400, 'invalid_request'],
    [askToken({ grant_type, scope: 'internal calls:read', ...named(client) }), 400, 'invalid_scope'],
    [askToken({ grant_type, ...named(client), client_id: 'a\u0000b' }), 400, 'invalid_request'],
    [served.send('POST', '/oauth/token', { body: { grant_type } }), 415, 'invalid_request'],
    [
      served.send('POST', '/oauth/token', { headers: FORM, body: 'grant_type=a&grant_type=b' }),
      400,
      'invalid_request',
    ],
    [
      served.send('POST', '/oauth/token', { headers: FORM, body: `x=${'y'.repeat(20_000)}` }),
      413,
      'invalid_request',
    ],
  ]
  for (const [asked, status, error] of cases) {
    const reply = await asked
    assert.deepEqual([reply.status, reply.body['error']], [status, error], JSON.stringify(reply.body))
    assert.equal(typeof reply.body['error_description'], 'string')
  }
})

test('a client id is unique in the installation, and clients belong to a tenant', async () => {
  const { tenant } = await tenantWithKey(served)
  const { client_id } = await makeClient(tenant)
  const body = { client_id, name: 'App', environment: 'live', scopes: ['internal'] }
  const headers = { 'trilho-tenant': (await tenantWithKey(served)).tenant }
  await fails(served.send('POST', '/v1/oauth-clients', { key: admin, headers, body }), 409, 'conflict')
  const nameless = await fails(
    served.send('POST', '/v1/oauth-clients', { key: admin, body }),
    400,
    'invalid_request',
  )
  assert.equal(nameless['field'], 'trilho-tenant')
})

test('the admin key is made once, and TRILHO_ADMIN_KEY replaces the one it held before', async () => {
  const database_url = await testDatabaseUrl()
  const plain = await serve({ database_url })
  const shown = await Promise.all([ensureAdminKey(plain.app), ensureAdminKey(plain.app)])
  assert.equal(shown.filter((key) => key !== null).length, 1)
  const withKey = (key: string) => ({ ...plain.app, config: { ...plain.app.config, admin_key: secret(key) } })
  const [first, second] = ['first-key-of-the-administrator', 'second-key-of-the-administrator']
  assert.equal(await ensureAdminKey(withKey(first)), null)
  assert.equal((await plain.send('GET', '/v1/tenants', { key: first })).status, 200)
  await ensureAdminKey(withKey(second))
  assert.equal((await plain.send('GET', '/v1/tenants', { key: second })).status, 200)
  await fails(plain.send('GET', '/v1/tenants', { key: first }), 401, 'unauthenticated')
  await assert.rejects(ensureAdminKey(withKey(first)), /TRILHO_ADMIN_KEY holds a key that was revoked/)
})
