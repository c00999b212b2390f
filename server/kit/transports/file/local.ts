import { constants } from 'node:fs'
import { type FileHandle, link, lstat, mkdir, open, readdir, realpath, rename, rm } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { refused, trouble, type Way } from '../conduct.ts'
import {
  type Entry,
  existsAt,
  isFolder,
  nothingAt,
  type Opening,
  type Page,
  pageOf,
  partsOf,
  type Range,
  type Store,
  temporaryName,
} from './store.ts'

/**
 * A folder of this machine, below one that the administrator allowed. Its real path is what is compared, and below it
 * no symbolic link is followed, neither to read nor to write.
 */
export async function openLocal({ egress, url, way }: Opening): Promise<Store> {
  const folder = fileURLToPath(url)
  const root = await realOf(folder)
  const allowed = await Promise.all(egress.folders.map(realOf))
  if (!allowed.some((one) => one !== null && root !== null && isWithin(one, root))) {
    const words = `${folder} is in no folder that this server may use; an administrator lists it in TRILHO_FILE_ROOTS`
    throw trouble('refused_address', words)
  }
  return storeAt(root ?? folder, way)
}

/** Null where there is no such folder. */
const realOf = (folder: string): Promise<string | null> => realpath(folder).catch(() => null)

function isWithin(folder: string, path: string): boolean {
  const between = relative(folder, path)
  return between === '' || (between !== '..' && !between.startsWith(`..${sep}`))
}

function storeAt(root: string, way: Way): Store {
  return {
    list: (path, page) => list(root, path, page),
    stat: (path) => stat(root, path),
    read: (path, range) => read(root, path, range),
    write: (path, bytes, replace) => write(root, way, { path, bytes, replace }),
    move: (from, to, replace) => move(root, way, { from, to, replace }),
    remove: async (path) => {
      const entry = await stat(root, path)
      if (entry === null) return false
      if (entry.kind === 'folder') throw isFolder(path)
      way.acting()
      await rm(await placeOf(root, path), { force: true })
      return true
    },
    close: () => {},
  }
}

const isMissing = (error: unknown) => ['ENOENT', 'ENOTDIR'].includes(codeOf(error))
const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException).code)

/** What the system says no to, in words. */
function said(error: unknown, path: string): unknown {
  switch (codeOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return nothingAt(path)
    case 'EEXIST':
      return existsAt(path)
    case 'EISDIR':
      return isFolder(path)
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return refused(403, 'not_permitted', `this server may not do that with ${path}`)
    case 'ENOSPC':
    case 'EDQUOT':
      return refused(507, 'full', 'there is no room left on the disk')
    default:
      return error
  }
}

/** The full path, after every folder on it was seen to be one, and made where `make` says so. */
async function placeOf(root: string, path: string, make = false): Promise<string> {
  const parts = partsOf(path)
  const name = parts.pop() ?? ''
  let at = root
  for (const part of parts) {
    at = join(at, part)
    if (make)
      await mkdir(at).catch((error) => (codeOf(error) === 'EEXIST' ? undefined : Promise.reject(error)))
    const found = await lstat(at)
    if (!found.isDirectory()) throw refused(409, 'not_a_folder', `${part} in ${path} is no folder`)
  }
  return join(at, name)
}

async function stat(root: string, path: string): Promise<Entry | null> {
  try {
    const found = await lstat(await placeOf(root, path))
    const kind = found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other'
    return {
      path,
      kind,
      size: kind === 'file' ? found.size : null,
      modified_at: new Date(found.mtimeMs).toISOString(),
    }
  } catch (error) {
    if (isMissing(error)) return null
    throw said(error, path)
  }
}

async function list(root: string, path: string, page: Page) {
  const folder = await stat(root, path)
  if (folder?.kind !== 'folder') throw refused(404, 'not_found', `there is no folder ${path || '/'}`)
  const { names, next } = pageOf(await readdir(await placeOf(root, path)), page)
  const found = await Promise.all(names.map((name) => stat(root, path === '' ? name : `${path}/${name}`)))
  return { entries: found.filter((entry) => entry !== null), next } // one may have gone meanwhile
}

async function read(root: string, path: string, { offset, length }: Range) {
  const file = await openFile(root, path)
  try {
    const found = await file.stat()
    if (found.isDirectory()) throw isFolder(path)
    if (!found.isFile()) throw refused(409, 'no_file', `${path} is no file`)
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, found.size - offset)))
    const { bytesRead } = await file.read(bytes, 0, bytes.length, offset)
    return { bytes: bytes.subarray(0, bytesRead), size: found.size }
  } finally {
    await file.close()
  }
}

/** Not blocking: what is a pipe would wait for a writer. */
async function openFile(root: string, path: string): Promise<FileHandle> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  try {
    return await open(await placeOf(root, path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    if (codeOf(error) === 'ELOOP') throw refused(409, 'no_file', `${path} is a link, which is not followed`)
    throw said(error, path)
  }
}

type Write = { path: string; bytes: Buffer; replace: boolean }

/** On the disk under another name, then under its own in one step. */
async function write(root: string, way: Way, { path, bytes, replace }: Write): Promise<void> {
  try {
    const place = await placeOf(root, path, true)
    const folder = join(place, '..')
    const temporary = join(folder, temporaryName())
    try {
      await save(temporary, bytes)
      way.acting()
      await (replace ? rename(temporary, place) : link(temporary, place))
      await syncFolder(folder)
    } finally {
      await rm(temporary, { force: true })
    }
  } catch (error) {
    throw said(error, path)
  }
}

async function save(place: string, bytes: Buffer): Promise<void> {
  const file = await open(place, 'wx', 0o640)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** So that the name, too, outlives a loss of power. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  await handle.sync().finally(() => handle.close())
}

type Move = { from: string; to: string; replace: boolean }

async function move(root: string, way: Way, { from, to, replace }: Move): Promise<void> {
  const entry = await stat(root, from)
  if (entry === null) throw nothingAt(from)
  if (entry.kind !== 'file') throw refused(409, 'no_file', `${from} is no file`)
  try {
    const [old, place] = [await placeOf(root, from), await placeOf(root, to, true)]
    way.acting()
    if (replace) await rename(old, place)
    else {
      await link(old, place)
      await rm(old)
    }
    await syncFolder(join(place, '..'))
  } catch (error) {
    throw said(error, to)
  }
}
