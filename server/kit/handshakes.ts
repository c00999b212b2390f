import type { Handshake, WebhookReply } from './provider.ts'
import { isSameText } from './signatures.ts'

/**
 * WebSub's handshake as Meta and others use it: `hub.challenge` comes back to whoever shows the setting
 * `verify_token`, and a 403 to others. Null where the request is no such handshake.
 */
export function hubChallenge({ method, query, settings }: Handshake): WebhookReply | null {
  if (method !== 'GET' || query['hub.mode'] === undefined) return null
  const wanted = settings['verify_token']
  const given = query['hub.verify_token'] ?? ''
  const known = typeof wanted === 'string' && wanted !== '' && isSameText(given, wanted)
  const challenge = query['hub.challenge'] ?? ''
  if (known && query['hub.mode'] === 'subscribe' && challenge.length <= LONGEST_CHALLENGE)
    return text(200, challenge)
  return text(403, 'The verify token is not the one set at this source.')
}

const LONGEST_CHALLENGE = 1000

const text = (status: number, body: string): WebhookReply => ({ status, content_type: 'text/plain', body })
