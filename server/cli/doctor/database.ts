import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { systemClock } from '../../platform/clock.ts'
import type { Config } from '../../platform/config.ts'
import { type Database, isCovered, openDatabase, singleClient } from '../../platform/database/database.ts'
import { pendingMigrations } from '../../platform/database/migrate.ts'
import { StartError } from '../../platform/start_error.ts'
import { createVault, listKeyedTenants, loadMasterKey, masterKeyFile } from '../../platform/vault/vault.ts'
import { hasData, localDatabase, silent } from '../local.ts'
import { type Check, type Finding, fail, ok, warn } from './check.ts'

/** What the database says: reachable, new enough, roles, migrations, partitions, clock, secrets, line, queues. */

const ROLES = ['trilho_owner', 'trilho_app', 'trilho_worker', 'trilho_ingest', 'trilho_gate']
const ROLES_FILE = fileURLToPath(new URL('../../platform/database/roles.sql', import.meta.url))
const DAY_MS = 86_400_000

async function* database(config: Config): AsyncGenerator<Finding> {
  if (config.database_url === undefined && !hasData(resolve(config.data_dir)))
    return yield ok('database', 'there is none yet; it is made at the first start')
  const opened = await localDatabase(config).catch((error: unknown) => {
    if (error instanceof StartError) return error.message
    throw error
  })
  if (typeof opened === 'string') return yield fail('database', opened, 'Its log, named above, says more.')
  try {
    yield* examine(config, opened.url, opened.from)
  } finally {
    await opened.close()
  }
}

async function* examine(config: Config, url: string, from: string): AsyncGenerator<Finding> {
  const client = singleClient(url, 'trilho_doctor', { connectionTimeoutMillis: 10_000 })
  const refused = await client.connect().then(
    () => null,
    (error: Error & { code?: string }) => error.message || error.code,
  )
  if (refused !== null) {
    const remedy = 'See that it runs, that this machine may reach it, and that DATABASE_URL is right.'
    return yield fail('database', `PostgreSQL cannot be reached: ${refused}`, remedy)
  }
  try {
    const before = [await version(client, from), await roles(client)]
    yield* before
    yield await clock(client)
    yield await line(client, url)
    if (before.some(({ state }) => state === 'fail')) return
    yield* await schema(config, client, url)
  } finally {
    await client.end()
  }
}

async function version(client: pg.Client, from: string): Promise<Finding> {
  const { rows } = await client.query<{ v: number; name: string }>(
    "select current_setting('server_version_num')::int as v, current_setting('server_version') as name",
  )
  const { v = 0, name = '' } = rows[0] ?? {}
  const found = `PostgreSQL ${name} (${from})`
  return v >= 150_000 ? ok('database', found) : fail('database', found, 'PostgreSQL 15 or later is required.')
}

/** From 16 on, who creates a role is its member at once and still may not become it. */
const ROLES_SQL = `
  select name, has_role, coalesce(pg_has_role(current_user, has_role, become), false) as mine, may_create, login, db
    from unnest($1::text[]) name
    left join lateral (select oid as has_role from pg_roles where rolname = name) r on true
   cross join (select rolsuper or rolcreaterole as may_create, rolname as login, current_database() as db,
                      case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end as become
                 from pg_roles where rolname = current_user) me`

type RoleRow = {
  name: string
  has_role: number | null
  mine: boolean
  may_create: boolean
  login: string
  db: string
}

async function roles(client: pg.Client): Promise<Finding> {
  const { rows } = await client.query<RoleRow>(ROLES_SQL, [ROLES])
  const lacking = rows.filter(({ mine }) => !mine)
  const [first] = lacking
  if (!first) return ok('roles', `${rows.length} roles are there, and this login may take them`)
  if (first.may_create && lacking.every(({ has_role }) => has_role === null))
    return ok('roles', 'they are made at the first start; this login may do that')
  const found = `login ${first.login} may not take ${lacking.map(({ name }) => name).join(', ')}`
  const grant = `grant ${ROLES.join(', ')} to "${first.login}";`
  return fail(
    'roles',
    found,
    `Let an administrator of PostgreSQL run, on database ${first.db}:\n\\i ${ROLES_FILE}\n${grant}`,
  )
}

/** Ids carry our clock, and queues go by PostgreSQL's: half of the way there and back is nobody's fault. */
async function clock(client: pg.Client): Promise<Finding> {
  const began = Date.now()
  const { rows } = await client.query<{ ms: number }>(
    'select extract(epoch from clock_timestamp())::float8 * 1000 as ms',
  )
  const ended = Date.now()
  const skew_ms = Math.round((rows[0]?.ms ?? 0) - (began + ended) / 2)
  const apart = Math.max(0, Math.abs(skew_ms) - (ended - began) / 2)
  const found = `this machine and PostgreSQL are ${Math.round(apart)} ms apart`
  const remedy = 'Let both machines keep their clocks by NTP; ids and partitions rest on them.'
  if (apart > 30_000) return fail('clock', found, remedy)
  return apart > 1_000 ? warn('clock', found, remedy) : ok('clock', found)
}

const LINE_PATIENCE_MS = 3_000

/** A pooler in transaction mode takes LISTEN and then delivers nothing. */
async function line(client: pg.Client, url: string): Promise<Finding> {
  const channel = `trilho_doctor_${randomBytes(6).toString('hex')}`
  const listener = singleClient(url, 'trilho_doctor')
  await listener.connect()
  try {
    const heard = new Promise<boolean>((done) => {
      listener.once('notification', () => done(true))
      setTimeout(done, LINE_PATIENCE_MS, false).unref()
    })
    await listener.query(`listen ${channel}`)
    await client.query('select pg_notify($1, $2)', [channel, ''])
    if (await heard) return ok('line', 'notifications arrive')
    const remedy =
      'DATABASE_URL leads through a pooler that drops LISTEN: name PostgreSQL itself, or a pool in session mode.'
    return fail('line', `no notification arrived within ${LINE_PATIENCE_MS} ms`, remedy)
  } finally {
    await listener.end()
  }
}

async function schema(config: Config, client: pg.Client, url: string): Promise<Finding[]> {
  const pending = await pendingMigrations(url).catch((error: unknown) => {
    if (error instanceof StartError) return error.message
    throw error
  })
  if (typeof pending === 'string')
    return [fail('migrations', pending, 'Run the version of Trilho that the message names.')]
  if (pending.length > 0) {
    const found = `${pending.length} are pending: ${pending.join(', ')}`
    return [
      warn(
        'migrations',
        found,
        'Run: trilho migrate (the next start does it too). What follows was not looked at.',
      ),
    ]
  }
  const db = await openDatabase({ url, pool_size: 2, log: silent })
  try {
    return [
      ok('migrations', 'all have run'),
      await partitions(config, db),
      await secrets(config, db),
      ...(await queues(client)),
    ]
  } finally {
    await db.close()
  }
}

async function partitions({ partitions_ahead_days: ahead }: Config, db: Database): Promise<Finding> {
  let days = -1
  while (days < ahead && (await isCovered(db.owner, new Date(Date.now() + (days + 1) * DAY_MS)))) days += 1
  const remedy = 'A server with the role worker makes them every hour and at its start; start one.'
  if (days < 1)
    return fail('partitions', days < 0 ? 'there are none for today' : 'there are none for tomorrow', remedy)
  const found = `made for ${days} days ahead`
  return days < ahead - 1 ? warn('partitions', `${found}, not ${ahead}`, remedy) : ok('partitions', found)
}

async function secrets(config: Config, db: Database): Promise<Finding> {
  const data_dir = resolve(config.data_dir)
  const file = masterKeyFile(data_dir)
  const is_set = config.master_key !== undefined
  // Looked for first, since loading makes one where there is none.
  const given =
    is_set || existsSync(file) ? await loadMasterKey({ ...config, data_dir }).catch(startMessage) : null
  if (typeof given === 'string') return fail('master key', given, 'Mend the file, or set TRILHO_MASTER_KEY.')
  const vault = createVault({
    master_key: given?.key ?? randomBytes(32),
    previous_master_keys: given?.previous ?? [],
    clock: systemClock,
  })
  const missing = await vault.missingMasters(db.owner)
  const where = is_set ? 'TRILHO_MASTER_KEY' : file
  if (missing.length > 0) {
    const found = given === null ? `there is none at ${file}` : `${where} is not the one`
    const remedy = `Set TRILHO_MASTER_KEY, or put the file back at ${file} from your backup. Without it no secret opens.`
    return fail(
      'master key',
      `${found}, and this database has secrets sealed under ${missing.join(', ')}`,
      remedy,
    )
  }
  if (given !== null && (await listKeyedTenants(db.owner, vault.master)).length > 0) {
    const found = `${where} is new, and keys are still wrapped by the one before`
    return warn('master key', found, 'Restart every server, then run: trilho vault rewrap')
  }
  return ok(
    'master key',
    given === null
      ? `made at ${file} at the next start`
      : `${where} opens every secret; keep a copy elsewhere`,
  )
}

const startMessage = (error: unknown): string => {
  if (error instanceof StartError) return error.message
  throw error
}

type QueueRow = { depth: number; late_s: number }
const LATE_S = 60

/** A queue is a table whose rows are claimed when due: found in the catalog, whichever room it belongs to. */
async function queues(client: pg.Client): Promise<Finding[]> {
  await client.query('set role trilho_owner')
  const { rows } = await client.query<{ name: string }>(
    `select table_name as name from information_schema.columns
      where table_schema = 'public' and column_name in ('due', 'claim')
      group by table_name having count(*) = 2 order by 1`,
  )
  const found: Finding[] = []
  for (const { name } of rows) {
    const count = `select count(*)::int as depth, coalesce(greatest(extract(epoch from now() - min(due)), 0), 0)::float8 as late_s from ${pg.escapeIdentifier(name)}`
    const { rows: counted } = await client.query<QueueRow>(count)
    const { depth = 0, late_s = 0 } = counted[0] ?? {}
    const words = `${name}: ${depth} waiting, the longest overdue by ${Math.round(late_s)} s`
    found.push(
      late_s > LATE_S
        ? warn('queue', words, 'No worker runs, or too few: start one more process with TRILHO_ROLES=worker.')
        : ok('queue', words),
    )
  }
  return found
}

export const checks: Check[] = [database]
