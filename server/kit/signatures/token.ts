import type { Verified, VerifyInput } from '../signatures.ts'
import { usableSecret } from '../webhook_keys.ts'
import { bySecret, headerOf, isSameText, refused } from './verdict.ts'

/**
 * The secret itself, sent with every message. It proves who sends and nothing of what: whoever sees one message can
 * write others. The header is a credential, so it is kept with no message.
 */
export type TokenScheme = {
  kind: 'token'
  header: string
  /** Stands before the secret: `Bearer `. Its case does not matter. */
  prefix: string
  /** `base64` for Basic: the secret is then `user:password`. */
  encoding: 'utf8' | 'base64'
}

export function verifyToken(scheme: TokenScheme, { headers, secrets }: VerifyInput): Verified {
  const value = headerOf(headers, scheme.header)
  if (typeof value !== 'string') return value
  const { prefix, encoding } = scheme
  if (value.slice(0, prefix.length).toLowerCase() !== prefix.toLowerCase()) {
    return refused('malformed', `the header ${scheme.header} does not begin with ${prefix.trim()}`)
  }
  const given = value.slice(prefix.length).trim()
  return bySecret(
    secrets,
    usableSecret,
    (secret) => isSameText(given, Buffer.from(secret).toString(encoding)),
    () => refused('bad_signature', `the header ${scheme.header} holds another secret than the one set here`),
  )
}
