import { existsSync, readFileSync } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { type Config, isDevelopment } from '../../platform/config.ts'
import { embeddedPaths, findNative, runningEmbedded } from '../../platform/database/embedded.ts'
import { FULL_BYTES, freeBytes, LOW_BYTES } from '../../platform/disk.ts'
import { StartError } from '../../platform/start_error.ts'
import { type Check, type Finding, fail, ok, warn } from './check.ts'

/** What this machine has to offer: Node, PostgreSQL's binaries, the data folder, the port, the way out. */

const OLDEST = [22, 19] as const

export function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const found = `Node ${process.versions.node} on ${process.platform}-${process.arch}`
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return ok('node', found)
  return fail('node', found, 'Node 22.19 or later is needed: https://nodejs.org')
}

async function* binaries({ database_url }: Config): AsyncGenerator<Finding> {
  if (database_url !== undefined)
    return yield ok('binaries', 'not needed: DATABASE_URL names an external PostgreSQL')
  try {
    yield ok('binaries', `embedded PostgreSQL ${findNative().version}`)
  } catch (error) {
    const found = `no embedded PostgreSQL for ${process.platform}-${process.arch}`
    yield fail('binaries', found, startMessage(error))
  }
}

async function* folder(config: Config): AsyncGenerator<Finding> {
  const dir = resolve(config.data_dir)
  const there = nearest(dir)
  const problem = await access(there, constants.W_OK | constants.X_OK).then(
    () => null,
    (error: Error) => error.message,
  )
  const remedy = 'Give the user of the server the right to write there, or set TRILHO_DATA_DIR.'
  if (problem !== null) return yield fail('data folder', `${dir} cannot be written: ${problem}`, remedy)
  yield ok('data folder', existsSync(dir) ? dir : `${dir} is made at the first start`)
  if (config.database_url === undefined) yield* embeddedData(dir)
  const free_bytes = await freeBytes(there)
  const free = `${(free_bytes / 1e9).toFixed(1)} GB are free under ${there}`
  const room = 'PostgreSQL stops when it cannot write. Make room, or shorten the retention.'
  if (free_bytes >= LOW_BYTES) yield ok('disk', free)
  else if (free_bytes >= FULL_BYTES) yield warn('disk', free, room)
  else yield fail('disk', `${free}: webhooks are answered 503`, room)
}

const nearest = (dir: string): string => (existsSync(dir) ? dir : nearest(dirname(dir)))

async function* embeddedData(dir: string): AsyncGenerator<Finding> {
  try {
    const { data_dir, log_file, account, lock_file } = embeddedPaths(dir)
    const version_file = join(data_dir, 'PG_VERSION')
    if (!existsSync(version_file)) return yield ok('data', `${data_dir} is made at the first start`)
    const owner = account === null ? '' : `, as user ${account.name}`
    yield* version(readFileSync(version_file, 'utf8').trim(), `${data_dir}${owner}; log ${log_file}`)
    if (runningEmbedded(dir) !== null) return yield ok('shutdown', 'a server runs on this folder')
    const left = [join(data_dir, 'postmaster.pid'), lock_file].filter((file) => existsSync(file))
    if (left.length === 0) return yield ok('shutdown', 'the last server stopped in order')
    const found = `the last server did not stop in order: ${left.join(' and ')} ${left.length === 1 ? 'was' : 'were'} left`
    yield warn('shutdown', found, 'Nothing is lost: the next start recovers by itself. Delete nothing.')
  } catch (error) {
    yield fail('data', startMessage(error), 'See the message; the data itself was not touched.')
  }
}

function* version(found: string, where: string): Generator<Finding> {
  const { major } = findNative()
  if (found === major) return yield ok('data', where)
  yield fail(
    'data',
    `${where}: made by PostgreSQL ${found}, and the embedded one is ${major}`,
    `Install the Trilho that brought PostgreSQL ${found}, run trilho backup, then trilho restore with this one into another TRILHO_DATA_DIR.`,
  )
}

/** A Trilho that answers is told apart from a stranger on its port. */
async function* port(config: Config): AsyncGenerator<Finding> {
  const { host } = config
  if (config.port === 0) return yield ok('port', 'TRILHO_PORT=0: the server takes any free one')
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${config.port}`
  const ready = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(3_000) })
    .then(async (response) => (await response.json()) as Readiness)
    .catch(() => null)
  if (ready?.checks !== undefined) return yield* server(url, ready)
  const refused = await tryPort(host, config.port)
  if (refused === null) return yield ok('port', `${config.port} on ${host} is free`)
  const found =
    refused === 'EADDRINUSE'
      ? `${config.port} on ${host} is in use by another program`
      : `${host}:${config.port} cannot be listened on: ${refused}`
  yield fail('port', found, 'Stop what holds it, or set TRILHO_PORT and TRILHO_HOST.')
}

type Readiness = { ready: boolean; checks?: Record<string, { ok: boolean; detail: string }> }

function* server(url: string, { ready, checks = {} }: Readiness): Generator<Finding> {
  if (ready) return yield ok('server', `a server answers at ${url} and is ready`)
  const wrong = Object.entries(checks).filter(([, { ok }]) => !ok)
  const found = `the server at ${url} is not ready: ${wrong.map(([name]) => name).join(', ')}`
  yield fail('server', found, wrong.map(([, { detail }]) => detail).join('\n'))
}

/** Null where it can be listened on, else why not. */
function tryPort(host: string, wanted: number): Promise<string | null> {
  return new Promise((done) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message))
    probe.listen(wanted, host, () => probe.close(() => done(null)))
  })
}

async function* egress(config: Config): AsyncGenerator<Finding> {
  const { egress_allow } = config
  const everything = egress_allow.filter((cidr) => cidr.endsWith('/0'))
  if (everything.length > 0) {
    const found = `TRILHO_EGRESS_ALLOW holds ${everything.join(' and ')}: calls and deliveries may reach every private address`
    return yield warn(
      'egress',
      found,
      'Name the networks that are meant; a tenant could reach the others too.',
    )
  }
  const allowed = egress_allow.length === 0 ? 'no private address' : egress_allow.join(', ')
  const local = isDevelopment(config)
    ? ', and this machine itself (development mode, since only this machine reaches the server)'
    : ''
  yield ok('egress', `calls and deliveries may reach public addresses, ${allowed}${local}`)
  if (!isDevelopment(config) && config.public_url === undefined)
    yield warn(
      'public url',
      `others reach this server, and webhook addresses would name ${config.host}`,
      'Set TRILHO_PUBLIC_URL to the address that vendors are to use.',
    )
}

const startMessage = (error: unknown): string => {
  if (error instanceof StartError) return error.message
  throw error
}

export const checks: Check[] = [binaries, folder, port, egress]
