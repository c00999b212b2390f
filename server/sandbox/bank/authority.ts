import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/**
 * An authority made when it is asked for and gone with the process: what it issues is trusted by whoever is told to
 * trust it, and by nobody else. DER by hand (RFC 5280), so that no key lies in a file.
 */
export type Authority = { certificate: string; issue(name: string, hosts?: readonly string[]): Issued }
/** In PEM. */
export type Issued = { certificate: string; key: string }

const DAY_MS = 86_400_000

const der = (tag: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  const { length } = body
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}
const sequence = (...parts: Buffer[]) => der(0x30, ...parts)
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const named = (text: string) => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(text)))))
const time = (at: number) => der(0x18, Buffer.from(new Date(at).toISOString().replace(/[-:T]|\.\d+/g, '')))
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'))
const IS_AUTHORITY = sequence(
  oid('551d13'),
  der(0x01, Buffer.from([255])),
  der(0x04, sequence(der(0x01, Buffer.from([255])))),
)

export function createAuthority(name: string): Authority {
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const write = (subject: string, publicKey: KeyObject, extensions: Buffer[]): string => {
    const now = Date.now()
    const body = sequence(
      der(0xa0, der(0x02, Buffer.from([2]))),
      der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
      ECDSA_SHA256,
      named(name),
      sequence(time(now - DAY_MS), time(now + 30 * DAY_MS)),
      named(subject),
      publicKey.export({ type: 'spki', format: 'der' }),
      ...(extensions.length > 0 ? [der(0xa3, sequence(...extensions))] : []),
    )
    const raw = sequence(
      body,
      ECDSA_SHA256,
      der(0x03, Buffer.from([0]), sign('sha256', body, own.privateKey)),
    )
    const lines = raw.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
    return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
  }
  return {
    certificate: write(name, own.publicKey, [IS_AUTHORITY]),
    issue: (subject, hosts = []) => {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const names = sequence(...hosts.map((host) => der(0x82, Buffer.from(host))))
      const extensions = hosts.length > 0 ? [sequence(oid('551d11'), der(0x04, names))] : []
      return { certificate: write(subject, publicKey, extensions), key: pem(privateKey) }
    },
  }
}

export const pem = (key: KeyObject): string => String(key.export({ type: 'pkcs8', format: 'pem' }))
