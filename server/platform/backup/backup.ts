import { createHash } from 'node:crypto'
import { createWriteStream, existsSync } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { PoolClient } from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { type Db, listRan } from '../database/database.ts'
import { StartError } from '../start_error.ts'
import { listMasters } from '../vault/vault.ts'
import {
  countRows,
  inPublic,
  listTables,
  OUT_OF_LOCKS,
  quoted,
  refuseSequences,
  SESSION,
  type Table,
} from './catalog.ts'
import { FORMAT_VERSION, type Header, MARK, toLine, toTrailer } from './format.ts'

export type { Header } from './format.ts'
export { keyForRestored, keyToInclude, placeOf } from './master_key.ts'
export { inspectBackup, restoreBackup } from './restore.ts'
export { type OpenedSecrets, trySecrets } from './secrets.ts'

/**
 * The whole of a database in one file, taken beside a running server, and such a file back into an empty one. What
 * is in it is one moment: a single snapshot, under which nothing is missing its other half. It needs no program of
 * PostgreSQL's and goes from any PostgreSQL to any other that Trilho runs on.
 */
export type BackupOptions = {
  owner: Db
  /** Made with mode 0600, and only when it is whole; one that exists is refused. */
  file: string
  product_version: string
  now: Date
  /** Put in as it is, which makes the file as secret as the key; null leaves it out. */
  master_key: Buffer | null
}

export type BackedUp = { file: string; bytes: number; header: Header }

export async function makeBackup(options: BackupOptions): Promise<BackedUp> {
  const { owner, file } = options
  if (existsSync(file)) throw new StartError(`${file} exists already: a backup overwrites nothing.`)
  const client = await owner.pool.connect()
  const draft = `${file}.unfinished`
  try {
    const header = await openSnapshot(client, options)
    await write(draft, pages(client, header))
    await client.query('commit')
    client.release()
    await rename(draft, file)
    return { file, bytes: (await stat(file)).size, header }
  } catch (error) {
    client.release(true) // it may be in the midst of a COPY
    if (!isTaken(error)) await rm(draft, { force: true })
    throw inWords(file, error)
  }
}

/**
 * The locks come before the snapshot, which is taken by the first statement that reads: no table or partition can
 * go or change its shape between the two.
 */
async function openSnapshot(client: PoolClient, options: BackupOptions): Promise<Header> {
  const before = (await listTables(client)).map(({ name }) => name)
  if (before.length === 0) throw new StartError('The database is empty: there is nothing to back up.')
  await client.query(
    `begin isolation level repeatable read read only; ${SESSION}; lock table ${before.map(inPublic).join(', ')} in access share mode`,
  )
  const tables = await listTables(client)
  if (tables.map(({ name }) => name).join() !== before.join())
    throw new StartError('The schema changed just now; try again.')
  await refuseSequences(client)
  return toHeader(client, tables, options)
}

async function toHeader(client: PoolClient, tables: Table[], options: BackupOptions): Promise<Header> {
  const { product_version, now, master_key, owner } = options
  const { rows } = await client.query<{ v: string }>("select current_setting('server_version') as v")
  const migrations = await listRan(client)
  if (!migrations) throw new StartError('The database holds no Trilho: there is nothing to back up.')
  const counted: Header['tables'] = []
  for (const { name, columns, partitions } of tables)
    counted.push({ name, columns, partitions, rows: await countRows(client, name) })
  const tenants = counted.find(({ name }) => name === 'tenant')?.rows ?? 0
  return {
    format: 'trilho-backup',
    format_version: FORMAT_VERSION,
    product_version,
    made_at: now.toISOString(),
    postgres: rows[0]?.v ?? '',
    migrations,
    tenants: Math.max(0, tenants - 1), // the installation's own is none of theirs
    masters: await listMasters(owner),
    master_key: master_key?.toString('base64') ?? null,
    tables: counted,
  }
}

async function* pages(client: PoolClient, header: Header): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  const said = (bytes: Buffer): Buffer => {
    hash.update(bytes)
    return bytes
  }
  yield said(toLine(header))
  for (const { name, columns, rows } of header.tables) {
    yield said(toLine({ table: name }))
    let written = 0
    for await (const chunk of copyOut(client, name, columns)) {
      written += countLines(chunk)
      yield said(chunk)
    }
    if (written !== rows) throw new Error(`COPY wrote ${written} rows of ${name}, which has ${rows}`)
    yield said(MARK)
  }
  yield toTrailer(hash.digest('hex'))
}

/** As a query, since a partitioned table by its name has no rows of its own. */
const copyOut = (client: PoolClient, name: string, columns: string[]): AsyncIterable<Buffer> =>
  client.query(copyTo(`copy (select ${columns.map(quoted).join(', ')} from ${inPublic(name)}) to stdout`))

/** In COPY's text a line break within a value is written `\n`, so lines are rows. */
function countLines(chunk: Buffer): number {
  let count = 0
  for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) count += 1
  return count
}

/** `flush`: it is on the disk before it gets its name. */
const write = (path: string, content: AsyncIterable<Buffer>): Promise<void> =>
  pipeline(
    Readable.from(content, { objectMode: true, highWaterMark: 4 }),
    createGzip({ level: 4 }),
    createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true }),
  )

const codeOf = (error: unknown) =>
  error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
const isTaken = (error: unknown) => codeOf(error) === 'EEXIST'

function inWords(file: string, error: unknown): unknown {
  const code = codeOf(error)
  if (isTaken(error)) {
    return new StartError(
      `${file}.unfinished is there already: another backup writes it, or was cut off; then delete it.`,
    )
  }
  if (code === '55P03')
    return new StartError('A table is locked by something that changes it; try again later.')
  if (code === '53200') return new StartError(OUT_OF_LOCKS)
  if (code !== undefined && /^E[A-Z]+$/.test(code) && (error as NodeJS.ErrnoException).syscall !== 'connect')
    return new StartError(`${file} cannot be written: ${(error as Error).message}.`)
  return error
}
