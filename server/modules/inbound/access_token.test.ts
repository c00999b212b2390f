import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type Api, apiOf, type Json, type Product, startProduct } from '../../test/product.ts'

let product: Product

before(async () => {
  product = await startProduct()
})

/** Clients are made by an administrator. */
const adminOf = ({ tenant_id }: Api): Api => {
  const headers = { authorization: `Bearer ${product.admin_key}`, 'trilho-tenant': tenant_id }
  return apiOf(product.url, headers, '', tenant_id)
}

const newClient = (api: Api, scopes: string[]): Promise<Json> =>
  adminOf(api).ok('POST', '/v1/oauth-clients', {
    client_id: `vendor-${crypto.randomUUID()}`,
    name: 'A vendor',
    environment: 'test',
    scopes,
  })

async function tokenOf({ client_id, client_secret }: Json): Promise<string> {
  const response = await fetch(`${product.url}/oauth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: String(client_id),
      client_secret: String(client_secret),
    }),
  })
  return String(((await response.json()) as Json)['access_token'])
}

let serial = 0
const tell = (source: Json, token?: string) =>
  fetch(String(source['url']), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ id: `t${++serial}` }),
  })

test('a source that asks for one of our access tokens takes nothing without it, and keeps no token', async () => {
  const api = await product.newTenant()
  const source = await api.ok('POST', '/v1/sources', {
    provider: 'http',
    name: 'By token',
    settings: { signature: 'none', unsigned_because: 'the vendor shows a token of ours' },
    options: { access_token: true },
  })
  const client = await newClient(api, ['webhooks:receive'])
  const token = await tokenOf(client)
  const bare = await tell(source)
  assert.equal(bare.status, 401)
  assert.match(String(bare.headers.get('www-authenticate')), /^Bearer .*webhooks:receive/)
  assert.equal((await tell(source, `${token}x`)).status, 401)
  assert.equal((await tell(source, await tokenOf(await newClient(api, ['calls:read'])))).status, 401)
  const stranger = await product.newTenant()
  const theirs = await tokenOf(await newClient(stranger, ['webhooks:receive']))
  assert.equal((await tell(source, theirs)).status, 401)
  assert.deepEqual(await api.list(`/v1/quarantine?source_id=${source['id']}`), [])
  const taken = await tell(source, token)
  assert.equal(taken.status, 200)
  const { id } = (await taken.json()) as Json
  const message = await api.ok('GET', `/v1/messages/${id}`)
  const { authorization, ':verified': proof } = message['headers'] as Json
  assert.deepEqual([authorization, proof], [undefined, 'none and an access token'])
  await adminOf(api).send('DELETE', `/v1/oauth-clients/${client['id']}`)
  assert.equal((await tell(source, token)).status, 401)
})
