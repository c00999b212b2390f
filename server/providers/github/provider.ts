import { bearer } from '../../kit/auth.ts'
import { newsName } from '../../kit/news.ts'
import { defineProvider, get, type WebhookMessage } from '../../kit/provider.ts'
import { hmac } from '../../kit/signatures.ts'
import { GitHubEvent } from './wire.ts'

/** `pull_request.opened`, `push`: the event of the header with the action of the body, as GitHub's own pages say it. */
function typeOf({ action }: GitHubEvent, { headers }: WebhookMessage): string | null {
  const event = headers['x-github-event']
  if (typeof event !== 'string') return null
  return action ? `${event}.${action}` : event
}

export const github = defineProvider({
  id: 'github',
  name: 'GitHub',
  category: 'workplace',
  docs: 'https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries',
  base_url: { live: 'https://api.github.com', test: 'https://api.github.com' },
  auth: bearer('access_token'),
  limits: { requests_per_minute: 80, timeout_ms: 15_000 },
  headers: () => ({ accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' }),
  test: get('/rate_limit'),
  webhooks: {
    signature: hmac({ header: 'x-hub-signature-256', prefix: 'sha256=' }),
    form: { json_in: 'payload' },
    reads: GitHubEvent,
    event_id: (_event, { headers }) => {
      const id = headers['x-github-delivery']
      return typeof id === 'string' ? id : null
    },
    event_type: typeOf,
    entity_id: ({ repository, organization }) => repository?.full_name ?? organization?.login ?? null,
    translate: (event, message) => [{ type: newsName('github', typeOf(event, message)), data: message.text }],
  },
})
