import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import pg from 'pg'
import { StartError } from '../start_error.ts'

/**
 * Numbered plain SQL, forward only. One process migrates at a time (advisory lock), each file in a transaction
 * of its own, as the owner of the tables. A file that was changed after it ran is refused.
 */
const FOLDER = new URL('../../migrations/', import.meta.url)
const LOCK = 7_425_100

type Migration = { name: string; text: string; sha256: string }

/** Makes the roles where needed and brings the schema up to date. Returns the names of what it ran. */
export async function migrate(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'trilho_migrate' })
  await client.connect().catch((error: Error) => {
    throw new StartError(`PostgreSQL cannot be reached: ${error.message}. Check DATABASE_URL.`)
  })
  try {
    await refuseOld(client)
    await client.query('select pg_advisory_lock($1)', [LOCK])
    await makeRoles(client)
    return await runPending(client)
  } finally {
    await client.end()
  }
}

async function refuseOld(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ v: number }>("select current_setting('server_version_num')::int as v")
  const version = rows[0]?.v ?? 0
  if (version < 150_000) {
    throw new StartError(`PostgreSQL 15 or later is required; this server is ${Math.floor(version / 10_000)}.`)
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
  await client.query(
    'create table if not exists migration (name text primary key, sha256 text not null, at timestamptz not null default now())',
  )
  const { rows } = await client.query<{ name: string; sha256: string }>('select name, sha256 from migration')
  const done = new Map(rows.map((row) => [row.name, row.sha256]))
  const migrations = await readMigrations()
  refuseUnknown(done, migrations)
  const pending = migrations.filter((migration) => !done.has(migration.name))
  for (const migration of pending) await run(client, migration)
  return pending.map((migration) => migration.name)
}

function refuseUnknown(done: Map<string, string>, migrations: Migration[]): void {
  const known = new Map(migrations.map((migration) => [migration.name, migration.sha256]))
  for (const [name, sha256] of done) {
    if (!known.has(name)) throw new StartError(`The database was migrated by a newer Trilho (${name}). Start that version or later.`)
    if (known.get(name) !== sha256) throw new StartError(`Migration ${name} was changed after it ran. Restore the file as it was.`)
  }
}

async function run(client: pg.Client, migration: Migration): Promise<void> {
  await client.query('begin')
  try {
    await client.query(migration.text)
    await client.query('insert into migration (name, sha256) values ($1, $2)', [migration.name, migration.sha256])
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
