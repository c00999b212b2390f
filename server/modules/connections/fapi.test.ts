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

/** A consent at the bank, and what the page says at the end of the visit to it. */
async function visited(tenant_id: string, id: string, decision: 'approve' | 'reject' = 'approve') {
  const input = { document: '52998224725', permissions: PERMISSIONS }
  const made = await call(tenant_id, id, 'banking.consents.create', input)
  assert.equal(made.state, 'succeeded', JSON.stringify(made))
  const connection = await openConnection(served.app, tenant_id, fromWire('connection', id))
  const scope = `consent:${made.result['vendor_id']}`
  const visit = await beginVisit(served.app, actorOf(tenant_id), connection, { scope })
  return { back: await decide(visit.url, bank, decision), connection }
}

test('a consent is created on our own behalf, agreed to, and read with a token of its own', async () => {
  const { tenant_id, id } = await connected()
  const { back } = await visited(tenant_id, id)
  const page = await bringBack(back)
  assert.equal(page.status, 200, await page.text())
  const listed = await call(tenant_id, id, 'banking.accounts', {})
  assert.equal(listed.state, 'succeeded', JSON.stringify(listed))
  const { rows } = await served.app.db.owner
    .selectFrom('connection_token')
    .select('purpose')
    .where('tenant_id', '=', tenant_id)
    .execute()
    .then((found) => ({ rows: found }))
  assert.deepEqual(rows.map(({ purpose }) => purpose).sort(), ['client', 'own'])
})

test('a bank that answers with a signed response in the query is understood as well', async () => {
  const { tenant_id, id } = await connected({ response: 'jwt' })
  const { back } = await visited(tenant_id, id)
  assert.ok(new URL(back).searchParams.has('response'))
  const page = await bringBack(back)
  assert.equal(page.status, 200, await page.text())
})

test('an answer whose code was exchanged for another is refused, since the bank signed the first', async () => {
  const { tenant_id, id } = await connected()
  const [ours, theirs] = [await visited(tenant_id, id), await visited(tenant_id, id)]
  const [mine, stolen] = [ours, theirs].map(
    ({ back }) => new URLSearchParams(new URL(back).hash.slice(1)),
  ) as [URLSearchParams, URLSearchParams]
  mine.set('code', stolen.get('code') ?? '')
  const forged = new URL(ours.back)
  forged.hash = mine.toString()
  const page = await bringBack(forged.href)
  assert.equal(page.status, 400)
  assert.match(await page.text(), /c_hash/)
})

test('an access token that the bank has ended is renewed, and the refresh token serves on', async () => {
  const { tenant_id, id } = await connected()
  const { back } = await visited(tenant_id, id)
  assert.equal((await bringBack(back)).status, 200)
  for (let round = 0; round < 2; round++) {
    await served.app.db.owner
      .updateTable('connection_token')
      .set({ expires_at: new Date(0), renew_at: new Date(0) })
      .where('tenant_id', '=', tenant_id)
      .execute()
    served.app.db.notify('trilho_config', '')
    const listed = await call(tenant_id, id, 'banking.accounts', {})
    assert.equal(listed.state, 'succeeded', JSON.stringify(listed))
  }
})

test('what stands behind the # is sent on by a page that runs no script but its own', async () => {
  const page = await fetch(`${served.url}/oauth/callback`)
  const nonce = /script nonce="([^"]+)"/.exec(await page.text())?.[1]
  assert.ok(nonce)
  const policy = page.headers.get('content-security-policy') ?? ''
  assert.ok(policy.includes(`script-src 'nonce-${nonce}'`) && policy.includes("default-src 'none'"))
  assert.equal(page.headers.get('referrer-policy'), 'no-referrer')
})

test('a bank that wants a consent is not visited without one', async () => {
  const { key, id } = await connected()
  const reply = await served.send('POST', `/v1/connections/${id}/authorize`, { key, body: {} })
  assert.equal(reply.status, 409)
})
