import { type KeyObject, X509Certificate } from 'node:crypto'
import { trustedAuthorities } from '../../platform/egress/egress.ts'
import type { Refused } from '../signatures.ts'
import { refused } from './verdict.ts'

/** Certificates that vendors sign with: read from PEM, held to their time, and led back to a root that is trusted. */

const MOST_CERTIFICATES = 8
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

/** The first is the signer's; the others lead to its root. Empty where there is none that can be read. */
export function readCertificates(pem: string): X509Certificate[] {
  const texts = pem.match(PEM) ?? []
  try {
    return texts.slice(0, MOST_CERTIFICATES).map((text) => new X509Certificate(text))
  } catch {
    return []
  }
}

/** The signer's key, if its certificate is of an RSA key and of this time. */
export function signerKey(signer: X509Certificate, now: Date): KeyObject | Refused {
  if (!isTimely(signer, now)) {
    const { validFrom, validTo } = signer
    return refused('bad_signature', `the signing certificate holds from ${validFrom} to ${validTo} only`)
  }
  const key = signer.publicKey
  return key.asymmetricKeyType === 'rsa' ? key : refused('bad_signature', 'the certificate has no RSA key')
}

const isTimely = ({ validFromDate, validToDate }: X509Certificate, now: Date) =>
  validFromDate <= now && now <= validToDate

/** Whether each is issued by the next, the last by a root, and all are of this time; issuers must be authorities. */
export function isTrusted(chain: readonly X509Certificate[], now: Date, roots = trustedRoots()): boolean {
  const [signer, ...others] = chain
  let at = signer
  for (let step = 0; at !== undefined && step < MOST_CERTIFICATES; step++) {
    if (!isTimely(at, now)) return false
    const of: X509Certificate = at
    if (roots.some((root) => isIssuedBy(of, root) && isTimely(root, now))) return true
    at = others.find((other) => other.raw.compare(of.raw) !== 0 && isIssuedBy(of, other))
  }
  return false
}

const isIssuedBy = (one: X509Certificate, issuer: X509Certificate) =>
  issuer.ca && one.checkIssued(issuer) && one.verify(issuer.publicKey)

let roots: readonly X509Certificate[] | null = null

/** Those Node trusts for TLS; a few hundred, read once. */
function trustedRoots(): readonly X509Certificate[] {
  roots ??= trustedAuthorities().flatMap(readCertificates)
  return roots
}

/** The common name of whom a certificate was issued to. */
export const commonName = ({ subject }: X509Certificate): string => /^CN=(.*)$/m.exec(subject)?.[1] ?? ''
