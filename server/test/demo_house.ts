import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadConfig } from '../platform/config.ts'
import { createLog } from '../platform/log.ts'
import { startSandbox } from '../sandbox/sandbox.ts'
import { start } from '../start.ts'

/** A throw-away instance with the sandbox beside it and one tenant inside, for the demos. */
export type Json = Record<string, unknown>
export type Api = (method: string, path: string, body?: Json) => Promise<Json>

export async function openHouse() {
  const dir = await mkdtemp(join(tmpdir(), 'trilho-demo-'))
  await chmod(dir, 0o755) // as root, PostgreSQL runs as another user and must get in
  const undo: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })]
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const sandbox = await startSandbox({ port: 0 })
    undo.push(() => sandbox.stop())
    const config = {
      ...loadConfig({}),
      data_dir: join(dir, '.trilho'),
      port: 0,
      sandbox: false,
      demo: false,
      rate_limit_per_second: 10_000,
    }
    const running = await start(config, createLog({ level: 'silent' }))
    undo.push(running.stop)
    running.app.config.public_url = running.url // where people come back to
    const api = await openTenant(running.url, running.admin_key ?? '')
    return { url: running.url, sandbox_url: sandbox.url, api, undo, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function openTenant(url: string, admin_key: string): Promise<Api> {
  const admin = apiOf(url, { authorization: `Bearer ${admin_key}` })
  const tenant = await admin('POST', '/v1/tenants', { name: 'Mercado Azul' })
  const acting = apiOf(url, { authorization: `Bearer ${admin_key}`, 'trilho-tenant': String(tenant['id']) })
  const { key } = await acting('POST', '/v1/keys', { name: 'Demo', environment: 'test', scopes: ['*'] })
  return apiOf(url, { authorization: `Bearer ${key}` })
}

const apiOf =
  (url: string, headers: Record<string, string>): Api =>
  async (method, path, body) => {
    const sent = body
      ? { body: JSON.stringify(body), headers: { ...headers, 'content-type': 'application/json' } }
      : { headers }
    const response = await fetch(url + path, { method, ...sent })
    const reply = (await response.json()) as Json
    if (!response.ok)
      throw new Error(`${method} ${path} answered ${response.status}: ${JSON.stringify(reply)}`)
    return reply
  }

/** Every page of a list. */
export async function all(api: Api, path: string): Promise<Json[]> {
  const items: Json[] = []
  let cursor: unknown = ''
  while (cursor !== null) {
    const page: Json = await api('GET', `${path}?limit=200${cursor ? `&cursor=${cursor}` : ''}`)
    items.push(...(page['data'] as Json[]))
    cursor = page['next_cursor']
  }
  return items
}

export async function until(holds: () => boolean | Promise<boolean>, limit_ms: number): Promise<void> {
  const deadline = performance.now() + limit_ms
  while (!(await holds()) && performance.now() < deadline) await sleep(20)
}

export const round = (n: number) => Math.round(n * 10) / 10

/** With lines below it, where there is more to see. */
export function say(title: string, text: string, ...lines: string[]): void {
  const bold = process.stdout.isTTY ? ['\u001b[1m', '\u001b[0m'] : ['', '']
  const more = lines.map((line) => `    ${line}\n`).join('')
  console.log(`${bold[0]}${title}.${bold[1]} ${text}\n${more}`)
}
