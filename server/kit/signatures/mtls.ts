import { X509Certificate } from 'node:crypto'
import type { Refused, Verified, VerifyInput } from '../signatures.ts'
import { headerOf, isSameText, refused } from './verdict.ts'

/**
 * Mutual TLS: the sender shows a certificate, to our own TLS port, or to a proxy before us that tells of it in a
 * header. The header is believed only from a proxy that is trusted (`TRILHO_TRUSTED_PROXIES`), which must take it away
 * from everybody else.
 */
export type MtlsScheme = {
  kind: 'mtls'
  /** Its value is the subject, or the certificate in PEM, escaped as nginx does or not; null for our own TLS port. */
  header: string | null
  /** Subjects, `CN=…` alone, or `sha256:` and the fingerprint in hex; any of them may send. */
  subjects: readonly string[]
  /** Where the proxy says how its own check went: nginx puts SUCCESS there. Needed where it lets others pass. */
  verified_header: string | null
}

export function verifyMtls(scheme: MtlsScheme, input: VerifyInput): Verified {
  const value = scheme.header === null ? fromOurPort(input) : fromProxy(scheme, scheme.header, input)
  if (typeof value !== 'string') return value
  const shown = namesOf(value, input.now)
  if (shown === null)
    return refused('malformed', 'what tells of the certificate holds no subject of this time')
  const known = scheme.subjects.map(normal)
  let found = false
  for (const name of shown) for (const one of known) if (isSameText(normal(name), one)) found = true
  return found
    ? { ok: true }
    : refused('bad_signature', `the certificate is of ${shown[0]}, who may not send here`)
}

/** Put there by our own TLS port, from what it verified: no sender can send a header of this name. */
function fromOurPort({ headers }: VerifyInput): string | Refused {
  const shown = headers[':client-certificate']
  if (typeof shown === 'string') return shown
  return refused(
    'missing_header',
    'no certificate of the authorities known here was shown; is it the TLS port?',
  )
}

const LONGEST_CERTIFICATE = 16_384

function fromProxy({ verified_header }: MtlsScheme, header: string, input: VerifyInput): string | Refused {
  const value = headerOf(input.headers, header, LONGEST_CERTIFICATE)
  if (typeof value !== 'string') return value
  if (input.behind_proxy !== true) {
    return refused('bad_signature', `${header} did not come from a proxy in TRILHO_TRUSTED_PROXIES`)
  }
  if (verified_header === null) return value
  const verdict = headerOf(input.headers, verified_header)
  if (typeof verdict !== 'string') return verdict
  return verdict === 'SUCCESS' ? value : refused('bad_signature', 'the proxy did not verify the certificate')
}

/** The subject in its spellings, and the fingerprint where there is a certificate. */
function namesOf(value: string, now: Date): string[] | null {
  const text = /^-----BEGIN|%20CERTIFICATE/.test(value) ? decode(value) : null
  if (text === null) return value.includes('=') ? [value, ...commonNames(value)] : null
  const certificate = new X509Certificate(text)
  if (now < certificate.validFromDate || now > certificate.validToDate) return null
  const subject = certificate.subject.split('\n').join(',')
  const fingerprint = `sha256:${certificate.fingerprint256.replaceAll(':', '')}`
  return [subject, subject.split(',').reverse().join(','), ...commonNames(subject), fingerprint]
}

/** nginx escapes the whole; others fold the lines with spaces. */
function decode(value: string): string {
  const text = value.includes('%') ? decodeURIComponent(value) : value
  const inside = text.replace(/-----(BEGIN|END) CERTIFICATE-----/g, '').replace(/\s+/g, '')
  return `-----BEGIN CERTIFICATE-----\n${inside}\n-----END CERTIFICATE-----\n`
}

/**
 * Only where a subject has just one and quotes nothing: what somebody put into another field is no name. So a slash parts
 * only where it stands first, as older servers write subjects.
 */
function commonNames(subject: string): string[] {
  if (subject.includes('"')) return []
  const between = subject.startsWith('/') ? /(?<!\\)\// : /(?<!\\),/
  const found = subject.split(between).filter((part) => /^\s*CN\s*=/i.test(part))
  return found.length === 1 ? found : []
}

const normal = (name: string) =>
  name
    .trim()
    .toLowerCase()
    .replace(/\s*([,=/])\s*/g, '$1')
