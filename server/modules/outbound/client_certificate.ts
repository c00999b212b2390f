import { X509Certificate } from 'node:crypto'
import { type Identity, identityErrors, identityOf } from '../../kit/auth.ts'
import type { ClientIdentity } from '../../platform/egress/egress.ts'
import { Problem } from '../../platform/errors.ts'

/** The certificate a subscription shows to a receiver that asks for one (mutual TLS), as connections do to vendors. */

export type MutualTls = {
  type: 'mtls'
  certificate: string
  key: string
  /** Of the key, where it is encrypted. */
  passphrase?: string
  /** Trusted instead of the public authorities, for a receiver with a certificate of its own making. */
  authority?: string
  /** Of a broker that wants a login as well. */
  username?: string
  password?: string
}
export type ShownMutualTls = { type: 'mtls'; subject: string; expires_at: string | null; username?: string }

/** Under names that no header has. */
const SEALED = {
  certificate: ':certificate',
  key: ':key',
  passphrase: ':passphrase',
  authority: ':authority',
  password: ':password',
} as const
const GIVEN = { certificate: 'certificate', key: 'key', passphrase: 'passphrase', authority: 'authority' }

/** What may be shown of it, and what is sealed. Throws a Problem for what is no certificate, or another one's key. */
export function readMutualTls({ type, username, ...given }: MutualTls): {
  shown: ShownMutualTls
  sealed: Record<string, string>
} {
  const wanted = given.passphrase === undefined ? { ...GIVEN, passphrase: null } : GIVEN
  const errors = identityErrors(wanted, given, 'auth')
  const [first] = errors
  if (first) {
    const detail = errors.map(({ field, reason }) => `${field} ${reason}`).join('; ')
    throw new Problem('invalid_request', { field: first.field, detail, errors })
  }
  const { subject, validTo } = new X509Certificate(given.certificate)
  const sealed = Object.entries(given).map(([name, text]) => [SEALED[name as keyof typeof SEALED], text])
  return {
    shown: {
      type,
      subject: nameIn(subject),
      expires_at: timeIn(validTo),
      ...(username !== undefined && { username }),
    },
    sealed: Object.fromEntries(sealed) as Record<string, string>,
  }
}

/** A certificate may have no name, or no date that a calendar knows. */
const nameIn = (subject: string | undefined): string => (subject ?? '').replaceAll('\n', ', ')

function timeIn(text: string): string | null {
  const at = new Date(text)
  return Number.isNaN(at.getTime()) ? null : at.toISOString()
}

/** Beside the certificate, at a broker. */
export const passwordOf = (sealed: Record<string, string>): string | undefined => sealed[SEALED.password]

/** For the one way out, whose sockets under this identity nobody else uses. */
export function certificateOf(sealed: Record<string, string>, owner: string): ClientIdentity | undefined {
  const has = (name: string) => (sealed[name] === undefined ? null : name)
  const identity: Identity = {
    certificate: SEALED.certificate,
    key: SEALED.key,
    passphrase: has(SEALED.passphrase),
    authority: has(SEALED.authority),
  }
  return identityOf(identity, sealed, owner)
}
