import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'

/**
 * AES-256-GCM with the place of the value as associated data, so that bytes moved to another tenant, owner,
 * field or version do not open. Pure: knows no table. Keys are KeyObjects, which print as nothing.
 */
export type DataKey = { version: number; key: KeyObject }

/** Where a value belongs. Written as a JSON array, so that no two places look alike. */
export type Place = readonly [kind: string, tenant_id: string, ...rest: (string | number)[]]

const FORMAT = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = 1 + 4 + NONCE_BYTES + TAG_BYTES

/**
 * format (1 byte) · key version (4, big-endian) · nonce (12) · tag (16) · ciphertext.
 * The nonce is random: good for 2^32 values under one data key, so rotate long before.
 */
export function seal({ version, key }: DataKey, place: Place, plaintext: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt8(FORMAT, 0)
  head.writeUInt32BE(version, 1)
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(associated(head, place))
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return Buffer.concat([head, nonce, cipher.getAuthTag(), ciphertext])
}

/** The plaintext, or an Error that names the place: what was sealed elsewhere or changed never opens. */
export function open({ version, key }: DataKey, place: Place, sealed: Buffer): Buffer {
  if (keyVersionOf(sealed, place) !== version)
    throw broken(place, `it is not sealed by key version ${version}`)
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(5, 5 + NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(associated(sealed.subarray(0, 5), place))
  decipher.setAuthTag(sealed.subarray(5 + NONCE_BYTES, HEADER_BYTES))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(HEADER_BYTES)), decipher.final()])
  } catch {
    throw broken(place, 'it was sealed for another place, by another key, or a byte of it has changed')
  }
}

/** Which of the tenant's keys sealed these bytes. An Error where they are not sealed bytes at all. */
export function keyVersionOf(sealed: Buffer, place: Place): number {
  if (sealed.length < HEADER_BYTES) throw broken(place, `${sealed.length} bytes are too few`)
  if (sealed[0] !== FORMAT) throw broken(place, `format ${sealed[0]} is not known to this version`)
  return sealed.readUInt32BE(1)
}

const associated = (head: Buffer, place: Place): Buffer =>
  Buffer.concat([head, Buffer.from(JSON.stringify(place))])

const broken = (place: Place, why: string): Error =>
  new Error(`The vault cannot open ${JSON.stringify(place)}: ${why}.`)

/** Names a master key without telling anything about it. */
export const fingerprintOf = (master: Buffer): string =>
  derive(master, 'master key fingerprint', 8).toString('hex')

/** The key of a tenant's blind indexes, from its key version 0. */
export const toIndexKey = (raw: Buffer): KeyObject => createSecretKey(derive(raw, 'blind index', 32))

const derive = (from: Buffer, purpose: string, bytes: number): Buffer =>
  Buffer.from(hkdfSync('sha256', from, '', `trilho ${purpose}`, bytes))

/** HMAC-SHA256 of the normalised value: equal values meet, and nothing else can be told. */
export const blindIndex = (key: KeyObject, value: string): Buffer =>
  createHmac('sha256', key).update(normalise(value)).digest()

const CPF = /^\d{3}\.?\d{3}\.?\d{3}-?\d{2}$/
// Since July 2026 a CNPJ may hold letters. These need all their punctuation: without it there is nothing to strip.
const CNPJ = /^(\d{2}\.?\d{3}\.?\d{3}\/?\d{4}|[0-9a-z]{2}\.[0-9a-z]{3}\.[0-9a-z]{3}\/[0-9a-z]{4})-?\d{2}$/

/** One spelling of what people write in several: NFC, trimmed, lower case, CPF and CNPJ without punctuation. */
export function normalise(value: string): string {
  // Lower-casing can undo the composition (İ becomes i and a dot), hence NFC after it too.
  const text = value.normalize('NFC').trim().toLowerCase().normalize('NFC')
  return CPF.test(text) || CNPJ.test(text) ? text.replace(/[./-]/g, '') : text
}
