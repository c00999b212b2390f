import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

export const DAY_MS = 86_400_000

// A certificate in DER (RFC 5280), written here so that no key lies in the repository and none ever expires.
const der = (tag: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  const { length } = body
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}
const sequence = (...parts: Buffer[]) => der(0x30, ...parts)
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const name = (text: string) => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(text)))))
const time = (at: Date) => der(0x18, Buffer.from(`${at.toISOString().replace(/[-:T]|\.\d+/g, '')}`))
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'))

export type Issued = { subject: string; cert: string; key: KeyObject }

/** A certificate for hosts, by an authority; without one, an authority itself. An `authority` may stand below another. */
export function issue(
  subject: string,
  hosts: string[],
  until: Date,
  issuer?: Issued,
  { authority = issuer === undefined, key = 'ec' as 'ec' | 'rsa' } = {},
): Issued {
  const { publicKey, privateKey } =
    key === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const alternatives = hosts.map((host) => der(0x82, Buffer.from(host)))
  const extension = authority
    ? sequence(
        oid('551d13'),
        der(0x01, Buffer.from([255])),
        der(0x04, sequence(der(0x01, Buffer.from([255])))),
      )
    : sequence(oid('551d11'), der(0x04, sequence(...alternatives)))
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([issuer === undefined ? 1 : 2])),
    ECDSA_SHA256,
    name(issuer?.subject ?? subject),
    sequence(time(new Date(until.getTime() - 30 * DAY_MS)), time(until)),
    name(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extension)),
  )
  const signature = sign('sha256', body, issuer?.key ?? privateKey)
  const raw = sequence(body, ECDSA_SHA256, der(0x03, Buffer.from([0]), signature))
  return {
    subject,
    cert: `-----BEGIN CERTIFICATE-----\n${raw.toString('base64')}\n-----END CERTIFICATE-----\n`,
    key: privateKey,
  }
}
