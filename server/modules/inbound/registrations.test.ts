import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { sql } from 'kysely'
import { inTenant } from '../../platform/database/database.ts'
import { fromWire } from '../../platform/ids.ts'
import { enqueue } from '../../platform/jobs/jobs.ts'
import { apiOf, eventually, type Json, type Product, startProduct } from '../../test/product.ts'
import { REGISTRATION } from './registrations.ts'

let product: Product

before(async () => {
  product = await startProduct()
})

const stripeKey = () => `sk_test_${Math.random().toString(36).slice(2)}`

async function newConnection(provider: string, settings: Json, credentials: Json): Promise<string> {
  const wanted = { provider, name: provider, environment: 'development', settings, credentials }
  return String((await product.api.ok('POST', '/v1/connections', wanted))['id'])
}

const newStripe = () =>
  newConnection('stripe', { base_url: `${product.sandbox.url}/stripe` }, { secret_key: stripeKey() })

async function newSource(provider: string, connection_id: string, more: Json = {}) {
  const source = { provider, name: provider, connection_id, ...more }
  return (await product.api.ok('POST', '/v1/sources', source)) as { id: string; url: string }
}

const at = (id: string) => `/v1/sources/${id}/registration`

async function settled(id: string): Promise<Json> {
  return eventually(async () => {
    const now = await product.api.ok('GET', at(id))
    return !['registering', 'unregistering'].includes(String(now['state'])) && now
  })
}

async function register(id: string, body: Json = {}): Promise<Json> {
  const first = await product.api.ok('POST', at(id), body)
  assert.equal(first['state'], 'registering')
  return settled(id)
}

const stripe = () =>
  apiOf(`${product.sandbox.url}/stripe`, { authorization: 'Bearer sk_test_looker' }, '', '')
const endpointsAt = async (url: string) =>
  (await stripe().list('/v1/webhook_endpoints?limit=100')).filter((one) => one['url'] === url)

test('Stripe is told the address, its secret is set, and what it then sends verifies', async () => {
  const connection_id = await newStripe()
  const { id, url } = await newSource('stripe', connection_id, {
    options: { event_types: ['payment_intent.created'] },
  })
  const done = await register(id)
  assert.deepEqual([done['state'], done['url'], done['error']], ['registered', url, null])
  const [there, ...more] = await endpointsAt(url)
  assert.deepEqual([there?.['id'], more], [done['vendor_id'], []])
  assert.deepEqual(there?.['enabled_events'], ['payment_intent.created'])
  await product.api.ok('POST', `/v1/connections/${connection_id}/calls`, {
    operation: 'payments.create',
    input: { money: { amount: '1000', currency: 'BRL' } },
  })
  await eventually(async () => (await product.api.list(`/v1/messages?source_id=${id}`)).length === 1)
  assert.deepEqual(await product.api.list(`/v1/quarantine?source_id=${id}`), [])
})

test('the secret that Stripe tells stands in no record of the call', async () => {
  const { id } = await newSource('stripe', await newStripe())
  await register(id)
  const [call] = await product.api.list('/v1/calls?operation=webhooks.register')
  const whole = JSON.stringify(await product.api.ok('GET', `/v1/calls/${call?.['id']}`))
  assert.match(whole, /masked/)
  assert.doesNotMatch(whole, /whsec_/)
})

test('asked again it is the same one, an edit is told, and a deleted source is untold', async () => {
  const { id, url } = await newSource('stripe', await newStripe())
  const [first, second] = [await register(id), await register(id)]
  assert.equal(second['vendor_id'], first['vendor_id'])
  await product.api.ok('PATCH', `/v1/sources/${id}`, { options: { event_types: ['charge.refunded'] } })
  await eventually(
    async () => (await endpointsAt(url))[0]?.['enabled_events']?.toString() === 'charge.refunded',
  )
  assert.equal((await endpointsAt(url)).length, 1)
  await product.api.ok('DELETE', `/v1/sources/${id}`)
  await eventually(async () => (await endpointsAt(url)).length === 0)
})

test('of a webhook whose answer nobody saw another is made, and there is one in the end', async () => {
  const { id, url } = await newSource('stripe', await newStripe())
  const lost = await stripe().send('POST', '/v1/webhook_endpoints?unused', undefined)
  assert.equal(lost.status, 400) // the sandbox is there, and takes no endpoint without an address
  await fetch(`${product.sandbox.url}/stripe/v1/webhook_endpoints`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk_test_looker' },
    body: new URLSearchParams({ url, 'enabled_events[]': '*' }),
  })
  const [before] = await endpointsAt(url)
  const done = await register(id)
  assert.equal(done['state'], 'registered')
  assert.notEqual(done['vendor_id'], before?.['id'])
  assert.deepEqual(
    (await endpointsAt(url)).map((one) => one['id']),
    [done['vendor_id']],
  )
  assert.equal((await product.api.ok('GET', `/v1/sources/${id}`))['secrets'], 1)
})

test('two jobs for one source make one webhook', async () => {
  const { id, url } = await newSource('stripe', await newStripe())
  const { app, api } = product
  const tenant_id = fromWire('tenant', api.tenant_id)
  const source_id = fromWire('source', id)
  await api.ok('POST', at(id), {})
  await inTenant(app.db, tenant_id, async (tx) => {
    for (let n = 0; n < 4; n++) {
      const job = { tenant_id, id: app.newId(), kind: REGISTRATION, payload: { source_id }, due: new Date() }
      await enqueue(tx, job)
    }
  })
  await settled(id)
  await eventually(async () => {
    const { rows } = await sql<{ n: number }>`
      select count(*)::int as n from job where tenant_id = ${tenant_id} and kind = ${REGISTRATION} and claim is not null`.execute(
      app.db.owner,
    )
    return rows[0]?.n === 0
  })
  assert.equal((await endpointsAt(url)).length, 1)
})

test('unregistered on demand it is gone there, and can be registered anew', async () => {
  const { id, url } = await newSource('stripe', await newStripe())
  await register(id)
  const gone = await product.api.ok('DELETE', at(id))
  assert.equal(gone['state'], 'unregistering')
  assert.equal((await settled(id))['state'], 'unregistered')
  assert.deepEqual(await endpointsAt(url), [])
  assert.equal((await register(id))['state'], 'registered')
  assert.equal(
    (await product.api.ok('GET', `/v1/sources/${id}`))['secrets'],
    2,
    'what is under way still verifies',
  )
})

test('a webhook that somebody removed at the vendor is made anew', async () => {
  const { id, url } = await newSource('stripe', await newStripe())
  const { vendor_id } = await register(id)
  await stripe().ok('DELETE', `/v1/webhook_endpoints/${vendor_id}`)
  const again = await register(id)
  assert.notEqual(again['vendor_id'], vendor_id)
  assert.equal((await endpointsAt(url)).length, 1)
})

test('a vendor that refuses makes it failed, in the vendor’s words, and asking again is up to people', async () => {
  const connection_id = await newConnection(
    'stripe',
    { base_url: `${product.sandbox.url}/stripe` },
    { secret_key: 'rk_test_wrong-key' },
  )
  const { id } = await newSource('stripe', connection_id)
  const { state, error } = await register(id)
  assert.equal(state, 'failed')
  assert.match(String(error), /Invalid API Key/)
})

test('GitHub is told a secret of ours, for a repository that must be named', async () => {
  const connection_id = await newConnection(
    'github',
    { base_url: `${product.sandbox.url}/github` },
    { access_token: 'ghp_example' },
  )
  const { id, url } = await newSource('github', connection_id)
  const unnamed = await product.api.send('POST', at(id), {})
  assert.deepEqual([unnamed.status, unnamed.body['field']], [400, 'target.place'])
  const target = { place: 'octo-org/octo-repo' }
  const done = await register(id, { target })
  assert.equal(done['state'], 'registered', String(done['error']))
  const hooks = `${product.sandbox.url}/github/repos/octo-org/octo-repo/hooks`
  const headers = { authorization: 'Bearer ghp_example' }
  const listed = (await (await fetch(hooks, { headers })).json()) as { config: Json }[]
  assert.deepEqual(
    listed.map(({ config }) => config['url']),
    [url],
  )
  assert.equal((await product.api.ok('GET', `/v1/sources/${id}`))['secrets'], 1)
  const elsewhere = await product.api.send('POST', at(id), { target: { place: 'octo-org' } })
  assert.equal(elsewhere.status, 409)
})

test('Pix: the key is set to the address with its secret, and another’s address only by leave', async () => {
  const base_url = `${product.sandbox.url}/pix/v2`
  const token_url = `${product.sandbox.url}/pix/oauth/token`
  const credentials = { client_id: 'a-client', client_secret: 'sandbox-secret' }
  const pix_key = `chave-${Math.random().toString(36).slice(2)}@example.com`
  const connection_id = await newConnection('pix', { base_url, token_url, pix_key, mtls: false }, credentials)
  const { id, url } = await newSource('pix', connection_id, { settings: { verified_by: 'path_token' } })
  const call = (operation: string, input: Json) =>
    product.api.ok('POST', `/v1/connections/${connection_id}/calls`, { operation, input })
  await call('webhooks.set', { url: 'https://erp.example.com/pix' })
  const refused = await register(id)
  assert.equal(refused['state'], 'failed')
  assert.match(String(refused['error']), /erp\.example\.com.*replace/)
  assert.equal((await register(id, { replace: true }))['state'], 'registered')
  const { result } = await call('webhooks.read', {})
  const told = String((result as Json)['url'])
  assert.match(told, new RegExp(`^${url.replaceAll('.', '\\.')}/[\\w-]{40,}$`))
  const posted = await fetch(`${told}/pix`, { method: 'POST', body: JSON.stringify({ pix: [] }) })
  assert.equal(posted.status, 200)
  const calls = JSON.stringify(
    await Promise.all(
      (await product.api.list('/v1/calls?operation=webhooks.register')).map((one) =>
        product.api.ok('GET', `/v1/calls/${one['id']}`),
      ),
    ),
  )
  assert(!calls.includes(told.slice(url.length + 1)), 'the secret in the address is in no record')
})

test('without a connection, of another provider’s connection, or for another tenant it is refused', async () => {
  const bare = await product.api.ok('POST', '/v1/sources', { provider: 'stripe', name: 'Bare' })
  assert.equal((await product.api.send('POST', at(String(bare['id'])), {})).status, 409)
  const slack = await product.api.ok('POST', '/v1/sources', { provider: 'slack', name: 'By hand' })
  const by_hand = await product.api.send('POST', at(String(slack['id'])), {})
  assert.match(String(by_hand.body['detail']), /github, mailchimp, mandrill, pix, plaid, stripe, twilio/)
  const { id } = await newSource('stripe', await newStripe())
  const stranger = await product.newTenant()
  for (const method of ['GET', 'DELETE']) assert.equal((await stranger.send(method, at(id))).status, 404)
  assert.equal((await stranger.send('POST', at(id), {})).status, 404)
})
