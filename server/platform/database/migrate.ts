import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type pg from 'pg'
import { StartError } from '../start_error.ts'
import { singleClient } from './single.ts'

/**
 * Numbered plain SQL, forward only. One process migrates at a time (advisory lock), each file in a transaction
 * of its own, as the owner of the tables. A file that was changed after it ran is refused.
 */
const FOLDER = new URL('../../migrations/', import.meta.url)
export const MIGRATION_LOCK = 7_425_100

type Migration = Ran & { text: string }
/** A migration that a database has been through. */
export type Ran = { name: string; sha256: string }

/** What asks PostgreSQL: a client in whatever transaction it is. */
type Asks = Pick<pg.ClientBase, 'query'>

const OWN_TABLE =
  'create table if not exists migration (name text primary key, sha256 text not null, at timestamptz not null default now())'

/** Makes the roles where needed and brings the schema up to date. Returns the names of what it ran. */
export const migrate = (url: string): Promise<string[]> => withRoles(url, runPending)

/** Makes the roles alone, so that the pools can open a database that has no schema yet. */
export const makeRolesOnly = (url: string): Promise<void> => withRoles(url, async () => {})

async function withRoles<T>(url: string, then: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = singleClient(url, 'trilho_migrate')
  await client.connect().catch((error: Error) => {
    throw new StartError(`PostgreSQL cannot be reached: ${error.message}. Check DATABASE_URL.`)
  })
  try {
    await refuseOld(client)
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    await makeRoles(client)
    return await then(client)
  } finally {
    await client.end()
  }
}

/**
 * The names of what `migrate` would run; changes nothing. Throws `StartError` as it does where the database is newer,
 * or a file was changed after it ran.
 */
export async function pendingMigrations(url: string): Promise<string[]> {
  const client = singleClient(url, 'trilho_migrate')
  await client.connect().catch((error: Error) => {
    throw new StartError(`PostgreSQL cannot be reached: ${error.message}. Check DATABASE_URL.`)
  })
  try {
    const { rows } = await client.query<{ there: boolean }>(
      "select to_regclass('public.migration') is not null as there",
    )
    if (!rows[0]?.there) return (await readMigrations()).map(({ name }) => name)
    await client.query('set role trilho_owner')
    return (await readPending(client)).map(({ name }) => name)
  } finally {
    await client.end()
  }
}

/** The migrations that a database has been through, in their order; null where it has no schema of ours. */
export async function listRan(client: Asks): Promise<Ran[] | null> {
  const { rows: found } = await client.query(
    "select from pg_tables where schemaname = 'public' and tablename = 'migration'",
  )
  if (found.length === 0) return null
  return (await client.query<Ran>('select name, sha256 from migration order by name')).rows
}

/** Why this version cannot make the schema of these migrations, as an end of "It …", or null. */
export async function whyUnknown(wanted: Ran[]): Promise<string | null> {
  const known = new Map((await readMigrations()).map(({ name, sha256 }) => [name, sha256]))
  for (const { name, sha256 } of wanted) {
    if (!known.has(name)) return `is of a newer Trilho (migration ${name})`
    if (known.get(name) !== sha256) return `is of a Trilho whose migration ${name} reads otherwise`
  }
  return null
}

/** Makes the schema of these migrations, in the caller's transaction; the rows of `migration` are left to the caller. */
export async function makeSchema(client: Asks, wanted: Ran[]): Promise<void> {
  await client.query(OWN_TABLE)
  const names = new Set(wanted.map(({ name }) => name))
  for (const { name, text } of await readMigrations()) if (names.has(name)) await client.query(text)
}

async function refuseOld(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ v: number }>("select current_setting('server_version_num')::int as v")
  const version = rows[0]?.v ?? 0
  if (version < 150_000) {
    throw new StartError(
      `PostgreSQL 15 or later is required; this server is ${Math.floor(version / 10_000)}.`,
    )
  }
}

async function makeRoles(client: pg.Client): Promise<void> {
  const text = await readFile(new URL('roles.sql', import.meta.url), 'utf8')
  await client.query(text).catch((error: Error & { code?: string }) => {
    if (error.code !== '42501') throw error
    throw new StartError(
      `The login in DATABASE_URL may not create the roles (${error.message}). Let an administrator run server/platform/database/roles.sql once; \`trilho doctor\` prints it.`,
    )
  })
}

async function runPending(client: pg.Client): Promise<string[]> {
  await client.query('set role trilho_owner')
  await client.query(OWN_TABLE)
  const pending = await readPending(client)
  for (const migration of pending) await run(client, migration)
  return pending.map((migration) => migration.name)
}

async function readPending(client: pg.Client): Promise<Migration[]> {
  const { rows } = await client.query<{ name: string; sha256: string }>('select name, sha256 from migration')
  const done = new Map(rows.map((row) => [row.name, row.sha256]))
  const migrations = await readMigrations()
  refuseUnknown(done, migrations)
  return migrations.filter((migration) => !done.has(migration.name))
}

function refuseUnknown(done: Map<string, string>, migrations: Migration[]): void {
  const known = new Map(migrations.map((migration) => [migration.name, migration.sha256]))
  for (const [name, sha256] of done) {
    if (!known.has(name))
      throw new StartError(
        `The database was migrated by a newer Trilho (${name}). Start that version or later.`,
      )
    if (known.get(name) !== sha256)
      throw new StartError(`Migration ${name} was changed after it ran. Restore the file as it was.`)
  }
}

async function run(client: pg.Client, migration: Migration): Promise<void> {
  await client.query('begin')
  try {
    await client.query(migration.text)
    await client.query('insert into migration (name, sha256) values ($1, $2)', [
      migration.name,
      migration.sha256,
    ])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw new StartError(`Migration ${migration.name} failed: ${(error as Error).message}`)
  }
}

async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(FOLDER)).filter((name) => /^\d{4}_\w+\.sql$/.test(name)).sort()
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, FOLDER), 'utf8')
      return { name, text, sha256: createHash('sha256').update(text).digest('hex') }
    }),
  )
}
