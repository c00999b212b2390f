import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { dataFolder, startServer, trilho } from '../../test/cli.ts'
import { testDatabaseUrl, undoAfter } from '../../test/harness.ts'
import { freePort } from '../../test/ports.ts'
import { maintain, withDatabase } from '../../test/postgres.ts'
import type { Finding } from './check.ts'

type Env = Record<string, string>

async function findings(env: Env): Promise<{ code: number | null; ok: boolean; of(check: string): Finding }> {
  const { code, out, err } = await trilho(['doctor', '--json'], env)
  const { ok, checks } = JSON.parse(out) as { ok: boolean; checks: Finding[] }
  const of = (check: string): Finding => {
    const [worst] = checks.filter((finding) => finding.check === check).sort((a, b) => rank(b) - rank(a))
    assert.ok(worst, `nothing is said of ${check}: ${out} ${err}`)
    return worst
  }
  assert.equal(code, ok ? 0 : 1)
  return { code, ok, of }
}

const rank = ({ state }: Finding) => ['ok', 'warn', 'fail'].indexOf(state)
const free = async (): Promise<Env> => ({ TRILHO_PORT: String(await freePort()) })

async function query(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(text).finally(() => client.end())
}

test('beside a server in order nothing has to be mended, and people read it line by line', async () => {
  const env = { DATABASE_URL: await testDatabaseUrl(), TRILHO_DATA_DIR: await dataFolder() }
  const server = await startServer(env)
  const { code, out } = await trilho(['doctor'], { ...env, TRILHO_PORT: new URL(server.url).port })
  assert.equal(code, 0, out)
  assert.match(out, /^✔ server +a server answers at http/m)
  assert.match(out, /^✔ partitions +made for 14 days ahead$/m)
  assert.match(out, /^✔ queue +delivery_queue: 0 waiting/m)
  assert.match(out, /Nothing has to be mended\.$/m)
  assert.ok(!out.includes('\x1b') && !/^[!✖]/m.test(out), out)
})

test('a setting that is no setting, and a stranger on the port, are named with the remedy', async () => {
  const wrong = await findings({ TRILHO_PROT: '1' })
  assert.match(wrong.of('settings').found, /did you mean TRILHO_PORT\?/)

  const stranger = createServer().listen(0, '127.0.0.1')
  await new Promise((listening) => stranger.once('listening', listening))
  undoAfter(async () => stranger.close())
  const address = stranger.address() as { port: number }
  const taken = await findings({ TRILHO_PORT: String(address.port), TRILHO_DATA_DIR: await dataFolder() })
  assert.equal(taken.of('port').state, 'fail')
  assert.match(taken.of('port').found, /in use by another program/)
  assert.match(taken.of('database').found, /there is none yet/)
})

test('a database that cannot be reached, lacks migrations or partitions, or whose work waits, is told apart', async () => {
  const nobody = `postgres://trilho:x@127.0.0.1:${await freePort()}/trilho`
  const away = await findings({
    ...(await free()),
    DATABASE_URL: nobody,
    TRILHO_DATA_DIR: await dataFolder(),
  })
  assert.match(away.of('database').found, /cannot be reached: .*ECONNREFUSED/)

  const url = await testDatabaseUrl()
  const env = { ...(await free()), DATABASE_URL: url, TRILHO_DATA_DIR: await dataFolder() }
  await query(
    url,
    `set role trilho_owner; insert into job (tenant_id, id, kind, payload, due) select id, gen_random_uuid(), 'x', '{}', now() - interval '1 hour' from tenant limit 1`,
  )
  const late = await findings(env)
  assert.equal(late.ok, true)
  assert.match(late.of('partitions').found, /made for 1 days ahead, not 14/)
  assert.equal(late.of('queue').state, 'warn')
  assert.match(late.of('queue').found, /job: 1 waiting, the longest overdue by 36\d\d s/)

  const empty = withDatabase(url, `test_${randomBytes(6).toString('hex')}`)
  await maintain(url, `create database ${new URL(empty).pathname.slice(1)}`)
  undoAfter(() => maintain(url, `drop database ${new URL(empty).pathname.slice(1)} with (force)`))
  const bare = { ...env, DATABASE_URL: empty }
  assert.match((await findings(bare)).of('migrations').found, /are pending: 0001_/)
  const ran = await trilho(['migrate', '--json'], bare)
  assert.ok((JSON.parse(ran.out) as { ran: string[] }).ran.length > 5, ran.err)
  assert.equal((await trilho(['migrate'], bare)).out, 'The database is up to date.\n')
  assert.equal((await findings(bare)).of('migrations').state, 'ok')
})

test('where a login may not take the roles, what doctor prints makes them', async () => {
  const url = await testDatabaseUrl()
  const login = `doctor_${randomBytes(4).toString('hex')}`
  const fresh = withDatabase(url, `test_${randomBytes(6).toString('hex')}`)
  const name = new URL(fresh).pathname.slice(1)
  await maintain(url, `create role ${login} login password 'x'`, `create database ${name}`)
  undoAfter(() => maintain(url, `drop database ${name} with (force)`, `drop role ${login}`))
  const as_login = new URL(fresh)
  as_login.username = login
  as_login.password = 'x'
  const env = { ...(await free()), DATABASE_URL: as_login.href, TRILHO_DATA_DIR: await dataFolder() }

  const refused = await findings(env)
  const { state, found, remedy } = refused.of('roles')
  assert.equal(state, 'fail')
  assert.match(found, new RegExp(`login ${login} may not take trilho_owner`))
  const file = /^\\i (.*)$/m.exec(remedy ?? '')?.[1] ?? ''
  assert.ok(existsSync(file), remedy ?? '')
  const grant = /^grant .*;$/m.exec(remedy ?? '')?.[0] ?? ''
  await query(
    fresh,
    `${await import('node:fs/promises').then(({ readFile }) => readFile(file, 'utf8'))};${grant}`,
  )

  assert.equal((await findings(env)).of('roles').state, 'ok')
  const migrated = await trilho(['migrate'], env)
  assert.equal(migrated.code, 0, migrated.err)
  assert.equal((await findings(env)).of('migrations').state, 'ok')
})

test('a master key that is not the one of the database is found before the start is refused', async () => {
  const env = { DATABASE_URL: await testDatabaseUrl(), TRILHO_DATA_DIR: await dataFolder() }
  const server = await startServer(env)
  await server.stop('SIGTERM')
  const at = { ...env, ...(await free()) }
  assert.match((await findings(at)).of('master key').found, /opens every secret/)

  const other = await findings({ ...at, TRILHO_MASTER_KEY: randomBytes(32).toString('base64') })
  assert.equal(other.of('master key').state, 'fail')
  const elsewhere = await dataFolder()
  const lost = await findings({ ...at, TRILHO_DATA_DIR: elsewhere })
  assert.match(lost.of('master key').found, /there is none at .* has secrets sealed/)
  assert.equal(existsSync(join(elsewhere, 'master.key')), false, 'looking makes no key')
  await writeFile(join(elsewhere, 'master.key'), 'short', { mode: 0o600 })
  assert.match(
    (await findings({ ...at, TRILHO_DATA_DIR: elsewhere })).of('master key').found,
    /must hold 32 bytes/,
  )
})

test('after kill -9 doctor says that nothing is lost, and a lost admin key is replaced on the machine', async () => {
  const env = { TRILHO_DATA_DIR: await dataFolder() }
  const first = await startServer(env)
  const beside = await findings({ ...env, TRILHO_PORT: new URL(first.url).port })
  assert.match(beside.of('database').found, /running server/)

  const made = await trilho(['key', 'create', '--admin', '--json'], env)
  const { id, key } = JSON.parse(made.out) as { id: string; key: string }
  const as_admin = { TRILHO_URL: first.url, TRILHO_API_KEY: key }
  assert.match((await trilho(['tenant', 'list'], as_admin)).out, / Demo$/m)
  const listed = await trilho(['key', 'list', '--admin', '--json'], as_admin)
  assert.ok((JSON.parse(listed.out) as { data: { id: string }[] }).data.some((one) => one.id === id))

  await first.stop('SIGKILL')
  const at = { ...env, ...(await free()) }
  const killed = await findings(at)
  assert.equal(killed.ok, true)
  assert.equal(killed.of('shutdown').state, 'warn')
  assert.match(killed.of('database').found, /started here/)
  assert.match((await findings(at)).of('shutdown').found, /stopped in order/)

  const revoked = await trilho(['key', 'revoke', id, '--admin'], env)
  assert.equal(revoked.out, `${id} is revoked\n`)
  assert.match((await trilho(['key', 'list', '--admin'], env)).out, new RegExp(`${id} .* revoked `))
})

test('keys are not made in a folder that holds no database, and nothing appears there', async () => {
  const dir = await dataFolder()
  const { code, err } = await trilho(['key', 'create'], { TRILHO_DATA_DIR: dir })
  assert.equal(code, 1)
  assert.match(err, /There is no database in .*TRILHO_DATA_DIR/)
  assert.equal(existsSync(join(dir, 'postgres')), false)
})
