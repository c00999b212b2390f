import { constants, createHash, createHmac, type KeyObject, verify } from 'node:crypto'
import Type, { type Static } from 'typebox'
import { maybe, readText } from '../reads.ts'
import type { Genuine, Refused, Verified, VerifyInput } from '../signatures.ts'
import { type JwtKey, jwtKeys, publishedKeys } from './jwt_keys.ts'
import { type KeyNeed, type Needed, needed } from './needs.ts'
import { bySecret, checkTime, forged, headerOf, isAmong, refused } from './verdict.ts'

/**
 * A JSON Web Token (RFC 7515, 7519) in a header. Without `body_hash` it proves who sends and nothing of what, like a
 * token, and is kept with no message.
 */
export type JwtScheme = {
  kind: 'jwt'
  header: string
  /** Stands before the token: `Bearer `. */
  prefix: string
  /** The claim with the body's SHA-256 in hex. */
  body_hash: string | null
  issuer: string | null
  audience: string | null
  /** How old `iat` may be where there is no `exp`. */
  tolerance_seconds: number
  keys: JwtKeySource
  /** The only ones taken; null takes any that fits the key. */
  algorithms: readonly string[] | null
  /** What other claims must be. */
  claims: Readonly<Record<string, string | boolean>>
}

/**
 * Where the keys are: among the secrets of the source, in a set that the vendor publishes, or at an endpoint of its
 * API that gives the key of the token's `kid` (put into the request as `kid_field`) and answers `unknown` for others.
 */
export type JwtKeySource =
  | { from: 'secrets' }
  | { from: 'set'; url: string }
  | { from: 'connection'; path: string; kid_field: string; unknown: string }

const SKEW_S = 60

const Head = Type.Object({
  alg: Type.String(),
  kid: maybe(Type.String()),
  crit: Type.Optional(Type.Unknown()),
})
const Claims = Type.Object({
  iss: maybe(Type.String()),
  aud: maybe(Type.Union([Type.String(), Type.Array(Type.String())])),
  exp: Type.Optional(Type.Integer()),
  nbf: Type.Optional(Type.Integer()),
  iat: Type.Optional(Type.Integer()),
})
type Head = Static<typeof Head>
type Claims = Static<typeof Claims>

/** The signature first, then the time, then what it says: a claim of a token that is not genuine means nothing. */
export function verifyJwt(scheme: JwtScheme, input: VerifyInput): Verified {
  const value = headerOf(input.headers, scheme.header)
  if (typeof value !== 'string') return value
  const { prefix } = scheme
  if (value.slice(0, prefix.length).toLowerCase() !== prefix.toLowerCase()) {
    return refused('malformed', `the header ${scheme.header} does not begin with ${prefix.trim()}`)
  }
  const parts = value.slice(prefix.length).trim().split('.')
  const [head64 = '', claims64 = '', signature64 = ''] = parts
  const head = readText(Head, textOf(head64))
  if (parts.length !== 3 || !head.ok || head.value.crit !== undefined) {
    return refused('malformed', `the header ${scheme.header} holds no JSON Web Token that can be read here`)
  }
  const { alg, kid } = head.value
  if (scheme.algorithms && !scheme.algorithms.includes(alg)) {
    return refused('malformed', `the token is not signed by ${scheme.algorithms.join(' or ')}`)
  }
  const signed = Buffer.from(`${head64}.${claims64}`)
  const signature = Buffer.from(signature64, 'base64url')
  const isByOneOf = (keys: JwtKey[]) =>
    keys
      .filter((key) => key.kid === null || kid == null || key.kid === kid)
      .some((key) => isSignedBy(key, head.value, signed, signature))
  const verdict =
    scheme.keys.from === 'secrets'
      ? bySecret(input.secrets, jwtKeys, isByOneOf)
      : byPublished(scheme.keys, input, kid ?? null, isByOneOf)
  if (!verdict.ok) return verdict
  const claimed = checkClaims(scheme, input, textOf(claims64))
  return claimed.ok ? verdict : claimed
}

type Published = Exclude<JwtKeySource, { from: 'secrets' }>

function byPublished(
  source: Published,
  { fetched }: VerifyInput,
  kid: string | null,
  isByOneOf: (keys: JwtKey[]) => boolean,
): Genuine | Refused | Needed {
  if (kid === null || !/^[\w.:=+/-]{1,200}$/.test(kid)) {
    return refused('malformed', 'the token does not name the key that it is signed with')
  }
  const need = needOf(source, kid)
  const text = fetched?.get(need.name)
  const keys = text === undefined ? [] : publishedKeys(text)
  // Vendors add keys to a set: one that lacks the key may only be old.
  if (!keys.some((key) => key.kid === kid)) return needed(need)
  return isByOneOf(keys) ? { ok: true } : forged()
}

function needOf(source: Published, kid: string): KeyNeed {
  if (source.from === 'set') return { name: source.url, from: { kind: 'address', url: source.url } }
  const { path, kid_field, unknown } = source
  return {
    name: `${path}#${kid}`,
    from: { kind: 'connection', path, body: { [kid_field]: kid }, unknown },
  }
}

/** Empty, and so no JSON, where it is no base64url. */
const textOf = (part: string) => (/^[\w-]+$/.test(part) ? Buffer.from(part, 'base64url').toString() : '')

type Algorithm = { hash: 'sha256' | 'sha384' | 'sha512' | null; fits(key: KeyObject): boolean; pss?: boolean }

const isKind = (kind: string) => (key: KeyObject) => key.asymmetricKeyType === kind
const isCurve = (curve: string) => (key: KeyObject) => key.asymmetricKeyDetails?.namedCurve === curve
const isSecret = (key: KeyObject) => key.type === 'secret'

/** An algorithm verifies with keys of its own kind alone: no public key ever serves as a shared secret. */
const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map<string, Algorithm>([
  ['HS256', { hash: 'sha256', fits: isSecret }],
  ['HS384', { hash: 'sha384', fits: isSecret }],
  ['HS512', { hash: 'sha512', fits: isSecret }],
  ['RS256', { hash: 'sha256', fits: isKind('rsa') }],
  ['RS384', { hash: 'sha384', fits: isKind('rsa') }],
  ['RS512', { hash: 'sha512', fits: isKind('rsa') }],
  ['PS256', { hash: 'sha256', fits: isKind('rsa'), pss: true }],
  ['PS384', { hash: 'sha384', fits: isKind('rsa'), pss: true }],
  ['PS512', { hash: 'sha512', fits: isKind('rsa'), pss: true }],
  ['ES256', { hash: 'sha256', fits: isCurve('prime256v1') }],
  ['ES384', { hash: 'sha384', fits: isCurve('secp384r1') }],
  ['ES512', { hash: 'sha512', fits: isCurve('secp521r1') }],
  ['EdDSA', { hash: null, fits: isKind('ed25519') }],
])

function isSignedBy({ key }: JwtKey, { alg }: Head, signed: Buffer, signature: Buffer): boolean {
  const algorithm = ALGORITHMS.get(alg)
  if (!algorithm?.fits(key)) return false
  const { hash, pss } = algorithm
  if (key.type === 'secret') {
    const mac = createHmac(hash ?? 'sha256', key).update(signed)
    return isAmong([signature.toString('hex')], mac.digest('hex'))
  }
  const padding = pss ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING
  const options =
    key.asymmetricKeyType === 'rsa' ? { key, padding } : { key, dsaEncoding: 'ieee-p1363' as const }
  return verify(hash, signed, options, signature)
}

function checkClaims(scheme: JwtScheme, { body, now }: VerifyInput, text: string): Verified {
  const claims = readText(Claims, text)
  if (!claims.ok) return refused('malformed', 'the claims of the token cannot be read')
  const { iss, aud } = claims.value
  const timely = checkTimes(claims.value, scheme.tolerance_seconds, now)
  if (!timely.ok) return timely
  if (scheme.issuer !== null && iss !== scheme.issuer) return foreign('iss')
  if (scheme.audience !== null && ![aud].flat().includes(scheme.audience)) return foreign('aud')
  const all = claims.value as Record<string, unknown>
  const other = Object.keys(scheme.claims).find((claim) => all[claim] !== scheme.claims[claim])
  if (other !== undefined) return foreign(other)
  if (scheme.body_hash === null) return { ok: true }
  const hash = all[scheme.body_hash]
  if (typeof hash !== 'string') return refused('malformed', `the token has no ${scheme.body_hash}`)
  return isAmong([hash.toLowerCase()], createHash('sha256').update(body).digest('hex'))
    ? { ok: true }
    : forged()
}

const foreign = (claim: string) =>
  refused('bad_signature', `the token is genuine, but its ${claim} is not the one set here`)

function checkTimes({ exp, nbf, iat }: Claims, tolerance_seconds: number, now: Date): Verified {
  if (exp === undefined && iat === undefined) return refused('malformed', 'the token has neither exp nor iat')
  const seconds = now.getTime() / 1000
  if (exp !== undefined && seconds > exp + SKEW_S) {
    return refused('too_old', `the token ended ${Math.floor(seconds - exp)} s ago: check both clocks`)
  }
  const begins = Math.max(nbf ?? 0, iat ?? 0)
  if (seconds < begins - SKEW_S) {
    return refused('too_new', `the token begins in ${Math.ceil(begins - seconds)} s: check both clocks`)
  }
  return exp === undefined ? checkTime(String(iat), tolerance_seconds, now) : { ok: true }
}
