import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import ssh2 from 'ssh2'
import { providers } from '../../providers/index.ts'
import { undoAfter } from '../../test/harness.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { hasMoto, startMoto } from '../../test/moto.ts'
import { hasSshd, type Sshd, startSshd } from '../../test/sshd.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes } from './routes.ts'

let served: Served
let root: string
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'trilho-files-'))
  undoAfter(() => rm(root, { recursive: true, force: true }))
  await mkdir(join(root, 'shared'))
  const config = { file_roots: [join(root, 'shared')] }
  served = await serve({ config, mount: { rooms: [connectionRoutes, routes] }, providers })
})

type Place = { settings: object; credentials?: object }
type Connected = { key: string; connection: string }
type Report = {
  id: string
  state: string
  status: number | null
  error: string | null
  attempts: number
  result: Record<string, unknown> & { entries: { path: string; kind: string; size: number | null }[] }
  body: Record<string, unknown>
}

async function make({ settings, credentials = {} }: Place) {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const body = { provider: 'files', name: 'Exchange', environment: 'development', settings, credentials }
  return { key, reply: await served.send('POST', '/v1/connections', { key, body }) }
}

async function connect(place: Place): Promise<Connected> {
  const { key, reply } = await make(place)
  assert.equal(reply.status, 201, reply.text)
  return { key, connection: String(reply.body['id']) }
}

async function ask({ key, connection }: Connected, operation: string, input: object, more: object = {}) {
  const body = { operation: `files.${operation}`, input, retries: 0, ...more }
  const reply = await served.send('POST', `/v1/connections/${connection}/calls`, { key, body })
  assert.equal(reply.status, 200, reply.text)
  return reply.body as unknown as Report
}

/** What a user of any of the three places may count on. */
async function standsForFiles(connected: Connected): Promise<void> {
  const good = async (operation: string, input: object) => {
    const report = await ask(connected, operation, input)
    assert.equal(report.state, 'succeeded', JSON.stringify(report))
    return report.result
  }
  const no = async (status: number, operation: string, input: object) => {
    const report = await ask(connected, operation, input)
    assert.equal(report.status, status, JSON.stringify(report))
    return report.body
  }
  const text = 'número;valor\n1042;150,50\n€😀'
  const path = 'out/2026 é/+a&b=c.csv'
  assert.deepEqual(await good('write', { path, content: text }), { path, size: Buffer.byteLength(text) })
  assert.equal((await no(409, 'write', { path, content: 'other' }))['code'], 'exists')
  const read = await good('read', { path })
  assert.deepEqual([read['content'], read['next_offset']], [text, null])

  await good('write', { path, content: '€uro', replace: true })
  const part = await good('read', { path, length: 4 })
  assert.deepEqual([part['content'], part['next_offset']], ['€u', 4])
  assert.equal((await good('read', { path, offset: 4 }))['content'], 'ro')
  assert.equal((await good('read', { path, offset: 100 }))['content'], '')
  const cut = await good('read', { path, length: 5, encoding: 'text', offset: 0 })
  assert.equal(cut['content'], '€ur')

  const bytes = Buffer.from([0, 255, 254, 10]).toString('base64')
  await good('write', { path: 'out/b.bin', content: bytes, encoding: 'base64' })
  assert.equal((await good('read', { path: 'out/b.bin', encoding: 'base64' }))['content'], bytes)
  assert.equal((await no(422, 'read', { path: 'out/b.bin' }))['code'], 'no_text')
  await good('write', { path: 'out/empty', content: '' })
  assert.equal((await good('read', { path: 'out/empty' }))['content'], '')

  const stat = await good('stat', { path: 'out/b.bin' })
  assert.deepEqual([stat['path'], stat['kind'], stat['size']], ['out/b.bin', 'file', 4])
  assert.match(String(stat['modified_at']), /^20\d\d-.*Z$/)
  const pages: string[] = []
  let after: unknown
  do {
    const page = await good('list', { path: 'out', limit: 2, ...(after ? { after } : {}) })
    pages.push(...page.entries.map(({ path, kind, size }) => `${kind} ${path} ${size}`))
    after = page['next']
  } while (after)
  assert.deepEqual(pages, ['folder out/2026 é null', 'file out/b.bin 4', 'file out/empty 0'])

  assert.equal((await no(409, 'move', { from: 'out/b.bin', to: 'out/empty' }))['code'], 'exists')
  await good('move', { from: 'out/b.bin', to: 'done/b.bin' })
  await no(404, 'stat', { path: 'out/b.bin' })
  await good('move', { from: 'done/b.bin', to: 'out/empty', replace: true })
  assert.equal((await good('stat', { path: 'out/empty' }))['size'], 4)
  await no(404, 'move', { from: 'out/nothing', to: 'out/x' })
  await no(404, 'read', { path: 'out/nothing' })

  assert.equal((await good('delete', { path: 'out/empty' }))['deleted'], true)
  assert.equal((await good('delete', { path: 'out/empty' }))['deleted'], false)
  for (const bad of ['../x', 'out/../../x', 'a/./b', 'a\\b', 'a\nb', '.trilho-0123456789abcdef01.part']) {
    assert.equal((await no(400, 'read', { path: bad }))['code'], 'bad_path', bad)
  }
  await no(400, 'write', { path: 'out/c', content: 'not base64!', encoding: 'base64' })
  await good('list', {})
}

const local = (folder: string): Place => ({
  settings: { place: 'local', base_url: pathToFileURL(folder).href },
})

test('a folder of this machine: written whole, read in parts, listed, moved, deleted', async () => {
  const folder = join(root, 'shared')
  await standsForFiles(await connect(local(folder)))
  const left = await readdir(folder, { recursive: true })
  assert.deepEqual(
    left.filter((name) => name.includes('.part')),
    [],
  )
})

test('no folder that was not allowed is touched, by its own name, by a link or by a path', async () => {
  await writeFile(join(root, 'secret'), 'secret')
  await symlink(root, join(root, 'shared', 'up'))
  await symlink(join(root, 'secret'), join(root, 'shared', 'linked'))
  await mkdir(join(root, 'shared_not'))
  for (const folder of ['', 'shared_not', 'shared/up', 'missing']) {
    const outside = await ask(await connect(local(join(root, folder))), 'list', {}, { retries: 2 })
    assert.equal(outside.state, 'failed', folder)
    assert.match(String(outside.error), /TRILHO_FILE_ROOTS/)
    assert.equal(outside.attempts, 1)
  }
  const inside = await connect(local(join(root, 'shared')))
  const refusals: [string, object][] = [
    ['read', { path: 'linked' }],
    ['read', { path: 'up/secret' }],
    ['write', { path: 'up/new', content: 'x' }],
    ['move', { from: 'linked', to: 'mine' }],
    ['list', { path: 'up' }],
  ]
  for (const [operation, input] of refusals) {
    const report = await ask(inside, operation, input)
    assert.equal(report.state, 'refused', JSON.stringify([operation, report]))
    assert.doesNotMatch(JSON.stringify(report), /secret"/)
  }
  await ask(inside, 'write', { path: 'linked', content: 'x', replace: true })
  assert.equal(await readFile(join(root, 'secret'), 'utf8'), 'secret')
  const dots = await make({ settings: { place: 'local', base_url: `file://${root}/shared/%2e%2e/` } })
  assert.match(dots.reply.text, /dot segments/)
})

test('a pipe in the folder does not hang whoever reads it', async () => {
  const folder = join(root, 'shared')
  assert.equal(spawnSync('mkfifo', [join(folder, 'pipe')]).status, 0)
  const report = await ask(await connect(local(folder)), 'read', { path: 'pipe' })
  assert.equal(report.status, 409)
})

test('without an allowed folder nothing local is reached', async () => {
  const other = await serve({ mount: { rooms: [connectionRoutes, routes] }, providers })
  const { key } = await tenantWithKey(other, ['*'], 'test')
  const body = { provider: 'files', name: 'x', environment: 'development', credentials: {}, ...local('/') }
  const made = await other.send('POST', '/v1/connections', { key, body })
  const call = { operation: 'files.list', input: {} }
  const { body: report } = await other.send('POST', `/v1/connections/${made.body['id']}/calls`, {
    key,
    body: call,
  })
  assert.match(String(report['error']), /TRILHO_FILE_ROOTS/)
})

const sftp = (sshd: Sshd, settings: object = {}, credentials: object = {}): Place => {
  const { port, folder, host_key, username, private_key } = sshd
  const base_url = `sftp://127.0.0.1:${port}${folder}`
  return {
    settings: { place: 'sftp', base_url, host_key, ...settings },
    credentials: { username, private_key, ...credentials },
  }
}

const needsSshd = { skip: !hasSshd && 'no OpenSSH server on this machine (Debian: openssh-server)' }

test('an SFTP server does all the same, and is known by its key', needsSshd, async (t: TestContext) => {
  const sshd = await startSshd()
  t.after(() => sshd.stop())
  await standsForFiles(await connect(sftp(sshd)))
  const left = await readdir(sshd.folder, { recursive: true })
  assert.deepEqual(
    left.filter((name) => name.includes('.part')),
    [],
  )

  const other_key = `SHA256:${'A'.repeat(43)}`
  const forged = await ask(await connect(sftp(sshd, { host_key: other_key })), 'list', {})
  assert.equal(forged.state, 'failed')
  assert.match(String(forged.error), new RegExp(`shows the key ${sshd.host_key.replace(/\+/g, '\\+')}`))
  const stranger = await ask(await connect(sftp(sshd, {}, { username: 'stranger' })), 'list', {})
  assert.equal(stranger.status, 401, JSON.stringify(stranger))
  assert.match(String(stranger.error), /does not take the credentials/)
  const broken = await ask(await connect(sftp(sshd, {}, { private_key: 'no key at all' })), 'list', {})
  assert.equal(broken.status, 401)
  assert.match(JSON.stringify(broken.body), /private key cannot be used/)
})

test('an SFTP server that only asks for the password by a prompt is given it', async (t) => {
  const pair = ssh2.utils.generateKeyPairSync('ed25519')
  const server = new ssh2.Server({ hostKeys: [pair.private] }, (client) => {
    client.on('error', () => {})
    client.on('authentication', (context) => {
      if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive'])
      const prompts = [
        { prompt: 'User: ', echo: true },
        { prompt: 'Password: ', echo: false },
      ]
      context.prompt(prompts, (answers) =>
        answers.join() === ',p4ssw0rd' ? context.accept() : context.reject(),
      )
    })
    client.on('session', (accept) =>
      accept().on('sftp', (begin) => {
        const files = begin()
        files.on('STAT', (id) => files.status(id, ssh2.utils.sftp.STATUS_CODE.NO_SUCH_FILE))
      }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const base_url = `sftp://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const key = ssh2.utils.parseKey(pair.public)
  assert.ok(!(key instanceof Error))
  const host_key = `SHA256:${hash('sha256', key.getPublicSSH(), 'base64').replace(/=+$/, '')}`
  const look = async (password: string) => {
    const place = {
      settings: { place: 'sftp', base_url, host_key },
      credentials: { username: 'u', password },
    }
    return (await ask(await connect(place), 'stat', { path: 'a' })).status
  }
  assert.deepEqual([await look('p4ssw0rd'), await look('another')], [404, 401])
})

test('an SFTP server that says nothing is given up in time, and its socket with it', async (t) => {
  let ended = 0
  const silent = createServer(
    (socket) =>
      void socket
        .on('error', () => {})
        .on('close', () => ended++)
        .resume(),
  )
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  t.after(() => silent.close())
  const base_url = `sftp://127.0.0.1:${(silent.address() as AddressInfo).port}/`
  const settings = { place: 'sftp', base_url, host_key: `SHA256:${'A'.repeat(43)}` }
  const connected = await connect({ settings, credentials: { username: 'u', password: 'p4ssw0rd' } })
  const report = await ask(connected, 'write', { path: 'a', content: 'x' }, { timeout_ms: 300 })
  assert.equal(report.state, 'failed', JSON.stringify(report))
  assert.match(String(report.error), /within \d+ ms/)
  for (let tries = 0; tries < 1000 && ended === 0; tries++) await new Promise((r) => setTimeout(r, 20))
  assert.equal(ended, 1)
})

test('an SFTP server in a private network is refused with the remedy', async () => {
  const settings = { place: 'sftp', base_url: 'sftp://10.1.2.3/', host_key: `SHA256:${'A'.repeat(43)}` }
  const inside = await connect({ settings, credentials: { username: 'u', password: 'p4ssw0rd' } })
  const report = await ask(inside, 'list', {})
  assert.match(String(report.error), /TRILHO_EGRESS_ALLOW/)
})

const needsMoto = { skip: !hasMoto && 'no moto on this machine (PyPI: moto[server])' }

test('a bucket does all the same, and no secret is recorded', needsMoto, async (t: TestContext) => {
  const moto = await startMoto('exchange')
  t.after(() => moto.stop())
  const bucket = (credentials: object = {}, base_url = 's3://exchange/acme'): Place => {
    const { url, access_key_id, secret_access_key } = moto
    return {
      settings: { place: 's3', base_url, endpoint: url },
      credentials: { access_key_id, secret_access_key, ...credentials },
    }
  }
  const connected = await connect(bucket())
  await standsForFiles(connected)
  const missing = await ask(await connect(bucket({}, 's3://nowhere')), 'list', {})
  assert.equal(missing.status, 404, JSON.stringify(missing))
  const { id } = await ask(connected, 'write', { path: 'leak', content: moto.secret_access_key })
  const record = await served.send('GET', `/v1/calls/${id}`, { key: connected.key })
  assert.equal(record.status, 200)
  assert.doesNotMatch(record.text, new RegExp(moto.secret_access_key.replace(/[+/]/g, '\\$&')))
  const tested = await served.send('POST', `/v1/connections/${connected.connection}/test`, {
    key: connected.key,
  })
  assert.equal(tested.body['ok'], true, tested.text)
  await moto.checkSignatures()
  const plain = { path: 'plain', content: 'x' }
  const written = await ask(connected, 'write', plain)
  assert.equal(written.state, 'succeeded', JSON.stringify(written))
  const wrong = await ask(await connect(bucket({ secret_access_key: 'w'.repeat(40) })), 'read', {
    path: 'plain',
  })
  assert.equal(wrong.status, 401, JSON.stringify(wrong))
  assert.match(String(wrong.error), /does not take the credentials/)
})

test('a bucket that takes a file and says nothing leaves it unknown; one that is not there, undone', async (t) => {
  const mute = createServer((socket) => void socket.on('error', () => {}).resume())
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  t.after(() => mute.close())
  const at = (port: number): Place => ({
    settings: { place: 's3', base_url: 's3://exchange', endpoint: `http://127.0.0.1:${port}` },
    credentials: { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'a-long-secret-key' },
  })
  const connected = await connect(at((mute.address() as AddressInfo).port))
  const lost = await ask(connected, 'write', { path: 'a', content: 'x' }, { timeout_ms: 3000, retries: 2 })
  assert.equal(lost.state, 'unknown', JSON.stringify(lost))
  assert.equal(lost.attempts, 1)
  const late = await ask(connected, 'list', {}, { timeout_ms: 300 })
  assert.equal(late.state, 'failed', JSON.stringify(late))
  const closed = await ask(await connect(at(1)), 'write', { path: 'a', content: 'x' })
  assert.equal(closed.state, 'failed', JSON.stringify(closed))
  assert.match(String(closed.error), /connection refused/)
})

test('what does not fit together is refused when the connection is made, by name', async () => {
  const host_key = `SHA256:${'A'.repeat(43)}`
  const base_url = 'sftp://a.example.com/../x'
  const dots = { settings: { place: 'sftp', base_url, host_key }, credentials: { username: 'u' } }
  const cases: [Place, RegExp][] = [
    [{ settings: { place: 'local', base_url: 'sftp://a.example.com/x' } }, /must begin with file:\/\/\//],
    [{ settings: { place: 'local', base_url: 'file://host/share' } }, /must begin with file:/],
    [{ settings: { place: 'sftp', base_url: 'sftp://a.example.com/x' } }, /settings\.host_key is required/],
    [{ settings: { place: 's3', base_url: 's3://bucket' } }, /settings\.endpoint is required/],
    [dots, /dot segments/],
  ]
  for (const [place, words] of cases) {
    const { reply } = await make(place)
    assert.equal(reply.status, 422, reply.text)
    assert.match(reply.text, words)
  }
})
