import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Time-based one-time passwords (RFC 6238) as every authenticator app has them: SHA-1, 30 seconds, 6 digits. */
const STEP_S = 30
/** A clock may be wrong, and a person takes a while to type. */
const STEPS_AROUND = 1
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

export function makeTotpSecret(): string {
  const bits = [...randomBytes(20)].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{5}/g) ?? []).map((five) => LETTERS[Number.parseInt(five, 2)]).join('')
}

/** `secret` is base32 (RFC 4648) without padding. */
function bytesOf(secret: string): Buffer {
  const bits = [...secret].map((letter) => LETTERS.indexOf(letter).toString(2).padStart(5, '0')).join('')
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)))
}

/** RFC 4226, 5.3. */
function codeAt(secret: string, step: number, digits: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac('sha1', bytesOf(secret)).update(counter).digest()
  const at = (mac.at(-1) ?? 0) & 0xf
  const number = (mac.readUInt32BE(at) & 0x7fffffff) % 10 ** digits
  return String(number).padStart(digits, '0')
}

export const totpCode = (secret: string, time: Date, digits = 6): string =>
  codeAt(secret, stepOf(time), digits)

const stepOf = (time: Date): number => Math.floor(time.getTime() / 1000 / STEP_S)

/** The step whose code it is, for it may be used once; null where it is none of now. */
export function totpStep(secret: string, code: string, now: Date): number | null {
  let found: number | null = null
  for (let off = -STEPS_AROUND; off <= STEPS_AROUND; off++) {
    const step = stepOf(now) + off
    const right = Buffer.from(codeAt(secret, step, 6))
    if (code.length === right.length && timingSafeEqual(right, Buffer.from(code))) found = step
  }
  return found
}

/** What an app reads from a QR code. */
export function totpUri(secret: string, email: string): string {
  const query = new URLSearchParams({
    secret,
    issuer: 'Trilho',
    algorithm: 'SHA1',
    digits: '6',
    period: '30',
  })
  return `otpauth://totp/${encodeURIComponent(`Trilho:${email}`)}?${query}`
}
