import { type Asking, type Obtained, obtained } from './asking.ts'
import { assertion, type Signer } from './assertion.ts'
import { credentialOf } from './credential.ts'

/** A JSON Web Token of our own making as the bearer itself: Apple's push and store services, Zoom, Google's own APIs. */
export type SelfSigned = {
  kind: 'jwt'
  signer: Signer
  /** Credential field: the team or the key's owner. */
  issuer: string
  subject: string | null
  audience: string | null
  /** Apple takes a new one no more often than every 20 minutes, and none older than an hour. */
  life_s: number
}

export async function selfSign(auth: SelfSigned, { credentials, now }: Asking): Promise<Obtained> {
  const { signer, subject, audience, life_s } = auth
  const claims = { issuer: credentialOf(credentials, auth.issuer), subject, audience, life_s }
  return obtained(await assertion(signer, credentials, claims, now), life_s)
}
