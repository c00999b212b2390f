import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './ports.ts'

/** A throw-away OpenSSH server that gives files only, where the machine has one. Debian: openssh-server. */
const SERVER = ['/usr/sbin/sshd', '/usr/local/sbin/sshd'].find((file) => existsSync(file))

export const hasSshd = SERVER !== undefined

export type Sshd = {
  port: number
  folder: string
  username: string
  private_key: string
  /** As it is pinned. */
  host_key: string
  stop(): Promise<void>
}

const NOBODY = 65_534

/** Of no rights of its own: it serves the user that it runs as, by a key. */
export async function startSshd(): Promise<Sshd> {
  if (SERVER === undefined) throw new Error('this machine has no OpenSSH server')
  const dir = await mkdtemp(join(tmpdir(), 'trilho-sshd-'))
  const folder = join(dir, 'files')
  await mkdir(folder)
  for (const name of ['host', 'user']) {
    const args = ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, name)]
    const made = spawnSync('ssh-keygen', args, { encoding: 'utf8' })
    if (made.status !== 0) throw new Error(`no key was made: ${made.stderr}`)
  }
  const port = await freePort()
  await writeFile(join(dir, 'config'), configOf(dir, port))
  const is_root = process.getuid?.() === 0
  if (is_root)
    await Promise.all(['', 'files', 'host', 'user.pub', 'config'].map((name) => give(join(dir, name))))
  const as = is_root ? { uid: NOBODY, gid: NOBODY } : {}
  const server = spawn(SERVER, ['-D', '-e', '-f', join(dir, 'config')], { ...as, stdio: 'ignore' })
  await listening(port)
  const printed = spawnSync('ssh-keygen', ['-lf', join(dir, 'host.pub')], { encoding: 'utf8' }).stdout
  return {
    port,
    folder,
    username: is_root ? 'nobody' : userInfo().username,
    private_key: await readFile(join(dir, 'user'), 'utf8'),
    host_key: printed.split(' ')[1] ?? '',
    stop: async () => {
      if (server.exitCode === null) {
        const ended = once(server, 'exit')
        server.kill('SIGKILL')
        await ended
      }
      await rm(dir, { recursive: true, force: true })
    },
  }
}

const give = (path: string) => chown(path, NOBODY, NOBODY)

const configOf = (dir: string, port: number) => `ListenAddress 127.0.0.1
Port ${port}
HostKey ${dir}/host
AuthorizedKeysFile ${dir}/user.pub
PidFile none
StrictModes no
UsePAM yes
PasswordAuthentication no
Subsystem sftp internal-sftp
ForceCommand internal-sftp
`

/** Throws where nobody listens after some minutes. */
export async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 4000; tries++) {
    const socket = createConnection(port, '127.0.0.1')
    const is_there = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (is_there) return
    await sleep(50)
  }
  throw new Error(`nobody listens on port ${port}`)
}
