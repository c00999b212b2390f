import {
  createPublicKey,
  createSecretKey,
  type JsonWebKey,
  type KeyObject,
  X509Certificate,
} from 'node:crypto'

/** A key that tokens are verified with; `kid` where its owner named it. */
export type JwtKey = { kid: string | null; key: KeyObject }

/**
 * The keys in a secret as its sender shows it: a PEM public key, its lines or not, a JWK or a JWK Set as JSON, else the shared secret
 * itself. Null where it cannot be read; what looks like a public key is never taken for a shared secret.
 */
export function jwtKeys(secret: string): JwtKey[] | null {
  const text = secret.trim()
  if (text === '') return null
  try {
    if (text.startsWith('-----BEGIN')) return [{ kid: null, key: createPublicKey(text) }]
    if (!text.startsWith('{'))
      return [{ kid: null, key: bareKey(text) ?? createSecretKey(Buffer.from(text)) }]
    const keys = fromJson(text)
    return keys.length > 0 ? keys : null
  } catch {
    return null
  }
}

/**
 * The public key in what stands between the lines of a PEM, which some show alone (Keycloak the key of its realm, a JWK
 * Set the certificate); null in any other text. As a shared secret it would let anybody sign who knows it.
 */
function bareKey(text: string): KeyObject | null {
  if (!/^M[A-Za-z0-9+/\s]+={0,2}$/.test(text)) return null
  const key = Buffer.from(text, 'base64')
  for (const read of [
    () => createPublicKey({ key, format: 'der', type: 'spki' }),
    () => createPublicKey({ key, format: 'der', type: 'pkcs1' }),
    () => new X509Certificate(key).publicKey,
  ]) {
    try {
      return read()
    } catch {} // it is none of that kind
  }
  return null
}

/**
 * The public keys in what a vendor publishes: a JWK Set, or one JWK, bare or as `key`. A key that has ended
 * (`expired_at`) and a shared secret, which nobody publishes, are left out.
 */
export function publishedKeys(text: string): JwtKey[] {
  try {
    return fromJson(text).filter(({ key }) => key.type === 'public')
  } catch {
    return []
  }
}

type Jwk = JsonWebKey & { kid?: unknown; k?: string; expired_at?: unknown }

function fromJson(text: string): JwtKey[] {
  const read = JSON.parse(text) as Jwk & { keys?: Jwk[]; key?: Jwk }
  return (Array.isArray(read.keys) ? read.keys : [read.key ?? read]).flatMap((jwk) => {
    const key = jwk.expired_at === undefined || jwk.expired_at === null ? toKey(jwk) : null
    return key ? [{ kid: typeof jwk.kid === 'string' ? jwk.kid : null, key }] : []
  })
}

/** A set may hold keys of kinds that nobody here knows; they spoil no other. */
function toKey(jwk: Jwk): KeyObject | null {
  try {
    if (jwk.kty !== 'oct') return createPublicKey({ key: jwk, format: 'jwk' })
    const bytes = Buffer.from(jwk.k ?? '', 'base64url')
    return bytes.length > 0 ? createSecretKey(bytes) : null
  } catch {
    return null
  }
}
