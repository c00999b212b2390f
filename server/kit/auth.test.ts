import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  apiKey,
  authorize,
  basic,
  bearer,
  clientCredentials,
  noAuth,
  readToken,
  tokenRequest,
} from './auth.ts'

test('each kind puts its secret where it belongs', () => {
  assert.deepEqual(authorize(noAuth, {}), { headers: {}, query: {} })
  assert.deepEqual(authorize(bearer('key'), { key: 'abc' }).headers, { authorization: 'Bearer abc' })
  const user = authorize(basic('user', 'password'), { user: 'ana', password: 'çé:x' }).headers[
    'authorization'
  ]
  assert.equal(Buffer.from((user ?? '').slice(6), 'base64').toString(), 'ana:çé:x')
  assert.deepEqual(authorize(apiKey('header', 'X-Key', 'k', 'Token '), { k: '1' }).headers, {
    'x-key': 'Token 1',
  })
  assert.deepEqual(authorize(apiKey('query', 'appKey', 'k'), { k: '1' }).query, { appKey: '1' })
  assert.deepEqual(authorize(clientCredentials('/t'), {}, { token: 'at' }).headers, {
    authorization: 'Bearer at',
  })
})

test('a credential that is not there is named', () => {
  assert.throws(() => authorize(bearer('key'), {}), {
    code: 'invalid_settings',
    message: /credentials\.key is not set/,
  })
})

test('a token is asked for by the client in the way the server wants', () => {
  const credentials = { client_id: 'a b', client_secret: 'p:w&d' }
  const header = tokenRequest(
    clientCredentials('/oauth/token', { scope: 'read write' }) as never,
    credentials,
    'https://a.example/',
  )
  assert.equal(header.url, 'https://a.example/oauth/token')
  assert.equal(header.body, 'grant_type=client_credentials&scope=read+write')
  assert.equal(
    Buffer.from((header.headers['authorization'] ?? '').slice(6), 'base64').toString(),
    'a+b:p%3Aw%26d',
  )
  const body = tokenRequest(
    clientCredentials('https://b.example/t', { client_auth: 'body' }) as never,
    credentials,
    'x',
  )
  assert.equal(body.url, 'https://b.example/t')
  assert.equal(body.headers['authorization'], undefined)
  assert.equal(new URLSearchParams(body.body).get('client_secret'), 'p:w&d')
})

test('an answer of the token endpoint is a token with its life, or words', () => {
  const of = (status: number, body: unknown) =>
    readToken(status, typeof body === 'string' ? body : JSON.stringify(body))
  assert.deepEqual(of(200, { access_token: 'a', token_type: 'Bearer', expires_in: 60 }), {
    ok: true,
    token: 'a',
    expires_in_s: 60,
  })
  assert.deepEqual(of(200, { access_token: 'a', expires_in: '3599' }), {
    ok: true,
    token: 'a',
    expires_in_s: 3599,
  })
  assert.deepEqual(of(200, { access_token: 'a', expires_in: -1 }), {
    ok: true,
    token: 'a',
    expires_in_s: 300,
  })
  for (const bad of [
    '',
    'null',
    '<html>',
    {},
    { access_token: 7 },
    { access_token: 'a\nb' },
    { access_token: 'a', token_type: 'mac' },
  ]) {
    assert.equal(of(200, bad).ok, false, JSON.stringify(bad))
  }
  assert.deepEqual(of(401, { error: 'invalid_client', error_description: 'no such client' }), {
    ok: false,
    because: 'the token endpoint answered 401 (invalid_client: no such client)',
  })
})
