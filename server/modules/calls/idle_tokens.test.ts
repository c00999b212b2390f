import assert from 'node:assert/strict'
import { test } from 'node:test'
import { providers } from '../../providers/index.ts'
import { undoAfter } from '../../test/harness.ts'
import { serve, tenantWithKey } from '../../test/http_app.ts'
import { CLIENT, startOidc, visit } from '../../test/oidc/oidc.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { renewIdle } from './idle_tokens.ts'

test('a consent that no call uses is renewed when its time has come, and not before', async () => {
  const served = await serve({ mount: { rooms: [connectionRoutes] }, providers })
  const { app } = served
  app.config.public_url = served.url
  const oidc = await startOidc({ redirect_uri: `${served.url}/oauth/callback`, token_life_s: 3600 })
  undoAfter(() => oidc.stop())
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const made = await served.send('POST', '/v1/connections', {
    key,
    body: {
      provider: 'http',
      name: 'x',
      environment: 'development',
      settings: {
        base_url: oidc.url,
        auth: 'oauth2_authorization_code',
        authorize_url: '/auth',
        token_url: '/token',
        scope: 'openid offline_access',
        authorize_parameters: 'prompt=consent',
      },
      credentials: CLIENT,
    },
  })
  const begun = await served.send('POST', `/v1/connections/${made.body['id']}/authorize`, { key, body: {} })
  await fetch(await visit(String(begun.body['url']), oidc.url))
  await renewIdle(app)
  assert.equal(oidc.refreshed(), 0)
  const rows = app.db.owner.updateTable('connection_token').set({ renew_at: new Date(Date.now() - 1000) })
  await rows.execute()
  const [{ tenant_id, connection_id } = { tenant_id: '', connection_id: '' }] = await app.db.owner
    .selectFrom('connection_token')
    .select(['tenant_id', 'connection_id'])
    .execute()
  app.db.notify('trilho_config', `token ${tenant_id} ${connection_id} own`)
  await renewIdle(app)
  await renewIdle(app)
  assert.equal(oidc.refreshed(), 1)
})
