import { randomBytes } from 'node:crypto'
import { json, readJson, type SandboxReply, type SandboxRequest } from '../wire.ts'

/** The webhooks of an audience: mailchimp.com/developer/marketing/api/list-webhooks. Any audience asked for is there. */
type Hook = { id: string; url: string; events: unknown; sources: unknown; list_id: string }

const AT = /^\/lists\/([0-9A-Za-z]+)\/webhooks(?:\/([0-9a-f]+))?$/

export function createLists() {
  const hooks = new Map<string, Hook>()

  return ({ method, path, headers, body }: SandboxRequest): SandboxReply | null => {
    const [, list_id, id] = AT.exec(path) ?? []
    if (list_id === undefined) return null
    if (!/^(Bearer|Basic) \S+$/.test(headers.authorization ?? '')) return problem(401, 'API Key Invalid')
    const given = (readJson(body) ?? {}) as Partial<Hook>
    if (id !== undefined) return ofOne(hooks, id, method, given)
    const own = [...hooks.values()].filter((hook) => hook.list_id === list_id)
    if (method === 'GET') return json(200, { webhooks: own, list_id, total_items: own.length })
    if (method !== 'POST') return null
    if (typeof given.url !== 'string') return problem(400, 'Invalid Resource')
    if (own.some(({ url }) => url === given.url))
      return problem(400, 'Sorry, you can’t set up multiple WebHooks')
    const { url, events = {}, sources = {} } = given
    const hook = { id: randomBytes(5).toString('hex'), url, events, sources, list_id }
    hooks.set(hook.id, hook)
    return json(200, hook)
  }
}

function ofOne(
  hooks: Map<string, Hook>,
  id: string,
  method: string,
  given: Partial<Hook>,
): SandboxReply | null {
  const hook = hooks.get(id)
  if (!hook) return problem(404, 'Resource Not Found')
  if (method === 'DELETE') {
    hooks.delete(id)
    return { status: 204, body: '' }
  }
  if (method === 'PATCH') Object.assign(hook, given)
  return method === 'PATCH' || method === 'GET' ? json(200, hook) : null
}

const problem = (status: number, title: string): SandboxReply =>
  json(status, {
    type: 'https://mailchimp.com/developer/marketing/docs/errors/',
    title,
    status,
    detail: title,
  })
