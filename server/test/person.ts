import assert from 'node:assert/strict'
import { firstLink } from '../modules/people/people.ts'
import type { Reply, SendOptions, Served } from './http_app.ts'

/** Somebody at a browser: keeps the cookie and sends what a page of ours sends. */
export type Browser = {
  cookie: string
  csrf: string
  /** What the session said of itself when it began. */
  session: Record<string, unknown>
  send(method: string, path: string, options?: SendOptions): Promise<Reply>
}

export const PASSWORD = 'a password for tests'

/** The browser that a session's answer (of `POST /v1/session` or `/v1/welcome`) was meant for. */
export function browserOf({ send }: Pick<Served, 'send'>, reply: Reply): Browser {
  assert.equal(reply.status, 200, reply.text)
  const [cookie = ''] = (reply.headers.get('set-cookie') ?? '').split(';')
  const csrf = String(reply.body['csrf'])
  return {
    cookie,
    csrf,
    session: reply.body,
    send: (method, path, options = {}) =>
      send(method, path, { ...options, headers: { cookie, 'trilho-csrf': csrf, ...options.headers } }),
  }
}

/** The administrator of the installation, who signs up by the link of the first start. */
export async function firstPerson(served: Served, email = 'ana@example.com'): Promise<Browser> {
  const link = await firstLink(served.app)
  assert.ok(link, 'somebody has signed up')
  const body = { token: tokenOf(link), name: 'Ana Souza', email, password: PASSWORD, language: 'pt-BR' }
  return browserOf(served, await served.send('POST', '/v1/welcome', { body }))
}

export const tokenOf = (link: string): string => link.slice(link.indexOf('?token=') + '?token='.length)
