import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** Everything that is measured, and whatever measures it, runs in a process of its own. */
export type Program = {
  pid: number
  /** What the program said when it was ready. */
  ready: unknown
  /** Hands it an order and waits for its answer; one order at a time. */
  ask<Answer>(order: unknown): Promise<Answer>
  /** Holds it still, so that what it has left to do costs the others nothing. */
  pause(): void
  resume(): void
  stop(): Promise<void>
}

/** Starts a file of this folder; it speaks first when it is ready, then answers orders. */
export async function startProgram(file: string, settings: object = {}): Promise<Program> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = fork(path, [JSON.stringify(settings)], { serialization: 'advanced' })
  const ended = once(child, 'exit')
  const hear = async () => {
    const [answer] = await Promise.race([
      once(child, 'message'),
      ended.then(() => Promise.reject(new Error(`${file} ended with ${child.exitCode}`))),
    ])
    if (answer instanceof Error) throw answer
    return answer
  }
  return {
    pid: child.pid ?? 0,
    ready: await hear(),
    ask: (order) => {
      child.send(order as object)
      return hear()
    },
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    stop: async () => {
      child.kill('SIGCONT')
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** The other end of `startProgram`. */
export function serveOrders<Order, Answer>(ready: unknown, obey: (order: Order) => Promise<Answer>): void {
  process.on('message', (order) => {
    obey(order as Order).then(
      (answer) => process.send?.(answer ?? null),
      (error) => process.send?.(error),
    )
  })
  process.on('disconnect', () => process.exit()) // whoever started us is gone
  process.send?.(ready)
}

/** The settings that `startProgram` was given. */
export const settingsOf = <Settings>(): Settings => JSON.parse(process.argv[2] ?? '{}') as Settings

export type Product = Pick<Program, 'pause' | 'resume' | 'stop'> & { port: number; pid: number }

/** The product as it is deployed: its own process, its log at the default level, in a file. */
export async function startProduct(
  env: Record<string, string>,
  log_file: string,
  node_options: string[] = [],
): Promise<Product> {
  const main = fileURLToPath(new URL('../main.ts', import.meta.url))
  const log = openSync(log_file, 'w')
  const child = spawn(process.execPath, [...node_options, main], {
    stdio: ['ignore', log, log],
    env: { PATH: process.env['PATH'], ...env },
  })
  closeSync(log)
  const ended = once(child, 'exit')
  for (let waited = 0; waited < 1_200; waited++) {
    const port = /^Trilho is ready at http:\/\/127\.0\.0\.1:(\d+)/m.exec(readFileSync(log_file, 'utf8'))?.[1]
    if (port && child.pid) {
      return {
        port: Number(port),
        pid: child.pid,
        pause: () => child.kill('SIGSTOP'),
        resume: () => child.kill('SIGCONT'),
        stop: async () => {
          child.kill('SIGCONT')
          child.kill('SIGTERM')
          await ended
        },
      }
    }
    if (child.exitCode !== null) break
    await sleep(100)
  }
  child.kill('SIGKILL')
  throw new Error(`the product did not start:\n${readFileSync(log_file, 'utf8').slice(-2000)}`)
}
