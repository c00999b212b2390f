import { createHmac, randomUUID } from 'node:crypto'
import { json, readJson, type SandboxReply, type SandboxRequest } from '../wire.ts'
import type { Made, Order } from './hooks.ts'

/** A delivery as docs.github.com/en/webhooks/webhook-events-and-payloads describes it. */
function makeGitHub({ secret, type = 'push', payload }: Order, n: number): Made {
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

type Hook = { id: number; name: string; active: boolean; events: string[]; config: Record<string, unknown> }

const AT = /^\/(repos\/[^/]+\/[^/]+|orgs\/[^/]+)\/hooks(?:\/(\d+))?$/

/** Its webhooks too, as docs.github.com/en/rest/repos/webhooks and …/orgs/webhooks have them. */
export function createGitHub() {
  const places = new Map<string, Map<number, Hook>>()
  let last = 0
  function answer(request: SandboxRequest): SandboxReply | null {
    const [, place = '', id] = AT.exec(request.path) ?? []
    if (place === '') return null
    if (!/^(Bearer|token) \S+$/.test(request.headers.authorization ?? ''))
      return json(401, { message: 'Requires authentication', status: '401' })
    const hooks = places.get(place) ?? new Map<number, Hook>()
    places.set(place, hooks)
    if (id !== undefined) return ofOne(hooks, Number(id), request)
    if (request.method === 'GET') return json(200, [...hooks.values()].map(shown))
    if (request.method !== 'POST') return null
    const given = (readJson(request.body) ?? {}) as Partial<Hook>
    if (typeof given.config?.['url'] !== 'string') return INVALID
    if ([...hooks.values()].some(({ config }) => config['url'] === given.config?.['url'])) return EXISTS
    const { config, events = ['push'], active = true } = given
    const hook = { id: ++last, name: 'web', active, events, config }
    hooks.set(hook.id, hook)
    return json(201, shown(hook))
  }
  return { make: makeGitHub, answer }
}

function ofOne(hooks: Map<number, Hook>, id: number, { method, body }: SandboxRequest): SandboxReply | null {
  const hook = hooks.get(id)
  if (!hook) return json(404, { message: 'Not Found', status: '404' })
  if (method === 'DELETE') {
    hooks.delete(id)
    return { status: 204, body: '' }
  }
  if (method === 'PATCH') Object.assign(hook, readJson(body))
  return method === 'PATCH' || method === 'GET' ? json(200, shown(hook)) : null
}

/** The secret is never shown. */
const shown = ({ config, ...hook }: Hook) => ({
  ...hook,
  type: 'Repository',
  config: { ...config, ...(config['secret'] !== undefined && { secret: '********' }) },
})

const INVALID = json(422, {
  message: 'Validation Failed',
  errors: [{ resource: 'Hook', code: 'missing_field', field: 'url' }],
})
const EXISTS = json(422, {
  message: 'Validation Failed',
  errors: [{ resource: 'Hook', code: 'custom', message: 'Hook already exists on this repository' }],
})
