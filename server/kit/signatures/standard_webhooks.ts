import { createHmac } from 'node:crypto'
import type { Verified, VerifyInput, WebhookHeaders } from '../signatures.ts'
import { hmacKey, type StandardKey, standardKey, verifyEd25519 } from '../webhook_keys.ts'
import { bySecret, headerOf, inTime, isAmong, isTime, refused } from './verdict.ts'

export type StandardScheme = { kind: 'standard_webhooks'; tolerance_seconds: number }

/** How its three headers begin. Svix, of whose making the standard is, goes on sending its own: `svix-id`. */
export const standardPrefix = (headers: WebhookHeaders): 'webhook' | 'svix' =>
  headers['webhook-id'] === undefined && headers['svix-id'] !== undefined ? 'svix' : 'webhook'

export function verifyStandard(scheme: StandardScheme, input: VerifyInput): Verified {
  const { headers } = input
  const prefix = standardPrefix(headers)
  const id = headerOf(headers, `${prefix}-id`)
  if (typeof id !== 'string') return id
  const timestamp = headerOf(headers, `${prefix}-timestamp`)
  if (typeof timestamp !== 'string') return timestamp
  const list = headerOf(headers, `${prefix}-signature`)
  if (typeof list !== 'string') return list
  if (!isTime(timestamp)) return refused('malformed', `the header ${prefix}-timestamp is not unix seconds`)
  const signatures = list.split(' ').filter((one) => one.startsWith('v1,') || one.startsWith('v1a,'))
  if (signatures.length === 0)
    return refused('malformed', `the header ${prefix}-signature holds no v1 or v1a signature`)
  const verdict = bySecret(input.secrets, standardKey, (key) =>
    isSignedBy(key, `${id}.${timestamp}.`, input.body, signatures),
  )
  return inTime(verdict, timestamp, scheme.tolerance_seconds, input.now)
}

function isSignedBy(key: StandardKey, head: string, body: Buffer, signatures: readonly string[]): boolean {
  if (key.kind === 'v1') {
    const signed = createHmac('sha256', hmacKey(key.bytes)).update(head).update(body)
    return isAmong(signatures, `v1,${signed.digest('base64')}`)
  }
  const message = Buffer.concat([Buffer.from(head), body])
  return signatures.some((one) => one.startsWith('v1a,') && verifyEd25519(key.bytes, message, one.slice(4)))
}
