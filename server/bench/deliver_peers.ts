import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { newWebhookSecret } from '../kit/signatures.ts'
import { freePort } from '../test/ports.ts'
import type { Place } from './place.ts'

export type Peer = {
  name: string
  /** Makes the work ready while nobody works. */
  fill(count: number): Promise<void>
  start(count: number): Promise<void>
  /** Waits until what was started is on record. */
  end(): Promise<void>
}

/** Those that can be had here, and why the others cannot. */
export async function startPeers(
  place: Place,
  receiver: string,
  clients: number,
): Promise<{ peers: Peer[]; absent: Record<string, string> }> {
  const settings = { url: place.url, receiver, secret: newWebhookSecret(), clients }
  await place.root.query(
    'create table bench_attempt (id bigint generated always as identity primary key, event_id text not null, status int, duration_ms int, request_headers text, response_headers text, response_body text)',
  )
  const loop = await place.program('./undici_loop.ts', settings)
  const undici: Peer = {
    name: 'undici',
    fill: async () => {},
    start: (count) => loop.ask({ count }),
    end: async () => {},
  }
  const missing = installPeers('graphile-worker', 'bullmq')
  if (missing) return { peers: [undici], absent: { 'graphile-worker': missing, bullmq: missing } }
  const graphile = await openQueue(place, 'graphile-worker', './peers/graphile_worker.ts', settings)
  const redis_port = await startRedis(place)
  if (redis_port === null) {
    return { peers: [undici, graphile], absent: { bullmq: 'no redis-server on PATH' } }
  }
  const bullmq = await openQueue(place, 'bullmq', './peers/bullmq.ts', { ...settings, redis_port })
  return { peers: [undici, graphile, bullmq], absent: {} }
}

async function openQueue(place: Place, name: string, file: string, settings: object): Promise<Peer> {
  const program = await place.program(file, settings)
  return {
    name,
    fill: (count) => program.ask({ fill: true, count }),
    start: (count) => program.ask({ fill: false, count }),
    end: async () => {},
  }
}

/** Why they could not be installed; null where they are there. */
export function installPeers(...names: string[]): string | null {
  const cwd = fileURLToPath(new URL('./peers', import.meta.url))
  if (names.every((name) => existsSync(`${cwd}/node_modules/${name}`))) return null
  console.log('Installing the peers of server/bench/peers (npm install) …')
  try {
    execFileSync('npm', ['install', '--no-save', '--ignore-scripts'], { cwd, stdio: 'pipe' })
    return null
  } catch {
    return 'npm install in server/bench/peers failed'
  }
}

/** In memory alone: it is given every advantage. Null where there is no redis-server. */
async function startRedis(place: Place): Promise<number | null> {
  const port = await freePort()
  const flags = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const redis = spawn('redis-server', flags, { stdio: ['ignore', 'pipe', 'ignore'] })
  const ready = new Promise<boolean>((resolve) => {
    redis.once('error', () => resolve(false))
    redis.once('exit', () => resolve(false))
    redis.stdout.on('data', (text) => /Ready to accept connections/.test(String(text)) && resolve(true))
  })
  if (!(await ready)) return null
  place.undo(async () => {
    redis.kill('SIGTERM')
    await once(redis, 'exit')
  })
  return port
}
