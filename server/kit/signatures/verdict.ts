import { createHash, timingSafeEqual } from 'node:crypto'
import type { Genuine, Refused, Verified, VerifyReason, WebhookHeaders } from '../signatures.ts'

/** What every scheme is judged with. */
export const refused = (reason: VerifyReason, detail: string): Refused => ({ ok: false, reason, detail })

const noSecret = (): Refused =>
  refused('no_secret', 'no usable signing secret is set here; set the one the sender shows')

export const forged = (): Refused =>
  refused(
    'bad_signature',
    'no signature matches the bytes received; the secret is another one, or the body was changed on its way',
  )

/** Genuine by the first secret whose key fits; one that makes no key counts for none. */
export function bySecret<Key>(
  secrets: readonly string[],
  keyOf: (secret: string) => Key | null,
  fits: (key: Key) => boolean,
  otherwise: () => Refused = forged,
): Genuine | Refused {
  const keys = secrets.map(keyOf)
  if (keys.every((key) => key === null)) return noSecret()
  const secret = keys.findIndex((key) => key !== null && fits(key))
  return secret < 0 ? otherwise() : { ok: true, secret }
}

const LONGEST_HEADER = 4096

/** The one value of a header, or why there is none. */
export function headerOf(headers: WebhookHeaders, name: string, longest = LONGEST_HEADER): string | Refused {
  const value = headers[name]
  if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) {
    return refused('missing_header', `the header ${name} is missing`)
  }
  if (typeof value !== 'string') return refused('malformed', `the header ${name} came more than once`)
  return value.length > longest ? refused('malformed', `the header ${name} is too long`) : value
}

/** Compares every one in constant time, so that nothing but yes or no can be learnt from how long it takes. */
export function isAmong(signatures: readonly string[], expected: string): boolean {
  const wanted = Buffer.from(expected)
  let found = false
  for (const signature of signatures) {
    const given = Buffer.from(signature)
    if (given.length === wanted.length && timingSafeEqual(given, wanted)) found = true
  }
  return found
}

/** For secrets that are sent as they are: not even their length can be learnt. */
export const isSameText = (given: string, wanted: string): boolean =>
  timingSafeEqual(createHash('sha256').update(given).digest(), createHash('sha256').update(wanted).digest())

/** The bytes of strict base64; none where it is something else, which Node would half read. */
export const fromBase64 = (text: string): Buffer =>
  /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : Buffer.alloc(0)

export const isTime = (text: string): boolean => /^[0-9]{1,13}$/.test(text)

/** Unix seconds, or milliseconds where there are 12 digits or more. */
export function checkTime(timestamp: string, tolerance_seconds: number, now: Date): Verified {
  const seconds = timestamp.length >= 12 ? Number(timestamp) / 1000 : Number(timestamp)
  const age = now.getTime() / 1000 - seconds
  if (age > tolerance_seconds + 1) {
    return refused(
      'too_old',
      `signed ${Math.floor(age)} s ago; ${tolerance_seconds} s are allowed: check both clocks`,
    )
  }
  if (age < -tolerance_seconds - 1) {
    return refused(
      'too_new',
      `signed ${Math.floor(-age)} s ahead of our clock; ${tolerance_seconds} s are allowed: check both clocks`,
    )
  }
  return { ok: true }
}

/** A verdict on what says when it was signed: genuine only near that time. A forgery is one, whatever time it says. */
export function inTime(
  verdict: Genuine | Refused,
  timestamp: string,
  tolerance_seconds: number,
  now: Date,
): Verified {
  if (!verdict.ok) return verdict
  const timely = checkTime(timestamp, tolerance_seconds, now)
  return timely.ok ? verdict : timely
}
