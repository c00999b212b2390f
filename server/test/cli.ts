import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { undoAfter } from './harness.ts'

/** The real command line as a child process, with pipes for its streams, and a real server for it to talk to. */
const BIN = fileURLToPath(new URL('../../bin/trilho.js', import.meta.url))

type Env = Record<string, string | undefined>
export type Ended = { code: number | null; out: string; err: string }

export type Running = {
  child: ChildProcess
  out(): string
  err(): string
  /** Waits until what it printed passes, and fails with all of it where that takes too long. */
  until(passes: (out: string, err: string) => boolean): Promise<void>
  stop(signal: NodeJS.Signals): Promise<Ended>
}

const PATIENCE_MS = 300_000

/** Nothing of the run's own settings reaches it, but what the test names. */
function environment(env: Env): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(TRILHO_|DATABASE_URL|NODE_TEST_CONTEXT|npm_|FORCE_COLOR|NO_COLOR)/.test(name),
  )
  return { ...Object.fromEntries(kept), ...env }
}

export function launch(args: string[], env: Env = {}, stdin?: string): Running {
  const child = spawn(process.execPath, [BIN, ...args], { env: environment(env) })
  let [out, err] = ['', '']
  child.stdout.on('data', (part: Buffer) => (out += part))
  child.stderr.on('data', (part: Buffer) => (err += part))
  child.stdin.end(stdin)
  const ended = once(child, 'close')
  undoAfter(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  })
  return {
    child,
    out: () => out,
    err: () => err,
    until: async (passes) => {
      for (const deadline = Date.now() + PATIENCE_MS; !passes(out, err); await sleep(20)) {
        if (Date.now() < deadline && child.exitCode === null) continue
        throw new Error(`trilho ${args.join(' ')} did not get there:\n${out}\n${err}`)
      }
    },
    stop: async (signal) => {
      child.kill(signal)
      const [code] = await ended
      return { code, out, err }
    },
  }
}

/** Runs a command to its end. */
export async function trilho(args: string[], env: Env = {}, stdin?: string): Promise<Ended> {
  const { child, out, err } = launch(args, env, stdin)
  const [code] = await once(child, 'close')
  return { code, out: out(), err: err() }
}

/** A folder for a server's data that PostgreSQL may enter, also when the tests run as root. */
export async function dataFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'trilho-cli-'))
  await chmod(dir, 0o755)
  undoAfter(() => rm(dir, { recursive: true, force: true }))
  return dir
}

export type Server = Running & {
  url: string
  admin_key: string
  /** The printed ids and keys of the demo tenant, by the first word of their line. */
  demo: Record<string, string>
}

/** `trilho start` on a free port, with its demo. */
export async function startServer(env: Env): Promise<Server> {
  const running = launch(['start', '--json', '--port', '0'], { TRILHO_LOG_LEVEL: 'error', ...env })
  await running.until((out) => out.includes('"notes"'))
  const line =
    running
      .out()
      .split('\n')
      .find((text) => text.includes('"notes"')) ?? ''
  const { url, admin_key, notes } = JSON.parse(line) as { url: string; admin_key: string; notes: string[] }
  const words = notes.map((note) => /^(\w+)[\w ]*?\s{2,}(\S+)/.exec(note))
  const demo = Object.fromEntries(words.flatMap((found) => (found ? [[found[1], found[2]]] : [])))
  return { ...running, url, admin_key, demo }
}
