import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection } from 'mysql2/promise'
import { freePort } from './ports.ts'

/** A throw-away MariaDB, where the machine has one. */
const SERVER = ['/usr/sbin/mariadbd', '/usr/local/bin/mariadbd'].find((file) => existsSync(file))

export const hasMariadb = SERVER !== undefined

export type Mariadb = { port: number; username: string; password: string; stop(): Promise<void> }

const NOBODY = 65_534

export async function startMariadb(tls?: { cert: string; key: string }): Promise<Mariadb> {
  if (SERVER === undefined) throw new Error('this machine has no MariaDB')
  const dir = await mkdtemp(join(tmpdir(), 'trilho-mariadb-'))
  const as = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  if (as.uid !== undefined) await chown(dir, NOBODY, NOBODY)
  const place = ['--no-defaults', `--datadir=${dir}/data`, `--tmpdir=${dir}`]
  const install = [...place, '--auth-root-authentication-method=normal']
  const made = spawnSync('mariadb-install-db', install, { ...as, encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`MariaDB was not set up: ${made.stderr}`)
  const port = await freePort()
  const options = [...place, `--port=${port}`, '--bind-address=127.0.0.1']
  const shown = tls ? await certificateIn(dir, tls) : []
  const small = ['--skip-name-resolve', '--innodb-buffer-pool-size=16M', `--socket=${dir}/s`]
  const server = spawn(SERVER, [...options, ...small, ...shown], { ...as, stdio: 'ignore' })
  const stop = async () => {
    await end(server)
    await rm(dir, { recursive: true, force: true })
  }
  try {
    await prepare(port)
  } catch (error) {
    await stop()
    throw error
  }
  return { port, username: 'trilho', password: 'correct-horse', stop }
}

async function certificateIn(dir: string, { cert, key }: { cert: string; key: string }): Promise<string[]> {
  await writeFile(join(dir, 'cert.pem'), cert)
  await writeFile(join(dir, 'key.pem'), key)
  return [`--ssl-cert=${dir}/cert.pem`, `--ssl-key=${dir}/key.pem`]
}

async function prepare(port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      const root = await createConnection({ host: '127.0.0.1', port, user: 'root', multipleStatements: true })
      await root.query(`create database erp; create user trilho@'%' identified by 'correct-horse';
        grant all on erp.* to trilho@'%'`)
      return await root.end()
    } catch (error) {
      if (tries > 200) throw error
      await sleep(50)
    }
  }
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return
  const ended = new Promise((resolve) => server.once('exit', resolve))
  server.kill('SIGKILL')
  await ended
}
