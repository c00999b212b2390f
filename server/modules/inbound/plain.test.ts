import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, type Json, startProduct } from '../../test/product.ts'

/** HTTPS for webhooks, everywhere but in development. */

const TOKEN = 'a-token-of-ours'
const SOURCE = {
  provider: 'http',
  name: 'Orders',
  settings: { signature: 'token', signature_header: 'x-token' },
}

async function start(changed: Parameters<typeof startProduct>[0]) {
  const { api, url, admin_key } = await startProduct(changed)
  const { id } = await api.ok('POST', '/v1/sources', { ...SOURCE, secrets: [TOKEN] })
  const at = `${url}/webhooks/http/${id}`
  const post = async (headers: Record<string, string> = {}, path = '') => {
    const init = { method: 'POST', headers: { 'x-token': TOKEN, ...headers }, body: `{"n":${Math.random()}}` }
    const response = await fetch(at + path, init)
    return [response.status, ((await response.json()) as Json)['code']]
  }
  const metrics = async () =>
    (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${admin_key}` } })).text()
  return { api, at, post, metrics }
}

const REFUSED = [403, 'https_required']

test('in production a webhook over plain HTTP is refused with the remedy, counted, and not kept', async () => {
  const { api, at, post, metrics } = await start({ public_url: 'https://hub.example.com' })
  assert.deepEqual(await post(), REFUSED)
  assert.deepEqual(await post({}, '?by=another-way'), REFUSED)
  assert.deepEqual(
    await post({ 'x-forwarded-proto': 'https' }),
    REFUSED,
    'a stranger’s word counts for nothing',
  )
  assert.equal((await fetch(`${at}?challenge=1`)).status, 403)
  assert.deepEqual(await api.list('/v1/messages'), [])
  assert.deepEqual(await api.list('/v1/quarantine'), [])
  assert.match(await metrics(), /trilho_inbound_messages_total\{[^}]*result="plain_http"[^}]*\} 4/)
  const counts = (await api.list('/v1/sources')).map((one) => one['counts'] as Json)
  assert.deepEqual(
    counts.map(({ refused }) => refused),
    [4],
  )
  const told = await eventually(async () => {
    const events = await api.list('/v1/security-events')
    return events.length > 0 && events // written beside the answer
  })
  assert.deepEqual(
    told.map(({ kind }) => kind),
    ['webhook.plain_http'],
  )
})

test('behind a trusted proxy it is the proxy’s word that says whether it came over HTTPS', async () => {
  const { post } = await start({ trusted_proxies: ['127.0.0.0/8'] })
  assert.deepEqual(await post({ 'x-forwarded-proto': 'https' }), [200, undefined])
  assert.deepEqual(await post({ 'x-forwarded-proto': 'http' }), REFUSED)
  assert.deepEqual(await post(), REFUSED)
})

test('in development, and where the published address is one of http, plain HTTP is taken', async () => {
  for (const changed of [{}, { public_url: 'http://hub.internal:3012' }]) {
    const { post } = await start(changed)
    assert.deepEqual(await post(), [200, undefined])
  }
})
