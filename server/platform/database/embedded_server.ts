import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { StartError } from '../start_error.ts'
import { readPostmaster } from './embedded_lock.ts'
import type { EmbeddedPaths } from './embedded_paths.ts'

export const LOGIN = 'trilho'
export const HOST = '127.0.0.1'

/** Crash recovery reads the log of everything since the last checkpoint, which can take minutes. */
const READY_WITHIN_MS = 300_000
const FAST_SHUTDOWN_MS = 30_000
const LOG_LIMIT_BYTES = 16 * 1024 * 1024

/**
 * Ends PostgreSQL when we end. Its standard input is a pipe of ours: the word `stop` asks for a shutdown that
 * takes the time it needs; the end of the pipe means that we were killed, so PostgreSQL has a second before it
 * is cut off (and recovers at the next start). macOS drops library paths at /bin/sh, so they are set inside.
 */
const WATCHDOG = `
exec 3<&0
export LD_LIBRARY_PATH="$1" DYLD_LIBRARY_PATH="$1"; shift
"$@" </dev/null 3<&- & pg=$!
{ if read -r word <&3; then kill -INT $pg; else kill -INT $pg; sleep 1; kill -QUIT $pg; fi; } 2>/dev/null & dog=$!
exec 3<&-
wait $pg; code=$?
kill $dog 2>/dev/null
exit $code`

/** Commits are on the disk when they are answered; nothing but loopback TCP; shared memory that containers have. */
const SETTINGS: Record<string, string> = {
  cluster_name: 'trilho',
  listen_addresses: HOST,
  unix_socket_directories: '',
  dynamic_shared_memory_type: 'mmap',
  shared_preload_libraries: 'pg_stat_statements',
  max_connections: '100',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  // A file of the log that has to be made first holds every commit up for 20 ms and more; so those of a busy hour are kept.
  min_wal_size: '1GB',
  max_wal_size: '2GB',
  password_encryption: 'scram-sha-256',
  jit: 'off', // the library for it is not among the binaries
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  log_error_verbosity: 'terse', // details quote the values of rows, and statements may
  log_min_error_statement: 'panic',
}

/** What it takes to run the binaries: where they are, where the data is, as whom. */
export type Installation = { native_dir: string; paths: EmbeddedPaths; settings: Record<string, string> }

export type Server = {
  /** Resolves when PostgreSQL has ended, for whatever reason. */
  ended: Promise<void>
  stop(): Promise<void>
}

/** Starts PostgreSQL on a data folder that exists and waits until it takes connections, recovery included. */
export async function launch(installation: Installation, port: number): Promise<Server> {
  const { native_dir, paths, settings } = installation
  const before = readPostmaster(paths.data_dir)?.text
  const log_start = rotateLog(paths.log_file)
  const flags = Object.entries({ ...SETTINGS, ...settings }).flatMap(([key, value]) => [
    '-c',
    `${key}=${value}`,
  ])
  const command = [join(native_dir, 'bin/postgres'), '-D', paths.data_dir, '-p', String(port), ...flags]
  const child = watched(installation, command)
  const server = serverOf(child, paths.data_dir)
  let running = true
  void server.ended.then(() => (running = false))
  const deadline = performance.now() + READY_WITHIN_MS
  while (running && performance.now() < deadline) {
    const now = readPostmaster(paths.data_dir)
    if (now?.ready && now.port === port && now.text !== before) return server
    await sleep(10)
  }
  await server.stop()
  const why = complaint(readFileSync(paths.log_file).subarray(log_start).toString())
  throw new StartError(`PostgreSQL did not start: ${why} (more in ${paths.log_file})`)
}

function watched({ native_dir, paths }: Installation, command: string[]): ChildProcess {
  const log = openSync(paths.log_file, 'a', 0o600)
  try {
    const libraries = libraryPath(native_dir, paths)
    return spawn('/bin/sh', ['-c', WATCHDOG, 'trilho-postgres', libraries, ...command], {
      ...asAccount(paths),
      detached: true, // Ctrl-C in a terminal is for us, and we then stop it in order
      stdio: ['pipe', log, log],
    })
  } finally {
    closeSync(log)
  }
}

function serverOf(child: ChildProcess, data_dir: string): Server {
  const pipe = child.stdin as Socket
  pipe.on('error', () => {}) // it ended before it read our word
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  }).then(() => void pipe.destroy())
  child.unref()
  pipe.unref()
  const stop = async (): Promise<void> => {
    child.ref()
    if (!pipe.destroyed) pipe.end('stop\n')
    const patience = setTimeout(() => cutOff(data_dir), FAST_SHUTDOWN_MS)
    await ended
    clearTimeout(patience)
  }
  return { ended, stop }
}

function cutOff(data_dir: string): void {
  const pid = readPostmaster(data_dir)?.pid
  if (pid) process.kill(pid, 'SIGQUIT')
}

function libraryPath(native_dir: string, paths: EmbeddedPaths): string {
  return `${paths.links_dir}:${join(native_dir, 'lib')}`
}

function asAccount({ account }: EmbeddedPaths) {
  return {
    cwd: '/', // ours may be a folder that the account cannot enter
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
    ...(account && { uid: account.uid, gid: account.gid }),
  }
}

/** Makes the data folder: under another name first, so that one cut off half-way is never taken for data. */
export async function initialise(installation: Installation): Promise<void> {
  const { native_dir, paths, settings } = installation
  clearHalfMade(paths.data_dir)
  const fresh = `${paths.data_dir}.new-${randomUUID()}`
  mkdirSync(fresh, { mode: 0o700 })
  if (paths.account) chownSync(fresh, paths.account.uid, paths.account.gid)
  const options = [
    ...['-D', fresh, '-U', LOGIN, `--pwfile=${paths.password_file}`, '--auth=scram-sha-256'],
    ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ...(settings['fsync'] === 'off' ? ['--no-sync'] : []),
  ]
  const { env, ...account } = asAccount(paths)
  const libraries = libraryPath(native_dir, paths)
  const child = spawn(join(native_dir, 'bin/initdb'), options, {
    ...account,
    env: { ...env, LD_LIBRARY_PATH: libraries, DYLD_LIBRARY_PATH: libraries },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const failed = new Promise<string>((resolve) => child.once('error', (error) => resolve(error.message)))
  const closed = once(child, 'close').catch(() => [1])
  const said = await Promise.race([failed, text(child.stderr)])
  const [code] = await closed
  if (code !== 0) throw new StartError(`PostgreSQL could not make its data folder: ${complaint(said)}`)
  renameSync(fresh, paths.data_dir)
}

function clearHalfMade(data_dir: string): void {
  const half = readdirSync(dirname(data_dir)).filter((name) => name.startsWith(`${basename(data_dir)}.new-`))
  for (const name of half)
    rmSync(join(dirname(data_dir), name), { recursive: true, force: true, maxRetries: 3 })
}

/** Keeps at most one old log; returns where this run's lines begin. */
function rotateLog(log_file: string): number {
  const size = existsSync(log_file) ? statSync(log_file).size : 0
  if (size < LOG_LIMIT_BYTES) return size
  renameSync(log_file, `${log_file}.1`)
  return 0
}

/** The line of PostgreSQL's output that says why, without its time and level. */
function complaint(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  const line = lines.find((l) => /FATAL:|PANIC:|error:/.test(l)) ?? lines.at(-1) ?? 'it said nothing'
  return line.replace(/^.*?(FATAL|PANIC|error): +/, '').trim()
}

/** Below those that systems give to connections: while PostgreSQL is away, nothing else takes its port. */
const PORTS: [lowest: number, above: number] = [20_000, 32_000]
const PORTS_TRIED = 50

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS_TRIED; tries++) {
    const port = await listenOnce(randomInt(...PORTS))
    if (port !== null) return port
  }
  throw new StartError(`No port of ${HOST} from ${PORTS[0]} to ${PORTS[1]} is free for PostgreSQL.`)
}

const listenOnce = (port: number): Promise<number | null> =>
  new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(null))
    server.listen(port, HOST, () => server.close(() => resolve(port)))
  })
