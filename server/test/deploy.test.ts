import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import Stripe from 'stripe'
import { Agent, fetch, type RequestInit, type Response } from 'undici'
import { DAY_MS, issue } from './certificates.ts'
import { startProduct } from './faults/product.ts'
import { testDatabaseUrl, undoAfter } from './harness.ts'
import { freePort } from './ports.ts'

/** The files of `deploy/`, put to use: a reverse proxy that ends TLS before a server in production. */
const run = promisify(execFile)
const folderOf = (name: string) => new URL(`../../deploy/${name}`, import.meta.url)
const NGINX = ['/usr/sbin/nginx', '/usr/bin/nginx'].find(existsSync)
const ANALYZE = '/usr/bin/systemd-analyze'
const HUB = 'https://hub.example.com'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trilho-deploy-'))
  await chmod(folder, 0o755) // nginx serves as somebody else where it was started by root
  undoAfter(() => rm(folder, { recursive: true, force: true }))
})

test('behind the nginx of deploy/ a server in production gets webhooks to the byte, streams, and believes no forged address', {
  skip: NGINX ? false : 'no nginx here',
}, async () => {
  const admin_key = randomBytes(24).toString('hex')
  const product = await startProduct({
    DATABASE_URL: await testDatabaseUrl(),
    TRILHO_DATA_DIR: join(folder, 'data'),
    TRILHO_PORT: '0',
    TRILHO_PUBLIC_URL: HUB,
    TRILHO_TRUSTED_PROXIES: '127.0.0.1/32',
    TRILHO_ADMIN_KEY: admin_key,
    TRILHO_MASTER_KEY: randomBytes(32).toString('hex'),
    TRILHO_PARTITIONS_AHEAD_DAYS: '2',
    TRILHO_DB_POOL_SIZE: '4',
  })
  undoAfter(() => product.stop())
  const get = await throughNginx(product.url)
  const as = { key: admin_key }
  const tenant = await ask(get, 'POST', '/v1/tenants', { ...as, body: { name: 'Padaria' } })
  const acting = { ...as, headers: { 'trilho-tenant': String(tenant.body['id']) } }

  const secret = `whsec_${randomBytes(12).toString('hex')}`
  const wanted = { provider: 'stripe', name: 'Stripe', secrets: [secret] }
  const source = await ask(get, 'POST', '/v1/sources', { ...acting, body: wanted })
  const address = String(source.body['url'])
  assert.ok(address.startsWith(`${HUB}/webhooks/stripe/src_`), JSON.stringify(source.body))

  const raw = JSON.stringify({ id: 'evt_1', type: 'payment_intent.created', note: 'ação\n' }, null, 2)
  const signature = Stripe.webhooks.generateTestHeaderString({ payload: raw, secret })
  const headers = { 'stripe-signature': signature, 'x-forwarded-for': '203.0.113.9' }
  const posted = await ask(get, 'POST', address.slice(HUB.length), { key: 'none', raw, headers })
  assert.equal(posted.status, 200, JSON.stringify(posted.body))
  const message = await ask(get, 'GET', `/v1/messages/${posted.body['id']}`, acting)
  const kept = message.body as { body: string; headers: Record<string, string> }
  assert.equal(Buffer.from(kept.body, 'base64').toString(), raw)
  assert.deepEqual([kept.headers[':ip'], kept.headers['x-forwarded-for']], ['127.0.0.1', '127.0.0.1'])

  const huge = await ask(get, 'POST', '/v1/events', { ...acting, raw: Buffer.alloc(11 * 1024 * 1024, 0x20) })
  assert.deepEqual(
    [huge.status, huge.body['code']],
    [413, 'body_too_large'],
    'the server says so, not the proxy',
  )

  const live = await get('/v1/live', { headers: { authorization: `Bearer ${admin_key}`, ...acting.headers } })
  const words = live.body?.getReader()
  assert.match(Buffer.from((await words?.read())?.value ?? []).toString(), /^retry: 2000/)
  await words?.cancel()

  assert.equal((await get('/sandbox')).status, 404, 'there are no simulated vendors in production')
})

type Fetch = (path: string, init?: RequestInit) => Promise<Response>
type Asked = { key: string; body?: unknown; raw?: string | Buffer; headers?: Record<string, string> }
type Answer = { status: number; body: Record<string, unknown> }

async function ask(get: Fetch, method: string, path: string, asked: Asked): Promise<Answer> {
  const { key, body, raw, headers } = asked
  const reply = await get(path, {
    method,
    ...(method !== 'GET' && { body: raw ?? JSON.stringify(body) }),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
  })
  const text = await reply.text()
  return { status: reply.status, body: text.startsWith('{') ? JSON.parse(text) : { text } }
}

/** nginx with the file as it is committed, but for ports and the places of certificates. */
async function throughNginx(upstream: string): Promise<Fetch> {
  const port = await freePort()
  const authority = issue('Trilho test authority', [], new Date(Date.now() + DAY_MS))
  const own = issue('hub.example.com', ['hub.example.com'], new Date(Date.now() + DAY_MS), authority)
  await mkdir(join(folder, 'nginx'))
  await writeFile(join(folder, 'own.pem'), own.cert)
  await writeFile(join(folder, 'own.key'), own.key.export({ type: 'pkcs8', format: 'pem' }))
  const site = replaceAll(await readFile(folderOf('nginx.conf'), 'utf8'), {
    'server 127.0.0.1:3012;': `server ${new URL(upstream).host};`,
    'listen 443 ssl;': `listen 127.0.0.1:${port} ssl;`,
    '/etc/trilho/tls/fullchain.pem': join(folder, 'own.pem'),
    '/etc/trilho/tls/privkey.pem': join(folder, 'own.key'),
  })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(folder, 'nginx', name)};`)
    .join('\n')
  const config = `pid ${join(folder, 'nginx.pid')}; error_log stderr warn; daemon off; worker_processes 1;
    events {} http { access_log off; ${temporary}\n${site} }`
  await writeFile(join(folder, 'nginx.conf'), config)
  const nginx = spawn(NGINX ?? '', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  nginx.stderr.on('data', (bytes) => {
    said += bytes
  })
  undoAfter(async () => {
    nginx.kill('SIGTERM')
    if (nginx.exitCode === null) await once(nginx, 'exit')
  })
  const base = `${HUB}:${port}`
  const dispatcher = new Agent({
    connect: {
      ca: authority.cert,
      lookup: (_host, _options, found) => found(null, [{ address: '127.0.0.1', family: 4 }]),
    },
  })
  undoAfter(() => dispatcher.close())
  const deadline = performance.now() + 120_000
  for (;;) {
    const up = await fetch(`${base}/health`, { dispatcher }).catch(() => null)
    if (up?.ok) break
    assert.ok(performance.now() < deadline && nginx.exitCode === null, `nginx is not there: ${said}`)
    await sleep(50)
  }
  return (path, init) => fetch(base + path, { ...init, dispatcher })
}

function replaceAll(text: string, parts: Record<string, string>): string {
  for (const [from, to] of Object.entries(parts)) {
    assert.ok(text.includes(from), `deploy/nginx.conf has no "${from}"`)
    text = text.replaceAll(from, to)
  }
  return text
}

test('the unit of deploy/ is one that systemd takes', {
  skip: existsSync(ANALYZE) ? false : 'no systemd here',
}, async () => {
  const unit = readFileSync(folderOf('trilho.service'), 'utf8').replace(
    /^ExecStart=.*$/m,
    `ExecStart=${process.execPath} --version`,
  )
  const path = join(folder, 'trilho.service')
  await writeFile(path, unit)
  const { stdout, stderr } = await run(ANALYZE, ['verify', path])
  assert.equal(stdout + stderr, '')
})
