import { randomBytes } from 'node:crypto'
import { after } from 'node:test'
import { type Database, openDatabase } from '../platform/database/database.ts'
import { maintain, quiet, startTestPostgres, TEMPLATE, type TestPostgres, withDatabase } from './postgres.ts'

/**
 * Every test meets a real PostgreSQL. One server for the whole run (its URL comes in TEST_DATABASE_URL
 * from `run.ts`; a file run alone starts its own), a template migrated once, a clone for each test file.
 */
export { quiet, withDatabase }

/** What this file made, undone last first when its tests are through. */
const made: (() => Promise<unknown>)[] = []
after(async () => {
  for (const undo of made.reverse()) await undo()
})
export const undoAfter = (undo: () => Promise<unknown>): void => void made.push(undo)

let own: Promise<TestPostgres> | null = null

async function serverUrl(): Promise<string> {
  const given = process.env['TEST_DATABASE_URL']
  if (given) return given
  if (!own) {
    own = startTestPostgres(process.env['DATABASE_URL'])
    const started = own
    undoAfter(async () => (await started).stop())
  }
  return (await own).url
}

/** The URL of a fresh, migrated database, dropped when the test file ends. */
export async function testDatabaseUrl(): Promise<string> {
  const url = await serverUrl()
  const name = `test_${randomBytes(6).toString('hex')}`
  await maintain(url, `create database ${name} template ${TEMPLATE}`)
  undoAfter(() => maintain(url, `drop database if exists ${name} with (force)`))
  return withDatabase(url, name)
}

/** A fresh, migrated database with its pools open; closed and dropped when the test file ends. */
export async function testDatabase(): Promise<Database> {
  const db = await openDatabase({ url: await testDatabaseUrl(), pool_size: 8, log: quiet })
  undoAfter(() => db.close())
  return db
}
