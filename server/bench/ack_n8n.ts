import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../test/ports.ts'
import type { LoadOrder, LoadResult } from './load.ts'
import { drained, makeSource, makeTenant, openPlace, type Place } from './place.ts'
import { note, print, type Rounds } from './report.ts'
import { stripeEvent } from './stripe_messages.ts'

/**
 * Webhooks verified, stored and worked on, by all roles in one process, beside n8n's webhook node with a workflow that
 * verifies an HMAC and answers when it has run, its executions saved as they are unless told otherwise. Left out where no
 * `n8n` is on PATH.
 */
const CLIENTS = 64
const MOST = 40_000
const TENANTS = 20
const MEASURED = { warm_ms: 0, measured_ms: 5_000 }
const OURS = 'ours, to the event'
const DATABASE = 'bench_n8n'
const PATH = '/webhook/bench' // of a node with a `webhookId`; without one, its workflow and its name stand before it

export async function n8n({ rounds: count }: { rounds: number }): Promise<void> {
  const place = await openPlace()
  try {
    const rounds: Rounds = new Map()
    const ours = await openOurs(place)
    const theirs = await openTheirs(place)
    for (let round = 0; round <= count; round++) {
      const [of_ours, of_theirs] = [await ours(round), theirs && (await theirs(round))]
      if (round === 0) continue // the first warms up
      note(rounds, OURS, of_ours)
      if (of_theirs !== null) note(rounds, 'n8n', of_theirs)
    }
    const absent = theirs ? {} : { n8n: 'no n8n on PATH (npm install -g n8n)' }
    print({ bench: 'n8n', unit: 'messages/s', rounds, ours: OURS, targets: theirs ? { n8n: 5 } : {}, absent })
  } finally {
    await place.close()
  }
}

type Measure = (round: number) => Promise<number>

async function openOurs(place: Place): Promise<Measure> {
  const { app, root } = place
  const targets: Awaited<ReturnType<typeof makeSource>>[] = []
  for (let n = 0; n < TENANTS; n++) targets.push(await makeSource(app, await makeTenant(app, `Bench ${n}`)))
  const product = await place.product('api,ingest,worker')
  const load = await place.program('./load.ts')
  product.pause()
  return async (round) => {
    product.resume()
    const began = performance.now()
    const order = {
      port: product.port,
      clients: CLIENTS,
      targets,
      run: `n8n${round}x`,
      most: MOST,
      ...MEASURED,
    }
    const { accepted } = await load.ask<LoadResult>(order satisfies LoadOrder)
    await drained(root, ['inbox_queue'], 60_000)
    const per_second = (accepted * 1000) / (performance.now() - began)
    product.pause()
    return per_second
  }
}

/** Null where there is no n8n. Its tables stand in the same PostgreSQL as ours, in a database of their own. */
async function openTheirs(place: Place): Promise<Measure | null> {
  if (spawnSync('n8n', ['--version'], { stdio: 'ignore' }).error) return null
  const dir = await mkdtemp(join(tmpdir(), 'trilho-n8n-'))
  place.undo(() => rm(dir, { recursive: true, force: true }))
  await place.root.query(`create database ${DATABASE}`)
  const [port, broker_port] = [await freePort(), await freePort()]
  const secret = randomBytes(24).toString('hex')
  const env = { ...process.env, ...settings(place.url, { dir, port, broker_port }) }
  const file = join(dir, 'workflow.json')
  await writeFile(file, JSON.stringify([workflow(secret)]))
  execFileSync('n8n', ['import:workflow', `--input=${file}`], { env, stdio: 'pipe' })
  // The one word is of version 1, the other of version 2.
  spawnSync('n8n', ['update:workflow', '--id=bench', '--active=true'], { env, stdio: 'ignore' })
  spawnSync('n8n', ['publish:workflow', '--id=bench'], { env, stdio: 'ignore' })
  const log_file = join(dir, 'log')
  const log = openSync(log_file, 'w')
  const child = spawn('n8n', ['start'], { env, stdio: ['ignore', log, log] })
  closeSync(log)
  place.undo(() => end(child))
  const message = signedMessage(secret)
  await untilAnswered(port, message, log_file)
  const request = asRequest(message)
  const load = await place.program('./load.ts')
  // It is never held still as ours is: it takes its database for lost afterwards and answers 503. Idle, it costs little.
  return async () => {
    const order = { port, clients: CLIENTS, request, most: MOST, ...MEASURED }
    const began = performance.now()
    const { accepted, other } = await load.ask<LoadResult>(order satisfies LoadOrder)
    const per_second = (accepted * 1000) / (performance.now() - began)
    if (other > 0) throw new Error(`n8n did not take ${other} messages`)
    return per_second
  }
}

/**
 * On loopback alone; it calls nobody. Expressions in its own process, as in version 1: six times as fast as the isolated
 * engine that version 2 takes unless told. Twenty connections to its database instead of two.
 */
function settings(
  url: string,
  { dir, port, broker_port }: { dir: string; port: number; broker_port: number },
) {
  const { hostname, port: database_port, username, password } = new URL(url)
  return {
    N8N_USER_FOLDER: dir,
    N8N_LISTEN_ADDRESS: '127.0.0.1',
    N8N_PORT: String(port),
    N8N_RUNNERS_BROKER_PORT: String(broker_port),
    N8N_DIAGNOSTICS_ENABLED: 'false',
    N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
    N8N_TEMPLATES_ENABLED: 'false',
    N8N_COMMUNITY_PACKAGES_ENABLED: 'false',
    N8N_DISABLED_MODULES: 'mcp-registry',
    N8N_LICENSE_AUTO_RENEW_ENABLED: 'false',
    N8N_EXPRESSION_ENGINE: 'legacy',
    DB_TYPE: 'postgresdb',
    DB_POSTGRESDB_POOL_SIZE: '20',
    DB_POSTGRESDB_HOST: hostname,
    DB_POSTGRESDB_PORT: database_port,
    DB_POSTGRESDB_USER: decodeURIComponent(username),
    DB_POSTGRESDB_PASSWORD: decodeURIComponent(password),
    DB_POSTGRESDB_DATABASE: DATABASE,
  }
}

type Message = { body: string; headers: Record<string, string> }

function signedMessage(secret: string): Message {
  const body = stripeEvent('n8n', Math.floor(Date.now() / 1000))
  const signature = createHmac('sha256', secret).update(body).digest('hex')
  return { body, headers: { 'content-type': 'application/json', 'x-signature': signature } }
}

function asRequest({ body, headers }: Message): string {
  const lines = Object.entries({ host: '127.0.0.1', ...headers, 'content-length': Buffer.byteLength(body) })
  return `POST ${PATH} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
}

const START_MS = 120_000

/** It listens, and answers to OPTIONS, some time before its workflow is there; and it has to know a forgery. */
async function untilAnswered(port: number, { body, headers }: Message, log_file: string): Promise<void> {
  const post = (signature: object) => {
    const all = { ...headers, ...signature }
    return fetch(`http://127.0.0.1:${port}${PATH}`, { method: 'POST', headers: all, body }).catch(() => null)
  }
  const give_up = performance.now() + START_MS
  while (!(await post({}))?.ok) {
    if (performance.now() > give_up) {
      throw new Error(`n8n did not start:\n${readFileSync(log_file, 'utf8').slice(-2000)}`)
    }
    await sleep(500)
  }
  if ((await post({ 'x-signature': 'forged' }))?.ok) throw new Error('n8n takes a forged message')
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

const node = (name: string, type: string, typeVersion: number, parameters: object) => ({
  id: name,
  name,
  type: `n8n-nodes-base.${type}`,
  typeVersion,
  position: [0, 0],
  parameters,
})

/** Takes the bytes, reckons their HMAC and compares it. */
const workflow = (secret: string) => ({
  id: 'bench',
  name: 'bench',
  active: true,
  settings: {},
  nodes: [
    {
      ...node('take', 'webhook', 2, {
        httpMethod: 'POST',
        path: 'bench',
        responseMode: 'lastNode',
        options: { rawBody: true },
      }),
      webhookId: 'bench',
    },
    node('sign', 'crypto', 1, {
      action: 'hmac',
      type: 'SHA256',
      binaryData: true,
      binaryPropertyName: 'data',
      dataPropertyName: 'signature',
      secret,
      encoding: 'hex',
    }),
    node('compare', 'if', 2, {
      conditions: {
        options: { caseSensitive: true, typeValidation: 'strict' },
        combinator: 'and',
        conditions: [
          {
            leftValue: '={{ $json.signature }}',
            rightValue: "={{ $json.headers['x-signature'] }}",
            operator: { type: 'string', operation: 'equals' },
          },
        ],
      },
    }),
  ],
  connections: {
    take: { main: [[{ node: 'sign', type: 'main', index: 0 }]] },
    sign: { main: [[{ node: 'compare', type: 'main', index: 0 }]] },
  },
})
