import { createHash, createHmac } from 'node:crypto'
import { isForm, readForm } from '../forms.ts'
import type { Verified, VerifyInput } from '../signatures.ts'
import { usableSecret } from '../webhook_keys.ts'
import { bySecret, forged, headerOf, isAmong, refused } from './verdict.ts'

/**
 * HMAC-SHA1 in base64 over the address as it was called and each field of the form, name and value, in the order of
 * the names. It carries no time: what keeps a copy out is that each event is taken once.
 */
export type AddressScheme = {
  kind: 'address_and_form'
  header: string
  /** The query parameter with the body's SHA-256 in hex, where bodies that are no form come too. */
  body_hash: string | null
}

export function verifyAddress(scheme: AddressScheme, input: VerifyInput): Verified {
  const value = headerOf(input.headers, scheme.header)
  if (typeof value !== 'string') return value
  const { url: called } = input
  const url = called === undefined ? null : URL.parse(called)
  if (called === undefined || url === null) return refused('malformed', 'the address called is not known')
  const signed = signedFields(scheme, input, url)
  if (typeof signed !== 'string') return signed
  const addresses = spellings(called)
  const isSignedBy = (key: string) =>
    addresses.some((address) => {
      const mac = createHmac('sha1', key).update(address).update(signed)
      return isAmong([value], mac.digest('base64'))
    })
  return bySecret(input.secrets, usableSecret, isSignedBy, () => forgedHere(called))
}

/** What is signed behind the address. A body that neither the fields nor a hash cover proves nothing: refused. */
function signedFields(scheme: AddressScheme, { headers, body }: VerifyInput, url: URL) {
  const hash = scheme.body_hash === null ? null : url.searchParams.get(scheme.body_hash)
  if (hash !== null) {
    const genuine = isAmong([hash.toLowerCase()], createHash('sha256').update(body).digest('hex'))
    return genuine ? '' : forged()
  }
  if (!isForm(headers) && body.length > 0) {
    const or = scheme.body_hash === null ? '' : `, and the address called has no ${scheme.body_hash}`
    return refused('malformed', `the body is no form${or}; so nothing signs it`)
  }
  return readForm(body)
    .map(([name, values]) =>
      [...new Set(values)]
        .sort()
        .map((value) => name + value)
        .join(''),
    )
    .join('')
}

/** Some senders sign the standard port though they do not call it, and the other way round. */
function spellings(address: string): string[] {
  const [, head = '', port = '', rest = ''] =
    /^(https?:\/\/(?:\[[^\]]*\]|[^/?#:]*))(:[0-9]+)?(.*)$/s.exec(address) ?? []
  const standard = head.startsWith('https') ? ':443' : ':80'
  return [...new Set([address, head + rest, head + (port || standard) + rest])]
}

const forgedHere = (address: string) =>
  refused(
    'bad_signature',
    `no signature matches what was received at ${address.split('?')[0]}; the secret is another one, something was ` +
      'changed on its way, or the sender calls this by another address: that of TRILHO_PUBLIC_URL is signed',
  )
