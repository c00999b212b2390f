import { bearer } from '../../kit/auth.ts'
import { newsName } from '../../kit/news.ts'
import { defineProvider, get, type WebhookMessage } from '../../kit/provider.ts'
import { hmac } from '../../kit/signatures.ts'
import { registration } from './registration.ts'
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
  fields: [
    {
      key: 'base_url',
      label: 'Base URL',
      hint: 'only of a GitHub Enterprise Server, with /api/v3',
      type: 'url',
      example: 'https://github.example.com/api/v3',
    },
  ],
  auth: bearer('access_token'),
  limits: { requests_per_minute: 80, timeout_ms: 15_000 },
  api_version: {
    default: '2022-11-28',
    pattern: '[0-9]{4}-[0-9]{2}-[0-9]{2}',
    header: 'x-github-api-version',
  },
  headers: () => ({ accept: 'application/vnd.github+json' }),
  reference: { header: 'x-github-request-id' },
  test: get('/rate_limit'),
  webhooks: {
    registration,
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
