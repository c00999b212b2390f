import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { type Product, startProduct } from '../faults/product.ts'
import { testDatabaseUrl, undoAfter } from '../harness.ts'
import { type Api, apiOf } from '../product.ts'
import { type Balancer, startBalancer } from './balancer.ts'
import { openShop, type Shop } from './shop.ts'

/** An installation as it stands in production: each role in processes of its own, one PostgreSQL, a proxy before them. */
export type Installation = {
  balancer: Balancer
  places: Place[]
  placesOf(role: Role): Place[]
  admin: Api
  sandbox_url: string
  newCustomer(name: string): Promise<Customer>
}

export type Role = 'api' | 'ingest' | 'worker'

/** Where one process of a role stands, and another after it. */
export type Place = {
  role: Role
  url: string
  /** SIGTERM; its exit code. */
  stop(): Promise<number | null>
  start(): Promise<void>
}

export type Customer = {
  api: Api
  shop: Shop
  source: { id: string; url: string; secret: string }
}

/** How long who is told to end waits for what is in hand: enough on a busy machine. */
export const GRACE_MS = 60_000

const ROLES: Role[] = ['api', 'api', 'ingest', 'ingest', 'worker', 'worker']

export async function startInstallation(): Promise<Installation> {
  const places: Place[] = []
  const placesOf = (role: Role) => places.filter((place) => place.role === role)
  const balancer = await startBalancer((role) => placesOf(role).map(({ url }) => url))
  undoAfter(() => balancer.close())
  const sandbox = await startSandbox({ port: 0 })
  undoAfter(() => sandbox.stop())
  const env = await settings(balancer.url)
  places.push(...(await Promise.all(ROLES.map((role) => openPlace(role, env)))))
  const admin_headers = { authorization: `Bearer ${env['TRILHO_ADMIN_KEY']}` }
  const admin = apiOf(balancer.url, admin_headers, '', '')
  return {
    balancer,
    places,
    placesOf,
    admin,
    sandbox_url: sandbox.url,
    newCustomer: async (name) => {
      const { id } = await admin.ok('POST', '/v1/tenants', { name })
      const acting = apiOf(balancer.url, { ...admin_headers, 'trilho-tenant': String(id) }, '', '')
      const made = { name: 'Shop', environment: 'test', scopes: ['*'] }
      const { key } = await acting.ok('POST', '/v1/keys', made)
      return furnish(apiOf(balancer.url, { authorization: `Bearer ${key}` }, String(key), String(id)))
    },
  }
}

async function openPlace(role: Role, env: Record<string, string>): Promise<Place> {
  const launch = () => startProduct({ ...env, TRILHO_ROLES: role })
  let running: Product = await launch()
  const place: Place = {
    role,
    url: running.url,
    stop: () => running.stop(),
    start: async () => {
      running = await launch()
      place.url = running.url
    },
  }
  undoAfter(async () => {
    running.kill()
    await running.ended
  })
  return place
}

async function settings(public_url: string): Promise<Record<string, string>> {
  const data_dir = await mkdtemp(join(tmpdir(), 'trilho-journeys-'))
  undoAfter(() => rm(data_dir, { recursive: true, force: true }))
  return {
    DATABASE_URL: await testDatabaseUrl(),
    TRILHO_DATA_DIR: data_dir,
    TRILHO_PORT: '0',
    TRILHO_PUBLIC_URL: public_url,
    TRILHO_SANDBOX: 'false',
    TRILHO_ADMIN_KEY: randomBytes(24).toString('hex'),
    TRILHO_MASTER_KEY: randomBytes(32).toString('hex'),
    TRILHO_PARTITIONS_AHEAD_DAYS: '2',
    TRILHO_DB_POOL_SIZE: '4',
    TRILHO_LOG_LEVEL: 'error',
    TRILHO_SHUTDOWN_GRACE_MS: String(GRACE_MS),
  }
}

async function furnish(api: Api): Promise<Customer> {
  const shop = await openShop()
  undoAfter(() => shop.close())
  const secret = `whsec_${randomBytes(12).toString('hex')}`
  const source = await api.ok('POST', '/v1/sources', {
    provider: 'stripe',
    name: 'Stripe',
    secrets: [secret],
  })
  const wanted = { name: 'Shop', url: shop.url, event_types: ['payment.*'] }
  const subscription = await api.ok('POST', '/v1/subscriptions', wanted)
  shop.trust(String(subscription['secret']))
  return { api, shop, source: { id: String(source['id']), url: String(source['url']), secret } }
}
