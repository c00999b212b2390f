import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { freePort } from './ports.ts'
import { listening } from './sshd.ts'

/** A throw-away Dovecot with one empty mailbox, where the machine has one. Debian: dovecot-imapd. */
const SERVER = ['/usr/sbin/dovecot', '/usr/local/sbin/dovecot'].find((file) => existsSync(file))

export const hasDovecot = SERVER !== undefined

export type Dovecot = {
  port: number
  username: string
  password: string
  /** Puts a message into INBOX. */
  deliver(message: Buffer): Promise<void>
  stop(): Promise<void>
}

const NOBODY = 65_534
const FOLDERS = ['mail', 'mail/new', 'mail/cur', 'mail/tmp']

export async function startDovecot(tls: { cert: string; key: string }): Promise<Dovecot> {
  if (SERVER === undefined) throw new Error('this machine has no Dovecot')
  const dir = await mkdtemp(join(tmpdir(), 'trilho-dovecot-'))
  const is_root = process.getuid?.() === 0
  const user = is_root
    ? { name: 'nobody', uid: NOBODY, gid: NOBODY }
    : { name: userInfo().username, ...userInfo() }
  const port = await freePort()
  for (const name of FOLDERS) await mkdir(join(dir, name))
  await writeFile(join(dir, 'cert.pem'), tls.cert)
  await writeFile(join(dir, 'key.pem'), tls.key)
  await writeFile(join(dir, 'users'), 'ana@example.com:{PLAIN}correct-horse::::::\n')
  await writeFile(join(dir, 'dovecot.conf'), configOf(dir, port, user))
  if (is_root)
    for (const name of ['', ...FOLDERS, 'cert.pem', 'key.pem', 'users', 'dovecot.conf'])
      await chown(join(dir, name), NOBODY, NOBODY)
  const as = is_root ? { uid: NOBODY, gid: NOBODY } : {}
  const server = spawn(SERVER, ['-F', '-c', join(dir, 'dovecot.conf')], { ...as, stdio: 'ignore' })
  const stop = async () => {
    if (server.exitCode === null) {
      const ended = once(server, 'exit')
      server.kill('SIGTERM') // it ends its processes
      await ended
    }
    await rm(dir, { recursive: true, force: true })
  }
  try {
    await listening(port)
  } catch (error) {
    await stop()
    throw error
  }
  let delivered = 0
  const deliver = (message: Buffer) =>
    writeFile(join(dir, 'mail/new', `${Date.now()}.${++delivered}.test`), message, { mode: 0o644 })
  return { port, username: 'ana@example.com', password: 'correct-horse', deliver, stop }
}

const groupOf = (user: string): string => spawnSync('id', ['-gn', user], { encoding: 'utf8' }).stdout.trim()

const configOf = (
  dir: string,
  port: number,
  { name, uid, gid }: { name: string; uid: number; gid: number },
) => `
base_dir = ${dir}/run
state_dir = ${dir}/state
log_path = ${dir}/log
protocols = imap
default_internal_user = ${name}
default_internal_group = ${groupOf(name)}
default_login_user = ${name}
first_valid_uid = 1
mail_location = maildir:${dir}/mail
ssl = required
ssl_cert = <${dir}/cert.pem
ssl_key = <${dir}/key.pem
passdb {
  driver = passwd-file
  args = ${dir}/users
}
userdb {
  driver = static
  args = uid=${uid} gid=${gid} home=${dir}
}
service anvil {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    address = 127.0.0.1
    port = ${port}
    ssl = yes
  }
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Done {
    auto = create
  }
}
`
