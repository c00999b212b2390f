import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fromWire } from '../../platform/ids.ts'
import { providers } from '../../providers/index.ts'
import { testDatabaseUrl, undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { CLIENT, startOidc, visit } from '../../test/oidc/oidc.ts'
import { eventually } from '../../test/product.ts'
import { redirectUri } from '../connections/oauth.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes } from './routes.ts'

/** The way to PostgreSQL, which can be cut for a while. */
async function openWay(database_url: string) {
  const { hostname, port } = new URL(database_url)
  const sockets = new Set<Socket>()
  let is_cut = false
  const server = createServer((near) => {
    if (is_cut) return void near.destroy()
    const far = connect(Number(port), hostname)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far).pipe(near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => void server.close())
  const near = new URL(database_url)
  near.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: near.href,
    cut: () => {
      is_cut = true
      for (const socket of sockets) socket.destroy()
    },
    mend: () => {
      is_cut = false
    },
  }
}

async function consented(served: Served, vendor: string) {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const settings = {
    base_url: vendor,
    auth: 'oauth2_authorization_code',
    authorize_url: '/auth',
    token_url: '/token',
    scope: 'openid offline_access',
    authorize_parameters: 'prompt=consent',
  }
  const body = { provider: 'http', name: 'x', environment: 'development', settings, credentials: CLIENT }
  const { id } = (await served.send('POST', '/v1/connections', { key, body })).body
  const begun = await served.send('POST', `/v1/connections/${id}/authorize`, { key, body: {} })
  await fetch(await visit(String(begun.body['url']), vendor))
  return { key, id: String(id) }
}

test('a refresh token that is rotated while PostgreSQL is away is written when it is back, and not lost', async () => {
  const way = await openWay(await testDatabaseUrl())
  const served = await serve({
    database_url: way.url,
    mount: { rooms: [connectionRoutes, routes] },
    providers,
  })
  served.app.config.public_url = served.url
  const oidc = await startOidc({ redirect_uri: redirectUri(served.app), token_life_s: 3600 })
  undoAfter(() => oidc.stop())
  const { key, id } = await consented(served, oidc.url)
  const call = async () => {
    const body = { method: 'GET', path: '/api/me' }
    return (await served.send('POST', `/v1/connections/${id}/calls`, { key, body })).body['state']
  }
  assert.equal(await call(), 'succeeded')

  oidc.expireAll()
  oidc.next('slow')
  const renewing = call()
  await eventually(async () => {
    const rows = served.app.db.owner.selectFrom('connection_token').select('claim')
    const found = await rows.where('connection_id', '=', fromWire('connection', id)).executeTakeFirst()
    return Boolean(found?.claim)
  })
  way.cut()
  await eventually(async () => oidc.refreshed() === 1)
  await sleep(1_500)
  way.mend()
  assert.equal(await renewing, 'succeeded')

  oidc.expireAll()
  assert.equal(await call(), 'succeeded')
  assert.deepEqual([oidc.refreshed(), oidc.revoked()], [2, 0])
})
