import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'

/** Vendors whose keys must be fetched, secrets in addresses, and what is believed only once it was read back. */
let product: Product
before(async () => {
  product = await startProduct()
})

type Made = { id: string; url: string }
const newSource = async (provider: string, more: Json): Promise<Made> =>
  (await product.api.ok('POST', '/v1/sources', { provider, name: provider, ...more })) as Made

async function order(path: string, body: Json): Promise<Json> {
  const response = await fetch(`${product.sandbox.url}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  })
  return (await response.json()) as Json
}
const statusesOf = ({ sent }: Json) => (sent as Json[]).map(({ status }) => status)
const outage = (vendor: string, status: number | null) => order(`/${vendor}/_control/outage`, { status })

const messagesOf = (source: string) => product.api.list(`/v1/messages?source_id=${source}`)
const reasonsAt = async (source: string) =>
  (await product.api.list(`/v1/quarantine?source_id=${source}`)).map(({ reason }) => reason).sort()

async function eventFrom(source: string, type: string): Promise<Json> {
  return eventually(async () => {
    const ids = (await messagesOf(source)).map(({ id }) => id)
    return (await product.api.list(`/v1/events?type=${type}`)).find(({ message_id }) =>
      ids.includes(message_id),
    )
  })
}

async function newConnection(provider: string, settings: Json, credentials: Json = {}): Promise<string> {
  const given = { provider, name: provider, environment: 'development', settings, credentials }
  return String((await product.api.ok('POST', '/v1/connections', given))['id'])
}

test('Plaid: the key is asked for once, and while it is not to be had nothing is taken and nothing refused', async () => {
  const settings = { client_id: '0123456789abcdef01234567', base_url: `${product.sandbox.url}/plaid` }
  const connection_id = await newConnection('plaid', settings, { secret: 'a_plaid_secret' })
  const { id, url } = await newSource('plaid', { connection_id })
  await outage('plaid', 500)
  assert.deepEqual(statusesOf(await order('/plaid/_control/send', { url })), [503])
  assert.deepEqual([await messagesOf(id), await reasonsAt(id)], [[], []])
  await outage('plaid', null)
  const sent = await order('/plaid/_control/send', { url, count: 2, bad_signature: 1, old_timestamp: 1 })
  assert.deepEqual(statusesOf(sent), [200, 200, 401, 401])
  assert.deepEqual(await reasonsAt(id), ['bad_signature', 'too_old'])
  await eventFrom(id, 'plaid.TRANSACTIONS.SYNC_UPDATES_AVAILABLE')
  const calls = await product.api.list(`/v1/calls?connection_id=${connection_id}`)
  assert.equal(calls.length, 2, 'one that failed and one that gave the key')
})

test('Plaid: what came before the source had a connection is kept, and released once it has one', async () => {
  const { id, url } = await newSource('plaid', {})
  assert.deepEqual(statusesOf(await order('/plaid/_control/send', { url })), [401])
  const [refused] = await product.api.list(`/v1/quarantine?source_id=${id}`)
  assert.equal(refused?.['reason'], 'no_secret')
  const settings = { client_id: '0123456789abcdef01234567', base_url: `${product.sandbox.url}/plaid` }
  const connection_id = await newConnection('plaid', settings, { secret: 'a_plaid_secret' })
  await product.api.ok('PATCH', `/v1/sources/${id}`, { connection_id })
  await product.api.ok('POST', `/v1/quarantine/${refused?.['id']}/release`)
  await eventFrom(id, 'plaid.TRANSACTIONS.SYNC_UPDATES_AVAILABLE')
})

test('Plaid: credentials that Plaid refuses make no message a forgery', async () => {
  const settings = { client_id: '0123456789abcdef01234567', base_url: `${product.sandbox.url}/bin/refusing` }
  await fetch(`${product.sandbox.url}/bin/refusing/_settings`, { method: 'PUT', body: '{"status":400}' })
  const connection_id = await newConnection('plaid', settings, { secret: 'a_plaid_secret' })
  const { id, url } = await newSource('plaid', { connection_id })
  assert.deepEqual(statusesOf(await order('/plaid/_control/send', { url })), [503])
  assert.deepEqual([await messagesOf(id), await reasonsAt(id)], [[], []])
})

test('PayPal: signed by its certificate for this webhook', async () => {
  const keys_from = `${product.sandbox.url}/paypal`
  const { id, url } = await newSource('paypal', { settings: { webhook_id: 'WH12345', keys_from } })
  await outage('paypal', 503)
  assert.deepEqual(statusesOf(await order('/paypal/_control/send', { url, webhook_id: 'WH12345' })), [503])
  await outage('paypal', null)
  const sent = await order('/paypal/_control/send', { url, webhook_id: 'WH12345', bad_signature: 1 })
  assert.deepEqual(statusesOf(sent), [200, 401])
  assert.deepEqual(statusesOf(await order('/paypal/_control/send', { url, webhook_id: 'WHother' })), [401])
  const event = await eventFrom(id, 'paypal.PAYMENT.CAPTURE.COMPLETED')
  assert.equal(((event['data'] as Json)['resource'] as Json)['status'], 'COMPLETED')
  const elsewhere = await order('/paypal/_control/send', {
    url,
    webhook_id: 'WH12345',
    keys_at: 'http://127.0.0.1:9/certs',
  })
  assert.deepEqual(statusesOf(elsewhere), [401])
})

const TOPIC = 'arn:aws:sns:sa-east-1:123456789012:orders'

test('Amazon SNS: both versions of the signature, and of the topics listed alone', async () => {
  const settings = { topics: TOPIC, keys_from: `${product.sandbox.url}/aws_sns` }
  const { id, url } = await newSource('aws_sns', { settings })
  for (const signature_version of ['1', '2']) {
    const given = { url, topic: TOPIC, signature_version, bad_signature: 1 }
    assert.deepEqual(statusesOf(await order('/aws_sns/_control/send', given)), [200, 401])
  }
  assert.deepEqual(statusesOf(await order('/aws_sns/_control/send', { url, topic: `${TOPIC}2` })), [401])
  const event = await eventFrom(id, 'aws_sns.notification')
  const data = event['data'] as Json
  assert.deepEqual([data['Message'], data['UnsubscribeURL']], ['{"order":0}', undefined])
})

test('Amazon SNS: a subscription is confirmed where the source wants it, and left alone where it does not', async () => {
  const confirmed = async () =>
    ((await (await fetch(`${product.sandbox.url}/aws_sns/_confirmed`)).json()) as { data: string[] }).data
  const keys_from = `${product.sandbox.url}/aws_sns`
  for (const confirm_subscriptions of [false, true]) {
    const topic = `${TOPIC}-${confirm_subscriptions}`
    const settings = { topics: topic, keys_from, confirm_subscriptions }
    const { id, url } = await newSource('aws_sns', { settings })
    await order('/aws_sns/_control/send', { url, topic, type: 'SubscriptionConfirmation' })
    await eventFrom(id, 'aws_sns.subscription_confirmation')
    assert.equal((await confirmed()).includes(topic), confirm_subscriptions)
  }
})

test('Google Pub/Sub: the token of the service account, and of nobody else', async () => {
  const settings = {
    audience: 'https://hooks.example.com/push',
    service_account: 'push@my-project.iam.gserviceaccount.com',
    keys_from: `${product.sandbox.url}/google_pubsub/oauth2/v3/certs`,
  }
  const { audience, service_account } = settings
  const { id, url } = await newSource('google_pubsub', { settings })
  const send = (more: Json) =>
    order('/google_pubsub/_control/send', { url, audience, service_account, ...more })
  assert.deepEqual(statusesOf(await send({ bad_signature: 1 })), [200, 401])
  assert.deepEqual(statusesOf(await send({ service_account: 'thief@other.iam.gserviceaccount.com' })), [401])
  assert.deepEqual(statusesOf(await send({ audience: 'https://elsewhere.example.com' })), [401])
  const message = String((await messagesOf(id))[0]?.['id'])
  const { headers } = await product.api.ok('GET', `/v1/messages/${message}`)
  assert.equal((headers as Json)['authorization'], undefined)
  await eventFrom(id, 'google_pubsub.message')
})

test('Mailchimp: the secret in the address is asked for and kept with no message', async () => {
  const { id, url } = await newSource('mailchimp', { secrets: ['a-long-secret-of-ours'] })
  const address = `${url}?secret=a-long-secret-of-ours`
  assert.equal((await order('/mailchimp/_control/handshake', { url: address }))['verified'], true)
  const sent = await order('/mailchimp/_control/send', { url: address, bad_signature: 1 })
  assert.deepEqual(statusesOf(sent), [200, 401])
  assert.deepEqual(statusesOf(await order('/mailchimp/_control/send', { url })), [401])
  assert.deepEqual(statusesOf(await order('/mailchimp/_control/send', { url: `${address}&secret=x` })), [401])
  assert.deepEqual(await reasonsAt(id), ['bad_signature', 'malformed', 'missing_header'])
  await eventFrom(id, 'mailchimp.subscribe')
  const kept = [...(await messagesOf(id)), ...(await product.api.list(`/v1/quarantine?source_id=${id}`))]
  for (const { id: one } of kept) {
    const path = String(one).startsWith('qua_') ? `/v1/quarantine/${one}` : `/v1/messages/${one}`
    assert(!JSON.stringify(await product.api.ok('GET', path)).includes('a-long-secret'), path)
  }
})

test('Mandrill: signed over the address and the form, and tried by HEAD before', async () => {
  const { id, url } = await newSource('mandrill', { secrets: ['a-mandrill-key'] })
  assert.equal((await order('/mandrill/_control/handshake', { url }))['verified'], true)
  const sent = await order('/mandrill/_control/send', { url, secret: 'a-mandrill-key', bad_signature: 1 })
  assert.deepEqual(statusesOf(sent), [200, 401])
  await eventFrom(id, 'mandrill.send')
})

test('any sender: a secret behind the address in the path', async () => {
  const { id, url } = await newSource('http', { secrets: ['s3cret'], settings: { signature: 'path_token' } })
  const post = async (address: string) =>
    (await fetch(address, { method: 'POST', body: '{"type":"paid"}' })).status
  assert.deepEqual(
    [await post(`${url}/s3cret`), await post(`${url}/other`), await post(url)],
    [200, 401, 401],
  )
  await eventFrom(id, 'http.paid')
})

test('any sender: the header of a certificate is believed from no stranger', async () => {
  const settings = { signature: 'mtls', client_header: 'X-Client-Subject', client_subjects: 'CN=pix.example' }
  const { id, url } = await newSource('http', { settings })
  const { status } = await fetch(url, {
    method: 'POST',
    headers: { 'x-client-subject': 'CN=pix.example' },
    body: '{}',
  })
  assert.equal(status, 401)
  assert.deepEqual(await reasonsAt(id), ['bad_signature'])
})

/** A vendor that answers what it was told last, with a source that believes nothing but that. */
async function readBackFrom(name: string) {
  const answer = (status: number) =>
    fetch(`${product.sandbox.url}/bin/${name}/_settings`, { method: 'PUT', body: JSON.stringify({ status }) })
  const connection_id = await newConnection('http', { base_url: `${product.sandbox.url}/bin/${name}` })
  const settings = {
    signature: 'none',
    unsigned_because: 'the vendor signs nothing',
    read_back_path: '/payments/{data.id}',
  }
  const options = { retry_schedule_s: [1, 1] }
  const { id, url } = await newSource('http', { connection_id, settings, options })
  const post = (body: string) => fetch(url, { method: 'POST', body })
  const stateIs = (state: string) =>
    eventually(async () => {
      const [message] = await messagesOf(id)
      return message?.['state'] === state && message
    })
  return { id, answer, post, stateIs }
}

test('what nobody signs is believed as the vendor tells it when asked, and not as it came', async () => {
  const { id, post } = await readBackFrom('believed')
  await post('{"type":"payment.completed","data":{"id":"a/b?c","amount":"999999"}}')
  const event = await eventFrom(id, 'http.changed')
  assert.deepEqual(event['data'], { ok: true })
  const asked = (await (await fetch(`${product.sandbox.url}/bin/believed/_requests`)).json()) as {
    data: Json[]
  }
  assert.deepEqual(
    asked.data.map(({ method, url }) => `${method} ${url}`),
    ['GET /believed/payments/a%2Fb%3Fc'],
  )
})

test('what the vendor knows nothing of is not believed', async () => {
  const { answer, post, stateIs } = await readBackFrom('unknown')
  await answer(404)
  await post('{"type":"payment.completed","data":{"id":"p1"}}')
  assert.match(String((await stateIs('failed'))['error']), /not believed/)
})

test('what names nothing to ask for is not believed', async () => {
  const { post, stateIs } = await readBackFrom('nameless')
  await post('{"type":"payment.completed"}')
  assert.match(String((await stateIs('failed'))['error']), /data\.id/)
})

test('while the vendor is down what nobody signs waits, and is believed when it is back', async () => {
  const { id, answer, post, stateIs } = await readBackFrom('down')
  await answer(503)
  await post('{"type":"payment.completed","data":{"id":"p1"}}')
  await eventually(async () => {
    const [message] = await messagesOf(id)
    return /could not be read back/.test(String(message?.['error']))
  })
  await answer(200)
  await stateIs('completed')
})
