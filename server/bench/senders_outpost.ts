import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from '../test/ports.ts'
import { callBody } from './events.ts'
import type { Place } from './place.ts'
import { publishRequest, type Sender } from './sender.ts'

/**
 * Outpost as its documentation starts it: all services in one process, RabbitMQ between them (its quorum queues write to
 * the disk before they confirm), Redis for tenants, destinations and what was seen, PostgreSQL for its log. Left out where
 * `outpost`, `redis-server` or RabbitMQ is not installed.
 */
const OUTPOST = 'outpost'
const RABBITMQ = '/usr/lib/rabbitmq/bin/rabbitmq-server'
const DATABASE = 'bench_outpost'
const TOPIC = 'order.shipped'
const TENANT = 'bench'
const START_MS = 120_000
const RECORDED_MS = 120_000

export async function startOutpost(place: Place, receiver: string): Promise<Sender | { absent: string }> {
  const missing = missingOf()
  if (missing) return { absent: missing }
  const dir = await mkdtemp(join(tmpdir(), 'trilho-outpost-'))
  place.undo(() => rm(dir, { recursive: true, force: true }))
  const [redis_port, rabbit_port, port] = [await freePort(), await freePort(), await freePort()]
  await startRedis(place, dir, redis_port)
  await startRabbit(place, dir, rabbit_port)
  await place.root.query(`create database ${DATABASE}`)
  const url = Object.assign(new URL(place.url), { pathname: `/${DATABASE}` })
  const key = randomBytes(24).toString('hex')
  const env = {
    ...settings({ port, key, redis_port }),
    RABBITMQ_SERVER_URL: `amqp://guest:guest@127.0.0.1:${rabbit_port}`,
    POSTGRES_URL: `${url.href}?sslmode=disable`,
  }
  execFileSync(OUTPOST, ['migrate', 'apply', '--yes'], { cwd: dir, env, stdio: 'pipe' })
  const server = launch(place, { command: OUTPOST, args: ['serve'], dir, env })
  await healthy(port, server)
  await addDestination(port, key, receiver)
  const body = { tenant_id: TENANT, topic: TOPIC, eligible_for_retry: true, data: callBody(0) }
  const request = publishRequest('/api/v1/publish', key, body)
  return { name: 'outpost', port, request, recorded: recordedIn(place, url.href) }
}

function missingOf(): string | null {
  for (const name of [OUTPOST, 'redis-server']) {
    if (spawnSync(name, ['--version'], { stdio: 'ignore' }).error) return `no ${name} on PATH`
  }
  return existsSync(RABBITMQ) ? null : 'no RabbitMQ'
}

/**
 * So much at once as in its own load tests (unless told it does one thing at a time), and its log written once a second
 * instead of every ten, so that a round is known to be on record soon after it.
 */
const settings = ({ port, key, redis_port }: { port: number; key: string; redis_port: number }) => ({
  PATH: process.env['PATH'],
  API_PORT: String(port),
  API_KEY: key,
  API_JWT_SECRET: randomBytes(24).toString('hex'),
  AES_ENCRYPTION_SECRET: randomBytes(16).toString('hex'),
  TOPICS: TOPIC,
  REDIS_HOST: '127.0.0.1',
  REDIS_PORT: String(redis_port),
  PUBLISH_MAX_CONCURRENCY: '100',
  DELIVERY_MAX_CONCURRENCY: '100',
  LOG_MAX_CONCURRENCY: '100',
  LOG_BATCH_THRESHOLD_SECONDS: '1',
  DISABLE_TELEMETRY: 'true',
})

/** What it keeps is written to its file at once and reaches the disk within a second, which is what it does unless told. */
async function startRedis(place: Place, dir: string, port: number): Promise<void> {
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    dir,
    '--save',
    '',
    '--appendonly',
    'yes',
  ]
  await listening(port, launch(place, { command: 'redis-server', args, dir }))
}

/** Without epmd, the daemon that would outlive it. */
async function startRabbit(place: Place, dir: string, port: number): Promise<void> {
  const dist = await freePort()
  const home = join(dir, 'rabbitmq')
  await mkdir(home)
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    RABBITMQ_NODENAME: `bench${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(dist),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `-start_epmd false -erl_epmd_port ${dist}`,
    RABBITMQ_MNESIA_BASE: home,
    RABBITMQ_LOG_BASE: home,
    RABBITMQ_PLUGINS_EXPAND_DIR: join(home, 'plugins'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'enabled_plugins'),
    RABBITMQ_CONFIG_FILE: join(home, 'none'),
    RABBITMQ_PID_FILE: join(home, 'pid'),
  }
  await listening(port, launch(place, { command: RABBITMQ, args: [], dir: home, env }))
}

type Launch = { command: string; args: string[]; dir: string; env?: NodeJS.ProcessEnv }

/** What scripts start as children ends with them; what they say goes to a file, as ours does. */
function launch(place: Place, { command, args, dir, env = process.env }: Launch): ChildProcess {
  const log = openSync(join(dir, 'log'), 'a')
  const child = spawn(command, args, { cwd: dir, env, stdio: ['ignore', log, log], detached: true })
  closeSync(log)
  place.undo(async () => {
    if (child.exitCode !== null || child.pid === undefined) return
    const ended = once(child, 'exit')
    process.kill(-child.pid, 'SIGKILL')
    await ended
  })
  return child
}

const listening = (port: number, child: ChildProcess) =>
  until(child, () => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
    return promise.finally(() => socket.destroy())
  })

const healthy = (port: number, child: ChildProcess) =>
  until(child, async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/healthz`).catch(() => null)
    return answer?.ok === true
  })

async function until(child: ChildProcess, ready: () => Promise<boolean>): Promise<void> {
  const give_up = performance.now() + START_MS
  while (!(await ready())) {
    if (child.exitCode !== null || performance.now() > give_up) {
      throw new Error(`${child.spawnfile} did not start`)
    }
    await sleep(100)
  }
}

async function addDestination(port: number, key: string, url: string): Promise<void> {
  const tenant = `http://127.0.0.1:${port}/api/v1/tenants/${TENANT}`
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ type: 'webhook', topics: [TOPIC], config: { url } })
  const made = await fetch(tenant, { method: 'PUT', headers })
  const added = await fetch(`${tenant}/destinations`, { method: 'POST', headers, body })
  if (!made.ok || !added.ok) throw new Error(`Outpost takes no destination: ${await added.text()}`)
}

function recordedIn(place: Place, url: string): Sender['recorded'] {
  const log = new pg.Pool({ connectionString: url, max: 1 })
  log.on('error', () => {}) // ends with PostgreSQL
  place.undo(() => log.end())
  return async (count) => {
    const give_up = performance.now() + RECORDED_MS
    for (let seen = 0; seen !== count; ) {
      const { rows } = await log.query<{ count: string }>(
        "select count(*) from attempts where status = 'success'",
      )
      seen = Number(rows[0]?.count)
      if (seen > count || performance.now() > give_up) throw new Error(`${count} events, ${seen} attempts`)
      await sleep(100)
    }
  }
}
