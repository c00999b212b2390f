import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { StartError } from '../start_error.ts'

/** No process has this pid: it is above every limit. */
const NO_PID = 2_147_483_647
/** The watchdog takes little more than a second, or some on a busy machine; a PostgreSQL that lives longer has lost it. */
const ENDING_MS = 15_000

/**
 * Makes this process the only server of a folder. The lock outlives a `kill -9` without harm: it names a pid and
 * when that process started, so a pid that was given to another process holds nothing. Returns the release.
 */
export function takeLock(lock_file: string): () => void {
  const mine = `${process.pid} ${startOf(process.pid)}\n`
  const draft = join(dirname(lock_file), `.lock-${randomUUID()}`)
  writeFileSync(draft, mine, { mode: 0o600 })
  try {
    // a link appears whole or not at all, so nobody reads half a lock
    while (!tryLink(draft, lock_file)) clearStale(lock_file)
  } finally {
    rmSync(draft, { force: true })
  }
  return () => {
    if (readOr(lock_file) === mine) rmSync(lock_file, { force: true })
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function clearStale(lock_file: string): void {
  const found = readOr(lock_file)
  refuseLive(lock_file, found)
  const aside = `${lock_file}.${randomUUID()}`
  try {
    renameSync(lock_file, aside)
  } catch {
    return // another server cleared it first; look again
  }
  const moved = readOr(aside)
  try {
    // between reading and moving, another server may have put its own lock there: give it back
    if (moved !== found) tryLink(aside, lock_file)
  } finally {
    rmSync(aside, { force: true })
  }
}

function refuseLive(lock_file: string, text: string): void {
  const pid = Number(text.split(' ')[0])
  if (!pid || startOf(pid) !== text.slice(text.indexOf(' ') + 1).trim()) return
  throw new StartError(
    `Another Trilho server (pid ${pid}) runs on ${dirname(lock_file)}: stop it, or choose another folder with TRILHO_DATA_DIR`,
  )
}

/** When a live process started, in words that no later process repeats; null when it does not run. */
function startOf(pid: number): string | null {
  if (process.platform !== 'linux') return ps(pid, 'lstart=')
  const stat = readOr(`/proc/${pid}/stat`)
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (!stat || state === 'Z') return null
  return `${readOr('/proc/sys/kernel/random/boot_id').trim()}:${fields[18]}`
}

function commandOf(pid: number): string {
  if (process.platform !== 'linux') return ps(pid, 'command=') ?? ''
  return readOr(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')
}

function ps(pid: number, field: string): string | null {
  try {
    return execFileSync('ps', ['-o', field, '-p', String(pid)], { encoding: 'utf8' }).trim() || null
  } catch {
    return null
  }
}

/** What PostgreSQL writes into `postmaster.pid`. */
export type Postmaster = { pid: number; port: number; ready: boolean; text: string }

export function readPostmaster(data_dir: string): Postmaster | null {
  const text = readOr(join(data_dir, 'postmaster.pid'))
  const lines = text.split('\n')
  const pid = Number(lines[0])
  return pid ? { pid, port: Number(lines[3]), ready: lines[7]?.startsWith('ready') ?? false, text } : null
}

/** Whether that pid is, now, a PostgreSQL on this data folder and not a stranger that was given its number. */
function isLive(data_dir: string, { pid }: Postmaster): boolean {
  if (startOf(pid) === null) return false
  const command = commandOf(pid)
  return command.includes('postgres') && command.includes(data_dir)
}

/** The port of the PostgreSQL that runs on this folder, or null. */
export function livePort(data_dir: string): number | null {
  const postmaster = readPostmaster(data_dir)
  return postmaster?.ready && isLive(data_dir, postmaster) ? postmaster.port : null
}

/**
 * After a crash: waits for the last PostgreSQL, which its watchdog is ending, and sees to it that a pid since
 * given to a stranger does not stop the next one. It never ends a process and never deletes `postmaster.pid`:
 * PostgreSQL reads there which shared memory to check for survivors of the last run.
 */
export async function settlePostmaster(data_dir: string, patience_ms = ENDING_MS): Promise<void> {
  const deadline = performance.now() + patience_ms
  for (;;) {
    const postmaster = readPostmaster(data_dir)
    if (!postmaster || startOf(postmaster.pid) === null) return
    if (!isLive(data_dir, postmaster)) return disownPid(data_dir, postmaster)
    if (performance.now() > deadline) {
      throw new StartError(
        `A PostgreSQL (pid ${postmaster.pid}) still runs on ${data_dir}: end it with kill -INT ${postmaster.pid} and start again`,
      )
    }
    await sleep(25)
  }
}

function disownPid(data_dir: string, { pid, text }: Postmaster): void {
  writeFileSync(join(data_dir, 'postmaster.pid'), text.replace(String(pid), String(NO_PID)))
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
