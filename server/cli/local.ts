import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { App } from '../modules/app.ts'
import { systemClock } from '../platform/clock.ts'
import { type Config, loadConfig } from '../platform/config.ts'
import { embeddedPaths, openDatabase, runningEmbedded, startEmbedded } from '../platform/database/database.ts'
import { pendingMigrations } from '../platform/database/migrate.ts'
import { createEgress } from '../platform/egress/egress.ts'
import { idMaker } from '../platform/ids.ts'
import { createLog } from '../platform/log.ts'
import { createTelemetry } from '../platform/telemetry.ts'
import { createVault } from '../platform/vault/vault.ts'
import { EXIT, failure } from './output.ts'

/** Work straight on the database of this installation, beside a running server or without one. */

export const silent = createLog({ level: 'silent' })

export type Database = {
  url: string
  from: 'DATABASE_URL' | 'running server' | 'started here'
  close(): Promise<void>
}

/**
 * `DATABASE_URL`, else the PostgreSQL of the server that runs on the data folder, else that folder's, started. A folder
 * without data is refused: whoever asks in the wrong one should not get an empty database.
 */
export async function localDatabase(config: Config, make = false): Promise<Database> {
  const given = config.database_url?.reveal()
  if (given !== undefined) return { url: given, from: 'DATABASE_URL', close: async () => {} }
  const dir = resolve(config.data_dir)
  const running = runningEmbedded(dir)
  if (running !== null) return { url: running, from: 'running server', close: async () => {} }
  if (!make && !hasData(dir)) {
    const what = `There is no database in ${dir}. Run "trilho start" first, or name the right folder with TRILHO_DATA_DIR.`
    throw failure(EXIT.failed, what, { code: 'no_database' })
  }
  const started = await startEmbedded({ dir, log: silent })
  return { url: started.url, from: 'started here', close: started.stop }
}

/** Whether the embedded PostgreSQL was ever started on a `.trilho` folder. */
export const hasData = (dir: string): boolean => existsSync(join(embeddedPaths(dir).data_dir, 'PG_VERSION'))

/** Hands a room its App, on a database that is up to date, and puts everything away again. */
export async function withLocalApp<T>(work: (app: App) => Promise<T>): Promise<T> {
  const config = loadConfig()
  const database = await localDatabase(config)
  try {
    const pending = await pendingMigrations(database.url)
    if (pending.length > 0)
      throw failure(EXIT.failed, `The database lacks ${pending.length} migrations. Run: trilho migrate`)
    const db = await openDatabase({ url: database.url, pool_size: 2, log: silent })
    try {
      return await work(toApp(config, db))
    } finally {
      await db.close()
    }
  } finally {
    await database.close()
  }
}

/** What administers seals nothing, so it does without the master key: the vault here opens no secret. */
function toApp(config: Config, db: App['db']): App {
  const clock = systemClock
  return {
    config,
    db,
    clock,
    log: silent,
    newId: idMaker(clock),
    vault: createVault({ master_key: randomBytes(32), clock }),
    egress: createEgress({ allow: [], allow_loopback: false }),
    telemetry: createTelemetry(),
    providers: new Map(),
  }
}
