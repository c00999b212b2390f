import type { Verified, VerifyInput } from '../signatures.ts'
import { usableSecret } from '../webhook_keys.ts'
import { bySecret, isSameText, refused } from './verdict.ts'

/**
 * A secret in the address itself, for senders that can do no better: a parameter of the query, or what stands in the
 * path behind the source. It proves who sends and nothing of what, and is kept with no message.
 */
export type AddressTokenScheme = { kind: 'address_token'; in: 'query' | 'path'; name: string }

export function verifyAddressToken(scheme: AddressTokenScheme, { url, secrets }: VerifyInput): Verified {
  const where = scheme.in === 'query' ? `its parameter ${scheme.name}` : 'what stands behind the source'
  const called = url === undefined ? null : URL.parse(url)
  if (called === null) return refused('malformed', 'the address called is not known')
  const given = scheme.in === 'query' ? called.searchParams.getAll(scheme.name) : pathToken(called)
  const [token = '', ...more] = given
  if (token === '') return refused('missing_header', `the address called lacks the secret: ${where}`)
  if (more.length > 0) return refused('malformed', `the address called holds ${where} more than once`)
  return bySecret(
    secrets,
    usableSecret,
    (secret) => isSameText(token, secret),
    () => refused('bad_signature', 'the address called holds another secret'),
  )
}

/** `/webhooks/{provider}/{source}/{token}`, and a word behind it where the vendor adds one of its own (Pix). */
function pathToken({ pathname }: URL): string[] {
  const token = /\/src_[0-9a-z]{26}\/([^/]+)(?:\/[^/]+)?$/.exec(pathname)?.[1]
  try {
    return token === undefined ? [] : [decodeURIComponent(token)]
  } catch {
    return []
  }
}
