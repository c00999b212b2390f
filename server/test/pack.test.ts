import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { embeddedPaths } from '../platform/database/embedded.ts'
import { freePort } from './ports.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const run = promisify(execFile)

const folder = await mkdtemp(join(tmpdir(), 'trilho-pack-'))
const data_dir = join(folder, 'data')
after(async () => {
  // As root the data may be elsewhere: see embeddedPaths.
  if (existsSync(data_dir)) await rm(embeddedPaths(data_dir).home, { recursive: true, force: true })
  await rm(folder, { recursive: true, force: true })
})

test('what npm pack makes installs in an empty folder, starts with npx trilho start, and stops cleanly', {
  timeout: 600_000,
}, async () => {
  await install(await pack())
  const port = await freePort()
  const { server, output } = startInstalled(port)
  try {
    await until(async () => server.exitCode !== null || (await isHealthy(port)))
    assert.ok(await isHealthy(port), output())
    const postgres = join(embeddedPaths(data_dir).data_dir, 'postmaster.pid')
    assert.ok(existsSync(postgres), 'its own PostgreSQL runs')
    server.kill('SIGTERM')
    assert.ok(await until(() => !existsSync(postgres)), `PostgreSQL is left\n${output()}`)
    assert.ok(await until(async () => !(await isHealthy(port))), `the server is left\n${output()}`)
  } finally {
    killGroup(server)
  }
})

/** The path of the tarball. */
async function pack(): Promise<string> {
  const env = cleanEnvironment()
  await run('npm', ['pack', '--ignore-scripts=false', '--pack-destination', folder], { cwd: ROOT, env })
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))
  assert.ok(tarball)
  return tarball
}

async function install(tarball: string): Promise<void> {
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  const quick = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund']
  await run('npm', ['install', `./${tarball}`, ...quick], { cwd: folder, env: cleanEnvironment() })
}

/** In a process group of its own, so that nothing of it outlives a test that fails. */
function startInstalled(port: number): { server: ChildProcess; output: () => string } {
  const env = { ...cleanEnvironment(), TRILHO_PORT: String(port), TRILHO_DATA_DIR: data_dir }
  const server = spawn('npx', ['--no-install', 'trilho', 'start'], { cwd: folder, env, detached: true })
  let output = ''
  for (const stream of [server.stdout, server.stderr]) {
    stream.on('data', (part: Buffer) => {
      output += part
    })
  }
  return { server, output: () => output }
}

/** What a person's shell would have: nothing of this run's npm, and no database but the package's own. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const foreign =
    /^(TRILHO_|DATABASE_URL$|NODE_TEST_CONTEXT$|NODE_COMPILE_CACHE$|npm_(package|lifecycle|command|execpath))/
  const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name))
  const path = process.env['PATH']?.split(':').filter((part) => !part.startsWith(ROOT))
  return { ...Object.fromEntries(kept), PATH: path?.join(':') }
}

async function isHealthy(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null)
  return response?.ok === true
}

/** False where it did not come to be in five minutes. */
async function until(is_so: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const deadline = Date.now() + 300_000; Date.now() < deadline; await sleep(50)) {
    if (await is_so()) return true
  }
  return false
}

/** Whatever is left of npx, its shell and the server. */
function killGroup(server: ChildProcess): void {
  try {
    if (server.pid) process.kill(-server.pid, 'SIGKILL')
  } catch {
    // all of it has ended
  }
  for (const stream of [server.stdout, server.stderr]) stream?.destroy()
}
