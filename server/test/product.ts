import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Config, loadConfig } from '../platform/config.ts'
import { secret } from '../platform/secret.ts'
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts'
import { type Running, start } from '../start.ts'
import { quiet, testDatabaseUrl, undoAfter } from './harness.ts'

/** The whole product on a database of its own, with the sandbox beside it and one tenant inside. */
export type Product = Running & { sandbox: Sandbox; newTenant(): Promise<Api>; api: Api }
export type Json = Record<string, unknown>
export type Reply = { status: number; headers: Headers; body: Json }

/** One tenant's way in: its key is sent with every request. */
export type Api = {
  key: string
  tenant_id: string
  send(method: string, path: string, body?: unknown): Promise<Reply>
  /** As `send`, and a failure unless the answer is 2xx. */
  ok(method: string, path: string, body?: unknown): Promise<Json>
  /** The items of a page. */
  list(path: string): Promise<Json[]>
}

export async function startProduct(changed: Partial<Config> = {}): Promise<Product> {
  const data_dir = await mkdtemp(join(tmpdir(), 'trilho-product-'))
  undoAfter(() => rm(data_dir, { recursive: true, force: true }))
  const sandbox = await startSandbox({ port: 0 })
  undoAfter(() => sandbox.stop())
  const running = await start(
    {
      ...loadConfig({}),
      database_url: secret(await testDatabaseUrl()),
      data_dir,
      port: 0,
      sandbox: false,
      demo: false,
      partitions_ahead_days: 2,
      rate_limit_per_second: 100_000,
      ...changed,
    },
    quiet,
  )
  undoAfter(() => running.stop())
  // What goes by the clock would come into some tests at some minutes.
  await running.app.db.owner.pool.query("update schedule set due = now() + interval '1 day'")
  const newTenant = () => makeTenant(running)
  return { ...running, sandbox, newTenant, api: await newTenant() }
}

async function makeTenant({ url, admin_key }: Running): Promise<Api> {
  const admin = apiOf(url, { authorization: `Bearer ${admin_key}` }, '', '')
  const { id } = await admin.ok('POST', '/v1/tenants', { name: 'Mercado Azul' })
  const acting = apiOf(url, { authorization: `Bearer ${admin_key}`, 'trilho-tenant': String(id) }, '', '')
  const { key } = await acting.ok('POST', '/v1/keys', { name: 'Test', environment: 'test', scopes: ['*'] })
  return apiOf(url, { authorization: `Bearer ${key}` }, String(key), String(id))
}

/** A way in for whoever these headers say, remembering which key and tenant that is. */
export function apiOf(url: string, headers: Record<string, string>, key: string, tenant_id: string): Api {
  async function send(method: string, path: string, body?: unknown): Promise<Reply> {
    const response = await fetch(url + path, {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: text ? (JSON.parse(text) as Json) : {},
    }
  }
  async function ok(method: string, path: string, body?: unknown): Promise<Json> {
    const reply = await send(method, path, body)
    if (reply.status >= 300)
      throw new Error(`${method} ${path} answered ${reply.status}: ${JSON.stringify(reply.body)}`)
    return reply.body
  }
  return { key, tenant_id, send, ok, list: async (path) => (await ok('GET', path))['data'] as Json[] }
}

/** Waits until `look` gives something, at most three minutes: how long a busy machine takes is no failure. */
export async function eventually<T>(look: () => Promise<T | null | undefined | false>): Promise<T> {
  const deadline = performance.now() + 180_000
  for (;;) {
    const found = await look()
    if (found) return found
    if (performance.now() > deadline) throw new Error('it did not happen within three minutes')
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
}
