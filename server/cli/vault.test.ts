import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { systemClock } from '../platform/clock.ts'
import { type Database, inTenant, openDatabase } from '../platform/database/database.ts'
import { createVault, type Vault } from '../platform/vault/vault.ts'
import { dataFolder, launch, startServer, trilho } from '../test/cli.ts'
import { quiet, testDatabaseUrl, undoAfter } from '../test/harness.ts'
import { eventually } from '../test/product.ts'
import { signedPayment } from '../test/stripe_payment.ts'

// Each command a process of its own, as people run them, on a real PostgreSQL.

type Json = Record<string, unknown>

const vaultOf = (master_key: Buffer): Vault => createVault({ master_key, clock: systemClock })

async function openTestDatabase(): Promise<{ url: string; db: Database }> {
  const url = await testDatabaseUrl()
  const db = await openDatabase({ url, pool_size: 4, log: quiet })
  undoAfter(() => db.close())
  return { url, db }
}

/** A secret of a tenant of its own, put by a server with this master key. */
async function putSecret(db: Database, vault: Vault) {
  const ref = { tenant_id: randomUUID(), owner_id: randomUUID(), field: 'token' }
  await inTenant(db, ref.tenant_id, (tx) => vault.put(tx, ref, ref.owner_id))
  return ref
}

/** How many of these secrets a server with this master key alone would open. */
async function countOpened(db: Database, vault: Vault, refs: Awaited<ReturnType<typeof putSecret>>[]) {
  let opened = 0
  for (const ref of refs) {
    const text = await inTenant(db, ref.tenant_id, (tx) => vault.get(tx, ref)).catch(() => null)
    if (text === ref.owner_id) opened += 1
  }
  return opened
}

const DEMO_SECRET = 'whsec_demo_sandbox_signing_secret'
const sendPayment = (source: string, number: string): Promise<Response> =>
  fetch(source, { method: 'POST', ...signedPayment(number, DEMO_SECRET) })

async function countDelivered(bin: string): Promise<number> {
  const { messages } = (await (await fetch(`${bin}/_summary`)).json()) as { messages: number }
  return messages
}

async function runJson(args: string[], env: Record<string, string>): Promise<Json> {
  const { code, out, err } = await trilho([...args, '--json'], env)
  assert.equal(code, 0, err)
  return JSON.parse(out) as Json
}

test('data keys are rotated under a running server that goes on verifying and delivering', async () => {
  const { url, db } = await openTestDatabase()
  const master_key = randomBytes(32)
  const env = {
    DATABASE_URL: url,
    TRILHO_DATA_DIR: await dataFolder(),
    TRILHO_MASTER_KEY: master_key.toString('base64'),
  }
  const server = await startServer(env)
  const { Source: source = '', Sandbox: sandbox = '', Demo: demo = '' } = server.demo
  const many = { tenant_id: randomUUID(), owner_id: randomUUID() }
  const vault = vaultOf(master_key)
  await inTenant(db, many.tenant_id, async (tx) => {
    for (let n = 0; n < 250; n++) await vault.put(tx, { ...many, field: `f${n}` }, `${n}`)
  })

  let sent = 0
  const statuses = new Set<number>()
  let rotating = true
  const load = (async () => {
    for (; rotating; await sleep(25)) statuses.add((await sendPayment(source, String(sent++))).status)
  })()
  const rotated = await runJson(['vault', 'rotate'], env)
  rotating = false
  await load

  assert.equal(rotated['tenants'], 2) // the demo's and ours
  assert.ok(Number(rotated['sealed']) >= 252, JSON.stringify(rotated))
  assert.equal(rotated['waiting'], 0)
  assert.deepEqual([...statuses], [200])
  assert.equal((await sendPayment(source, 'after')).status, 200)
  await eventually(async () => (await countDelivered(`${sandbox}/bin/demo`)) >= sent + 1)
  const { rows } = await sql<{ key: number; n: number }>`
    select key, count(*)::int as n from secret group by key`.execute(db.owner)
  assert.deepEqual(
    rows.map(({ key }) => key),
    [2],
  )
  const all = await inTenant(db, many.tenant_id, (tx) => vaultOf(master_key).getAll(tx, many))
  assert.deepEqual(all, Object.fromEntries(Array.from({ length: 250 }, (_, n) => [`f${n}`, `${n}`])))

  const one = await runJson(['vault', 'rotate', '--tenant', demo], env)
  assert.deepEqual([one['tenants'], one['waiting']], [1, 0])
  const nobody = await trilho(['vault', 'rotate', '--tenant', 'tnt_01jz8k3v9mf2tb7xq4c5n6p8rs'], env)
  assert.equal(nobody.code, 3, nobody.err)
})

test('a rewrap killed half-way is taken up where it was; then the old master key opens nothing and is refused', async () => {
  const { url, db } = await openTestDatabase()
  const [old_key, new_key] = [randomBytes(32), randomBytes(32)]
  const old_env = {
    DATABASE_URL: url,
    TRILHO_DATA_DIR: await dataFolder(),
    TRILHO_MASTER_KEY: old_key.toString('hex'),
  }
  const new_env = { ...old_env, TRILHO_MASTER_KEY: new_key.toString('hex') }
  const both = { ...new_env, TRILHO_PREVIOUS_MASTER_KEYS: old_key.toString('hex') }
  const old_vault = vaultOf(old_key)
  const refs = []
  for (let n = 0; n < 12; n++) refs.push(await putSecret(db, old_vault))
  const { master: old_master } = old_vault
  const { master: new_master } = vaultOf(new_key)
  const wrappedBy = async (master: string) => {
    const { rows } = await sql`select 1 from data_key where master = ${master}`.execute(db.owner)
    return rows.length
  }

  const blind = await trilho(['vault', 'rewrap'], new_env)
  assert.equal(blind.code, 1)
  assert.match(blind.err, new RegExp(`wrapped by ${old_master}.*TRILHO_PREVIOUS_MASTER_KEYS`))
  const server = await startServer({ ...old_env, TRILHO_DEMO: 'false' })
  const early = await trilho(['vault', 'rewrap', '--json'], both)
  assert.match(early.err, /1 running server has another master key.*Restart/)
  await server.stop('SIGTERM')

  // Its path is barred at the seventh tenant, and there it is killed.
  const middle = refs.map(({ tenant_id }) => tenant_id).sort()[6] ?? ''
  await inTenant(db, middle, async (tx) => {
    await sql`select 1 from data_key where tenant_id = ${middle} for update`.execute(tx)
    const killed = launch(['vault', 'rewrap'], both)
    await eventually(async () => (await wrappedBy(new_master)) >= 6)
    await killed.stop('SIGKILL')
  })
  const half = await wrappedBy(new_master)
  assert.ok(half >= 6 && (await wrappedBy(old_master)) >= 6)
  const { wrappings } = (await runJson(['vault', 'status'], both)) as { wrappings: Json[] }
  assert.deepEqual(
    new Map(wrappings.map((row) => [row['master'], row['held']])),
    new Map([
      [old_master, true],
      [new_master, true],
    ]),
  )
  assert.equal(await countOpened(db, createVault({ ...bothKeys(), clock: systemClock }), refs), 12)
  assert.match((await trilho(['vault', 'rotate'], both)).err, /Run: trilho vault rewrap/)

  const resumed = await runJson(['vault', 'rewrap'], both)
  assert.ok(Number(resumed['keys']) > 0 && Number(resumed['tenants']) < 12, JSON.stringify(resumed))
  assert.equal((await runJson(['vault', 'rewrap'], both))['keys'], 0)
  assert.equal(await countOpened(db, vaultOf(old_key), refs), 0)
  assert.equal(await countOpened(db, vaultOf(new_key), refs), 12)
  const refused = await trilho(['start', '--port', '0'], old_env)
  assert.equal(refused.code, 1)
  assert.match(refused.err, /^[^\n]*sealed under another master key[^\n]*\n$/)
  const started = await startServer(new_env)
  await started.stop('SIGTERM')

  function bothKeys() {
    return { master_key: new_key, previous_master_keys: [old_key] }
  }
})

test('an installation with a key file gets a new one: made, restarted, rewrapped, and the old file is not needed', async () => {
  const data_dir = await dataFolder()
  const env = { TRILHO_DATA_DIR: data_dir }
  const server = await startServer(env)
  const before = await readFile(join(data_dir, 'master.key'), 'utf8')
  const { path, kept } = await runJson(['vault', 'new-master-key'], env)
  assert.equal(path, join(data_dir, 'master.key'))
  assert.equal(await readFile(String(kept), 'utf8'), before)
  assert.notEqual(await readFile(String(path), 'utf8'), before)

  const early = await trilho(['vault', 'rewrap'], env)
  assert.match(early.err, /another master key/)
  assert.match((await trilho(['doctor'], env)).out, /is new, and keys are still wrapped by the one before/)
  const backup = ['backup', join(data_dir, 'x.backup.gz'), '--include-master-key']
  assert.match((await trilho(backup, env)).err, /still wrapped by the master key before .*vault rewrap/)
  assert.equal((await sendPayment(server.demo['Source'] ?? '', 'still')).status, 200)
  await server.stop('SIGTERM')
  const restarted = await startServer(env)
  const { code, out } = await trilho(['vault', 'rewrap'], env)
  assert.equal(code, 0, out)
  assert.ok(out.includes(String(kept)), out)
  const source = new URL(new URL(server.demo['Source'] ?? '').pathname, restarted.url).href
  assert.equal((await sendPayment(source, 'beside')).status, 200)
  await restarted.stop('SIGTERM')

  await rm(String(kept))
  const alone = await startServer(env)
  const last = new URL(new URL(source).pathname, alone.url).href
  assert.equal((await sendPayment(last, 'alone')).status, 200)
  assert.match((await trilho(['vault', 'status'], env)).out, /present/)
  await alone.stop('SIGTERM')
})
