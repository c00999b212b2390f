import type { Config } from '../platform/config.ts'
import { type Database, openDatabase, sqlState } from '../platform/database/database.ts'
import { StartError } from '../platform/start_error.ts'
import { localDatabase, silent } from './local.ts'

/**
 * The database of this installation whatever its schema is. With `prepare`, which runs before it opens, one is made
 * where there is none.
 */
export async function withDatabase<T>(
  config: Config,
  work: (db: Database, url: string) => Promise<T>,
  prepare?: (url: string) => Promise<void>,
): Promise<T> {
  const { url, close } = await localDatabase(config, prepare !== undefined)
  try {
    await prepare?.(url)
    const db = await openDatabase({ url, pool_size: 1, log: silent }).catch(inWords)
    try {
      return await work(db, url)
    } finally {
      await db.close()
    }
  } finally {
    await close()
  }
}

function inWords(error: unknown): never {
  // PostgreSQL answers so where a login asks for a role that is not there
  if (sqlState(error) === '22023') throw new StartError('The database holds no Trilho.')
  throw error instanceof Error
    ? new StartError(`PostgreSQL cannot be reached: ${error.message}. Check DATABASE_URL.`)
    : error
}
