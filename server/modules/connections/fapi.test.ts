import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { fromWire } from '../../platform/ids.ts'
import { providers } from '../../providers/index.ts'
import { type Bank, startBank } from '../../sandbox/bank/bank.ts'
import { bringBack, connectionTo, decide } from '../../test/bank_customer.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { makeOwnCall } from '../calls/calls.ts'
import { routes as callRoutes } from '../calls/routes.ts'
import { openConnection } from './connections.ts'
import { beginVisit } from './oauth.ts'
import { routes } from './routes.ts'

/** FAPI 1.0 Advanced, against a certified authorization server that is held to the profile. */
let served: Served
let bank: Bank
before(async () => {
  served = await serve({ mount: { rooms: [routes, callRoutes] }, providers })
  served.app.config.public_url = served.url
  bank = await startBank({ redirect_uri: `${served.url}/oauth/callback` })
  undoAfter(() => bank.stop())
})

const actorOf = (tenant_id: string) => ({
  kind: 'system' as const,
  id: 'test',
  tenant_id,
  environment: 'test' as const,
  scopes: [],
  ip: null,
  request_id: null,
})

async function connected(settings: Record<string, unknown> = {}) {
  const { key, tenant_id } = await tenantWithKey(served, ['*'], 'test')
  const own = connectionTo(bank)
  const body = {
    provider: 'open_finance',
    name: 'Bank',
    environment: 'development',
    settings: { ...own.settings, ...settings },
    credentials: own.credentials,
  }
  const reply = await served.send('POST', '/v1/connections', { key, body })
  assert.equal(reply.status, 201, reply.text)
  return { key, tenant_id, id: String(reply.body['id']) }
}

async function call(tenant_id: string, id: string, operation: string, input: object) {
  const wanted = { operation, input, retries: 0, skip_cache: true }
  return JSON.parse(await makeOwnCall(served.app, actorOf(tenant_id), id, wanted)) as {
    state: string
    error: string | null
    result: Record<string, unknown>
  }
}

const PERMISSIONS = ['ACCOUNTS_READ', 'ACCOUNTS_BALANCES_READ', 'RESOURCES_READ']

test('a consent is created on our own behalf, agreed to, and read with a token of its own', async () => {
  const { tenant_id, id } = await connected()
  const made = await call(tenant_id, id, 'banking.consents.create', {
    document: '52998224725',
    permissions: PERMISSIONS,
  })
  assert.equal(made.state, 'succeeded', JSON.stringify(made))
  const connection = await openConnection(served.app, tenant_id, fromWire('connection', id))
  const scope = `consent:${made.result['vendor_id']}`
  const visit = await beginVisit(served.app, actorOf(tenant_id), connection, { scope })
  const page = await bringBack(await decide(visit.url, bank, 'approve'))
  assert.equal(page.status, 200, await page.text())
  const listed = await call(tenant_id, id, 'banking.accounts', {})
  assert.equal(listed.state, 'succeeded', JSON.stringify(listed))
})
