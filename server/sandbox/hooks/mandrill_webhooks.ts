import { randomBytes } from 'node:crypto'
import { json, readJson, type SandboxReply, type SandboxRequest } from '../wire.ts'

/** mailchimp.com/developer/transactional/api/webhooks. Whatever is wrong is a 500 with its name, as Mandrill answers. */
type Hook = { id: number; url: string; description: string; auth_key: string; events: unknown }

export function createWebhooks() {
  const hooks = new Map<number, Hook>()
  let last = 0

  const ways: Record<string, (given: Record<string, unknown>) => SandboxReply> = {
    '/webhooks/list.json': () => json(200, [...hooks.values()]),
    '/webhooks/add.json': ({ url, description = '', events = [] }) => {
      if (typeof url !== 'string') return wrong('ValidationError', 'You must specify a url value')
      const auth_key = randomBytes(16).toString('base64url')
      const hook = { id: ++last, url, description: String(description), auth_key, events }
      hooks.set(hook.id, hook)
      return json(200, hook)
    },
    '/webhooks/update.json': ({ id, url, description, events }) => {
      const hook = hooks.get(Number(id))
      if (!hook) return unknown(id)
      Object.assign(hook, url && { url }, description && { description }, events && { events })
      return json(200, hook)
    },
    '/webhooks/delete.json': ({ id }) => {
      const hook = hooks.get(Number(id))
      if (!hook) return unknown(id)
      hooks.delete(hook.id)
      return json(200, hook)
    },
  }

  return ({ method, path, body }: SandboxRequest): SandboxReply | null => {
    const way = ways[path]
    if (method !== 'POST' || !way) return null
    const given = (readJson(body) ?? {}) as Record<string, unknown>
    return typeof given['key'] === 'string' ? way(given) : wrong('Invalid_Key', 'Invalid API key')
  }
}

const wrong = (name: string, message: string): SandboxReply =>
  json(500, { status: 'error', code: -1, name, message })
const unknown = (id: unknown): SandboxReply =>
  wrong('Unknown_Webhook', `No webhook exists with the id '${String(id)}'`)
