import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { FieldError } from '../../platform/errors.ts'
import type { Credentials } from '../fields.ts'
import type { Algorithm, Signer } from './assertion.ts'

/** The credential fields of a client certificate (mTLS), all in PEM. */
export type Identity = {
  certificate: string
  key: string
  passphrase: string | null
  /** Trusted instead of the public authorities. */
  authority: string | null
}

/** What is wrong with a certificate and its key; what is not there is told of by the fields themselves, below `at`. */
export function identityErrors(
  identity: Identity,
  credentials: Credentials,
  at = 'credentials',
): FieldError[] {
  const { certificate: certificate_field, key: key_field, authority } = identity
  const [certificate, key] = [credentials[certificate_field], credentials[key_field]]
  const passphrase = identity.passphrase === null ? undefined : credentials[identity.passphrase]
  const own_authority = authority === null ? undefined : credentials[authority]
  const errors: FieldError[] = []
  const wrong = (field: string, reason: string) => void errors.push({ field: `${at}.${field}`, reason })
  const x509 = certificate === undefined ? null : readCertificate(certificate)
  const private_key = key === undefined ? null : readKey(key, passphrase)
  if (certificate !== undefined && !x509) wrong(certificate_field, 'is no certificate in PEM')
  if (key !== undefined && !private_key) {
    wrong(
      key_field,
      passphrase ? 'does not open with its passphrase' : 'is no private key in PEM, or is encrypted',
    )
  }
  if (x509 && private_key && !x509.checkPrivateKey(private_key))
    wrong(key_field, `does not belong to the certificate of ${certificate_field}`)
  if (own_authority !== undefined && authority !== null && !readCertificate(own_authority))
    wrong(authority, 'is no certificate in PEM')
  return errors
}

/** What is wrong with the key that signs assertions. */
export function signerErrors({ private_key, algorithm }: Signer, credentials: Credentials): FieldError[] {
  const pem = credentials[private_key]
  if (pem === undefined || algorithm === 'HS256') return []
  const field = `credentials.${private_key}`
  const key = readKey(pem, undefined)
  if (!key) return [{ field, reason: 'is no private key in PEM' }]
  if (fits(algorithm, key)) return []
  return [{ field, reason: `is a key of kind ${key.asymmetricKeyType}, which cannot sign ${algorithm}` }]
}

function fits(algorithm: Algorithm, { asymmetricKeyType: kind, asymmetricKeyDetails: details }: KeyObject) {
  switch (algorithm) {
    case 'EdDSA':
      return kind === 'ed25519'
    case 'ES256':
      return kind === 'ec' && details?.namedCurve === 'prime256v1'
    case 'ES384':
      return kind === 'ec' && details?.namedCurve === 'secp384r1'
    case 'HS256':
      return true
    default:
      return kind === 'rsa'
  }
}

function readKey(key: string, passphrase: string | undefined): KeyObject | null {
  try {
    return createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) })
  } catch {
    return null
  }
}

function readCertificate(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem)
  } catch {
    return null
  }
}
