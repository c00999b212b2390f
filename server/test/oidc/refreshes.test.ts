import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Product, startProduct } from '../faults/product.ts'
import { testDatabaseUrl, undoAfter } from '../harness.ts'
import { type Api, apiOf } from '../product.ts'
import { CLIENT, type Oidc, startOidc, visit } from './oidc.ts'

/**
 * Three processes, fifty calls at once, and a provider that takes the whole grant back when a spent refresh token is
 * shown again. `REFRESHES=1000 npm test -- refreshes` is the long form.
 */
const REFRESHES = Number(process.env['REFRESHES'] ?? 40)
const PROCESSES = 3
const CONNECTIONS = 5
const CALLS = 50
/** Nobody listens there: the test takes what comes back to a process itself. */
const PUBLIC_URL = 'http://trilho.example'

async function startProcesses(): Promise<{ processes: Product[]; admin_key: string }> {
  const data_dir = await mkdtemp(join(tmpdir(), 'trilho-refreshes-'))
  undoAfter(() => rm(data_dir, { recursive: true, force: true }))
  const admin_key = randomBytes(24).toString('hex')
  const env = {
    DATABASE_URL: await testDatabaseUrl(),
    TRILHO_DATA_DIR: data_dir,
    TRILHO_PORT: '0',
    TRILHO_PUBLIC_URL: PUBLIC_URL,
    TRILHO_EGRESS_ALLOW: '127.0.0.0/8', // where the provider of the test listens
    TRILHO_ROLES: 'api',
    TRILHO_SANDBOX: 'false',
    TRILHO_ADMIN_KEY: admin_key,
    TRILHO_MASTER_KEY: randomBytes(32).toString('hex'),
    TRILHO_PARTITIONS_AHEAD_DAYS: '2',
    TRILHO_DB_POOL_SIZE: '8',
    TRILHO_LOG_LEVEL: 'warn',
    TRILHO_RATE_LIMIT_PER_SECOND: '100000',
  }
  const processes: Product[] = []
  for (let n = 0; n < PROCESSES; n++) {
    const started = await startProduct(env)
    undoAfter(() => started.stop())
    processes.push(started)
  }
  return { processes, admin_key }
}

/** The same tenant, through each process. */
async function openTenant(processes: Product[], admin_key: string): Promise<Api[]> {
  const [first] = processes
  if (!first) throw new Error('no process was started')
  const admin = { authorization: `Bearer ${admin_key}` }
  const { id } = await apiOf(first.url, admin, '', '').ok('POST', '/v1/tenants', { name: 'Agenda' })
  const acting = apiOf(first.url, { ...admin, 'trilho-tenant': String(id) }, '', '')
  const made = { name: 'Test', environment: 'test', scopes: ['*'] }
  const { key } = await acting.ok('POST', '/v1/keys', made)
  return processes.map(({ url }) => apiOf(url, { authorization: `Bearer ${key}` }, String(key), String(id)))
}

async function connect(api: Api, url: string, oidc: Oidc): Promise<string> {
  const connection = await api.ok('POST', '/v1/connections', {
    provider: 'http',
    name: 'Agenda',
    environment: 'development',
    settings: {
      base_url: oidc.url,
      auth: 'oauth2_authorization_code',
      authorize_url: '/auth',
      token_url: '/token',
      scope: 'openid offline_access',
      authorize_parameters: 'prompt=consent',
    },
    credentials: CLIENT,
    limits: { rates: [{ calls: 1_000_000, per_s: 60 }] },
  })
  const id = String(connection['id'])
  const begun = await api.ok('POST', `/v1/connections/${id}/authorize`, {})
  const back = await visit(String(begun['url']), oidc.url)
  const page = await fetch(url + back.slice(PUBLIC_URL.length))
  assert.equal(page.status, 200, await page.text())
  return id
}

/** Fifty calls at once, spread over connections and processes; what those said that did not succeed. */
async function callAll(apis: Api[], connections: string[]): Promise<unknown[]> {
  const replies = await Promise.all(
    Array.from({ length: CALLS }, (_, n) => {
      const id = connections[n % connections.length]
      const asked = { method: 'GET', path: `/api/${n}`, retries: 0 }
      return apis[n % apis.length]?.ok('POST', `/v1/connections/${id}/calls`, asked)
    }),
  )
  return replies.filter((reply) => reply?.['state'] !== 'succeeded')
}

test('fifty calls at once in three processes never show a spent refresh token, and lose no connection', async (t) => {
  const oidc = await startOidc({ redirect_uri: `${PUBLIC_URL}/oauth/callback`, token_life_s: 3600 })
  undoAfter(() => oidc.stop())
  const { processes, admin_key } = await startProcesses()
  const apis = await openTenant(processes, admin_key)
  const [api] = apis
  if (!api) throw new Error('no process was started')
  const connections: string[] = []
  for (let n = 0; n < CONNECTIONS; n++) connections.push(await connect(api, processes[0]?.url ?? '', oidc))
  const rounds = Math.ceil(REFRESHES / CONNECTIONS)
  for (let round = 1; round <= rounds; round++) {
    oidc.expireAll()
    assert.deepEqual(await callAll(apis, connections), [], `round ${round}`)
  }
  assert.equal(oidc.refreshed(), rounds * CONNECTIONS, 'one refresh for each token that ended')
  assert.equal(oidc.revoked(), 0)
  for (const id of connections) {
    const { state } = await api.ok('GET', `/v1/connections/${id}/authorization`)
    assert.equal(state, 'connected')
  }
  t.diagnostic(`${oidc.refreshed()} refreshes, ${rounds * CALLS} calls, no connection lost`)
})

test('tokens that live twelve seconds are renewed ahead of their end, while calls go on', async () => {
  const oidc = await startOidc({ redirect_uri: `${PUBLIC_URL}/oauth/callback`, token_life_s: 12 })
  undoAfter(() => oidc.stop())
  const { processes, admin_key } = await startProcesses()
  const apis = await openTenant(processes, admin_key)
  const [api] = apis
  if (!api) throw new Error('no process was started')
  const connection = await connect(api, processes[0]?.url ?? '', oidc)
  const until = performance.now() + 30_000
  while (performance.now() < until) {
    assert.deepEqual(await callAll(apis, [connection]), [])
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.ok(oidc.refreshed() >= 2, `${oidc.refreshed()} refreshes`)
  assert.equal(oidc.revoked(), 0)
})
