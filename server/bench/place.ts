import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { openApp } from '../assemble.ts'
import { type Actor, type App, INSTALLATION } from '../modules/app.ts'
import { createSource } from '../modules/inbound/inbound.ts'
import { createSubscription } from '../modules/outbound/outbound.ts'
import { createTenant } from '../modules/tenants/tenants.ts'
import { loadConfig } from '../platform/config.ts'
import { startEmbedded } from '../platform/database/database.ts'
import { fromWire } from '../platform/ids.ts'
import { createLog } from '../platform/log.ts'
import { type Product, type Program, startProduct, startProgram } from './programs.ts'

/** A throw-away installation: the embedded PostgreSQL with its own settings (commits on the disk), migrated. */
export type Place = {
  app: App
  url: string
  /** The settings of a product on this place. */
  env: Record<string, string>
  /** The login itself, outside of the product's roles. */
  root: pg.Pool
  product(roles: string, more?: { env?: Record<string, string>; node_options?: string[] }): Promise<Product>
  program(file: string, settings?: object): Promise<Program>
  /** Is run at the close, the last one first. */
  undo(step: () => Promise<unknown>): void
  close(): Promise<void>
}

const quiet = createLog({ level: 'silent' })

export async function openPlace(): Promise<Place> {
  const dir = await mkdtemp(join(tmpdir(), 'trilho-bench-'))
  await chmod(dir, 0o755) // as root, PostgreSQL runs as nobody and must reach its data
  const undo: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })]
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const postgres = await startEmbedded({ dir, log: quiet })
    undo.push(() => postgres.stop())
    const { url } = postgres
    const env = {
      DATABASE_URL: url,
      TRILHO_DATA_DIR: dir,
      TRILHO_PORT: '0',
      TRILHO_DEMO: 'false',
      TRILHO_SANDBOX: 'false',
    }
    const opened = await openApp(loadConfig(env), quiet)
    undo.push(opened.close)
    const root = new pg.Pool({ connectionString: url, max: 2 })
    root.on('error', () => {}) // its connections end with PostgreSQL, and whatever ended that is told instead
    undo.push(() => root.end())
    await ageLog(root)
    let products = 0
    return {
      app: opened.app,
      url,
      env,
      root,
      product: async (roles, { env: more = {}, node_options = [] } = {}) => {
        const log_file = join(dir, `product-${products++}.log`)
        const product = await startProduct({ ...env, TRILHO_ROLES: roles, ...more }, log_file, node_options)
        undo.push(product.stop)
        return product
      },
      program: async (file, settings) => {
        const program = await startProgram(file, settings)
        undo.push(program.stop)
        return program
      },
      undo: (step) => void undo.push(step),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * An installation that has run for a while writes its log into files that exist. Until then PostgreSQL makes one for every
 * 16 MB, which every commit meanwhile waits for: what is measured in the first gigabyte is that.
 */
async function ageLog(root: pg.Pool): Promise<void> {
  await root.query(
    "select count(pg_logical_emit_message(false, 'bench', repeat('.', 1000000))) from generate_series(1, 1000)",
  )
  await root.query('checkpoint')
}

const administrator: Actor = {
  kind: 'system',
  id: 'bench',
  tenant_id: INSTALLATION,
  environment: 'test',
  scopes: ['admin'],
  ip: null,
  request_id: null,
}

export async function makeTenant(app: App, name: string): Promise<Actor> {
  const tenant = await createTenant(app, administrator, { name, time_zone: 'America/Sao_Paulo' })
  return { ...administrator, tenant_id: fromWire('tenant', tenant.id), scopes: ['*'] }
}

export async function makeSource(app: App, actor: Actor) {
  const secret = `whsec_${randomBytes(24).toString('hex')}`
  const { id } = await createSource(app, actor, {
    provider: 'stripe',
    name: 'Bench',
    secrets: [secret],
    is_default: false,
  })
  const { tenant_id } = actor
  return { source: id, source_id: fromWire('source', id), tenant_id, secret, path: `/webhooks/stripe/${id}` }
}

export const makeSubscription = (
  app: App,
  actor: Actor,
  url: string,
  more: Partial<Parameters<typeof createSubscription>[2]> = {},
) => createSubscription(app, actor, { name: 'Bench', url, event_types: ['*'], ...more })

/** Waits until no work of these queues is left. */
export async function drained(root: pg.Pool, queues: string[], most_ms: number): Promise<void> {
  const left = queues.map((queue) => `(select count(*) from ${queue})`).join(' + ')
  const give_up = performance.now() + most_ms
  while (performance.now() < give_up) {
    const { rows } = await root.query<{ left: string }>(`select ${left} as left`)
    if (rows[0]?.left === '0') return
    await sleep(20)
  }
  throw new Error(`${queues.join(' and ')} still hold work after ${most_ms} ms`)
}
