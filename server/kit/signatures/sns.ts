import { verify } from 'node:crypto'
import Type, { type Static } from 'typebox'
import { maybe, readText } from '../reads.ts'
import type { Verified, VerifyInput } from '../signatures.ts'
import { readCertificates, signerKey } from './certificates.ts'
import { type KeyPlace, needed, pinnedAddress } from './needs.ts'
import { forged, fromBase64, refused } from './verdict.ts'

/**
 * Amazon SNS: RSA over certain members of the body, by the certificate that the body names. It carries the time of
 * publication, and may be sent again for weeks, so no age is judged; copies are known by MessageId.
 * docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
 */
export type SnsScheme = {
  kind: 'sns'
  /** The ARNs that may send. Amazon signs for every topic of everybody, so without them a signature proves nothing. */
  topics: readonly string[]
  /** Where certificates come from instead of Amazon: a sandbox. */
  keys_from: string | null
}

const PLACE: KeyPlace = { hosts: /^sns\.[a-z0-9-]{3,}\.amazonaws\.com(\.cn)?$/, path: /^\/[\w/-]+\.pem$/ }

export const SnsEnvelope = Type.Object({
  Type: Type.String(),
  MessageId: Type.String({ minLength: 1 }),
  TopicArn: Type.String(),
  Message: Type.String(),
  Timestamp: Type.String(),
  Signature: Type.String(),
  SignatureVersion: Type.String(),
  SigningCertURL: Type.String(),
  Subject: maybe(Type.String()),
  SubscribeURL: maybe(Type.String()),
  Token: maybe(Type.String()),
})
export type SnsEnvelope = Static<typeof SnsEnvelope>

/**
 * The text that is signed marks its members by line breaks alone, and a message may hold such. Whoever publishes to a
 * topic of theirs could so have Amazon sign what reads like the members of another's topic, if only the last of them,
 * the type, took in the rest: it is one of Amazon's own words.
 */
const TYPES = ['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation']

const SIGNED = ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'] as const
const SIGNED_OF_CONTROL = [
  'Message',
  'MessageId',
  'SubscribeURL',
  'Timestamp',
  'Token',
  'TopicArn',
  'Type',
] as const
const HASHES: Readonly<Record<string, string>> = { 1: 'sha1', 2: 'sha256' }

export function verifySns(scheme: SnsScheme, { body, fetched, now }: VerifyInput): Verified {
  const envelope = readText(SnsEnvelope, body.toString())
  if (!envelope.ok) {
    return refused(
      'malformed',
      'the body is no message of SNS; raw message delivery is not signed, so turn it off',
    )
  }
  const message = envelope.value
  const hash = Object.hasOwn(HASHES, message.SignatureVersion) ? HASHES[message.SignatureVersion] : undefined
  if (hash === undefined) return refused('malformed', 'its SignatureVersion is neither 1 nor 2')
  if (!TYPES.includes(message.Type)) return refused('malformed', `its Type is none of ${TYPES.join(', ')}`)
  const url = pinnedAddress(message.SigningCertURL, PLACE, scheme.keys_from)
  if (url === null)
    return refused('bad_signature', 'the certificate it names is not on an address of Amazon SNS')
  const pem = fetched?.get(url)
  if (pem === undefined) return needed({ name: url, from: { kind: 'address', url } })
  const [signer] = readCertificates(pem)
  if (signer === undefined) return refused('bad_signature', `there is no certificate at ${url}`)
  const key = signerKey(signer, now)
  if ('ok' in key) return key
  const signed = Buffer.from(signedText(message))
  if (!verify(hash, signed, key, fromBase64(message.Signature))) return forged()
  if (scheme.topics.includes(message.TopicArn)) return { ok: true }
  return refused('bad_signature', `it is genuine, but its topic ${message.TopicArn} is none of this source's`)
}

/** The address that a verified SubscriptionConfirmation wants visited, if it is Amazon's; null for other messages. */
export function confirmationAddress({ Type, SubscribeURL }: SnsEnvelope, keys_from: string | null) {
  if (Type !== 'SubscriptionConfirmation' || !SubscribeURL) return null
  const [place = ''] = SubscribeURL.split('?')
  const known = pinnedAddress(place, { hosts: PLACE.hosts, path: /^\/$/ }, keys_from)
  return known === null ? null : SubscribeURL
}

/** What the signature covers, and nothing else of the body: anybody could have changed the rest. */
export function signedMembers(message: SnsEnvelope): Record<string, string> {
  const names = message.Type === 'Notification' ? SIGNED : SIGNED_OF_CONTROL
  return Object.fromEntries(
    names.flatMap((name): [string, string][] => {
      const value = message[name]
      return value === undefined || value === null ? [] : [[name, value]]
    }),
  )
}

const signedText = (message: SnsEnvelope): string =>
  Object.entries(signedMembers(message))
    .map(([name, value]) => `${name}\n${value}\n`)
    .join('')
