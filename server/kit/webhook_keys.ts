import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'

/**
 * The keys of Standard Webhooks 1.0.0 and signing with them: `whsec_` is a shared secret (`v1`), `whsk_` and `whpk_`
 * the two halves of an ed25519 pair (`v1a`). What follows the prefix is base64.
 */
export type StandardKey = { kind: 'v1' | 'v1a'; bytes: Buffer }

/** A fresh shared secret of 32 random bytes. */
export const newWebhookSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`

/** A fresh ed25519 pair: the sender keeps `secret`, receivers get `public`. */
export function newWebhookKeyPair(): { secret: string; public: string } {
  const { d = '', x = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  const seed = Buffer.from(d, 'base64url')
  const point = Buffer.from(x, 'base64url')
  return {
    secret: `whsk_${Buffer.concat([seed, point]).toString('base64')}`,
    public: `whpk_${point.toString('base64')}`,
  }
}

/** What a receiver verifies with: a shared secret itself, of a pair the public half alone. */
export function verifyingKey(secret: string): string {
  if (!secret.startsWith('whsk_')) return secret
  const { x = '' } = createPublicKey(privateKey(secret)).export({ format: 'jwk' })
  return `whpk_${Buffer.from(x, 'base64url').toString('base64')}`
}

/** Whether it can sign: `whsec_` with 24 to 64 bytes, or `whsk_` with a seed, alone or followed by its public half. */
export const isWebhookSecret = (text: string): boolean => secretBytes(text) !== null

function secretBytes(text: string): Buffer | null {
  const [kind, bytes] = [text.slice(0, text.indexOf('_')), readBase64(text.slice(text.indexOf('_') + 1))]
  const length = bytes?.length ?? 0
  const fits = kind === 'whsec' ? length >= 24 && length <= 64 : kind === 'whsk' && [32, 64].includes(length)
  return fits ? bytes : null
}

/**
 * The value of `webhook-signature`: one signature per secret, so that receivers with the old and the new one both
 * verify. `id` holds no dot. Throws on a secret that `isWebhookSecret` refuses.
 */
export function signStandardWebhook(message: {
  secrets: readonly string[]
  id: string
  timestamp: Date
  body: Buffer | string
}): string {
  const { secrets, id, timestamp, body } = message
  if (id === '' || id.includes('.')) throw new Error('the id of a webhook holds no dot and is not empty')
  const head = `${id}.${Math.floor(timestamp.getTime() / 1000)}.`
  return secrets.map((secret) => signOnce(secret, head, body)).join(' ')
}

function signOnce(secret: string, head: string, body: Buffer | string): string {
  const bytes = secretBytes(secret)
  if (!bytes) throw new Error('a signing secret is whsec_ or whsk_ and base64')
  if (secret.startsWith('whsec_')) {
    return `v1,${createHmac('sha256', hmacKey(bytes)).update(head).update(body).digest('base64')}`
  }
  const message = Buffer.concat([Buffer.from(head), Buffer.from(body)])
  return `v1a,${sign(null, message, privateKey(secret)).toString('base64')}`
}

/** PKCS#8 of RFC 8410: a fixed head and the seed. */
function privateKey(secret: string): KeyObject {
  const seed = Buffer.from(secret.slice(5), 'base64').subarray(0, 32)
  const key = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
}

/** The key that can verify; a shared secret may come without its prefix. Null where it cannot be read. */
export function standardKey(secret: string): StandardKey | null {
  const text = secret.trim()
  const kind = text.startsWith('whpk_') ? 'v1a' : 'v1'
  const bytes = readBase64(text.replace(/^wh(sec|pk)_/, ''))
  return bytes === null || (kind === 'v1a' && bytes.length !== 32) ? null : { kind, bytes }
}

/** An empty secret signs for everyone, so it is none. */
export const usableSecret = (secret: string): string | null => secret.trim() || null

const IN_BYTES = { hex: /^(?:[0-9a-f]{2})+$/i, base64: /^[\w+/-]+={0,2}$/ }

/** Of a secret whose text stands for bytes. Of `ab:cd:…` Node would read one byte, which anybody can guess: it is none. */
export function bytesKey(secret: string, encoding: 'hex' | 'base64'): KeyObject | null {
  const text = secret.trim()
  const bytes = IN_BYTES[encoding].test(text) ? Buffer.from(text, encoding) : Buffer.alloc(0)
  return bytes.length > 0 ? hmacKey(bytes) : null
}

/** What `createHmac` takes at once: bytes as they are cost it four times the signature. */
export const hmacKey = (bytes: Buffer): KeyObject => createSecretKey(bytes)

export function verifyEd25519(point: Buffer, message: Buffer, signature: string): boolean {
  const bytes = readBase64(signature)
  if (bytes?.length !== 64) return false
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') },
    format: 'jwk',
  })
  return verify(null, message, key, bytes)
}

/** Node skips what is not base64; here it is refused, padding apart. */
function readBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64')
  const same = bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '')
  return same && bytes.length > 0 ? bytes : null
}
