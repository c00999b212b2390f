import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
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

/** Somebody whom `admin` invites to a tenant, signed up; `member` is the place there. */
export async function invite(
  served: Served,
  admin: Browser,
  email: string,
  role: string,
  tenant: string,
): Promise<Browser & { member: string }> {
  const headers = { 'trilho-tenant': tenant }
  const made = await admin.send('POST', '/v1/members', { body: { email, role }, headers })
  assert.equal(made.status, 201, made.text)
  const token = tokenOf(String(made.body['link']))
  const body = { token, name: email, email, password: PASSWORD, language: 'en' }
  const browser = browserOf(served, await served.send('POST', '/v1/welcome', { body }))
  return { ...browser, member: String(made.body['id']) }
}

export async function fails(reply: Promise<Reply>, status: number, code: string) {
  const { status: got, body } = await reply
  assert.deepEqual([got, body['code']], [status, code], JSON.stringify(body))
  return body
}

/** Word to the other process takes some milliseconds; a busy machine is no failure of ours. Waits three minutes at most. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 180_000
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, 'it never held')
    await sleep(10)
  }
}

/** Runs `work` while it is so many hours later to the server. */
export async function later<T>({ app }: Served, hours: number, work: () => Promise<T>): Promise<T> {
  const { clock } = app
  app.clock = { ...clock, now: () => new Date(Date.now() + hours * 3_600_000) }
  try {
    return await work()
  } finally {
    app.clock = clock
  }
}

/** Holds the rows of these people, starts each work once the one before waits for them, and lets all go on. */
export async function whileLocked(
  { app }: Served,
  emails: string[],
  works: (() => Promise<Reply>)[],
): Promise<Reply[]> {
  const holder = await app.db.owner.pool.connect()
  const begun: Promise<Reply>[] = []
  try {
    await holder.query('begin')
    await holder.query('select id from person where email = any($1) for update', [emails])
    for (const work of works) {
      begun.push(work())
      await until(async () => (await countWaiting(app)) === begun.length)
    }
  } finally {
    await holder.query('rollback')
    holder.release()
  }
  return Promise.all(begun)
}

async function countWaiting({ db }: Served['app']): Promise<number> {
  const waiting = `select count(distinct pid)::int as n from pg_locks
    where not granted and pid in (select pid from pg_stat_activity where datname = current_database())`
  return (await db.owner.pool.query<{ n: number }>(waiting)).rows[0]?.n ?? 0
}
