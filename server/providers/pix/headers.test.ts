import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSettings } from '../../kit/fields.ts'
import { get } from '../../kit/provider.ts'
import { buildRequest, type Opened, signedRequest } from '../../kit/transports/http.ts'
import { pix } from './provider.ts'

const CREDENTIALS = { client_id: 'a-client', client_secret: 'a-secret' }
const SETTINGS = {
  base_url: 'https://secure.api.itau/pix_recebimentos/v2',
  token_url: 'https://sts.itau.com.br/api/oauth/token',
  pix_key: '7d9f0335-8dcc-4054-9bf9-0dbd61d36906',
  mtls: false,
}
const opened = (settings: Opened['settings']): Opened => ({
  ...{ provider: pix, environment: 'live', settings, credentials: CREDENTIALS },
  token: 'a-token',
})

async function sent(settings: Opened['settings']) {
  const request = buildRequest(opened(settings), get('/cob'))
  return ((await signedRequest(opened(settings), request, new Date())) ?? request).headers
}

test('a PSP that wants its key and a request id in headers gets both, each request an id of its own', async () => {
  const settings = {
    ...SETTINGS,
    app_key: 'a-client',
    app_key_header: 'x-itau-apikey',
    trace_header: 'x-itau-correlationID',
  }
  assert.deepEqual(checkSettings(pix, settings, CREDENTIALS), [])
  const [one, other] = [await sent(settings), await sent(settings)]
  assert.equal(one['x-itau-apikey'], 'a-client')
  assert.match(String(one['x-itau-correlationid']), /^[0-9a-f]{8}-/)
  assert.notEqual(one['x-itau-correlationid'], other['x-itau-correlationid'])
  assert.deepEqual(
    Object.keys(await sent(SETTINGS)).filter((name) => name.startsWith('x-')),
    [],
  )
})

test('no header that means something else can be named', () => {
  for (const name of ['authorization', 'host', 'x-a: b', 'content-length']) {
    const wrong = { ...SETTINGS, app_key: 'k', app_key_header: name }
    assert.equal(checkSettings(pix, wrong, CREDENTIALS).length, 1, name)
  }
})
