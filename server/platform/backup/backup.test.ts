import assert from 'node:assert/strict'
import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import pg from 'pg'
import { type Running, start } from '../../start.ts'
import { quiet, testDatabaseUrl, undoAfter, withDatabase } from '../../test/harness.ts'
import { maintain } from '../../test/postgres.ts'
import { eventually, type Json } from '../../test/product.ts'
import { systemClock } from '../clock.ts'
import { loadConfig } from '../config.ts'
import {
  type Database,
  inTenant,
  listRan,
  makeRolesOnly,
  makeSchema,
  migrate,
  openDatabase,
} from '../database/database.ts'
import { fromWire } from '../ids.ts'
import { secret } from '../secret.ts'
import { createVault } from '../vault/vault.ts'
import { inspectBackup, keyForRestored, makeBackup, restoreBackup, trySecrets } from './backup.ts'
import { listTables } from './catalog.ts'
import { type Header, MARK } from './format.ts'

const MASTER = randomBytes(32)
const WEBHOOK_SECRET = 'whsec_backup_test_signing_secret'
const CREDENTIAL = 'sk_test_backup0123456789abcdef'

let folder: string
let receiver: Server
/** The webhook-id of each delivery that came. */
const arrived: string[] = []
/** A product that has worked, was stopped, took more in without a worker, and was stopped again. */
let source: { url: string; db: Database; tenant_id: string; connection_id: string; pending_event: string }

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trilho-backup-'))
  undoAfter(() => rm(folder, { recursive: true, force: true }))
  receiver = createServer((request, response) => {
    arrived.push(String(request.headers['webhook-id']))
    request.resume().on('end', () => response.writeHead(200).end())
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  source = await makeSource()
})
after(() => {
  receiver.closeAllConnections()
  receiver.close()
})

const newFile = () => join(folder, `${randomUUID()}.backup.gz`)

const run = async (database_url: string, more: object = {}): Promise<Running> => {
  const running = await start(
    {
      ...loadConfig({}),
      database_url: secret(database_url),
      master_key: secret(MASTER.toString('base64')),
      data_dir: folder,
      port: 0,
      sandbox: false,
      demo: false,
      partitions_ahead_days: 2,
      rate_limit_per_second: 100_000,
      ...more,
    },
    quiet,
  )
  undoAfter(() => running.stop())
  return running
}

type Send = (method: string, path: string, body?: unknown) => Promise<Json>

const sender =
  (base: string, headers: Record<string, string>): Send =>
  async (method, path, body) => {
    const answer = await fetch(base + path, {
      method,
      headers: { ...headers, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    assert.ok(answer.ok, `${method} ${path} answered ${answer.status} ${await answer.clone().text()}`)
    return (await answer.json()) as Json
  }

/** Posts to a source as Stripe does. */
async function postSigned(base: string, source_id: string, body: Buffer, signing = WEBHOOK_SECRET) {
  const t = Math.floor(Date.now() / 1000)
  const v1 = createHmac('sha256', signing).update(`${t}.`).update(body).digest('hex')
  const headers = { 'content-type': 'application/json', 'stripe-signature': `t=${t},v1=${v1}` }
  return (await fetch(`${base}/webhooks/stripe/${source_id}`, { method: 'POST', headers, body })).status
}

const intentEvent = (n: number) =>
  Buffer.from(
    JSON.stringify({
      id: `evt_${n}`,
      object: 'event',
      type: 'payment_intent.succeeded',
      created: 1_780_000_000,
      data: {
        object: {
          id: `pi_${n}`,
          object: 'payment_intent',
          status: 'succeeded',
          amount: 1050,
          created: 1_780_000_000,
          currency: 'brl',
        },
      },
    }),
  )

async function makeSource() {
  const url = await testDatabaseUrl()
  const working = await run(url)
  const admin = { authorization: `Bearer ${working.admin_key}` }
  const { id: tenant } = await sender(working.url, admin)('POST', '/v1/tenants', { name: 'Açaí & Filhos' })
  const acting = { ...admin, 'trilho-tenant': String(tenant) }
  const send = sender(working.url, acting)
  const at = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
  const connection = await send('POST', '/v1/connections', {
    provider: 'stripe',
    name: 'Stripe',
    environment: 'development',
    settings: { base_url: at },
    credentials: { secret_key: CREDENTIAL },
  })
  const { id: source_id } = await send('POST', '/v1/sources', {
    provider: 'stripe',
    name: 'Stripe',
    secrets: [WEBHOOK_SECRET],
  })
  await send('POST', '/v1/subscriptions', { name: 'Orders', url: `${at}/hooks`, event_types: ['*'] })
  const raw = Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x80, 0x0a, 0x5c, 0x2e, 0x0a, 0x7d])
  assert.equal(await postSigned(working.url, String(source_id), raw, 'whsec_wrong'), 401) // kept in quarantine
  for (let n = 0; n < 5; n++)
    assert.equal(await postSigned(working.url, String(source_id), intentEvent(n)), 200)
  await eventually(async () => arrived.length >= 5)
  await send('POST', `/v1/connections/${connection['id']}/calls`, { method: 'GET', path: '/v1/balance' })
  await working.stop()
  const taking = await run(url, { roles: ['api', 'ingest'] })
  assert.equal(await postSigned(taking.url, String(source_id), intentEvent(9)), 200)
  const event = await sender(taking.url, acting)('POST', '/v1/events', {
    type: 'webhook.received',
    data: { note: 'tab\t, back\\slash, "quotes", \\N, é' },
  })
  await taking.stop()
  const db = await openDatabase({ url, pool_size: 2, log: quiet })
  undoAfter(() => db.close())
  const tenant_id = fromWire('tenant', String(tenant))
  await putOddRows(db, tenant_id)
  const connection_id = fromWire('connection', String(connection['id']))
  return { url, db, tenant_id, connection_id, pending_event: String(event['id']) }
}

/** What a text format could trip over. */
async function putOddRows({ owner }: Database, tenant_id: string): Promise<void> {
  const every_byte = Buffer.from(Array.from({ length: 256 }, (_, n) => n))
  const large = randomBytes(600_000)
  for (const body of [every_byte, large, Buffer.alloc(0), Buffer.from('\n\\.\n\\.\n')]) {
    await owner.pool.query(
      `insert into inbox (tenant_id, id, source_id, event_key, headers, body, state, error, closed_at)
       values ($1, (select overlay(v7_floor(now())::text placing substr(gen_random_uuid()::text, 20) from 20)::uuid), $2, $3, $4, $5, 'failed', $6, $7)`,
      [tenant_id, randomUUID(), '\\.', '{"a":"\\\\\\n"}', body, '\\N\n\\.\n\t\r\v\b\f🔑\u0001', 'infinity'],
    )
  }
  await owner.pool.query(
    `insert into audit (tenant_id, id, actor, action, target, detail, at) values ($1, gen_random_uuid(), '', '\\.', 'x',
       '{"z": 1.10, "a": "\\u00e9\\n\\\\ \\" 🔑", "n": 12345678901234567890.000000001}', '2026-01-02 03:04:05.678901+00')`,
    [tenant_id],
  )
}

/** A database without a table, with the roles there. */
async function emptyDatabase(): Promise<{ url: string; db: Database }> {
  const name = `restored_${randomBytes(6).toString('hex')}`
  await maintain(source.url, `create database ${name}`)
  undoAfter(() => maintain(source.url, `drop database if exists ${name} with (force)`))
  const url = withDatabase(source.url, name)
  await makeRolesOnly(url)
  const db = await openDatabase({ url, pool_size: 2, log: quiet })
  undoAfter(() => db.close())
  return { url, db }
}

const backUp = (db: Database, file: string, master_key: Buffer | null = null) =>
  makeBackup({ owner: db.owner, file, product_version: '0.0.1', now: new Date(), master_key })

/** Every row of every table, as the owner sees it. */
async function everything({ owner }: Database): Promise<Record<string, string[]>> {
  const all: Record<string, string[]> = {}
  for (const { name } of await listTables(owner.pool)) {
    const { rows } = await owner.pool.query<{ row: string }>(
      `select t::text as row from public."${name}" t order by 1`,
    )
    all[name] = rows.map(({ row }) => row)
  }
  return all
}

const tableNames = async ({ owner }: Database) => (await listTables(owner.pool)).map(({ name }) => name)

/** Who may do what to which table, and its indexes, columns and checks. */
async function guards({ owner }: Database): Promise<unknown[]> {
  const { rows } = await owner.pool.query(`
    select c.relname, c.relkind, c.relispartition, c.relrowsecurity, c.relforcerowsecurity, c.relacl::text, c.reloptions::text as options,
           pg_get_userbyid(c.relowner) as owner, pg_get_expr(c.relpartbound, c.oid) as bound,
           array(select array[p.polname::text, p.polcmd::text, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)]
                   from pg_policy p where p.polrelid = c.oid order by p.polname) as policies,
           array(select regexp_replace(pg_get_indexdef(i.indexrelid), 'INDEX \\S+', 'INDEX') from pg_index i where i.indrelid = c.oid order by 1) as indexes,
           array(select pg_get_constraintdef(k.oid) from pg_constraint k where k.conrelid = c.oid order by 1) as checks
      from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by 1`)
  return rows
}

test('a restored backup equals the database row for row, in data, guards and partitions', async () => {
  const file = newFile()
  const made = await backUp(source.db, file)
  const { db } = await emptyDatabase()
  const { rows } = await restoreBackup(db.owner, file)
  const [was, is] = [await everything(source.db), await everything(db)]
  for (const name of [
    'inbox',
    'inbox_queue',
    'quarantine',
    'event',
    'delivery_queue',
    'attempt',
    'call',
    'secret',
  ])
    assert.ok((was[name]?.length ?? 0) > 0, `the test has rows in ${name}`)
  assert.deepEqual(is, was)
  assert.equal(rows, Object.values(was).flat().length)
  assert.equal(made.header.tenants, 1)
  assert.deepEqual(await guards(db), await guards(source.db))
})

test('a backup file is readable by nobody else and overwrites nothing', async () => {
  const file = newFile()
  const { bytes } = await backUp(source.db, file)
  const { mode, size } = await stat(file)
  assert.deepEqual([mode & 0o777, size], [0o600, bytes])
  await assert.rejects(backUp(source.db, file), /exists already/)
  assert.equal(existsSync(`${file}.unfinished`), false)
})

test('the master key is left out unless asked for, and is what it was where it is in', async () => {
  const [without, with_key] = [newFile(), newFile()]
  await backUp(source.db, without)
  await backUp(source.db, with_key, MASTER)
  const bare = gunzipSync(await readFile(without)).toString('latin1')
  assert.equal((await inspectBackup(without)).master_key, null)
  assert.ok(!bare.includes(MASTER.toString('base64')) && !bare.includes(MASTER.toString('hex')))
  assert.ok(!bare.includes(CREDENTIAL), 'credentials are sealed')
  const key = keyForRestored(await inspectBackup(with_key), null, systemClock)
  assert.deepEqual(key, MASTER)
})

test('the key at hand is used where it opens the backup, and refused where it would hide the one that does', async () => {
  const file = newFile()
  await backUp(source.db, file, MASTER)
  const header = await inspectBackup(file)
  const found = { key: MASTER, previous: [], from: 'file' as const, path: '/data/master.key' }
  const other = { ...found, key: randomBytes(32) }
  assert.deepEqual(keyForRestored({ ...header, master_key: null }, other, systemClock), other.key)
  assert.deepEqual(keyForRestored(header, found, systemClock), MASTER)
  assert.throws(() => keyForRestored(header, other, systemClock), /move that file away/)
})

test('after a restore a credential decrypts to what it was, and another master key is found out', async () => {
  const file = newFile()
  await backUp(source.db, file)
  const { db } = await emptyDatabase()
  await restoreBackup(db.owner, file)
  const { tenant_id, connection_id: owner_id } = source
  const vault = createVault({ master_key: MASTER, clock: systemClock })
  const opened = await inTenant(db, tenant_id, (tx) => vault.getAll(tx, { tenant_id, owner_id }))
  assert.deepEqual(opened, { secret_key: CREDENTIAL })
  assert.deepEqual(await trySecrets(db, vault), { tenants: 1, opened: 1, missing_masters: [] })
  const wrong = createVault({ master_key: randomBytes(32), clock: systemClock })
  const tried = await trySecrets(db, wrong)
  assert.deepEqual([tried.opened, tried.missing_masters], [0, [vault.master]])
})

test('the product starts on a restored database and delivers what was pending', async () => {
  const file = newFile()
  await backUp(source.db, file)
  const { url, db } = await emptyDatabase()
  await restoreBackup(db.owner, file)
  const pending = source.pending_event
  assert.ok(!arrived.includes(pending))
  const before = arrived.length
  const running = await run(url)
  try {
    await eventually(async () => arrived.includes(pending) && arrived.length >= before + 2) // and the message's event
    const left = 'select (select count(*) from inbox_queue) + (select count(*) from delivery_queue) as n'
    await eventually(async () => (await db.owner.pool.query(left)).rows[0].n === '0')
  } finally {
    await running.stop()
  }
})

test('a file cut short anywhere is refused, and leaves the database as empty as it was', async () => {
  const file = newFile()
  await backUp(source.db, file)
  const { db } = await emptyDatabase()
  const packed = await readFile(file)
  const content = gunzipSync(packed)
  const trailer_at = content.lastIndexOf(10, content.length - 2) + 1
  const cuts = [
    ...[0, 5, packed.length >> 1, packed.length - 1].map((end) => packed.subarray(0, end)),
    // whole as gzip files, with less in them
    ...[
      content.indexOf(10) + 1,
      content.indexOf(MARK) + 3,
      content.length >> 1,
      trailer_at,
      content.length - 1,
    ].map((end) => gzipSync(content.subarray(0, end), { level: 1 })),
  ]
  for (const [n, cut] of cuts.entries()) {
    const name = newFile()
    await writeFile(name, cut)
    await assert.rejects(restoreBackup(db.owner, name), /cut short|damaged|no backup/, `cut ${n}`)
    assert.deepEqual(await tableNames(db), [], `cut ${n} left something`)
  }
  await restoreBackup(db.owner, file)
  assert.deepEqual(await everything(db), await everything(source.db))
})

/** The content of a backup, changed and packed again. */
async function altered(file: string, change: (content: Buffer) => Buffer): Promise<string> {
  const name = newFile()
  await writeFile(name, gzipSync(change(gunzipSync(await readFile(file))), { level: 1 }))
  return name
}

const withHeader = (change: (header: Header) => unknown) => (content: Buffer) => {
  const end = content.indexOf(10)
  const header = JSON.parse(content.subarray(0, end).toString()) as Header
  return Buffer.concat([Buffer.from(JSON.stringify(change(header))), content.subarray(end)])
}

test('a changed byte, a missing row and a stranger’s file are refused in one line', async () => {
  const file = newFile()
  await backUp(source.db, file)
  const { db } = await emptyDatabase()
  const one_byte = await altered(file, (content) => {
    const at = content.indexOf('7bfffe00800a5c2e0a7d')
    assert.ok(at > 0)
    content[at] = 0x38
    return content
  })
  const extra = await altered(file, (content) => Buffer.concat([content, Buffer.from('more\n')]))
  const evil = await altered(
    file,
    withHeader((header) => ({
      ...header,
      tables: header.tables.map((table) => ({
        ...table,
        partitions: table.partitions.map(({ name }) => ({ name, bound: 'DEFAULT; drop table tenant' })),
      })),
    })),
  )
  const stranger = newFile()
  await writeFile(stranger, 'PGDMP')
  const stranger_gz = newFile()
  await writeFile(stranger_gz, gzipSync('{"hello":1}\n'))
  for (const [name, says] of [
    [one_byte, /its sum is not/],
    [extra, /goes on after its end/],
    [evil, /damaged/],
    [stranger, /no backup of Trilho/],
    [stranger_gz, /no backup of Trilho/],
    [join(folder, 'nowhere'), /cannot be read: ENOENT/],
  ] as const) {
    await assert.rejects(restoreBackup(db.owner, name), (error: Error) => {
      assert.match(error.message, says)
      assert.ok(!error.message.includes('\n'))
      return true
    })
    assert.deepEqual(await tableNames(db), [])
  }
})

test('a backup of a newer version is refused, and names what it wants', async () => {
  const file = newFile()
  await backUp(source.db, file)
  const { db } = await emptyDatabase()
  const newer = await altered(
    file,
    withHeader((header) => ({
      ...header,
      migrations: [...header.migrations, { name: '9999_later.sql', sha256: '00' }],
    })),
  )
  const newer_format = await altered(
    file,
    withHeader((header) => ({ ...header, format_version: 2, tables: 1 })),
  )
  await assert.rejects(restoreBackup(db.owner, newer), /newer Trilho \(migration 9999_later\.sql\)/)
  await assert.rejects(restoreBackup(db.owner, newer_format), /newer Trilho/)
})

test('a backup of an older version is restored as it was and then brought forward', async () => {
  const known = await listRan(source.db.owner.pool)
  assert.ok(known)
  const [before, newest] = [known.slice(0, -1), known.at(-1)]
  const { db: old } = await emptyDatabase()
  await makeSchema(old.owner.pool, before)
  for (const { name, sha256 } of before)
    await old.owner.pool.query('insert into migration (name, sha256) values ($1, $2)', [name, sha256])
  await old.owner.pool.query("insert into tenant (id, name) values (gen_random_uuid(), 'Old')")
  const file = newFile()
  await backUp(old, file)
  const { url, db } = await emptyDatabase()
  await restoreBackup(db.owner, file)
  assert.deepEqual(await everything(db), await everything(old))
  assert.deepEqual(await migrate(url), [newest?.name])
  assert.deepEqual((await everything(db))['tenant'], (await everything(old))['tenant'])
})

test('a database that holds anything is refused and left alone', async () => {
  const file = newFile()
  await backUp(source.db, file)
  const { url, db } = await emptyDatabase()
  await migrate(url)
  const before = await everything(db)
  await assert.rejects(restoreBackup(db.owner, file), /The database is not empty .* DATABASE_URL/)
  assert.deepEqual(await everything(db), before)
})

test('a table whose rows the owner does not see is no silent gap but an error', async () => {
  const url = await testDatabaseUrl()
  const db = await openDatabase({ url, pool_size: 2, log: quiet })
  undoAfter(() => db.close())
  await db.owner.pool.query(
    'create table gap (tenant_id uuid, id int); alter table gap enable row level security; alter table gap force row level security',
  )
  const file = newFile()
  await assert.rejects(backUp(db, file), /does not see every row of gap/)
  assert.equal(existsSync(file), false)
})

test('a backup cut off by PostgreSQL is an error, and leaves no file', async () => {
  const url = await testDatabaseUrl()
  const db = await openDatabase({ url, pool_size: 2, log: quiet })
  undoAfter(() => db.close())
  await db.owner.pool.query(
    `create table big as select n, (select string_agg(gen_random_uuid()::text, '') from generate_series(1, 30) where n > 0) as text
       from generate_series(1, 30000) n`,
  )
  const file = newFile()
  const cut = eventually(async () => (await killCopy(url)) > 0)
  await assert.rejects(backUp(db, file), /terminat/i)
  await cut
  assert.equal(existsSync(file) || existsSync(`${file}.unfinished`), false)
})

async function killCopy(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rowCount } = await client.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where query like 'copy (select%big%' and state = 'active' and pid <> pg_backend_pid()",
  )
  await client.end()
  return rowCount ?? 0
}

test('a login that is no superuser backs up and restores', async () => {
  const name = `restored_${randomBytes(6).toString('hex')}`
  const login = `login_${randomBytes(4).toString('hex')}`
  await maintain(
    source.url,
    `create role ${login} login password 'pass' nosuperuser`,
    `grant trilho_owner, trilho_app, trilho_worker, trilho_ingest, trilho_gate to ${login}`,
    `create database ${name} owner ${login}`,
  )
  undoAfter(() =>
    maintain(
      source.url,
      `drop database if exists ${name} with (force)`,
      `drop owned by ${login}`,
      `drop role ${login}`,
    ),
  )
  const url = new URL(withDatabase(source.url, name))
  url.username = login
  url.password = 'pass'
  const first = newFile()
  await backUp(source.db, first)
  await makeRolesOnly(url.href)
  const db = await openDatabase({ url: url.href, pool_size: 2, log: quiet })
  try {
    await restoreBackup(db.owner, first)
    const second = newFile()
    await backUp(db, second)
    const rows = (path: string) =>
      readFile(path).then((bytes) => gunzipSync(bytes).toString('latin1').split('\n').slice(1, -2).sort())
    assert.deepEqual(await rows(second), await rows(first))
  } finally {
    await db.close()
  }
})

test('a backup taken while messages stream in holds one moment: no message without its work, no work without its message', async () => {
  const url = await testDatabaseUrl()
  const running = await run(url)
  const send = sender(running.url, { authorization: `Bearer ${running.admin_key}` })
  const { id: tenant } = await send('POST', '/v1/tenants', { name: 'Busy' })
  const acting = sender(running.url, {
    authorization: `Bearer ${running.admin_key}`,
    'trilho-tenant': String(tenant),
  })
  const { id } = await acting('POST', '/v1/sources', {
    provider: 'stripe',
    name: 'S',
    secrets: [WEBHOOK_SECRET],
  })
  const hooks = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/busy`
  await acting('POST', '/v1/subscriptions', { name: 'All', url: hooks, event_types: ['*'] })
  await running.app.db.owner.pool.query(
    // weight, so that the backup takes a while; read before what streams in
    `insert into audit (tenant_id, id, actor, action, target, detail)
     select $1, gen_random_uuid(), 'a', 'b', 'c', jsonb_build_object('x', repeat(md5(n::text), 20)) from generate_series(1, 20000) n`,
    [fromWire('tenant', String(tenant))],
  )
  let accepted = 0
  let streaming = true
  const stream = async (lane: number) => {
    for (let n = 0; streaming; n++) {
      assert.equal(await postSigned(running.url, String(id), intentEvent(lane * 1_000_000 + n)), 200)
      accepted += 1
    }
  }
  const lanes = [1, 2, 3, 4].map(stream)
  await eventually(async () => accepted > 20)
  const file = newFile()
  const before = accepted
  const { header } = await backUp(running.app.db, file)
  const during = accepted - before
  streaming = false
  await Promise.all(lanes)
  await running.stop()
  assert.ok(during > 0, 'messages came in while it was written')
  const rows = header.tables.find(({ name }) => name === 'inbox')?.rows ?? 0
  assert.ok(rows >= before && rows < accepted, `${before} ≤ ${rows} < ${accepted}`)
  const { db } = await emptyDatabase()
  await restoreBackup(db.owner, file)
  const { rows: halves } = await db.owner.pool.query(`
    select (select count(*)::int from inbox m where state = 'pending' and not exists (select from inbox_queue q where (q.tenant_id, q.id) = (m.tenant_id, m.id))) as messages_without_work,
           (select count(*)::int from inbox_queue q where not exists (select from inbox m where (q.tenant_id, q.id) = (m.tenant_id, m.id) and m.state = 'pending')) as work_without_message,
           (select count(*)::int from inbox m where not exists (select from inbox_seen s where s.message_id = m.id)) as unseen,
           (select count(*)::int from inbox m where state = 'completed' and not exists (select from event e where e.message_id = m.id)) as completed_without_event,
           (select count(*)::int from event e where not exists (select from delivery d where d.event_id = e.id)) as event_without_delivery,
           (select count(*)::int from delivery d where state = 'pending' and not exists (select from delivery_queue q where q.id = d.id)) as deliveries_without_work,
           (select count(*)::int from delivery d where state = 'delivered' and not exists (select from attempt a where a.delivery_id = d.id)) as delivered_without_attempt`)
  assert.deepEqual(halves[0], Object.fromEntries(Object.keys(halves[0]).map((name) => [name, 0])))
})
