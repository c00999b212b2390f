import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from '../../platform/database/embedded.ts'
import { readPostmaster } from '../../platform/database/embedded_lock.ts'
import { maintain, quiet, withDatabase } from '../postgres.ts'
import type { Door } from './asking.ts'
import { type Product, startProduct } from './product.ts'
import { startProxy, type Tap } from './proxy.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import { createSender, type Sender } from './sender.ts'
import { createSteps, type Steps } from './steps.ts'

/**
 * The PostgreSQL of the faults: a process of its own that no kill of the product touches, its commits on the disk
 * when they are answered. It starts again by itself when it is ended.
 */
export type FaultPostgres = {
  url: string
  /** Ends it as `pg_ctl stop` would: fast (SIGINT) or immediate (SIGQUIT). Null where it is not ours. */
  end: ((signal: 'SIGINT' | 'SIGQUIT') => void) | null
  stop(): Promise<void>
}

export async function startFaultPostgres(external?: string): Promise<FaultPostgres> {
  if (external) return { url: external, end: null, stop: async () => {} }
  const dir = await mkdtemp(join(tmpdir(), 'trilho-faults-'))
  await chmod(dir, 0o755) // as root PostgreSQL runs as somebody else, and keeps its data here
  const server = await startEmbedded({ dir, log: quiet, settings: { max_connections: '400' } })
  return {
    url: server.url,
    end: (signal) => {
      const pid = readPostmaster(server.data_dir)?.pid
      if (pid) process.kill(pid, signal)
    },
    stop: async () => {
      await server.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** The paths that a tenant subscribed, with the types of events each wants. */
const SUBSCRIPTIONS: Record<string, string[]> = { '/all': ['*'], '/payments': ['payment.*'] }
const pathsFor = (event_type: string): string[] =>
  event_type.startsWith('payment.') ? ['/all', '/payments'] : ['/all']

/** For receivers that fail: many retries soon after each other, and the orders of each lane in their order. */
const ROUGH = { retry_schedule_s: Array.from({ length: 20 }, (_, n) => (n < 10 ? 1 : 5)), timeout_ms: 2_000 }
export const ORDERED = '/ordered'
const IN_ORDER = { ...ROUGH, order: { per: 'key', key: 'data.lane', on_failure: 'block' } }

/** One database of the product's with a tenant in it, and the world around it: sender, receiver, the wire between. */
export type Installation = {
  /** Straight to the database, not counted. */
  database_url: string
  env: Record<string, string>
  /** Where an event of a type must arrive. */
  pathsFor(event_type: string): string[]
  steps: Steps
  receiver: Receiver
  sender: Sender
  /** The process the sender speaks to. */
  at(product: { url: string }): void
  /** Back to the tenant that has never seen a message. No process of the product may run. */
  renew(): Promise<void>
  close(): Promise<void>
}

const SOURCE_SECRET = 'whsec_faults_signing_secret'
const ORDERED_TOKEN = 'a-token-of-the-ordered-source'

/**
 * `rough`: receivers may fail, and one of them is to get the orders in their order. `impatient`: the vendor may never
 * answer.
 */
export async function install(
  postgres_url: string,
  { rough = false, impatient = false } = {},
): Promise<Installation> {
  const name = `faults_${randomBytes(6).toString('hex')}`
  const furnished = `${name}_furnished`
  await maintain(postgres_url, `create database ${name}`)
  const database_url = withDatabase(postgres_url, name)
  const steps = createSteps()
  const [tap, receiver] = [await startProxy(database_url, steps), await startReceiver(steps)]
  const dir = await mkdtemp(join(tmpdir(), 'trilho-faults-'))
  const env = settings(tap, dir)
  const door = { ...(await furnish(env, receiver, { rough, impatient })), url: () => url }
  await maintain(postgres_url, `alter database ${name} rename to ${furnished}`)
  let url = ''
  const installation: Installation = {
    database_url,
    env,
    pathsFor: (type) => (rough && type === 'order.placed' ? [...pathsFor(type), ORDERED] : pathsFor(type)),
    steps,
    receiver,
    sender: createSender(door),
    at: (product) => {
      url = product.url
    },
    renew: async () => {
      await maintain(
        postgres_url,
        `drop database if exists ${name} with (force)`,
        `create database ${name} template ${furnished}`,
      )
      installation.sender = createSender(door)
      receiver.forget()
    },
    close: async () => {
      await Promise.all([tap.close(), receiver.close(), rm(dir, { recursive: true, force: true })])
      const drops = [name, furnished].map((one) => `drop database if exists ${one} with (force)`)
      await maintain(postgres_url, ...drops).catch(() => {}) // PostgreSQL may be away: whatever ended the run is told instead
    },
  }
  await installation.renew()
  return installation
}

const settings = (tap: Tap, dir: string): Record<string, string> => ({
  DATABASE_URL: tap.url,
  TRILHO_DATA_DIR: dir,
  TRILHO_PORT: '0',
  TRILHO_SANDBOX: 'false',
  TRILHO_ADMIN_KEY: randomBytes(24).toString('hex'),
  TRILHO_MASTER_KEY: randomBytes(32).toString('hex'),
  TRILHO_RATE_LIMIT_PER_SECOND: '100000',
  TRILHO_PARTITIONS_AHEAD_DAYS: '2',
  TRILHO_DB_POOL_SIZE: '4',
  TRILHO_LOG_LEVEL: 'error',
  TRILHO_SHUTDOWN_GRACE_MS: '60000', // on a busy machine too, what is in hand is finished
})

/** The tenant, made through the API as a customer would. */
async function furnish(
  env: Record<string, string>,
  receiver: Receiver,
  { rough, impatient }: { rough: boolean; impatient: boolean },
): Promise<Omit<Door, 'url'>> {
  const product = await startProduct(env)
  try {
    const admin = { authorization: `Bearer ${env['TRILHO_ADMIN_KEY']}` }
    const tenant = await create(product, admin, '/v1/tenants', { name: 'Padaria Central' })
    const chosen = { ...admin, 'trilho-tenant': tenant['id'] ?? '' }
    const made = { name: 'Faults', environment: 'test', scopes: ['*'] }
    const { key = '' } = await create(product, chosen, '/v1/keys', made)
    const mine = { authorization: `Bearer ${key}` }
    const source = await create(product, mine, '/v1/sources', {
      provider: 'stripe',
      name: 'Stripe',
      secrets: [SOURCE_SECRET],
    })
    const ordered = await create(product, mine, '/v1/sources', numberedSource(ORDERED_TOKEN))
    const type = { name: 'order.placed', description: 'An order', schema: {}, example: {} }
    await create(product, mine, '/v1/event-types', type)
    const wants: [string, string[], object][] = Object.entries(SUBSCRIPTIONS).map(([path, types]) => [
      path,
      types,
      rough ? ROUGH : {},
    ])
    if (rough) wants.push([ORDERED, ['order.placed'], IN_ORDER])
    for (const [path, event_types, more] of wants) {
      const wanted = { name: path, url: receiver.url + path, event_types, ...more }
      const { secret = '' } = await create(product, mine, '/v1/subscriptions', wanted)
      receiver.trust(path, secret)
    }
    const pathOf = ({ url = '' }: Record<string, string>) => new URL(url).pathname
    return {
      key,
      ...{ source_path: pathOf(source), source_secret: SOURCE_SECRET },
      ...{ ordered_path: pathOf(ordered), ordered_token: ORDERED_TOKEN },
      ...(await connect(product, mine, receiver.url, impatient)),
    }
  } finally {
    await product.stop()
  }
}

/** Longer than any trial: a number that is on its way is never given up. */
const GAP_TIMEOUT_S = 3_600

/** One whose senders number the messages of each entity. */
export const numberedSource = (token: string) => ({
  provider: 'http',
  name: 'Numbered',
  settings: {
    ...{ signature: 'token', signature_header: 'x-token' },
    ...{ entity_id: 'entity', order: 'sequence', position: 'n' },
  },
  secrets: [token],
  options: { order: { gap_timeout_s: GAP_TIMEOUT_S } },
})

/** To each place of the vendor. */
async function connect(product: Product, mine: Record<string, string>, at: string, impatient: boolean) {
  const unbound = { rates: [{ calls: 1_000_000, per_s: 60 }], breaker: false, retry_budget: false }
  const limits = { ...unbound, ...(impatient && { timeout_ms: 2_000, backoff_ms: 200 }) }
  const connectTo = async (place: string, settings = {}, credentials = {}) => {
    const named = { provider: 'http', name: place, environment: 'development', limits }
    const body = { ...named, settings: { base_url: `${at}/${place}`, ...settings }, credentials }
    return (await create(product, mine, '/v1/connections', body))['id'] ?? ''
  }
  const auth = { auth: 'oauth2_client_credentials', token_url: `${at}/oauth/token` }
  return {
    connection: await connectTo('vendor'),
    keyed: await connectTo('keyed', { idempotency_header: 'Idempotency-Key' }),
    oauth: await connectTo('oauth', auth, { client_id: 'faults', client_secret: 'a-secret-of-the-faults' }),
  }
}

/** Made through the API; throws where that says no. */
export async function create(
  product: { url: string },
  headers: Record<string, string>,
  path: string,
  body: object,
): Promise<Record<string, string>> {
  const response = await fetch(product.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  const made = (await response.json()) as Record<string, string>
  if (!response.ok) throw new Error(`POST ${path} was answered ${response.status}: ${JSON.stringify(made)}`)
  return made
}
