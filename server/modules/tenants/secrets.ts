import { createHash, randomBytes } from 'node:crypto'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** A prefix that says what it is, and 32 random bytes in 43 letters and digits. */
export function makeSecret(prefix: string): string {
  let rest = BigInt(`0x${randomBytes(32).toString('hex')}`)
  let text = ''
  while (text.length < 43) {
    text = ALPHABET[Number(rest % 62n)] + text
    rest /= 62n
  }
  return prefix + text
}

/** Enough: what is hashed has 256 random bits, so there is nothing to guess slowly. */
export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest()

/** What may be shown later so that a person recognises the key: its prefix and last four characters. */
export function hintOf(secret: string): string {
  const prefix = /^trl_[a-z]+_/.exec(secret)?.[0] ?? ''
  return `${prefix}…${secret.slice(-4)}`
}
