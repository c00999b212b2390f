import { createHmac } from 'node:crypto'
import type { Verified, VerifyInput } from '../signatures.ts'
import { usableSecret } from '../webhook_keys.ts'
import { bySecret, headerOf, inTime, isAmong, isTime, refused } from './verdict.ts'

export type StripeScheme = { kind: 'stripe'; header: string; tolerance_seconds: number }

export function verifyStripe(scheme: StripeScheme, input: VerifyInput): Verified {
  const value = headerOf(input.headers, scheme.header)
  if (typeof value !== 'string') return value
  const { timestamp, signatures } = readHeader(value)
  if (timestamp === null)
    return refused('malformed', `the header ${scheme.header} holds no single t=<unix seconds>`)
  if (signatures.length === 0)
    return refused('malformed', `the header ${scheme.header} holds no v1 signature`)
  const verdict = bySecret(input.secrets, usableSecret, (key) => {
    const signed = createHmac('sha256', key).update(`${timestamp}.`).update(input.body)
    return isAmong(signatures, signed.digest('hex'))
  })
  return inTime(verdict, timestamp, scheme.tolerance_seconds, input.now)
}

function readHeader(value: string): { timestamp: string | null; signatures: string[] } {
  let timestamp: string | null = null
  let times = 0
  const signatures: string[] = []
  for (const piece of value.split(',')) {
    const part = piece.trim() // a header that came twice is joined by a comma and a space
    if (part.startsWith('v1=')) signatures.push(part.slice(3))
    else if (part.startsWith('t=') && ++times === 1) timestamp = part.slice(2)
  }
  return { timestamp: times === 1 && timestamp !== null && isTime(timestamp) ? timestamp : null, signatures }
}
