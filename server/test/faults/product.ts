import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/** One process of the product, as `npm start` runs it, to be ended in every way there is. */
export type Starting = {
  /** Its address once it is ready; null where it ended before. */
  ready: Promise<string | null>
  /** SIGKILL. */
  kill(): void
  /** Whether it ends by that, and not by what else it is asked. */
  isKilled(): boolean
  /** SIGTERM; resolves with the exit code once it has ended, null where a signal ended it. */
  stop(): Promise<number | null>
  /** `by_itself`: nobody had asked for it. */
  ended: Promise<{ by_itself: boolean }>
  /** The end of what it printed. */
  said(): string
}

export type Product = Starting & { url: string }

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url))
const READY = /Trilho is ready at (\S+)/
const KEPT_LINES = 60

/** Whoever ends the faults half-way leaves nothing running. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export function spawnProduct(env: Record<string, string>): Starting {
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH, NODE_COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  let asked = false
  let killed = false
  running.add(child)
  const ended = once(child, 'exit').then(() => {
    running.delete(child)
    return { by_itself: !asked }
  })
  const url = Promise.race([readUrl(child.stdout, lines), readUrl(child.stderr, lines)])
  const end = (signal: NodeJS.Signals) => {
    asked = true
    child.kill(signal)
  }
  return {
    ready: Promise.race([url, ended.then(() => null)]),
    ended,
    kill: () => {
      killed = true
      end('SIGKILL')
    },
    isKilled: () => killed,
    stop: async () => {
      end('SIGTERM')
      await ended
      return child.exitCode
    },
    said: () => lines.join('\n'),
  }
}

function readUrl(stream: Readable, lines: string[]): Promise<string> {
  return new Promise((resolve) => {
    createInterface({ input: stream }).on('line', (line) => {
      if (lines.push(line) > KEPT_LINES) lines.shift()
      const url = READY.exec(line)?.[1]
      if (url) resolve(url)
    })
  })
}

/** Where PostgreSQL did not answer in time, a start says so and ends: on a machine that does other things too it may. */
const MOST_STARTS = 5
const NO_POSTGRES = /^PostgreSQL cannot be reached/m

/** As `spawnProduct`, where it is sure to start: again, as whoever keeps a process running would. */
export async function startProduct(env: Record<string, string>): Promise<Product> {
  for (let starts = 1; ; starts++) {
    const starting = spawnProduct(env)
    const url = await starting.ready
    if (url !== null) return { ...starting, url }
    if (starts === MOST_STARTS || !NO_POSTGRES.test(starting.said()))
      throw new Error(`the product did not start:\n${starting.said()}`)
  }
}
