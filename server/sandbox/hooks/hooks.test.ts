import assert from 'node:assert/strict'
import { createHash, createHmac, verify, X509Certificate } from 'node:crypto'
import { after, before, test } from 'node:test'
import { crc32 } from 'node:zlib'
import { createRemoteJWKSet, importJWK, type JWK, jwtVerify } from 'jose'
import { type Sandbox, startSandbox } from '../sandbox.ts'

/** What the simulated vendors sign, judged as the vendors' documentation says to, by nothing of ours. */
type Json = Record<string, unknown>
type Sent = { headers: Record<string, string>; body: string; url?: string; status: number }
let sandbox: Sandbox
before(async () => {
  sandbox = await startSandbox({ port: 0 })
})
after(() => sandbox.stop())

const ask = async (path: string, body: Json): Promise<Json> => {
  const response = await fetch(sandbox.url + path, { method: 'POST', body: JSON.stringify(body) })
  return (await response.json()) as Json
}
/** Sent to a bin, which takes everything. */
async function send(vendor: string, order: Json): Promise<Sent[]> {
  const { sent } = await ask(`/${vendor}/_control/send`, { url: `${sandbox.url}/bin/hooks`, ...order })
  return sent as Sent[]
}
const textAt = async (url: string) => (await fetch(url)).text()

test('Plaid: the key of its endpoint verifies the token, and the token the body', async () => {
  const [genuine, forged] = await send('plaid', { bad_signature: 1 })
  assert(genuine && forged)
  const token = String(genuine.headers['plaid-verification'])
  const { kid } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as {
    kid: string
  }
  const { key } = await ask('/plaid/webhook_verification_key/get', { key_id: kid })
  const public_key = await importJWK(key as JWK, 'ES256')
  const { payload } = await jwtVerify(token, public_key, { maxTokenAge: '5 min', algorithms: ['ES256'] })
  assert.equal(payload['request_body_sha256'], createHash('sha256').update(genuine.body).digest('hex'))
  await assert.rejects(jwtVerify(String(forged.headers['plaid-verification']), public_key))
  const unknown = await ask('/plaid/webhook_verification_key/get', { key_id: 'none' })
  assert.equal(unknown['error_code'], 'INVALID_WEBHOOK_VERIFICATION_KEY_ID')
})

test('Google Pub/Sub: the published set verifies the token for its audience', async () => {
  const audience = 'https://hooks.example.com/push'
  const [genuine, forged] = await send('google_pubsub', { audience, bad_signature: 1 })
  const keys = createRemoteJWKSet(new URL(`${sandbox.url}/google_pubsub/oauth2/v3/certs`))
  const judge = (one: Sent | undefined, wanted = audience) => {
    const token = String(one?.headers['authorization']).replace('Bearer ', '')
    return jwtVerify(token, keys, { audience: wanted, issuer: 'https://accounts.google.com' })
  }
  const { payload } = await judge(genuine)
  assert.deepEqual(
    [payload['email'], payload['email_verified']],
    ['push@sandbox.iam.gserviceaccount.com', true],
  )
  await assert.rejects(judge(forged))
  await assert.rejects(judge(genuine, 'https://elsewhere.example.com'))
})

test('PayPal: the certificate it names verifies id, time, webhook and CRC-32', async () => {
  const [genuine, forged] = await send('paypal', { webhook_id: 'WH1', bad_signature: 1 })
  assert(genuine && forged)
  const { publicKey } = new X509Certificate(await textAt(String(genuine.headers['paypal-cert-url'])))
  const judge = ({ headers, body }: Sent, webhook = 'WH1') => {
    const [id, time] = [headers['paypal-transmission-id'], headers['paypal-transmission-time']]
    const signed = Buffer.from(`${id}|${time}|${webhook}|${crc32(body)}`)
    return verify(
      'sha256',
      signed,
      publicKey,
      Buffer.from(String(headers['paypal-transmission-sig']), 'base64'),
    )
  }
  assert.deepEqual([judge(genuine), judge(genuine, 'WH2'), judge(forged)], [true, false, false])
})

test('Amazon SNS: the certificate it names verifies its members, by SHA-1 in version 1 and SHA-256 in 2', async () => {
  const names = ['Message', 'MessageId', 'Subject', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']
  for (const [signature_version, hash] of [
    ['1', 'sha1'],
    ['2', 'sha256'],
  ] as const) {
    for (const type of ['Notification', 'SubscriptionConfirmation']) {
      const [genuine] = await send('aws_sns', { signature_version, type })
      const message = JSON.parse(genuine?.body ?? '') as Record<string, string>
      const { publicKey } = new X509Certificate(await textAt(String(message['SigningCertURL'])))
      const text = names.filter((name) => message[name]).map((name) => `${name}\n${message[name]}\n`)
      const signature = Buffer.from(String(message['Signature']), 'base64')
      assert(verify(hash, Buffer.from(text.join('')), publicKey, signature), `${type} ${signature_version}`)
    }
  }
})

test('Mandrill: the key signs the address and the one field of its form', async () => {
  const [genuine] = await send('mandrill', { secret: 'a-key' })
  const events = new URLSearchParams(genuine?.body).get('mandrill_events')
  const signed = createHmac('sha1', 'a-key').update(`${sandbox.url}/bin/hooksmandrill_events${events}`)
  assert.equal(genuine?.headers['x-mandrill-signature'], signed.digest('base64'))
})

test('keys are withheld while there is an outage, and come back', async () => {
  const status = async () => (await fetch(`${sandbox.url}/google_pubsub/oauth2/v3/certs`)).status
  await ask('/google_pubsub/_control/outage', { status: 503 })
  assert.equal(await status(), 503)
  await ask('/google_pubsub/_control/outage', { status: null })
  assert.equal(await status(), 200)
})
