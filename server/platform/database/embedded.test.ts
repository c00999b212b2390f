import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { createLog } from '../log.ts'
import { StartError } from '../start_error.ts'
import { embeddedPaths, runningEmbedded, startEmbedded } from './embedded.ts'
import { prepareHome } from './embedded_home.ts'
import { readPostmaster, settlePostmaster } from './embedded_lock.ts'
import { findNative } from './embedded_paths.ts'
import { freePort, initialise, launch } from './embedded_server.ts'

const log = createLog({ level: 'silent' })
const QUICK = { fsync: 'off' }
const as_root = process.getuid?.() === 0
const root_only = as_root ? {} : { skip: 'only root needs another user for PostgreSQL' }
const root_never = as_root ? { skip: 'root may write everywhere' } : {}

const made: string[] = []
after(() => {
  for (const path of made) rmSync(path, { recursive: true, force: true })
})

/** A `.trilho` folder that does not exist yet, in a folder that everyone may enter unless told otherwise. */
function newDir(mode = 0o755): string {
  const parent = mkdtempSync(join(realpathSync(tmpdir()), 'trilho-embedded-'))
  chmodSync(parent, mode)
  made.push(parent)
  return join(parent, '.trilho')
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

/** Commands of living processes that name the data folder: PostgreSQL, its watchdog. */
function processesOn(data_dir: string): string[] {
  if (process.platform !== 'linux') {
    const all = execFileSync('ps', ['-axo', 'command='], { encoding: 'utf8' }).split('\n')
    return all.filter((command) => command.includes(data_dir))
  }
  const commands = readdirSync('/proc').map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    } catch {
      return ''
    }
  })
  return commands.filter((command) => command.includes(data_dir))
}

async function goneWithin(data_dir: string, limit_ms: number): Promise<boolean> {
  const deadline = performance.now() + limit_ms
  while (processesOn(data_dir).length > 0) {
    if (performance.now() > deadline) return false
    await sleep(20)
  }
  return true
}

/** A server in a process of its own, so that it can be killed. `url` is what it says: its address, or why not. */
async function startElsewhere(
  dir: string,
): Promise<{ child: ChildProcess; url: string; ended: Promise<unknown> }> {
  const script = `
    const { startEmbedded } = await import(${JSON.stringify(import.meta.resolve('./embedded.ts'))})
    const { createLog } = await import(${JSON.stringify(import.meta.resolve('../log.ts'))})
    const start = startEmbedded({ dir: ${JSON.stringify(dir)}, log: createLog({ level: 'silent' }) })
    console.log(await start.then(({ url }) => url, (error) => error.constructor.name + ': ' + error.message))
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const line = once(createInterface(child.stdout), 'line')
  const silent = ended.then(([code, signal]) => [`it said nothing and ended with ${code ?? signal}`])
  const [first] = await Promise.race([line, silent])
  return { child, url: String(first), ended }
}

/** Refused with one line for people that matches. */
function oneLine(...patterns: RegExp[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StartError, String(error))
    assert.equal(error.message.includes('\n'), false)
    for (const pattern of patterns) assert.match(error.message, pattern)
    return true
  }
}

describe('the embedded PostgreSQL of one folder', () => {
  const dir = newDir()

  test('answers on loopback with durable commits, to its password only, and logs no values', async () => {
    const server = await startEmbedded({ dir, log })
    try {
      const [facts] = await query(
        server.url,
        `select current_database() as database, current_setting('is_superuser') as superuser,
           current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous_commit,
           current_setting('listen_addresses') as listen, current_setting('unix_socket_directories') as sockets,
           current_setting('server_encoding') as encoding, current_setting('server_version_num')::int / 10000 as major,
           (select datlocale from pg_database where datname = current_database()) as locale`,
      )
      assert.deepEqual(facts, {
        ...{
          database: 'trilho',
          superuser: 'on',
          fsync: 'on',
          synchronous_commit: 'on',
          listen: '127.0.0.1',
        },
        ...{ sockets: '', encoding: 'UTF8', major: 18, locale: 'C.UTF-8' },
      })
      await query(server.url, 'create extension pg_stat_statements; select count(*) from pg_stat_statements')
      const wrong = new URL(server.url)
      wrong.password = 'wrong'
      await assert.rejects(query(wrong.href, 'select 1'), { code: '28P01' })
      assert.equal(runningEmbedded(dir), server.url)
      const twice = "insert into held values ('529.982.247-25')"
      await query(server.url, `create table held (cpf text primary key); ${twice}`)
      await assert.rejects(query(server.url, twice), { code: '23505' })
      const written = readFileSync(embeddedPaths(dir).log_file, 'utf8')
      assert.match(written, /duplicate key/)
      assert.doesNotMatch(written, /529\.982/)
    } finally {
      await server.stop()
    }
  })

  test('keeps its password and data from others', () => {
    const paths = embeddedPaths(dir)
    assert.equal(statSync(paths.password_file).mode & 0o777, 0o600)
    assert.equal(statSync(paths.data_dir).mode & 0o777, 0o700)
    assert.equal(statSync(paths.log_file).mode & 0o777, 0o600)
    assert.equal(statSync(paths.data_dir).uid === 0, false)
  })

  test('leaves no process behind when stopped, and starts again on the same data', async () => {
    const first = await startEmbedded({ dir, log })
    assert.notDeepEqual(processesOn(first.data_dir), [])
    await query(first.url, 'create table kept as select 42 as answer')
    await Promise.all([first.stop(), first.stop()])
    assert.equal(await goneWithin(first.data_dir, 120_000), true)
    assert.equal(runningEmbedded(dir), null)
    const second = await startEmbedded({ dir, log })
    const rows = await query(second.url, 'select answer from kept')
    await second.stop()
    assert.deepEqual(rows, [{ answer: 42 }])
  })

  test('is gone two seconds after a kill -9 of the server, and the next start finds every commit', async () => {
    const { child, url, ended } = await startElsewhere(dir)
    await query(url, 'create table survived as select 7 as answer')
    const busy = query(url, 'select pg_sleep(60)').catch(() => 'cut off')
    await sleep(50)
    child.kill('SIGKILL')
    await ended
    assert.equal(await goneWithin(embeddedPaths(dir).data_dir, 120_000), true)
    assert.equal(await busy, 'cut off')
    const next = await startEmbedded({ dir, log })
    const rows = await query(next.url, 'select answer from survived')
    await next.stop()
    assert.deepEqual(rows, [{ answer: 7 }])
  })

  test('starts at once after a kill -9, while the last PostgreSQL is still ending', async () => {
    const { child, ended } = await startElsewhere(dir)
    child.kill('SIGKILL')
    await ended
    const next = await startEmbedded({ dir, log })
    assert.deepEqual(await query(next.url, 'select 1 as one'), [{ one: 1 }])
    await next.stop()
  })

  test('refuses a second server in one line and leaves the first alone', async () => {
    const { child, url, ended } = await startElsewhere(dir)
    try {
      const named = new RegExp(`pid ${child.pid}\\b.*TRILHO_DATA_DIR`)
      await assert.rejects(startEmbedded({ dir, log }), oneLine(named))
      assert.deepEqual(await query(url, 'select 1 as one'), [{ one: 1 }])
    } finally {
      child.kill('SIGKILL')
      await ended
    }
    const first = await startEmbedded({ dir, log })
    await assert.rejects(startEmbedded({ dir, log }), oneLine(/TRILHO_DATA_DIR/))
    await first.stop()
  })

  test('lets one of several servers that start together win, over a stale lock too', async () => {
    writeFileSync(embeddedPaths(dir).lock_file, `${process.pid} started-at-another-time\n`)
    const starts = await Promise.all(Array.from({ length: 4 }, () => startElsewhere(dir)))
    const won = starts.filter(({ url }) => url.startsWith('postgres://'))
    const lost = starts.filter(({ url }) => /^StartError: Another Trilho server/.test(url))
    for (const { child } of starts) child.kill('SIGKILL')
    await Promise.all(starts.map(({ ended }) => ended))
    assert.deepEqual([won.length, lost.length], [1, 3], starts.map(({ url }) => url).join('\n'))
  })

  test('refuses to start beside a PostgreSQL on this data that nobody is ending', async () => {
    const paths = embeddedPaths(dir)
    await settlePostmaster(paths.data_dir)
    const port = await freePort()
    const other = await launch({ native_dir: findNative().dir, paths, settings: {} }, port)
    try {
      assert.equal(runningEmbedded(dir)?.includes(`:${port}/`), true)
      await assert.rejects(settlePostmaster(paths.data_dir, 200), oneLine(/still runs on .*kill -INT \d+/))
    } finally {
      await other.stop()
    }
  })

  test('is not stopped by a postmaster.pid whose number was given to a stranger', async () => {
    const { data_dir, account } = embeddedPaths(dir)
    const stranger = spawn('sleep', ['600'], { ...(account && { uid: account.uid, gid: account.gid }) })
    await once(stranger, 'spawn')
    const stale = join(data_dir, 'postmaster.pid')
    writeFileSync(
      stale,
      `${stranger.pid}\n${data_dir}\n1700000000\n5432\n\n127.0.0.1\n  1234 56\nready   \n`,
      { mode: 0o600 },
    )
    if (account) chownSync(stale, account.uid, account.gid)
    try {
      const server = await startEmbedded({ dir, log })
      assert.deepEqual(await query(server.url, 'select 1 as one'), [{ one: 1 }])
      await server.stop()
      assert.equal(stranger.exitCode, null)
    } finally {
      stranger.kill()
    }
  })

  test('comes back by itself on its port when PostgreSQL is killed', async () => {
    const server = await startEmbedded({ dir, log })
    const before = readPostmaster(server.data_dir)
    assert.ok(before)
    process.kill(before.pid, 'SIGKILL')
    const deadline = performance.now() + 60_000
    let rows: unknown = null
    while (rows === null && performance.now() < deadline) {
      await sleep(50)
      rows = await query(server.url, 'select 1 as one').catch(() => null)
    }
    await server.stop()
    assert.deepEqual(rows, [{ one: 1 }])
    assert.equal(await goneWithin(server.data_dir, 120_000), true)
  })

  test('refuses a port that is taken, and stays free to start', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const { port } = holder.address() as AddressInfo
    await assert.rejects(startEmbedded({ dir, log, port }), oneLine(/did not start: .*TCP\/IP/))
    holder.close()
    await once(holder, 'close')
    const server = await startEmbedded({ dir, log, port })
    await server.stop()
    assert.equal(server.port, port)
  })

  test('refuses data without its password', async () => {
    const { password_file } = embeddedPaths(dir)
    renameSync(password_file, `${password_file}.away`)
    await assert.rejects(startEmbedded({ dir, log }), oneLine(/password is missing.*backup/))
    renameSync(`${password_file}.away`, password_file)
  })

  test('refuses data of another major version and names the way out', async () => {
    const { data_dir } = embeddedPaths(dir)
    writeFileSync(join(data_dir, 'PG_VERSION'), '17\n')
    await assert.rejects(
      startEmbedded({ dir, log }),
      oneLine(/PostgreSQL 17.*brings 18.*trilho backup.*trilho restore/),
    )
    writeFileSync(join(data_dir, 'PG_VERSION'), '18\n')
  })
})

test('a folder that cannot be made or written is refused in one line', async () => {
  const parent = dirname(newDir())
  writeFileSync(join(parent, 'file'), '')
  const beneath = join(parent, 'file', '.trilho')
  await assert.rejects(
    startEmbedded({ dir: beneath, log }),
    oneLine(/part of the path is a file.*TRILHO_DATA_DIR/),
  )
})

test('a folder that is not ours to write is refused in one line', root_never, async () => {
  const dir = newDir()
  chmodSync(dirname(dir), 0o500)
  await assert.rejects(startEmbedded({ dir, log }), oneLine(/permission denied.*TRILHO_DATA_DIR/))
})

test('a platform without binaries is told to set DATABASE_URL', async () => {
  const arch = Object.getOwnPropertyDescriptor(process, 'arch')
  assert.ok(arch)
  Object.defineProperty(process, 'arch', { value: 'pdp11' })
  try {
    await assert.rejects(startEmbedded({ dir: newDir(), log }), oneLine(/pdp11.*DATABASE_URL/))
  } finally {
    Object.defineProperty(process, 'arch', arch)
  }
})

describe('under root, in a folder that only root may enter', root_only, () => {
  test('data goes where PostgreSQL can reach it, is found after a move, and put aside after a deletion', async () => {
    const dir = newDir(0o700)
    const first = await startEmbedded({ dir, log, settings: QUICK })
    made.push(dirname(first.data_dir))
    assert.match(first.data_dir, /^\/var\/lib\/trilho\/[0-9a-f]{16}\/data$/)
    assert.equal(embeddedPaths(dir).data_dir, first.data_dir)
    await query(first.url, 'create table kept as select 1 as one')
    await first.stop()

    const moved = newDir(0o700)
    renameSync(dir, moved)
    const second = await startEmbedded({ dir: moved, log, settings: QUICK })
    assert.deepEqual(await query(second.url, 'select one from kept'), [{ one: 1 }])
    await second.stop()

    rmSync(moved, { recursive: true })
    const third = await startEmbedded({ dir, log, settings: QUICK })
    await assert.rejects(query(third.url, 'select one from kept'), { code: '42P01' })
    await third.stop()
    const home = dirname(first.data_dir)
    const aside = readdirSync(dirname(home)).filter((name) => name.startsWith(`${basename(home)}.`))
    made.push(...aside.map((name) => join(dirname(home), name)))
    assert.equal(aside.length, 1)

    rmSync(home, { recursive: true })
    await assert.rejects(startEmbedded({ dir, log }), oneLine(/which is gone.*trilho restore/))
  })

  test('binaries that PostgreSQL cannot reach are run from a copy', async () => {
    const hidden = dirname(newDir(0o700))
    const native = { ...findNative(), dir: join(hidden, 'native'), version: `test-${randomUUID()}` }
    cpSync(findNative().dir, native.dir, { recursive: true })
    const dir = newDir()
    mkdirSync(dir)
    const paths = embeddedPaths(dir)
    const native_dir = prepareHome(paths, native)
    made.push(native_dir)
    assert.equal(native_dir, `/var/lib/trilho/native-${native.version}`)
    rmSync(native.dir, { recursive: true }) // whatever it still needs from there is missed now
    const installation = { native_dir, paths, settings: QUICK }
    await initialise(installation)
    const server = await launch(installation, await freePort())
    await server.stop()
    assert.equal(existsSync(join(paths.data_dir, 'postmaster.pid')), false)
  })

  test('a folder that PostgreSQL can no longer enter is named, and no empty database takes its place', async () => {
    const dir = newDir()
    const { data_dir, account } = embeddedPaths(dir)
    assert.ok(account)
    mkdirSync(data_dir, { recursive: true })
    writeFileSync(join(data_dir, 'PG_VERSION'), '18\n')
    chownSync(data_dir, account.uid, account.gid)
    chmodSync(dirname(dir), 0o700)
    await assert.rejects(startEmbedded({ dir, log }), oneLine(/may not enter .*chmod o\+x/))
  })
})
