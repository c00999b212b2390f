import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkSettings, type Settings } from '../../kit/fields.ts'
import { answerHandshake, readEnvelope, verifyMessage } from '../../kit/messages.ts'
import { newsName } from '../../kit/news.ts'
import { get } from '../../kit/provider.ts'
import { checkSource } from '../../kit/source_faults.ts'
import { buildRequest } from '../../kit/transports/http.ts'
import { http } from './provider.ts'

const base_url = 'https://api.example.com/v2'
const built = (settings: Settings, credentials = {}, token?: string) => {
  assert.deepEqual(checkSettings(http, settings, credentials), [])
  return buildRequest({ provider: http, environment: 'live', settings, credentials, token }, get('/x'))
}

test('every kind of authentication is made from the settings', () => {
  assert.equal(built({ base_url }).headers['authorization'], undefined)
  assert.equal(built({ base_url, auth: 'bearer' }, { token: 't1' }).headers['authorization'], 'Bearer t1')
  const basic = built({ base_url, auth: 'basic' }, { username: 'u', password: 'p' })
  assert.equal(basic.headers['authorization'], `Basic ${Buffer.from('u:p').toString('base64')}`)
  const header = { base_url, auth: 'api_key_header', api_key_name: 'X-Key', api_key_prefix: 'Token ' }
  assert.equal(built(header, { api_key: 'k1' }).headers['x-key'], 'Token k1')
  const usual = built({ base_url, auth: 'api_key_header' }, { api_key: 'k1' })
  assert.equal(usual.headers['x-api-key'], 'k1')
  assert.equal(
    built({ base_url, auth: 'api_key_query', api_key_name: 'key' }, { api_key: 'a b' }).url,
    `${base_url}/x?key=a+b`,
  )
  const oauth = { base_url, auth: 'oauth2_client_credentials', token_url: '/token' }
  assert.equal(
    built(oauth, { client_id: 'i', client_secret: 's' }, 'at').headers['authorization'],
    'Bearer at',
  )
})

test('headers and the idempotency header come from the settings', () => {
  const settings = { base_url, default_headers: { 'X-Store': '7' }, idempotency_header: 'Idempotency-Key' }
  const opened = { provider: http, environment: 'live' as const, settings, credentials: {} }
  const { headers } = buildRequest(opened, { ...get('/x'), idempotency_key: 'k' })
  assert.equal(headers['x-store'], '7')
  assert.equal(headers['idempotency-key'], 'k')
})

test('what one kind of authentication needs is asked for, and what another needs is refused', () => {
  const fieldsOf = (settings: unknown, credentials: unknown) =>
    checkSettings(http, settings, credentials).map(({ field }) => field)
  assert.deepEqual(fieldsOf({ base_url, auth: 'bearer' }, {}), ['credentials.token'])
  assert.deepEqual(fieldsOf({ base_url }, { token: 'x' }), ['credentials.token'])
  assert.deepEqual(fieldsOf({ auth: 'magic' }, {}), ['settings.base_url', 'settings.auth'])
  assert.deepEqual(fieldsOf({ base_url, auth: 'api_key_header' }, {}), ['credentials.api_key'])
  assert.deepEqual(fieldsOf({ base_url, auth: 'api_key_query' }, { api_key: 'k' }), ['settings.api_key_name'])
})

test('a source has no signature by default, and one without must say why', () => {
  const fieldsOf = (settings: unknown, secrets: string[] = ['s']) =>
    checkSource(http, settings, secrets).map(({ field }) => field)
  assert.deepEqual(fieldsOf({}), ['settings.signature'])
  assert.deepEqual(fieldsOf({ signature: 'none' }, []), ['settings.unsigned_because'])
  assert.deepEqual(fieldsOf({ signature: 'none', unsigned_because: 'old' }, ['s']), ['secrets'])
  assert.deepEqual(fieldsOf({ signature: 'hmac' }), ['settings.signature_header'])
  assert.deepEqual(fieldsOf({ signature: 'hmac', signature_header: 'x-s', signs: '{timestamp}.{body}' }), [
    'settings.timestamp_header',
  ])
  assert.deepEqual(fieldsOf({ signature: 'hmac', signature_header: 'x-s' }, []), ['secrets'])
})

test('each kind of signature asks for what it needs and for nothing else', () => {
  const fieldsOf = (settings: unknown, secrets: string[] = ['s']) =>
    checkSource(http, settings, secrets).map(({ field }) => field)
  assert.deepEqual(fieldsOf({ signature: 'token' }), ['settings.signature_header'])
  assert.deepEqual(fieldsOf({ signature: 'address_and_form' }), ['settings.signature_header'])
  const in_hex = { signature: 'hmac', signature_header: 'x-s', secret_encoding: 'hex' }
  assert.deepEqual(fieldsOf(in_hex, ['abcdef', 'ab:cd:ef']), ['secrets.1'])
  assert.deepEqual(fieldsOf({ signature: 'basic' }, ['user:password']), [])
  assert.deepEqual(fieldsOf({ signature: 'basic' }, ['user:password', 'nobody']), ['secrets.1'])
  assert.deepEqual(fieldsOf({ signature: 'basic', prefix: 'x' }, ['user:password']), ['settings.prefix'])
  assert.deepEqual(fieldsOf({ signature: 'basic', handshake: 'hub' }, ['user:password']), [
    'settings.verify_token',
  ])
})

test('what is sent by Standard Webhooks is known by the id in its header, under either name', () => {
  for (const name of ['webhook-id', 'svix-id']) {
    const received = {
      headers: { [name]: 'msg_1' },
      body: Buffer.from('{"id":"another"}'),
      settings: { signature: 'standard_webhooks' },
    }
    assert.equal(readEnvelope(http, received).event_key, 'msg_1', name)
  }
})

test('a handshake is answered as the settings say, and none where they say nothing', () => {
  const ask = (settings: Settings, method: string, query: Record<string, string> = {}) =>
    answerHandshake(http, { method, query, headers: {}, body: Buffer.alloc(0), settings, secrets: ['s'] })
  const hub = { handshake: 'hub', verify_token: 'a word' }
  const subscribe = { 'hub.mode': 'subscribe', 'hub.verify_token': 'a word', 'hub.challenge': '<b>7' }
  assert.equal(ask({}, 'GET', subscribe), null)
  assert.equal(ask({ handshake: 'ok' }, 'POST'), null)
  assert.equal(ask({ handshake: 'ok' }, 'HEAD')?.status, 200)
  assert.deepEqual(ask(hub, 'GET', subscribe), { status: 200, content_type: 'text/plain', body: '<b>7' })
  assert.equal(ask(hub, 'GET', { ...subscribe, 'hub.verify_token': 'a word ' })?.status, 403)
  assert.equal(ask(hub, 'GET', { ...subscribe, 'hub.mode': 'denied' })?.status, 403)
  assert.equal(ask({ handshake: 'hub' }, 'GET', { ...subscribe, 'hub.verify_token': '' })?.status, 403)
  assert.equal(ask(hub, 'GET'), null)
})

test('whatever the settings, a message without a signature is refused unless they say none', () => {
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom(
      'hmac',
      'standard_webhooks',
      'address_and_form',
      'jwt',
      'token',
      'basic',
      '{timestamp}.{body}',
    ),
  )
  const keys = fc.constantFrom(
    'signature',
    'signs',
    'signature_header',
    'timestamp_header',
    'id_header',
    'encoding',
    'algorithm',
  )
  fc.assert(
    fc.property(fc.dictionary(keys, value), (settings) => {
      fc.pre(settings['signature'] !== 'none')
      const received = {
        headers: {},
        body: Buffer.from('{}'),
        settings,
        secrets: ['whsec_x', 's'],
        now: new Date(),
      }
      assert.equal(verifyMessage(http, received).ok, false)
    }),
  )
})

test('any type becomes a name the catalog takes, apart from our own', () => {
  assert.equal(newsName('http', null), 'http.received')
  assert.equal(newsName('http', 'payment.completed'), 'http.payment.completed')
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (type) => {
      const name = newsName('http', type)
      return name.length <= 128 && /^http(\.[a-zA-Z0-9_]+)+$/.test(name)
    }),
  )
})
