import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createHttp, type Mount } from '../http/http.ts'
import type { App } from '../modules/app.ts'
import { routes as tenantsRoutes } from '../modules/tenants/routes.ts'
import { createKey, createTenant, ensureAdminKey } from '../modules/tenants/tenants.ts'
import { systemClock } from '../platform/clock.ts'
import { type Config, loadConfig } from '../platform/config.ts'
import { type Database, openDatabase } from '../platform/database/database.ts'
import { createEgress } from '../platform/egress/egress.ts'
import { fromWire, idMaker } from '../platform/ids.ts'
import { createLog, type Log } from '../platform/log.ts'
import { createTelemetry } from '../platform/telemetry.ts'
import { createVault } from '../platform/vault/vault.ts'
import { testDatabaseUrl, undoAfter } from './harness.ts'

/** A server on a real socket and a real database, with the tenants room and what a test mounts beside it. */
export type Served = {
  app: App
  url: string
  /** The lines it logged so far. */
  lines: Record<string, unknown>[]
  send(method: string, path: string, options?: SendOptions): Promise<Reply>
}

export type SendOptions = { key?: string | undefined; body?: unknown; headers?: Record<string, string> }
export type Reply = { status: number; headers: Headers; text: string; body: Record<string, unknown> }

type Options = {
  /** Several servers share one database when they are given the same URL. */
  database_url?: string
  master_key?: Buffer
  config?: Partial<Config>
  mount?: Mount
  providers?: App['providers']
}

export async function serve(options: Options = {}): Promise<Served> {
  const lines: Record<string, unknown>[] = []
  const log = createLog({
    level: 'debug',
    format: 'json',
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  })
  const config: Config = { ...loadConfig({}), port: 0, ...options.config }
  const database_url = options.database_url ?? (await testDatabaseUrl())
  const db = await openDatabase({ url: database_url, pool_size: 8, log })
  undoAfter(() => db.close())
  const vendors = options.providers ?? new Map()
  const app = { ...buildApp(config, db, log, options.master_key ?? randomBytes(32)), providers: vendors }
  const rooms = [tenantsRoutes, ...(options.mount?.rooms ?? [])]
  const http = await createHttp(app, { ...options.mount, rooms })
  await http.listen({ host: '127.0.0.1', port: 0 })
  undoAfter(async () => {
    await http.close()
    await Promise.all([app.egress.close(), app.telemetry.close()])
  })
  const url = `http://127.0.0.1:${(http.server.address() as AddressInfo).port}`
  return { app, url, lines, send: (method, path, sent) => send(url, method, path, sent) }
}

function buildApp(config: Config, db: Database, log: Log, master_key: Buffer): App {
  const clock = systemClock
  return {
    config,
    db,
    log,
    clock,
    vault: createVault({ master_key, clock }),
    egress: createEgress({ allow: [], allow_loopback: true, folders: config.file_roots }),
    telemetry: createTelemetry(),
    newId: idMaker(clock),
    providers: new Map(),
  }
}

/** A body that is no string is sent as JSON. */
async function send(url: string, method: string, path: string, options: SendOptions = {}): Promise<Reply> {
  const { key, body } = options
  const is_text = typeof body === 'string' || body === undefined
  const response = await fetch(url + path, {
    method,
    redirect: 'manual',
    headers: {
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(body !== undefined && { body: is_text ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const is_json = /json/.test(response.headers.get('content-type') ?? '')
  const parsed = is_json ? (JSON.parse(text) as Record<string, unknown>) : {}
  return { status: response.status, headers: response.headers, text, body: parsed }
}

/** A key of the administrator; the first server of a database only. */
export async function adminKey({ app }: Served): Promise<string> {
  const key = await ensureAdminKey(app)
  if (key === null) throw new Error('this database has its admin key already')
  return key
}

/** A tenant of its own with a key, as an administrator would make them. */
export async function tenantWithKey(
  { app }: Served,
  scopes: string[] = ['*'],
  environment: 'live' | 'test' = 'live',
): Promise<{ tenant: string; tenant_id: string; key: string; key_id: string }> {
  const actor = {
    kind: 'system' as const,
    id: 'test',
    tenant_id: '',
    environment: 'live' as const,
    scopes: ['admin'],
    ip: null,
    request_id: null,
  }
  const { id: tenant } = await createTenant(app, actor, { name: 'Padaria Central' })
  const tenant_id = fromWire('tenant', tenant)
  const made = await createKey(app, { ...actor, tenant_id }, { name: 'Test', environment, scopes })
  return { tenant, tenant_id, key: made.key, key_id: made.id }
}
