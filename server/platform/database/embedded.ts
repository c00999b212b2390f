import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../log.ts'
import { inWords, prepareHome, setAsideForsaken } from './embedded_home.ts'
import { livePort, settlePostmaster, takeLock } from './embedded_lock.ts'
import { type EmbeddedPaths, embeddedPaths, findNative, refuseNamelessUser } from './embedded_paths.ts'
import {
  freePort,
  HOST,
  type Installation,
  initialise,
  LOGIN,
  launch,
  type Server,
} from './embedded_server.ts'
import { singleClient } from './single.ts'

export { type EmbeddedPaths, embeddedPaths, findNative } from './embedded_paths.ts'

const DATABASE = 'trilho'
const RESTART_MS = { first: 100, longest: 5_000 }

type Options = {
  /** The `.trilho` folder, absolute; made if missing. One server at a time. */
  dir: string
  log: Log
  /** Default: any free one. */
  port?: number
  /** Settings of PostgreSQL over ours, such as `{ fsync: 'off' }` in tests. */
  settings?: Record<string, string>
}

export type Embedded = {
  /** Login of the superuser on database `trilho`. A secret: it carries the password. */
  url: string
  port: number
  data_dir: string
  /** Ends PostgreSQL in order and gives the folder free. Safe to call twice. */
  stop(): Promise<void>
}

/**
 * The PostgreSQL that Trilho brings along, as a child process on loopback. It ends with us, even by `kill -9`,
 * within two seconds; what a crash left behind is recovered here; one that ends by itself is started again on the
 * same port. Throws `StartError` with one line for people: no binaries for this platform, folder in use or not
 * writable, data of another major version.
 */
export async function startEmbedded({ dir, log, port, settings = {} }: Options): Promise<Embedded> {
  refuseNamelessUser()
  const native = findNative()
  const release = inWords(dir, () => {
    mkdirSync(dir, { recursive: true })
    return takeLock(join(dir, 'server.lock'))
  })
  try {
    const found = embeddedPaths(dir)
    await settlePostmaster(found.data_dir)
    const paths = inWords(found.home, () => setAsideForsaken(dir, found, log))
    const native_dir = inWords(paths.home, () => prepareHome(paths, native))
    return await run({ native_dir, paths, settings }, port, log, release)
  } catch (error) {
    release()
    throw error
  }
}

async function run(installation: Installation, wanted: number | undefined, log: Log, release: () => void) {
  const { paths } = installation
  if (!existsSync(paths.data_dir)) await initialise(installation)
  const { server, port } = await launchOn(installation, wanted)
  const supervised = supervise(installation, server, port, log)
  const url = urlOf(paths, port)
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => (stopped ??= supervised.stop().finally(release))
  try {
    await makeDatabase(url)
  } catch (error) {
    await stop()
    throw error
  }
  return { url, port, data_dir: paths.data_dir, stop }
}

/** Between finding a free port and using it another process may take it, so a port of our choice is tried thrice. */
async function launchOn(
  installation: Installation,
  wanted?: number,
): Promise<{ server: Server; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = wanted ?? (await freePort())
    try {
      return { server: await launch(installation, port), port }
    } catch (error) {
      if (wanted || attempt === 3 || !/TCP\/IP|bind/.test(String(error))) throw error
    }
  }
}

/** Starts PostgreSQL again, on its port, whenever it ends without having been asked to. */
function supervise(
  installation: Installation,
  first: Server,
  port: number,
  log: Log,
): { stop(): Promise<void> } {
  const { data_dir, log_file } = installation.paths
  const stopping = new AbortController()
  let server: Server | null = first
  const again = async (): Promise<Server | null> => {
    for (
      let wait_ms = RESTART_MS.first;
      !stopping.signal.aborted;
      wait_ms = Math.min(wait_ms * 2, RESTART_MS.longest)
    ) {
      log.error({ log_file, wait_ms }, 'PostgreSQL ended by itself; starting it again')
      await sleep(wait_ms, undefined, { signal: stopping.signal, ref: false }).catch(() => {})
      if (stopping.signal.aborted) break
      try {
        await settlePostmaster(data_dir)
        return await launch(installation, port)
      } catch (error) {
        log.error({ err: error }, 'PostgreSQL did not start again')
      }
    }
    return null
  }
  const watch = async (): Promise<void> => {
    while (server) {
      await server.ended
      server = stopping.signal.aborted ? null : await again()
      if (server && stopping.signal.aborted) await server.stop()
    }
  }
  const watching = watch()
  const stop = async (): Promise<void> => {
    stopping.abort()
    await server?.stop()
    await watching
  }
  return { stop }
}

async function makeDatabase(url: string): Promise<void> {
  const maintenance = new URL(url)
  maintenance.pathname = '/postgres'
  const client = singleClient(maintenance.href, 'trilho_migrate')
  await client.connect()
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE])
    if (!rowCount) await client.query(`create database ${DATABASE}`)
  } finally {
    await client.end()
  }
}

function urlOf({ password_file }: EmbeddedPaths, port: number): string {
  return `postgres://${LOGIN}:${readFileSync(password_file, 'utf8').trim()}@${HOST}:${port}/${DATABASE}`
}

/**
 * The address of the embedded PostgreSQL that another process, now, runs on this `.trilho` folder, or null: for
 * commands beside a running server. Throws `StartError` where it runs but its password may not be read.
 */
export function runningEmbedded(dir: string): string | null {
  const paths = embeddedPaths(dir)
  const port = livePort(paths.data_dir)
  return port === null ? null : inWords(paths.password_file, () => urlOf(paths, port))
}
