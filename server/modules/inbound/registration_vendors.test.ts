import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'

/** Vendors that are told the address of a source each in their own way, and what they then send. */

let product: Product

before(async () => {
  product = await startProduct()
})

async function newConnection(provider: string, credentials: Json, settings: Json = {}): Promise<string> {
  const base_url = `${product.sandbox.url}/${provider}`
  const body = { provider, name: provider, environment: 'development', credentials }
  const made = await product.api.ok('POST', '/v1/connections', {
    ...body,
    settings: { base_url, ...settings },
  })
  return String(made['id'])
}

const newSource = (provider: string, connection_id: string, more: Json = {}) =>
  product.api.ok('POST', '/v1/sources', { provider, name: provider, connection_id, ...more })

const at = (id: unknown) => `/v1/sources/${id}/registration`

async function settled(id: unknown): Promise<Json> {
  return eventually(async () => {
    const now = await product.api.ok('GET', at(id))
    return !['registering', 'unregistering'].includes(String(now['state'])) && now
  })
}

async function register(id: unknown, body: Json = {}): Promise<Json> {
  await product.api.ok('POST', at(id), body)
  return settled(id)
}

async function unregister(id: unknown): Promise<Json> {
  await product.api.ok('DELETE', at(id))
  return settled(id)
}

/** What the simulated vendor sends to an address, and what it was answered. */
async function send(provider: string, url: unknown, more: Json): Promise<number[]> {
  const reply = await fetch(`${product.sandbox.url}/${provider}/_control/send`, {
    method: 'POST',
    body: JSON.stringify({ url, ...more }),
  })
  const { sent } = (await reply.json()) as { sent: { status: number }[] }
  return sent.map(({ status }) => status)
}

const recordsOf = async (connection_id: string) =>
  JSON.stringify(
    await Promise.all(
      (await product.api.list(`/v1/calls?connection_id=${connection_id}&limit=200`)).map(({ id }) =>
        product.api.ok('GET', `/v1/calls/${id}`),
      ),
    ),
  )

test('Mailchimp is told the address of an audience with a secret in it, which stands in no record', async () => {
  const connection_id = await newConnection('mailchimp', { api_key: 'a-key-us6' })
  const { id, url } = await newSource('mailchimp', connection_id, {
    options: { event_types: ['subscribe', 'unsubscribe'] },
  })
  const target = { list_id: 'a6b5da1054' }
  const done = await register(id, { target })
  assert.deepEqual([done['state'], done['error']], ['registered', null])
  const listed = async () => {
    const reply = await fetch(`${product.sandbox.url}/mailchimp/lists/a6b5da1054/webhooks`, {
      headers: { authorization: 'Bearer a-key-us6' },
    })
    return ((await reply.json()) as { webhooks: { id: string; url: string; events: Json }[] }).webhooks
  }
  const [there, ...more] = await listed()
  assert.deepEqual([there?.id, more], [done['vendor_id'], []])
  assert.deepEqual(
    Object.entries(there?.events ?? {}).filter(([, is_told]) => is_told === true),
    [
      ['subscribe', true],
      ['unsubscribe', true],
    ],
  )
  const [told = '', secret = ''] = there?.url.split('?secret=') ?? []
  assert.equal(told, url)
  assert.ok(secret.length >= 40)
  assert.deepEqual(await send('mailchimp', there?.url, { bad_signature: 1 }), [200, 401])
  assert.ok(!(await recordsOf(connection_id)).includes(secret))
  await product.api.ok('PATCH', `/v1/sources/${id}`, { secrets: ['another-secret-of-ours'] })
  await eventually(async () => (await listed())[0]?.url === `${url}?secret=another-secret-of-ours`)
  assert.equal((await listed()).length, 1, 'another secret makes no second webhook')
  assert.equal((await unregister(id))['state'], 'unregistered')
  assert.deepEqual(await listed(), [])
})

test('Mandrill tells the key of the webhook it made, by which its messages verify', async () => {
  const connection_id = await newConnection('mandrill', { api_key: 'a-key-of-mandrill' })
  const { id, url } = await newSource('mandrill', connection_id)
  const ask = async (way: string, more: Json = {}) => {
    const body = JSON.stringify({ key: 'a-key-of-mandrill', ...more })
    return (
      await fetch(`${product.sandbox.url}/mandrill/webhooks/${way}.json`, { method: 'POST', body })
    ).json()
  }
  const done = await register(id)
  assert.deepEqual([done['state'], done['error']], ['registered', null])
  const [there] = (await ask('list')) as { id: number; url: string; auth_key: string; events: string[] }[]
  assert.deepEqual([String(there?.id), there?.url], [done['vendor_id'], url])
  assert.ok(there?.events.includes('hard_bounce'))
  assert.deepEqual(await send('mandrill', url, { secret: there?.auth_key, bad_signature: 1 }), [200, 401])
  assert.ok(!(await recordsOf(connection_id)).includes(there?.auth_key ?? ''))
  await ask('delete', { id: there?.id })
  const again = await register(id)
  assert.equal(again['state'], 'registered', 'removed at Mandrill, it is made anew')
  assert.notEqual(again['vendor_id'], done['vendor_id'])
  assert.equal((await unregister(id))['state'], 'unregistered')
  assert.deepEqual(await ask('list'), [])
})

test('Twilio is told where the messages of a number go; an address of somebody else’s is left alone', async () => {
  const account_sid = `AC${'0'.repeat(31)}1`
  const target = { account_sid, phone_number_sid: `PN${'0'.repeat(31)}2` }
  const connection_id = await newConnection('twilio', { account_sid, auth_token: 'an-auth-token' })
  const { id, url } = await newSource('twilio', connection_id, { secrets: ['an-auth-token'] })
  const number = `${product.sandbox.url}/twilio/2010-04-01/Accounts/${account_sid}/IncomingPhoneNumbers/${target.phone_number_sid}.json`
  const headers = { authorization: 'Basic eDp5' }
  const addressOf = async () => ((await (await fetch(number, { headers })).json()) as Json)['sms_url']
  const body = new URLSearchParams({ SmsUrl: 'https://erp.example.com/sms' })
  await fetch(number, { method: 'POST', headers, body })
  const unnamed = await product.api.send('POST', at(id), { target: { account_sid } })
  assert.deepEqual([unnamed.status, unnamed.body['field']], [400, 'target.phone_number_sid'])
  const refused = await register(id, { target })
  assert.match(String(refused['error']), /erp\.example\.com.*replace/)
  assert.equal(await addressOf(), 'https://erp.example.com/sms')
  const done = await register(id, { target, replace: true })
  assert.deepEqual([done['state'], await addressOf()], ['registered', url])
  assert.deepEqual(await send('twilio', url, { secret: 'an-auth-token', bad_signature: 1 }), [200, 401])
  assert.equal((await unregister(id))['state'], 'unregistered')
  assert.equal(await addressOf(), '')
})

test('an address that somebody else put in the place of ours since stays, whatever becomes of the source', async () => {
  const account_sid = `AC${'0'.repeat(31)}3`
  const target = { account_sid, phone_number_sid: `PN${'0'.repeat(31)}4` }
  const connection_id = await newConnection('twilio', { account_sid, auth_token: 'an-auth-token' })
  const { id, url } = await newSource('twilio', connection_id, { secrets: ['an-auth-token'] })
  const number = `${product.sandbox.url}/twilio/2010-04-01/Accounts/${account_sid}/IncomingPhoneNumbers/${target.phone_number_sid}.json`
  const headers = { authorization: 'Basic eDp5' }
  const addressOf = async () => ((await (await fetch(number, { headers })).json()) as Json)['sms_url']
  const put = (SmsUrl: string) =>
    fetch(number, { method: 'POST', headers, body: new URLSearchParams({ SmsUrl }) })
  await put('https://before.example.com/sms')
  const done = await register(id, { target, replace: true })
  assert.deepEqual([done['state'], await addressOf()], ['registered', url])
  const theirs = 'https://successor.example.com/sms'
  await put(theirs)
  await product.api.ok('PATCH', `/v1/sources/${id}`, { secrets: ['another-auth-token'] })
  const told = await settled(id)
  assert.match(String(told['error']), /successor\.example\.com.*replace/)
  assert.equal(await addressOf(), theirs)
  assert.equal((await unregister(id))['state'], 'unregistered')
  assert.equal(await addressOf(), theirs)
})

test('Plaid is told the address of the item that the connection reads', async () => {
  const settings = { client_id: '0123456789abcdef01234567' }
  const keys = { 'plaid-client-id': settings.client_id, 'plaid-secret': 'a-secret' }
  const ask = async (path: string, body: Json) => {
    const reply = await fetch(`${product.sandbox.url}/plaid${path}`, {
      method: 'POST',
      headers: keys,
      body: JSON.stringify(body),
    })
    return (await reply.json()) as Json
  }
  const { public_token } = await ask('/sandbox/public_token/create', {})
  const { access_token } = await ask('/item/public_token/exchange', { public_token })
  const connection_id = await newConnection('plaid', { secret: 'a-secret', access_token }, settings)
  const { id, url } = await newSource('plaid', connection_id)
  const webhookOf = async () => ((await ask('/item/get', { access_token }))['item'] as Json)['webhook']
  const done = await register(id)
  assert.deepEqual([done['state'], done['error'], await webhookOf()], ['registered', null, url])
  assert.deepEqual(await send('plaid', url, { bad_signature: 1 }), [200, 401])
  assert.equal((await unregister(id))['state'], 'unregistered')
  assert.equal(await webhookOf(), null)
})
