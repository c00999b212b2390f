import { randomBytes, randomUUID } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { userInfo } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Log } from '../log.ts'
import { StartError } from '../start_error.ts'
import { canUse, copyOf, type EmbeddedPaths, embeddedPaths, type Native, obstacle } from './embedded_paths.ts'

/** Makes the folder that PostgreSQL lives in and what it needs there. Returns where to run the binaries from. */
export function prepareHome(paths: EmbeddedPaths, native: Native): string {
  refuseLostHome(paths)
  makeFolder(dirname(paths.home), paths)
  makeFolder(paths.home, paths)
  refuseObstacle(paths)
  refuseStrangersData(paths)
  refuseOtherVersion(paths.data_dir, native)
  if (paths.pointer_file) writeFileSync(paths.pointer_file, `${paths.home}\n`)
  makeFolder(paths.links_dir, paths)
  makeLinks(native.dir, paths.links_dir)
  makePassword(paths)
  return usableNative(paths, native)
}

/**
 * Data elsewhere belongs to a `.trilho` that points at it. Where the pointer is gone, somebody deleted the folder
 * to begin anew, the keys to that data with it: the data is put aside, never used and never deleted.
 */
export function setAsideForsaken(dir: string, paths: EmbeddedPaths, log: Log): EmbeddedPaths {
  if (!paths.pointer_file || existsSync(paths.pointer_file) || !existsSync(paths.data_dir)) return paths
  const aside = `${paths.home}.${new Date().toISOString().replaceAll(/[^0-9]/g, '')}`
  renameSync(paths.home, aside)
  log.warn({ data_dir: aside }, 'data of a deleted folder was put aside; delete it if nobody misses it')
  return embeddedPaths(dir)
}

/** Nobody but us looks inside, unless PostgreSQL runs as another: then it may pass. The data is 0700 anyway. */
function makeFolder(path: string, { account }: EmbeddedPaths): void {
  if (existsSync(path)) return
  mkdirSync(path, { recursive: true })
  chmodSync(path, account ? 0o755 : 0o700)
}

function refuseObstacle({ account, home }: EmbeddedPaths): void {
  const blocked = account && obstacle(account, home)
  if (!blocked) return
  throw new StartError(
    `PostgreSQL runs as ${account.name}, who may not enter ${blocked}: run chmod o+x ${blocked}, or set DATABASE_URL`,
  )
}

/** An empty database in place of a lost one would look as if everything had been deleted. */
function refuseLostHome({ pointer_file, home }: EmbeddedPaths): void {
  if (!pointer_file || !existsSync(pointer_file) || existsSync(home)) return
  throw new StartError(
    `The data was kept in ${home}, which is gone: bring it back, or delete ${dirname(pointer_file)} to begin anew and run trilho restore`,
  )
}

function refuseStrangersData({ account, data_dir }: EmbeddedPaths): void {
  if (account || !existsSync(data_dir)) return
  const { uid } = statSync(data_dir)
  if (uid === process.getuid?.()) return
  throw new StartError(
    `The data in ${data_dir} belongs to user ${uid}: start as that user, or as root where root made it`,
  )
}

function refuseOtherVersion(data_dir: string, native: Native): void {
  if (!existsSync(data_dir)) return
  const file = join(data_dir, 'PG_VERSION')
  const found = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
  if (found === native.major) return
  if (!found)
    throw new StartError(`${data_dir} is not a PostgreSQL data folder: move it away and start again`)
  throw new StartError(
    `The data in ${data_dir} is of PostgreSQL ${found}, this Trilho brings ${native.major}: with the Trilho that wrote it run trilho backup, move the folder away, then trilho restore with this one`,
  )
}

/**
 * npm packages carry no links, and the package's install script that makes them is not run by everyone. Ours are
 * made at each boot, in a folder of ours, since node_modules may be read-only or shared.
 */
function makeLinks(native_dir: string, links_dir: string): void {
  const list = readFileSync(join(native_dir, 'pg-symlinks.json'), 'utf8')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(links_dir, basename(target))
    const library = join(dirname(native_dir), source)
    if (linkTarget(link) === library) continue
    const draft = `${link}.${randomUUID()}`
    symlinkSync(library, draft)
    renameSync(draft, link)
  }
}

function linkTarget(link: string): string | null {
  try {
    return readlinkSync(link)
  } catch {
    return null
  }
}

/** Written before the data is made, so data without its password cannot come to be. */
function makePassword({ password_file, data_dir, account }: EmbeddedPaths): void {
  if (existsSync(password_file)) return
  if (existsSync(data_dir)) {
    throw new StartError(
      `${password_file} is missing, without which ${data_dir} cannot be opened: put it back from a backup`,
    )
  }
  const draft = `${password_file}.${randomUUID()}`
  writeFileSync(draft, randomBytes(24).toString('hex'), { mode: 0o600 })
  if (account) chownSync(draft, account.uid, account.gid)
  renameSync(draft, password_file)
}

/** On macOS initdb's own shell drops library paths, so libraries must lie beside the binaries: a copy as well. */
function usableNative(paths: EmbeddedPaths, native: Native): string {
  const lacks_links = process.platform === 'darwin'
  if (paths.account ? canUse(paths.account, native) : !lacks_links) return native.dir
  const copy = copyOf(native, paths)
  if (!existsSync(copy)) copyNative(native.dir, copy)
  return copy
}

/** Whole or not at all: 60 MB, a tenth of a second. Belongs to us, so PostgreSQL cannot change its own binaries. */
function copyNative(from: string, to: string): void {
  const draft = `${to}.${randomUUID()}`
  cpSync(from, draft, { recursive: true, mode: constants.COPYFILE_FICLONE })
  chmodSync(draft, 0o755)
  for (const entry of readdirSync(draft, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    chmodSync(path, entry.isDirectory() || statSync(path).mode & 0o100 ? 0o755 : 0o644)
  }
  addLinks(draft)
  try {
    renameSync(draft, to)
  } catch (error) {
    rmSync(draft, { recursive: true })
    if (!existsSync(to)) throw error // another server made it first
  }
}

/** Relative links, which hold wherever the copy is moved. */
function addLinks(native_dir: string): void {
  const list = readFileSync(join(native_dir, 'pg-symlinks.json'), 'utf8')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(native_dir, 'lib', basename(target))
    if (!existsSync(link)) symlinkSync(basename(source), link)
  }
}

const WORDS: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'there is a file of that name',
}

/** Turns trouble with files into one line for people. */
export function inWords<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const { code, path: at = path, message } = error as NodeJS.ErrnoException
    if (error instanceof StartError || !code) throw error
    throw new StartError(
      `Trilho cannot use ${at} (${WORDS[code] ?? message}): let user ${userInfo().username} write there, or choose another folder with TRILHO_DATA_DIR`,
      { cause: error },
    )
  }
}
