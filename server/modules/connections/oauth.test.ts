import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { fromWire } from '../../platform/ids.ts'
import { providers } from '../../providers/index.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Reply, type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { CLIENT, type Oidc, startOidc, visit } from '../../test/oidc/oidc.ts'
import { eventually } from '../../test/product.ts'
import { routes as callRoutes } from '../calls/routes.ts'
import { routes as eventRoutes } from '../events/routes.ts'
import { redirectUri } from './oauth.ts'
import { routes } from './routes.ts'

let served: Served
let oidc: Oidc
before(async () => {
  served = await serve({ mount: { rooms: [routes, callRoutes, eventRoutes] }, providers })
  served.app.config.public_url = served.url
  oidc = await startOidc({ redirect_uri: redirectUri(served.app), token_life_s: 3600 })
  undoAfter(() => oidc.stop())
})

type Connected = { key: string; connection: string }

async function connect(more: object = {}): Promise<Connected> {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const body = {
    provider: 'http',
    name: 'Agenda <da> Ana',
    environment: 'development',
    settings: {
      base_url: oidc.url,
      auth: 'oauth2_authorization_code',
      authorize_url: '/auth',
      token_url: '/token',
      scope: 'openid offline_access payments',
      authorize_parameters: 'prompt=consent',
      ...more,
    },
    credentials: CLIENT,
  }
  const reply = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(reply.status, 201, reply.text)
  return { key, connection: String(reply.body['id']) }
}

const authorize = ({ key, connection }: Connected, body: object = {}): Promise<Reply> =>
  served.send('POST', `/v1/connections/${connection}/authorize`, { key, body })

/** Where the vendor sends the browser after somebody agreed. */
async function agree(connected: Connected, body: object = {}): Promise<string> {
  const begun = await authorize(connected, body)
  assert.equal(begun.status, 201, begun.text)
  return visit(String(begun.body['url']), oidc.url)
}

const comeBack = (url: string, language = 'en') =>
  fetch(url, { redirect: 'manual', headers: { 'accept-language': language } })

const authorization = async ({ key, connection }: Connected) =>
  (await served.send('GET', `/v1/connections/${connection}/authorization`, { key })).body

async function call({ key, connection }: Connected, more: object = {}): Promise<Record<string, unknown>> {
  const body = { method: 'GET', path: '/api/me', ...more }
  const reply = await served.send('POST', `/v1/connections/${connection}/calls`, { key, body })
  assert.equal(reply.status, 200, reply.text)
  return reply.body
}

async function authorized(): Promise<Connected> {
  const connected = await connect()
  const page = await comeBack(await agree(connected))
  assert.equal(page.status, 200, await page.text())
  return connected
}

test('somebody consents at the vendor, and the connection is let in', async () => {
  const connected = await connect()
  const early = await call(connected)
  assert.match(String(early['error']), /nobody has let this connection in yet/)
  assert.equal((await authorization(connected))['state'], 'not_connected')
  const page = await comeBack(await agree(connected), 'pt-BR,pt;q=0.9')
  assert.equal(page.status, 200)
  assert.match(page.headers.get('content-type') ?? '', /text\/html/)
  const text = await page.text()
  assert.match(text, /Conectado/)
  assert.match(text, /Agenda &#60;da&#62; Ana/, 'a name is no markup')
  const { state, scope, note } = await authorization(connected)
  assert.deepEqual([state, scope, note], ['connected', 'openid offline_access payments', null])
  assert.equal((await call(connected))['state'], 'succeeded')
})

test('the vendor is shown a proof key and a state that say nothing', async () => {
  const begun = await authorize(await connect())
  const url = new URL(String(begun.body['url']))
  assert.equal(url.searchParams.get('code_challenge_method'), 'S256')
  assert.match(url.searchParams.get('code_challenge') ?? '', /^[\w-]{43}$/)
  assert.match(url.searchParams.get('state') ?? '', /^[\w-]{43}$/)
  assert.equal(url.searchParams.get('redirect_uri'), `${served.url}/oauth/callback`)
  const rows = await served.app.db.owner.selectFrom('oauth_state').selectAll().execute()
  const stored = rows.map(({ state_hash, verifier }) =>
    Buffer.concat([state_hash, verifier]).toString('latin1'),
  )
  assert.doesNotMatch(stored.join(), new RegExp(url.searchParams.get('state') ?? 'x'))
})

test('a state is good once, and for no other code', async () => {
  const connected = await connect()
  const back = await agree(connected)
  assert.equal((await comeBack(back)).status, 200)
  const again = await comeBack(back)
  assert.equal(again.status, 400)
  assert.match(await again.text(), /used already/)
  const forged = new URL(back)
  forged.searchParams.set('state', 'A'.repeat(43))
  assert.equal((await comeBack(forged.href)).status, 400)
  assert.equal((await comeBack(`${served.url}/oauth/callback`)).status, 400)
  assert.equal((await call(connected))['state'], 'succeeded')
})

test('a refusal is said in words, and changes nothing', async () => {
  const connected = await authorized()
  const url = new URL(String((await authorize(connected)).body['url']))
  const query = new URLSearchParams({ error: 'access_denied', error_description: '<b>no</b>' })
  query.set('state', url.searchParams.get('state') ?? '')
  const page = await comeBack(`${served.url}/oauth/callback?${query}`)
  assert.equal(page.status, 400)
  const text = await page.text()
  assert.match(text, /access_denied/)
  assert.doesNotMatch(text, /<b>/)
  assert.equal((await call(connected))['state'], 'succeeded')
})

test('a browser goes back to where it came from, and to no address that is none of ours', async () => {
  const connected = await connect()
  const bad = [
    'http://example.com/',
    'javascript:alert(1)',
    'https://ana:1@example.com/',
    '/here',
    'ftp://localhost/',
  ]
  for (const return_to of bad) {
    const refused = await authorize(connected, { return_to })
    assert.equal(refused.status, 400, return_to)
    assert.equal(refused.body['field'], 'return_to')
  }
  const back = await comeBack(await agree(connected, { return_to: 'https://app.example.com/a?b=1' }))
  assert.equal(back.status, 303)
  assert.equal(
    back.headers.get('location'),
    `https://app.example.com/a?b=1&status=connected&connection=${connected.connection}`,
  )
})

test('a token that the vendor refuses is renewed once, and the refresh token rotates', async () => {
  const connected = await authorized()
  const before = oidc.refreshed()
  oidc.expireAll()
  const several = await Promise.all(Array.from({ length: 8 }, () => call(connected)))
  assert.ok(several.every(({ state }) => state === 'succeeded'))
  assert.equal(oidc.refreshed() - before, 1)
  const { version } = await served.app.db.owner
    .selectFrom('connection_token')
    .select('version')
    .orderBy('consented_at', 'desc')
    .executeTakeFirstOrThrow()
  assert.equal(version, 2)
})

test('tokens are in the vault, and in no table in the open', async () => {
  const connected = await authorized()
  const { id } = await call(connected)
  const { text } = await served.send('GET', `/v1/calls/${id}`, { key: connected.key })
  assert.match(text, /"authorization":"\[masked\]"/)
  const { rows } = await served.app.db.owner.pool.query('select sealed from secret')
  assert.ok(rows.length > 0)
  assert.doesNotMatch(rows.map(({ sealed }) => sealed.toString('latin1')).join(), /access_token|refresh/)
})

test('a consent that was taken back says reconnect, once, by its health and by an event', async () => {
  const connected = await authorized()
  await expire(connected)
  // Shown again, a spent refresh token takes the whole grant back.
  oidc.next('cut')
  const cut = await call(connected, { retries: 0 })
  assert.equal(cut['state'], 'failed')
  assert.doesNotMatch(String(cut['error']), /reconnect/, 'an answer nobody saw is no refusal')
  const failed = await call(connected)
  assert.match(String(failed['error']), /invalid_grant.*reconnect/)
  assert.match(String((await call(connected))['error']), /reconnect/)
  const { state, note } = await authorization(connected)
  assert.equal(state, 'needs_reconnect')
  assert.match(String(note), /invalid_grant/)
  const list = await served.send('GET', '/v1/events?type=connection.auth_failed', { key: connected.key })
  assert.equal((list.body['data'] as unknown[]).length, 1)
  assert.equal((await comeBack(await agree(connected))).status, 200)
  assert.equal((await call(connected))['state'], 'succeeded')
})

test('what is forgotten is asked for again', async () => {
  const connected = await authorized()
  const { key, connection } = connected
  const gone = await served.send('DELETE', `/v1/connections/${connection}/authorization`, { key })
  assert.equal(gone.status, 204)
  assert.match(String((await call(connected))['error']), /nobody has let this connection in yet/)
  assert.equal((await served.send('DELETE', `/v1/connections/${connection}`, { key })).status, 204)
})

test('a new name does not end a consent, and another tenant neither begins nor reads one', async () => {
  const connected = await authorized()
  const { key, connection } = connected
  const renamed = await served.send('PATCH', `/v1/connections/${connection}`, { key, body: { name: 'New' } })
  assert.equal(renamed.status, 200)
  assert.equal((await call(connected))['state'], 'succeeded')
  const stranger = { connection, key: (await tenantWithKey(served, ['*'], 'test')).key }
  assert.equal((await authorize(stranger)).status, 404)
  assert.equal((await authorization(stranger))['code'], 'not_found')
})

test('a token near its end serves on while another is fetched beside the calls', async () => {
  const connected = await authorized()
  const before = oidc.refreshed()
  await change(connected, { renew_at: new Date(Date.now() - 1000) })
  oidc.next('slow')
  assert.equal((await call(connected))['state'], 'succeeded')
  assert.equal(oidc.refreshed(), before, 'it waited for the renewal')
  await eventually(async () => oidc.refreshed() === before + 1)
  assert.equal((await call(connected))['state'], 'succeeded')
})

test('the claim of a process that died ends by itself, and another one renews', async () => {
  const connected = await authorized()
  const claimed_until = new Date(Date.now() + 1200)
  await change(connected, {
    expires_at: new Date(Date.now() - 1000),
    claim: served.app.newId(),
    claimed_until,
  })
  const before = oidc.refreshed()
  assert.equal((await call(connected))['state'], 'succeeded')
  assert.ok(Date.now() >= claimed_until.getTime(), 'it did not wait for the other')
  assert.equal(oidc.refreshed() - before, 1)
})

/** As if its life had gone by. */
const expire = (connected: Connected) => change(connected, { expires_at: new Date(Date.now() - 1000) })

type Row = { expires_at: Date; renew_at: Date; claim: string; claimed_until: Date }

async function change({ connection }: Connected, row: Partial<Row>): Promise<void> {
  const { app } = served
  const id = fromWire('connection', connection)
  await app.db.owner.updateTable('connection_token').set(row).where('connection_id', '=', id).execute()
  const { tenant_id } = await app.db.owner
    .selectFrom('connection_token')
    .select('tenant_id')
    .where('connection_id', '=', id)
    .executeTakeFirstOrThrow()
  app.db.notify('trilho_config', `token ${tenant_id} ${id} own`)
}
