import { randomInt } from 'node:crypto'
import { hashToken } from './secrets.ts'

/**
 * Ten codes that stand for the authenticator app of somebody who lost their phone, each once. 80 random bits, so that
 * their hashes may be as plain as a session's.
 */
const CODES = 10
const LETTERS = 16
/** No letter that is taken for another, or for a digit, on paper. */
const ALPHABET = '23456789abcdefghjkmnpqrstuvwxyz'
/** Of either kind: what a page or a program sends where a code is asked for. */
export const CODE_PATTERN = '^([0-9]{6}|[A-Za-z0-9]{4}(-?[A-Za-z0-9]{4}){3})$'

/** As they are shown, once: `k7qm-2xwd-9hfa-t3vr`. */
export const makeRecoveryCodes = (): string[] => Array.from({ length: CODES }, makeCode)

function makeCode(): string {
  const letters = Array.from({ length: LETTERS }, () => ALPHABET[randomInt(ALPHABET.length)])
  return (letters.join('').match(/.{4}/g) ?? []).join('-')
}

export const isRecoveryCode = (code: string): boolean => code.length >= LETTERS

/** However it was typed. */
export const hashRecoveryCode = (code: string): Buffer => hashToken(code.replaceAll('-', '').toLowerCase())
