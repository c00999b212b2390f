import { verify, type X509Certificate } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Verified, VerifyInput } from '../signatures.ts'
import { commonName, isTrusted, readCertificates, signerKey } from './certificates.ts'
import { type KeyPlace, needed, pinnedAddress } from './needs.ts'
import { forged, fromBase64, headerOf, refused } from './verdict.ts'

/**
 * RSA over `{transmission id}|{time}|{webhook id}|{CRC-32 of the body}`, by a certificate whose address the message
 * names. The time is when PayPal first sent it, up to three days ago, so no age is judged; copies are known by the
 * event's id. developer.paypal.com/api/rest/webhooks/rest
 */
export type PayPalScheme = {
  kind: 'paypal'
  /** PayPal's id of the webhook: what keeps out the messages of other webhooks, which are as genuine. */
  webhook_id: string
  /** Where certificates come from instead of PayPal: a sandbox. They are then believed for coming from there. */
  keys_from: string | null
}

const PLACE: KeyPlace = {
  hosts: /^api(-m)?(\.sandbox)?\.paypal\.com$/,
  path: /^\/v1\/notifications\/certs\/[\w.-]+$/,
}

export function verifyPayPal(scheme: PayPalScheme, input: VerifyInput): Verified {
  const parts: string[] = []
  for (const name of ['transmission-id', 'transmission-time', 'transmission-sig', 'cert-url', 'auth-algo']) {
    const value = headerOf(input.headers, `paypal-${name}`)
    if (typeof value !== 'string') return value
    parts.push(value)
  }
  const [id = '', time = '', signature = '', address = '', algorithm = ''] = parts
  if (algorithm !== 'SHA256withRSA')
    return refused('malformed', 'the header paypal-auth-algo is not SHA256withRSA')
  if (!/^[\w.-]+$/.test(id) || Number.isNaN(Date.parse(time)) || time.includes('|'))
    return refused('malformed', 'the headers paypal-transmission-id and -time are no id and no time')
  const url = pinnedAddress(address, PLACE, scheme.keys_from)
  if (url === null) return refused('bad_signature', 'the certificate it names is not on an address of PayPal')
  const pem = input.fetched?.get(url)
  if (pem === undefined) return needed({ name: url, from: { kind: 'address', url } })
  const chain = readCertificates(pem)
  const [signer] = chain
  if (signer === undefined) return refused('bad_signature', `there is no certificate at ${url}`)
  if (scheme.keys_from === null && !isPayPals(chain, signer, input.now))
    return refused('bad_signature', 'the certificate it names is not one that PayPal signs messages with')
  const key = signerKey(signer, input.now)
  if ('ok' in key) return key
  const signed = Buffer.from(`${id}|${time}|${scheme.webhook_id}|${crc32(input.body)}`)
  return verify('sha256', signed, key, fromBase64(signature)) ? { ok: true } : forged()
}

/** The name PayPal's own SDKs ask for, and a chain to a root. */
const isPayPals = (chain: readonly X509Certificate[], signer: X509Certificate, now: Date) =>
  /^messageverificationcerts(\.[a-z0-9-]+)*\.paypal\.com$/.test(commonName(signer)) && isTrusted(chain, now)
