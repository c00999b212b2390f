import { bearer } from '../../kit/auth.ts'
import { newsName, type Refusal } from '../../kit/news.ts'
import { defineProvider, type Handshake, post, type WebhookReply } from '../../kit/provider.ts'
import { words } from '../../kit/reads.ts'
import { hmac } from '../../kit/signatures.ts'
import { textMember } from '../../kit/wire_json.ts'
import { SlackEvent } from './wire.ts'

/** The event inside its envelope; an interaction by its own type; a command has none. */
const typeOf = ({ event, command, type }: SlackEvent): string | null =>
  event?.type ?? (command ? 'command' : (type ?? null))

const answer = (body: string): WebhookReply => ({ status: 200, content_type: 'text/plain', body })

/** Slack signs its handshakes too, so one that comes this far has shown that the secret set here is right. */
function challengeOf({ method, text }: Handshake): WebhookReply | null {
  if (method !== 'POST') return null
  if (textMember(text, 'type') === 'url_verification') return answer(textMember(text, 'challenge') ?? '')
  return textMember(text, 'ssl_check') === '1' ? answer('') : null
}

const isNo = (body: unknown): body is { ok: false; error?: unknown } =>
  typeof body === 'object' && body !== null && 'ok' in body && body.ok === false

const REASONS = words<Refusal['reason']>({
  account_inactive: 'credentials_refused',
  invalid_auth: 'credentials_refused',
  not_authed: 'credentials_refused',
  token_expired: 'credentials_refused',
  token_revoked: 'credentials_refused',
  missing_scope: 'not_permitted',
  not_in_channel: 'not_permitted',
  channel_not_found: 'not_found',
  user_not_found: 'not_found',
  invalid_arguments: 'invalid_request',
  ratelimited: 'rate_limited',
})

function refusalOf(_status: number, body: unknown): Refusal {
  const error = isNo(body) && typeof body.error === 'string' ? body.error : null
  return { reason: (error !== null && REASONS[error]) || 'unknown', code: error, message: null }
}

export const slack = defineProvider({
  id: 'slack',
  name: 'Slack',
  category: 'workplace',
  docs: 'https://docs.slack.dev/authentication/verifying-requests-from-slack',
  base_url: { live: 'https://slack.com/api', test: 'https://slack.com/api' },
  auth: bearer('bot_token'),
  limits: { timeout_ms: 10_000 },
  failures: { codes: ['fatal_error', 'internal_error', 'service_unavailable'] },
  reference: { header: 'x-slack-req-id' },
  test: post('/auth.test'),
  refuses: isNo,
  refusal: refusalOf,
  webhooks: {
    signature: hmac({
      header: 'x-slack-signature',
      prefix: 'v0=',
      signs: 'v0:{timestamp}:{body}',
      timestamp_header: 'x-slack-request-timestamp',
      tolerance_seconds: 300,
    }),
    form: { json_in: 'payload' },
    challenge: challengeOf,
    reply: answer(''), // a command or interaction shows its sender whatever else stands here
    reads: SlackEvent,
    event_id: ({ event_id }) => event_id ?? null,
    event_type: typeOf,
    entity_id: ({ event }) => (typeof event?.channel === 'string' ? event.channel : null),
    translate: (event, { text }) => [{ type: newsName('slack', typeOf(event)), data: text }],
  },
})
