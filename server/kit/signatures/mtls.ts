import { X509Certificate } from 'node:crypto'
import type { Verified, VerifyInput } from '../signatures.ts'
import { headerOf, isSameText, refused } from './verdict.ts'

/**
 * Mutual TLS: a proxy before us asked the sender for a certificate and tells us of it in a header. It is believed only
 * from a proxy that is trusted (`TRILHO_TRUSTED_PROXIES`), which must take the header from everybody else away.
 */
export type MtlsScheme = {
  kind: 'mtls'
  /** Its value is the subject, or the certificate itself in PEM, escaped as nginx does or not. */
  header: string
  /** Subjects, `CN=…` alone, or `sha256:` and the fingerprint in hex; any of them may send. */
  subjects: readonly string[]
  /** Where the proxy says how its own check went: nginx puts SUCCESS there. Needed where it lets others pass. */
  verified_header: string | null
}

export function verifyMtls(scheme: MtlsScheme, { headers, behind_proxy, now }: VerifyInput): Verified {
  const value = headerOf(headers, scheme.header)
  if (typeof value !== 'string') return value
  if (behind_proxy !== true) {
    return refused('bad_signature', `${scheme.header} did not come from a proxy in TRILHO_TRUSTED_PROXIES`)
  }
  if (scheme.verified_header !== null) {
    const verdict = headerOf(headers, scheme.verified_header)
    if (typeof verdict !== 'string') return verdict
    if (verdict !== 'SUCCESS') return refused('bad_signature', 'the proxy did not verify the certificate')
  }
  const shown = namesOf(value, now)
  if (shown === null) return refused('malformed', `the header ${scheme.header} holds no subject of this time`)
  const known = scheme.subjects.map(normal)
  let found = false
  for (const name of shown) for (const one of known) if (isSameText(normal(name), one)) found = true
  return found
    ? { ok: true }
    : refused('bad_signature', `the certificate is of ${shown[0]}, who may not send here`)
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

/** Only where a subject has just one and quotes nothing: what somebody put into another field is no name. */
function commonNames(subject: string): string[] {
  if (subject.includes('"')) return []
  const found = subject.split(/(?<!\\)[,/]/).filter((part) => /^\s*CN\s*=/i.test(part))
  return found.length === 1 ? found : []
}

const normal = (name: string) =>
  name
    .trim()
    .toLowerCase()
    .replace(/\s*([,=/])\s*/g, '$1')
