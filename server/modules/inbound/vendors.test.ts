import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { before, test } from 'node:test'
import { eventually, type Json, type Product, startProduct } from '../../test/product.ts'

/** Vendors other than Stripe, over HTTP: the sandbox signs for them, from their documentation and nothing of ours. */
const SECRET = 'a_secret_between_the_vendor_and_us'
const VERIFY_TOKEN = 'a-word-of-our-own'
let product: Product

before(async () => {
  product = await startProduct()
})

async function newSource(provider: string, settings: Json = {}): Promise<{ id: string; url: string }> {
  const source = { provider, name: provider, secrets: [SECRET], settings }
  return (await product.api.ok('POST', '/v1/sources', source)) as { id: string; url: string }
}

async function order(path: string, body: Json): Promise<Json> {
  const response = await fetch(`${product.sandbox.url}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  })
  assert.equal(response.status, 200)
  return (await response.json()) as Json
}

async function eventFrom(source: string, type: string): Promise<Json> {
  const ids = async () => (await product.api.list(`/v1/messages?source_id=${source}`)).map(({ id }) => id)
  return eventually(async () => {
    const [events, messages] = [await product.api.list(`/v1/events?type=${type}`), await ids()]
    return events.find(({ message_id }) => messages.includes(message_id))
  })
}

const reasonsAt = async (source: string) =>
  (await product.api.list(`/v1/quarantine?source_id=${source}`)).map(({ reason }) => reason).sort()

test('GitHub: what it signs becomes an event of its own name, what another signs does not', async () => {
  const { id, url } = await newSource('github')
  const sent = { url, secret: SECRET, type: 'pull_request.opened', bad_signature: 1 }
  assert.equal((await order('/github/_control/send', sent))['accepted'], 1)
  const event = await eventFrom(id, 'github.pull_request.opened')
  assert.equal((event['data'] as Json)['action'], 'opened')
  assert.deepEqual(await reasonsAt(id), ['bad_signature'])
})

test('Slack: its handshake is answered once it verifies, and is not stored', async () => {
  const { id, url } = await newSource('slack')
  const right = await order('/slack/_control/handshake', { url, secret: SECRET })
  assert.deepEqual([right['verified'], right['status']], [true, 200])
  const wrong = await order('/slack/_control/handshake', { url, secret: 'another' })
  assert.deepEqual([wrong['verified'], wrong['status']], [false, 401])
  assert.deepEqual(await product.api.list(`/v1/messages?source_id=${id}`), [])
})

test('Slack: an event is taken and answered with nothing to show; one of an hour ago is too old', async () => {
  const { id, url } = await newSource('slack')
  const given = await order('/slack/_control/send', {
    url,
    secret: SECRET,
    bad_signature: 1,
    old_timestamp: 1,
  })
  const [first] = given['sent'] as Json[]
  assert.deepEqual([first?.['status'], first?.['text']], [200, ''])
  const event = await eventFrom(id, 'slack.app_mention')
  assert.deepEqual(event['data'], JSON.parse(String(first?.['body'])))
  assert.deepEqual(await reasonsAt(id), ['bad_signature', 'too_old'])
})

test('WhatsApp: the address answers to whoever shows the verify token, and 403 to others', async () => {
  const { id, url } = await newSource('whatsapp', { verify_token: VERIFY_TOKEN })
  const ask = (verify_token: string) =>
    order('/whatsapp/_control/handshake', { url, secret: SECRET, verify_token })
  const right = await ask(VERIFY_TOKEN)
  assert.deepEqual([right['verified'], right['status']], [true, 200])
  assert.equal((await ask('a-guess-of-theirs'))['status'], 403)
  assert.equal((await ask(''))['status'], 403)
  await product.api.ok('PATCH', `/v1/sources/${id}`, { state: 'disabled' })
  assert.equal((await ask(VERIFY_TOKEN))['status'], 404)
})

test('WhatsApp: a message with escaped text is taken once, byte for byte', async () => {
  const { id, url } = await newSource('whatsapp', { verify_token: VERIFY_TOKEN })
  const given = await order('/whatsapp/_control/send', { url, secret: SECRET, bad_signature: 1 })
  assert.equal(given['accepted'], 1)
  const event = await eventFrom(id, 'whatsapp.message.received')
  const { message } = event['data'] as { message: Json }
  assert.deepEqual(message['text'], { body: 'Olá 0' })
  const found = await product.api.list(`/v1/search?q=${encodeURIComponent(String(message['id']))}`)
  assert(found.some(({ kind }) => kind === 'message'))
  assert.deepEqual(await reasonsAt(id), ['bad_signature'])
})

/** twilio.com/docs/usage/security: the address as it was called, then every parameter in the order of the names. */
function fromTwilio(url: string, fields: Record<string, string>, called = url): Promise<Response> {
  const signed = Object.entries(fields).sort().flat().join('')
  const signature = createHmac('sha1', SECRET)
    .update(url + signed)
    .digest('base64')
  return fetch(called, {
    method: 'POST',
    headers: { 'x-twilio-signature': signature },
    body: new URLSearchParams(fields),
  })
}

test('Twilio: the address is signed along, with the query it was called with', async () => {
  const { id, url } = await newSource('twilio')
  const fields = { MessageSid: 'SM1', SmsStatus: 'received', Body: 'Olá & até', AccountSid: 'AC1' }
  const taken = await fromTwilio(`${url}?order=1042`, fields)
  assert.deepEqual([taken.status, await taken.text()], [200, '<Response/>'])
  assert.match(String(taken.headers.get('content-type')), /^text\/xml/)
  assert.equal((await fromTwilio(url, fields, `${url}?order=1043`)).status, 401)
  const event = await eventFrom(id, 'twilio.message.received')
  assert.deepEqual(event['data'], fields)
})

test('Twilio: what a wrong token kept out is let in with the right one, by the address it was called', async () => {
  const { id, url } = await newSource('twilio')
  await product.api.ok('PATCH', `/v1/sources/${id}`, { secrets: ['mistyped'] })
  const refused = await fromTwilio(`${url}?order=7`, { MessageSid: 'SM7', MessageStatus: 'sent' })
  assert.equal(refused.status, 401)
  await product.api.ok('PATCH', `/v1/sources/${id}`, { secrets: [SECRET] })
  const [kept] = await product.api.list(`/v1/quarantine?source_id=${id}`)
  await product.api.ok('POST', `/v1/quarantine/${kept?.['id']}/release`)
  await eventFrom(id, 'twilio.message.sent')
})

test('a method that means nothing at a source answers 405 with those that do', async () => {
  const { url } = await newSource('github')
  const asked = await fetch(`${url}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=x`)
  assert.deepEqual([asked.status, asked.headers.get('allow')], [405, 'POST'])
  const put = await fetch(url, { method: 'PUT', body: '{}' })
  assert.equal(put.status, 405)
  assert.match(String(put.headers.get('allow')), /POST/)
  assert.equal((await fetch(url.replace('src_', 'src_0'))).status, 404)
})

test('a token that verifies is shown by no message', async () => {
  const settings = { signature: 'token', signature_header: 'X-Gitlab-Token', handshake: 'ok' }
  const { id, url } = await newSource('http', settings)
  const send = (token: string) =>
    fetch(url, {
      method: 'POST',
      headers: { 'x-gitlab-token': token, 'x-other': '1' },
      body: '{"type":"push"}',
    })
  assert.equal((await send(SECRET)).status, 200)
  assert.equal((await send('another')).status, 401)
  const [message] = await product.api.list(`/v1/messages?source_id=${id}`)
  const [kept] = await product.api.list(`/v1/quarantine?source_id=${id}`)
  for (const path of [`/v1/messages/${message?.['id']}`, `/v1/quarantine/${kept?.['id']}`]) {
    const { headers } = (await product.api.ok('GET', path)) as { headers: Json }
    assert.deepEqual([headers['x-gitlab-token'], headers['x-other']], [undefined, '1'])
  }
  assert.equal(await statusOfHead(url), 200)
})

const statusOfHead = (url: string) =>
  new Promise((resolve, reject) => {
    httpRequest(url, { method: 'HEAD', agent: false }, ({ statusCode }) => resolve(statusCode))
      .on('error', reject)
      .end()
  })
