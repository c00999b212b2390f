import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { openDatabase } from '../platform/database/database.ts'
import { startEmbedded } from '../platform/database/embedded.ts'
import { migrate } from '../platform/database/migrate.ts'
import { makePartitions } from '../platform/database/partitions.ts'
import { createLog, type Log } from '../platform/log.ts'

/**
 * The PostgreSQL of a test run, with the template that every test file clones. Apart from `harness.ts`, since
 * whoever imports node:test outside of a test prints an empty summary.
 */
export const TEMPLATE = 'trilho_template'
const QUICK = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' }

export const quiet: Log = createLog({ level: 'silent' })

export type TestPostgres = { url: string; stop(): Promise<void> }

/** Starts the server of a test run, or takes the one in `external`, and migrates the template. */
export async function startTestPostgres(external?: string): Promise<TestPostgres> {
  if (external) {
    await makeTemplate(external)
    return { url: external, stop: async () => {} }
  }
  const dir = await mkdtemp(join(tmpdir(), 'trilho-test-'))
  const server = await startEmbedded({ dir, log: quiet, settings: QUICK })
  await makeTemplate(server.url)
  return {
    url: server.url,
    stop: async () => {
      await server.stop()
      // as root the data may be elsewhere, since mkdtemp's folder is ours alone
      for (const folder of [dirname(server.data_dir), dir]) await rm(folder, { recursive: true, force: true })
    },
  }
}

async function makeTemplate(url: string): Promise<void> {
  await maintain(url, `drop database if exists ${TEMPLATE} with (force)`, `create database ${TEMPLATE}`)
  const template_url = withDatabase(url, TEMPLATE)
  await migrate(template_url)
  const db = await openDatabase({ url: template_url, pool_size: 2, log: quiet })
  await makePartitions(db.owner, new Date(), 1)
  await db.close()
}

/** Runs statements that belong in no transaction. */
export async function maintain(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

export function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}
