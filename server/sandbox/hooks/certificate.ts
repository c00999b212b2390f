import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** A certificate that signs itself (RFC 5280, DER written by hand), made when it is asked for and gone with the process. */
export type Issued = { pem: string; key: KeyObject }

const DAY_MS = 86_400_000

const der = (tag: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  const long = body.length > 127
  return Buffer.concat([
    Buffer.from(long ? [tag, 0x82, body.length >> 8, body.length & 255] : [tag, body.length]),
    body,
  ])
}
const sequence = (...parts: Buffer[]) => der(0x30, ...parts)
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const name = (text: string) => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(text)))))
const time = (at: number) => der(0x18, Buffer.from(new Date(at).toISOString().replace(/[-:T]|\.\d+/g, '')))
const RSA_SHA256 = sequence(oid('2a864886f70d01010b'), der(0x05))

export function selfSigned(common_name: string): Issued {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const now = Date.now()
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    RSA_SHA256,
    name(common_name),
    sequence(time(now - DAY_MS), time(now + 30 * DAY_MS)),
    name(common_name),
    publicKey.export({ type: 'spki', format: 'der' }),
  )
  const signature = sign('sha256', body, privateKey)
  const raw = sequence(body, RSA_SHA256, der(0x03, Buffer.from([0]), signature))
  const lines = raw.toString('base64').replace(/.{64}/g, '$&\n')
  return { pem: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`, key: privateKey }
}
