import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readdir, rename, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { masterKeyBytes, masterKeyList } from '../config.ts'
import { StartError } from '../start_error.ts'

export type MasterKey = {
  key: Buffer
  /** Keys that came before it and still open what they wrapped: from the setting, and from dated files beside the key file. */
  previous: Buffer[]
  /** `created`: made just now, and whoever loses the file loses every secret; say so. */
  from: 'setting' | 'file' | 'created'
  /** The key file, or null where the key came from the setting. */
  path: string | null
}

/** What is read of the configuration. */
type Settings = {
  master_key?: { reveal(): string } | undefined
  previous_master_keys?: { reveal(): string } | undefined
  data_dir: string
}

export const masterKeyFile = (data_dir: string): string => resolve(data_dir, 'master.key')

/**
 * The master key: `TRILHO_MASTER_KEY`, else `master.key` in the data folder, made on first start with mode 0600.
 * A StartError says in one line what is wrong and what to do, and shows nothing of the key.
 */
export async function loadMasterKey(settings: Settings): Promise<MasterKey> {
  const found = await findMasterKey(settings)
  if (found) return found
  const path = masterKeyFile(settings.data_dir)
  const from = (await keepMasterKey(settings.data_dir, randomBytes(32))) ? 'created' : 'file'
  const key = await inWords(path, () => readKeyFile(path))
  if (!key) throw new StartError(`The master key file ${path} vanished while it was read. Start again.`)
  return { key, previous: await findPrevious(settings, path), from, path }
}

/** As `loadMasterKey`, and makes none: null where there is neither setting nor file. */
export async function findMasterKey(settings: Settings): Promise<MasterKey | null> {
  const { master_key, data_dir } = settings
  if (master_key !== undefined) {
    const key = masterKeyBytes(master_key.reveal())
    if (!key)
      throw new StartError(`TRILHO_MASTER_KEY must be ${FORM}. Make one with: openssl rand -base64 32`)
    return { key, previous: await findPrevious(settings, null), from: 'setting', path: null }
  }
  const path = masterKeyFile(data_dir)
  const key = await inWords(path, () => readKeyFile(path))
  return key && { key, previous: await findPrevious(settings, path), from: 'file', path }
}

async function findPrevious(settings: Settings, path: string | null): Promise<Buffer[]> {
  const set = masterKeyList(settings.previous_master_keys?.reveal() ?? '')
  if (!set)
    throw new StartError(`TRILHO_PREVIOUS_MASTER_KEYS must hold keys of ${FORM}, separated by commas.`)
  const files = path === null ? [] : await previousKeyFiles(settings.data_dir)
  const kept = await Promise.all(files.map((file) => inWords(file, () => readKeyFile(file))))
  return [...set, ...kept.filter((key) => key !== null)]
}

/** What `renewMasterKey` leaves beside the key file; oldest first. */
export async function previousKeyFiles(data_dir: string): Promise<string[]> {
  const names = await readdir(data_dir)
  return names
    .filter((name) => /^master\.key\.\d{4}-\d\d-\d\dT\d{6}$/.test(name))
    .sort()
    .map((name) => resolve(data_dir, name))
}

/**
 * Puts a new key into the key file and keeps the old one beside it, under a name with the time, where every process
 * finds it as a previous one. Returns that name. At each step, also after a power cut, `master.key` is a whole key and
 * no key that was in use is gone.
 */
export function renewMasterKey(data_dir: string, now: Date): Promise<string> {
  const path = masterKeyFile(data_dir)
  return inWords(path, async () => {
    if (!(await readKeyFile(path))) throw new StartError(`There is no ${path}; the first start makes it.`)
    const draft = draftOf(path)
    const kept = `${path}.${now.toISOString().slice(0, 19).replaceAll(':', '')}`
    await writeSynced(draft, `${randomBytes(32).toString('base64')}\n`)
    try {
      await link(path, kept) // of two at once the second stops here
      await rename(draft, path)
    } catch (error) {
      await unlink(draft)
      throw error
    }
    await syncFolder(dirname(path))
    return kept
  })
}

/** Puts a key where `loadMasterKey` finds it; false, and nothing changed, where there is one already. */
export function keepMasterKey(data_dir: string, key: Buffer): Promise<boolean> {
  const path = masterKeyFile(data_dir)
  return inWords(path, () => createKeyFile(path, key))
}

async function inWords<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof StartError) throw error
    throw new StartError(`The master key file ${path} cannot be used: ${(error as Error).message}`)
  }
}

const FORM = '32 bytes, as base64 (44 characters) or hex (64)'

async function readKeyFile(path: string): Promise<Buffer | null> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (!file) return null
  try {
    // Asked of the open file, so that nobody swaps it between the look and the reading.
    const { mode } = await file.stat()
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new StartError(
        `The master key file ${path} may be read by others (mode ${(mode & 0o777).toString(8)}). Run: chmod 600 ${path}`,
      )
    }
    const key = masterKeyBytes((await file.readFile('utf8')).trim())
    if (!key)
      throw new StartError(`The master key file ${path} must hold ${FORM}. Restore it from your backup.`)
    return key
  } finally {
    await file.close()
  }
}

/**
 * Written whole under another name and then linked: a process that starts beside this one, or after a power cut
 * in the midst, finds a whole key or none. False where another process was first.
 */
async function createKeyFile(path: string, key: Buffer): Promise<boolean> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const draft = draftOf(path)
  await writeSynced(draft, `${key.toString('base64')}\n`)
  try {
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    await unlink(draft)
  }
  await syncFolder(folder)
  return true
}

const draftOf = (path: string): string => join(dirname(path), `.master.key.${randomBytes(6).toString('hex')}`)

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return // folders cannot be opened there
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
