import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { PoolClient } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { type Db, fillfactorOf, makeSchema, whyUnknown } from '../database/database.ts'
import { StartError } from '../start_error.ts'
import { countRows, inPublic, listTables, OUT_OF_LOCKS, quoted, SESSION, type Table } from './catalog.ts'
import { cutShort, damaged, type Header, type Reader, readBackup } from './format.ts'

export type Restored = { header: Header; rows: number }

/** What a file says of itself, without reading on. `StartError` where this version cannot restore it. */
export async function inspectBackup(file: string): Promise<Header> {
  const { header } = await withFile(file, async (reader) => reader)
  const why = await whyUnknown(header.migrations)
  if (why) throw new StartError(`The backup ${why}: restore it with the version that made it or a later one.`)
  return header
}

/**
 * Puts the backup into a database without any table, at the schema it was made with: `migrate` brings it forward
 * afterwards. All in one transaction, so whatever fails, or whoever is killed, leaves the database as empty as it
 * was. The roles must be there. `StartError` where the database is not empty or the file is not whole.
 */
export async function restoreBackup(owner: Db, file: string): Promise<Restored> {
  await inspectBackup(file)
  const client = await owner.pool.connect()
  try {
    const restored = await withFile(file, (reader) => restoreFrom(client, reader))
    await client.query('commit')
    await client.query(`analyze ${restored.header.tables.map(({ name }) => inPublic(name)).join(', ')}`)
    client.release()
    return restored
  } catch (error) {
    client.release(true)
    throw inWords(error)
  }
}

async function restoreFrom(client: PoolClient, { header, tables }: Reader): Promise<Restored> {
  await client.query(`begin; ${SESSION}`)
  await refuseTables(client)
  await makeSchema(client, header.migrations)
  const made = await listTables(client)
  refuseOtherShape(made, header)
  await clear(client, made)
  for (const { name, partitions } of header.tables) await makePartitions(client, name, partitions)
  const forced = made.filter(({ is_forced }) => is_forced).map(({ name }) => name)
  // COPY FROM is refused where row-level security is in force. It is lifted from the owner alone, inside a
  // transaction that nobody sees, and this works for a login that is no superuser.
  await alterAll(client, forced, 'no force row level security')
  // What triggers did when the rows were made is in the backup as well.
  await alterAll(client, forced, 'disable trigger user')
  for await (const { name, rows } of tables()) await copyIn(client, header, name, rows)
  await alterAll(client, forced, 'enable trigger user')
  await alterAll(client, forced, 'force row level security')
  return { header, rows: await verify(client, header, forced) }
}

async function refuseTables(client: PoolClient): Promise<void> {
  const [first] = await listTables(client)
  if (!first) return
  throw new StartError(
    `The database is not empty (it has the table ${first.name}): a backup is restored into an empty one, so that nothing is lost or mixed. Make a new database and name it in DATABASE_URL, or choose a new folder with TRILHO_DATA_DIR.`,
  )
}

function refuseOtherShape(made: Table[], header: Header): void {
  const shape = (tables: { name: string; columns: string[] }[]) =>
    tables.map(({ name, columns }) => `${name}(${columns.join()})`).sort()
  const [ours, theirs] = [shape(made), shape(header.tables)]
  const odd = theirs.find((text) => !ours.includes(text)) ?? ours.find((text) => !theirs.includes(text))
  if (odd) throw damaged(`its migrations do not make the tables it holds; ${odd} is the first to differ`)
}

/** Migrations put in rows of their own, which the backup holds as they became. */
const clear = (client: PoolClient, tables: Table[]) =>
  client.query(`truncate ${tables.map(({ name }) => inPublic(name)).join(', ')}`)

async function makePartitions(
  client: PoolClient,
  table: string,
  partitions: { name: string; bound: string }[],
): Promise<void> {
  const filled = await fillfactorOf((text, values) => client.query(text, values), inPublic(table))
  for (const { name, bound } of partitions) {
    await client.query(
      `create table ${inPublic(name)} partition of ${inPublic(table)} ${bound} with (fillfactor = ${filled})`,
    )
  }
}

async function alterAll(client: PoolClient, tables: string[], how: string): Promise<void> {
  for (const name of tables) await client.query(`alter table ${inPublic(name)} ${how}`)
}

async function copyIn(
  client: PoolClient,
  header: Header,
  name: string,
  rows: AsyncGenerator<Buffer>,
): Promise<void> {
  const columns = header.tables.find((table) => table.name === name)?.columns ?? []
  const into = client.query(copyFrom(`copy ${inPublic(name)} (${columns.map(quoted).join(', ')}) from stdin`))
  await pipeline(rows, into)
}

async function verify(client: PoolClient, header: Header, forced: string[]): Promise<number> {
  let total = 0
  for (const { name, rows } of header.tables) {
    const count = await countRows(client, name)
    if (count !== rows) throw damaged(`${name} should have ${rows} rows and has ${count}`)
    total += rows
  }
  const still = (await listTables(client)).filter(({ is_forced }) => is_forced).map(({ name }) => name)
  if (still.join() !== forced.join()) throw new Error('row-level security is not in force as it was')
  return total
}

/** Unpacks the file; what is wrong with the packing is told as what it means for the backup. */
async function withFile<T>(file: string, work: (reader: Reader) => Promise<T>): Promise<T> {
  const packed = createReadStream(file, { highWaterMark: 256 * 1024 })
  const unpacked = createGunzip({ chunkSize: 256 * 1024 })
  packed.on('error', (error) => unpacked.destroy(error))
  packed.pipe(unpacked)
  try {
    return await work(await readBackup(unpacked))
  } catch (error) {
    throw ofFile(file, error)
  } finally {
    packed.destroy()
    unpacked.destroy()
  }
}

function ofFile(file: string, error: unknown): unknown {
  const { code, message, syscall } = error as NodeJS.ErrnoException
  if (code === 'Z_BUF_ERROR') return cutShort()
  if (code === 'Z_DATA_ERROR' && /header/.test(message))
    return new StartError(`${file} is no backup of Trilho.`)
  if (code?.startsWith('Z_')) return damaged('it cannot be unpacked')
  if (syscall === 'open' || syscall === 'read') return new StartError(`${file} cannot be read: ${message}.`)
  return error
}

function inWords(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === '53200') return new StartError(OUT_OF_LOCKS)
  if (code?.startsWith('22') || code?.startsWith('23'))
    return damaged(`PostgreSQL refuses its rows (${message})`)
  return error
}
