import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from '../ports.ts'

/** A Redis that remembers nothing and can be ended at any moment; null where the machine has none. */
export type FaultRedis = {
  url: string
  /** SIGKILL. */
  end(): Promise<void>
  start(): Promise<void>
}

const COMMAND = ['redis-server', 'valkey-server'].find(
  (name) => !spawnSync(name, ['--version'], { stdio: 'ignore' }).error,
)

export async function startFaultRedis(): Promise<FaultRedis | null> {
  if (COMMAND === undefined) return null
  const port = String(await freePort())
  const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  let child: ChildProcess | null = null
  const redis: FaultRedis = {
    url: `redis://127.0.0.1:${port}`,
    start: async () => {
      child = spawn(COMMAND, args, { stdio: ['ignore', 'pipe', 'ignore'] })
      if (child.stdout) await once(child.stdout, 'data')
    },
    end: async () => {
      const ended = child && once(child, 'exit')
      child?.kill('SIGKILL')
      await ended
      child = null
    },
  }
  process.once('exit', () => child?.kill('SIGKILL'))
  await redis.start()
  return redis
}
