import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import ssh2, { type ConnectConfig, type SFTPWrapper, type Client as SshClient, type Stats } from 'ssh2'
import type { Credentials, Settings } from '../../fields.ts'
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
 * SFTP, version 3 (draft-ietf-secsh-filexfer-02) as OpenSSH serves it, over a socket of egress. The server is known by
 * the fingerprint that stands on the connection; what its links lead to is its own affair.
 */
export async function openSftp({ egress, opened, url, way }: Opening): Promise<Store> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port || 22)
  const connected = await egress.connect({ host, port, timeout_ms: way.left_ms() })
  if (connected.kind === 'error') throw connected
  const client = new ssh2.Client()
  const close = () => {
    client.destroy()
    connected.socket.destroy()
  }
  way.signal.addEventListener('abort', close, { once: true })
  try {
    await logIn(client, connected.socket, opened)
    const lost = ended(client)
    const sftp = await Promise.race([answered<SFTPWrapper>((done) => client.sftp(done)), lost])
    return { ...storeAt({ sftp, root: rootOf(url), way, close }), lost }
  } catch (error) {
    close()
    throw error
  }
}

/** An absolute path, or one from the home folder of the user where it begins with `/~`. */
function rootOf({ pathname }: URL): string {
  const path = decodeURIComponent(pathname).replace(/\/+$/, '')
  return path === '/~' || path.startsWith('/~/') ? `.${path.slice(2)}` : path
}

/** What waits for an answer of a connection that ended is left waiting by the client. */
function ended(client: SshClient): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  client.once('close', () => reject(trouble('reset', 'the server ended the connection')))
  promise.catch(() => {}) // it may end when nobody waits any more
  return promise
}

const answered = <T>(ask: (done: (error: Error | null | undefined, value: T) => void) => void): Promise<T> =>
  new Promise((resolve, reject) => ask((error, value) => (error ? reject(error) : resolve(value))))

type Login = { settings: Settings; credentials: Credentials }

function logIn(client: SshClient, socket: Socket, { settings, credentials }: Login): Promise<void> {
  const { username = '', password, private_key, passphrase } = credentials
  const known = String(settings['host_key']).split(' ')
  let shown = ''
  const config: ConnectConfig = {
    sock: socket,
    username,
    ...(password !== undefined && { password, tryKeyboard: true }),
    ...(private_key !== undefined && { privateKey: private_key }),
    ...(passphrase !== undefined && { passphrase }),
    readyTimeout: 0, // the call has its own time
    hostVerifier: (key: Buffer) => {
      shown = fingerprintOf(key)
      return known.includes(shown)
    },
  }
  return new Promise((resolve, reject) => {
    // Later errors end what is under way by its own callback; they only must be heard.
    client.on('error', (error: Error & { level?: string }) => reject(inWords(error, known, shown)))
    client.on('close', () => reject(trouble('reset', 'the server ended the connection')))
    client.on('ready', resolve)
    // Many servers ask for a password in this way alone; what is shown as it is typed is none.
    client.on('keyboard-interactive', (_name, _instructions, _language, prompts, answer) =>
      answer(prompts.map(({ echo }) => (echo ? '' : (password ?? '')))),
    )
    try {
      client.connect(config)
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error)
      reject(refused(401, 'bad_key', `the private key cannot be used: ${words}`))
    }
  })
}

const fingerprintOf = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`

function inWords(error: Error & { level?: string }, known: readonly string[], shown: string): Error {
  if (error.level === 'client-authentication')
    return refused(401, 'login_refused', 'the server takes neither the password nor the key of this user')
  if (shown !== '' && !known.includes(shown))
    return trouble('tls', `the server shows the key ${shown}, not the one that stands in settings.host_key`)
  return trouble('reset', `no SSH with the server: ${error.message}`)
}

type Session = { sftp: SFTPWrapper; root: string; way: Way; close(): void }

const placeOf = ({ root }: Session, path: string): string => (path === '' ? root || '/' : `${root}/${path}`)

function storeAt(session: Session): Store {
  return {
    list: (path, page) => list(session, path, page),
    stat: (path) => stat(session, path),
    read: (path, range) => read(session, path, range),
    write: (path, bytes, replace) => write(session, { path, bytes, replace }),
    move: (from, to, replace) => move(session, from, to, replace),
    remove: async (path) => {
      const entry = await stat(session, path)
      if (entry === null) return false
      if (entry.kind === 'folder') throw isFolder(path)
      session.way.acting()
      await told<void>(path, (done) => session.sftp.unlink(placeOf(session, path), (error) => done(error)))
      return true
    },
    close: session.close,
  }
}

/** Status codes of the draft, section 7. */
const NO_SUCH_FILE = 2
const PERMISSION_DENIED = 3
const FAILURE = 4

const codeOf = (error: unknown): number => Number((error as { code?: unknown }).code)

/** With what the server says no to in words. What it only calls a failure is a conflict. */
async function told<T>(
  path: string,
  ask: (done: (error: Error | null | undefined, value: T) => void) => void,
): Promise<T> {
  try {
    return await answered<T>(ask)
  } catch (error) {
    const code = codeOf(error)
    if (code === NO_SUCH_FILE) throw nothingAt(path)
    if (code === PERMISSION_DENIED)
      throw refused(403, 'not_permitted', `this user may not do that with ${path}`)
    if (code === FAILURE) throw refused(409, 'failed', `the server could not do that with ${path}`)
    throw error
  }
}

function toEntry(path: string, stats: Stats): Entry {
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other'
  return {
    path,
    kind,
    size: kind === 'file' ? stats.size : null,
    modified_at: new Date(stats.mtime * 1000).toISOString(),
  }
}

async function stat(session: Session, path: string): Promise<Entry | null> {
  try {
    const stats = await answered<Stats>((done) => session.sftp.stat(placeOf(session, path), done))
    return toEntry(path, stats)
  } catch (error) {
    if (codeOf(error) === NO_SUCH_FILE) return null
    return told<never>(path, (done) => done(error as Error, undefined as never))
  }
}

async function list(session: Session, path: string, page: Page) {
  const found = await answered<{ filename: string; attrs: unknown }[]>((done) =>
    session.sftp.readdir(placeOf(session, path), done),
  ).catch((error) => {
    if (codeOf(error) === PERMISSION_DENIED)
      throw refused(403, 'not_permitted', `this user may not list ${path || '/'}`)
    throw refused(404, 'not_found', `there is no folder ${path || '/'}`)
  })
  const { names, next } = pageOf(
    found.map(({ filename }) => filename).filter((name) => name !== '.' && name !== '..'),
    page,
  )
  const by_name = new Map(found.map(({ filename, attrs }) => [filename, attrs as Stats]))
  const entries = names.flatMap((name) => {
    const stats = by_name.get(name)
    return stats ? [toEntry(path === '' ? name : `${path}/${name}`, stats)] : []
  })
  return { entries, next }
}

const MOST_AT_ONCE = 32_000

async function read({ sftp, ...session }: Session, path: string, { offset, length }: Range) {
  const place = placeOf({ sftp, ...session }, path)
  const { isFile, size } = await told<Stats>(path, (done) => sftp.stat(place, done)).then((stats) => ({
    isFile: stats.isFile(),
    size: stats.size,
  }))
  if (!isFile) throw refused(409, 'no_file', `${path} is no file`)
  const handle = await told<Buffer>(path, (done) => sftp.open(place, 'r', done))
  const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - offset)))
  let at = 0
  while (at < bytes.length) {
    const most = Math.min(MOST_AT_ONCE, bytes.length - at)
    const got = await told<number>(path, (done) => sftp.read(handle, bytes, at, most, offset + at, done))
    if (got === 0) break
    at += got
  }
  await told<void>(path, (done) => sftp.close(handle, (error) => done(error)))
  return { bytes: bytes.subarray(0, at), size }
}

type Write = { path: string; bytes: Buffer; replace: boolean }

/** Under another name first, then under its own in one step. */
async function write(session: Session, { path, bytes, replace }: Write): Promise<void> {
  const { sftp } = session
  const folder = await folderFor(session, path)
  const temporary = `${folder}/${temporaryName()}`
  try {
    const handle = await told<Buffer>(path, (done) => sftp.open(temporary, 'wx', { mode: 0o640 }, done))
    await told<void>(path, (done) => sftp.write(handle, bytes, 0, bytes.length, 0, (error) => done(error)))
    await told<void>(path, (done) => sftp.close(handle, (error) => done(error)))
    await rename(session, temporary, path, replace)
  } catch (error) {
    await answered<void>((done) => sftp.unlink(temporary, (failed) => done(failed))).catch(() => {})
    throw error
  }
}

/** The folder of a path, made with those above it where they are not there yet. */
async function folderFor(session: Session, path: string): Promise<string> {
  const parts = partsOf(path).slice(0, -1)
  for (let depth = 1; depth <= parts.length; depth++) {
    const folder = parts.slice(0, depth).join('/')
    const found = await stat(session, folder)
    if (found && found.kind !== 'folder') throw refused(409, 'not_a_folder', `${folder} is no folder`)
    if (found) continue
    const place = placeOf(session, folder)
    await told<void>(folder, (done) => session.sftp.mkdir(place, (error) => done(error)))
  }
  return placeOf(session, parts.join('/')).replace(/\/$/, '')
}

/** The draft's rename never writes over a file; OpenSSH has one that does, in one step. */
async function rename(session: Session, from: string, path: string, replace: boolean): Promise<void> {
  const { sftp, way } = session
  const place = placeOf(session, path)
  if (!replace && (await stat(session, path))) throw existsAt(path)
  way.acting()
  if (!replace) return told<void>(path, (done) => sftp.rename(from, place, (error) => done(error)))
  await new Promise<void>((resolve, reject) => {
    try {
      sftp.ext_openssh_rename(from, place, (error) => (error ? reject(error) : resolve()))
    } catch {
      reject(refused(501, 'not_offered', 'this server cannot replace a file in one step; delete it before'))
    }
  }).catch((error) => {
    if ('refused' in error) throw error
    return told<void>(path, (done) => done(error, undefined))
  })
}

async function move(session: Session, from: string, to: string, replace: boolean): Promise<void> {
  const entry = await stat(session, from)
  if (entry === null) throw nothingAt(from)
  if (entry.kind !== 'file') throw refused(409, 'no_file', `${from} is no file`)
  await folderFor(session, to)
  await rename(session, placeOf(session, from), to, replace)
}
