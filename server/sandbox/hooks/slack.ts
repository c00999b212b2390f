import { createHmac, randomBytes } from 'node:crypto'
import type { Made, Order, Seen } from './hooks.ts'

/** An event in its envelope: docs.slack.dev/apis/events-api. */
export function makeSlack({ secret, type = 'app_mention', payload }: Order, n: number, at_s: number): Made {
  const body = JSON.stringify({
    token: 'the-old-verification-token',
    team_id: 'T0SANDBOX',
    api_app_id: 'A0SANDBOX',
    event: payload ?? {
      type,
      user: 'U0SANDBOX',
      text: `Hello ${n}`,
      channel: 'C0SANDBOX',
      ts: `${at_s}.${n}`,
    },
    type: 'event_callback',
    event_id: `Ev${randomBytes(5).toString('hex').toUpperCase()}`,
    event_time: at_s,
  })
  return signed(secret, body, at_s)
}

/** docs.slack.dev/reference/events/url_verification; the challenge may come back bare or as JSON. */
export function askSlack({ secret }: Order, at_s: number) {
  const challenge = randomBytes(24).toString('base64url')
  const body = JSON.stringify({ token: 'the-old-verification-token', challenge, type: 'url_verification' })
  const isRight = ({ status, text }: Seen) =>
    status === 200 && (text === challenge || text === JSON.stringify({ challenge }))
  return { request: { method: 'POST' as const, ...signed(secret, body, at_s) }, query: '', isRight }
}

/** docs.slack.dev/authentication/verifying-requests-from-slack */
function signed(secret: string, body: string, at_s: number): Made {
  const signature = createHmac('sha256', secret).update(`v0:${at_s}:${body}`).digest('hex')
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
      'x-slack-request-timestamp': String(at_s),
      'x-slack-signature': `v0=${signature}`,
    },
  }
}
