import { createHmac, randomUUID } from 'node:crypto'
import type { Made, Order } from './hooks.ts'

/** A delivery as docs.github.com/en/webhooks/webhook-events-and-payloads describes it. */
export function makeGitHub({ secret, type = 'push', payload }: Order, n: number): Made {
  const [event = 'push', action] = type.split('.')
  const body = JSON.stringify(
    payload ?? {
      ...(action && { action }),
      ...(event === 'push' && {
        ref: 'refs/heads/main',
        after: randomUUID().replaceAll('-', ''),
        commits: [],
      }),
      repository: { id: 1296269 + n, full_name: 'octocat/hello-world' },
      sender: { login: 'octocat' },
    },
  )
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/044aadd',
      'x-github-event': event,
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': hubSignature(secret, body),
    },
  }
}

/** docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries; Meta's is the same. */
export const hubSignature = (secret: string, body: string): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
