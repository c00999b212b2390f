import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { Credentials } from '../fields.ts'
import { credentialOf, privateKeyOf } from './credential.ts'

/**
 * A JSON Web Token that we sign to say who we are: the assertion of RFC 7523, private_key_jwt of OpenID Connect, and
 * the tokens Apple wants as bearer and as client secret.
 */
export type Signer = {
  /** Credential field of the private key in PEM, or of the shared secret where the algorithm is HS256. */
  private_key: string
  algorithm: Algorithm
  key_id: string | null
}

export const ALGORITHMS = ['RS256', 'ES256', 'PS256', 'RS512', 'ES384', 'EdDSA', 'HS256'] as const
export type Algorithm = (typeof ALGORITHMS)[number]

export type Claims = {
  issuer: string
  subject: string | null
  audience: string | null
  life_s: number
  extra?: Readonly<Record<string, string>>
}

export function assertion(
  signer: Signer,
  credentials: Credentials,
  { issuer, subject, audience, life_s, extra }: Claims,
  now: Date,
): Promise<string> {
  const { algorithm, key_id, private_key } = signer
  const now_s = Math.floor(now.getTime() / 1000)
  const token = new SignJWT({ ...extra })
    .setProtectedHeader({ alg: algorithm, typ: 'JWT', ...(key_id !== null && { kid: key_id }) })
    .setIssuer(issuer)
    .setIssuedAt(now_s)
    .setExpirationTime(now_s + life_s)
    .setJti(randomUUID())
  if (subject !== null) token.setSubject(subject)
  if (audience !== null) token.setAudience(audience)
  const key =
    algorithm === 'HS256'
      ? Buffer.from(credentialOf(credentials, private_key))
      : privateKeyOf(credentials, private_key)
  return token.sign(key)
}
