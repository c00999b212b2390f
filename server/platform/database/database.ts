import { randomUUID } from 'node:crypto'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import type { Log } from '../log.ts'
import { openLine } from './line.ts'
import { changesOf } from './memory.ts'
import type { Tables } from './tables.ts'

/**
 * The way into PostgreSQL. Each pool has one role and can do no more than that role may: `app` sees the tenants
 * named for its transaction and nothing else, `worker` the crossing, `ingest` only puts in, `owner` migrates.
 */
export type Db = Kysely<Tables> & { readonly pool: pg.Pool }

declare const scoped: unique symbol
/** A transaction that has been told its tenants; made by `inTenant` and by nothing else. */
export type Tx = Kysely<Tables> & { readonly [scoped]: true }

export type Database = {
  app: Db
  worker: Db
  ingest: Db
  owner: Db
  /** Hears what any process notified. '' means the line was down: forget what you remember. */
  listen(channel: Channel, on: (payload: string) => void): void
  /** Tells this process at once and the others within a few milliseconds. Call it after the commit. */
  notify(channel: Channel, payload: string): void
  /** Tells this process alone, of what a commit tells the others. */
  tell(channel: Channel, payload: string): void
  /** False while the line is down: nothing may be served from a cache then. */
  listening(): boolean
  close(): Promise<void>
}

export type Channel = 'trilho_config' | 'trilho_inbox' | 'trilho_delivery' | 'trilho_job' | 'trilho_call'

type Role = 'trilho_app' | 'trilho_worker' | 'trilho_ingest' | 'trilho_owner'

export async function openDatabase(options: {
  url: string
  pool_size: number
  log: Log
  /** Shown to the other processes for as long as this one is there: see `listSigns`. */
  sign?: string
}): Promise<Database> {
  const { url, pool_size, log, sign } = options
  const open = (role: Role, max: number) => openPool({ url, role, max, log })
  const [app, worker] = [open('trilho_app', pool_size), open('trilho_worker', pool_size)]
  const [ingest, owner] = [open('trilho_ingest', 4), open('trilho_owner', 2)]
  const line = openLine({ url, process_id: randomUUID(), sign, send: app.pool, log })
  await line.ready
  return {
    app,
    worker,
    ingest,
    owner,
    listen: line.listen,
    notify: line.notify,
    tell: line.tell,
    listening: line.listening,
    close: async () => {
      await line.close()
      await Promise.all([app, worker, ingest, owner].map((db) => db.pool.end())) // Kysely's destroy ends no pool that it never used
    },
  }
}

/*
 * The worker's statements find every row by its key. Planned once while a day's partition was still empty, a join with
 * a batch became a sequential read of the whole day: 4.7 ms instead of 0.6 at 26,000 rows, and rising.
 */
const BY_KEY = '-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off'
/*
 * With that settled, the plan is the same whatever the values. Left to itself PostgreSQL makes it anew for each batch, since it believes
 * more of one whose lengths it knows: 0.7 of the 0.85 ms that settling one delivery took. Made while a queue was empty, it has to
 * serve a full one: see `seek`.
 */
const PLANNED_ONCE = '-c plan_cache_mode=force_generic_plan'
/** Whoever asks does not wait for ever, and a transaction that was forgotten holds its locks no longer than this. */
const BOUNDED = '-c statement_timeout=30s -c idle_in_transaction_session_timeout=60s'
const SETTINGS: Record<Role, string> = {
  trilho_app: BOUNDED,
  trilho_worker: `${BOUNDED} ${BY_KEY} ${PLANNED_ONCE}`,
  trilho_ingest: BOUNDED,
  trilho_owner: '', // a migration, a backup, a partition: as long as it takes
}
const CONNECT_TIMEOUT_MS = 10_000

function openPool(options: { url: string; role: Role; max: number; log: Log }): Db {
  const { url, role, max, log } = options
  // The role is a startup option, so it survives RESET ROLE and DISCARD ALL.
  const pool = new pg.Pool({
    connectionString: url,
    max,
    options: `-c role=${role} ${SETTINGS[role]}`,
    application_name: role,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
  })
  pool.on('error', (error) => {
    // While the pool ends, its last sockets may still be open when PostgreSQL goes.
    if (!pool.ending) log.warn({ crossing: 'database', role, err: error }, 'an idle connection was lost')
  })
  // One in use is told of by the statement that fails on it; with no listener its loss would end the process.
  pool.on('connect', (client) => client.on('error', () => {}))
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  return Object.assign(db, { pool })
}

/** Runs `work` in one transaction that sees this tenant alone. */
export function inTenant<T>(db: Database, tenant_id: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  return inTenants(db, [tenant_id], work)
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** As `inTenant`, for the batches that serve several tenants at once. */
export function inTenants<T>(db: Database, tenant_ids: string[], work: (tx: Tx) => Promise<T>): Promise<T> {
  for (const id of tenant_ids) {
    if (!UUID.test(id)) throw new Error('a tenant id must be a UUID') // it goes into the statement's text
  }
  return transact(db, db.app, `begin; set local trilho.tenants = '{${tenant_ids.join(',')}}'`, work)
}

/** One transaction of the worker, whose role sees every tenant's crossing. */
export function asWorker<T>(db: Database, work: (tx: Tx) => Promise<T>): Promise<T> {
  return transact(db, db.worker, 'begin', work)
}

const afterwards = new WeakMap<Tx, { channel: Channel; payload: string }[]>()

/** Notifies when this transaction has committed. A process that dies in between tells nobody: who waits also looks. */
export function notifyAfter(tx: Tx, channel: Channel, payload: string): void {
  afterwards.set(tx, [...(afterwards.get(tx) ?? []), { channel, payload }])
}

// `begin` and the setting travel together: one round trip, where Kysely's own transaction takes two.
function transact<T>(database: Database, db: Db, begin: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  return db.connection().execute(async (connection) => {
    const tx = connection as Tx
    await sql.raw(begin).execute(tx)
    try {
      const result = await work(tx)
      const changes = changesOf(tx)
      if (changes.length > 0) {
        await sql`select pg_notify('trilho_config', 'commit ' || c) from unnest(${changes}::text[]) c`.execute(
          tx,
        )
      }
      await sql.raw('commit').execute(tx).catch(orUnresolved)
      for (const change of changes) database.tell('trilho_config', change)
      for (const { channel, payload } of afterwards.get(tx) ?? []) database.notify(channel, payload)
      return result
    } catch (error) {
      await sql
        .raw('rollback')
        .execute(tx)
        .catch(() => {}) // the connection is gone, and the transaction with it
      throw error
    }
  })
}

/** A statement on a hot path: written out, prepared once per connection, committed by itself. */
export type Statement = { name: string; text: string }

export async function hot<Row extends object>(
  db: Db,
  statement: Statement,
  values: unknown[],
): Promise<Row[]> {
  const { name, text } = statement
  const { rows } = await db.pool.query<Row>({ name, text, values }).catch(orUnresolved)
  return rows
}

/** Whether an error is PostgreSQL going away rather than refusing what we asked. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = (error as Error & { code?: string }).code ?? ''
  return (
    /^(08|57P0)/.test(code) ||
    /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT)$/.test(code) ||
    /Connection terminated|timeout exceeded when trying to connect|not queryable/.test(error.message)
  )
}

/** SQLSTATE of the standard: transaction resolution unknown. */
const UNRESOLVED = '08007'

/** What was sent to be committed may be, when the connection is lost before PostgreSQL says so. */
function orUnresolved(error: unknown): never {
  const is_answer = error instanceof pg.DatabaseError
  if (is_answer || !isConnectionLoss(error) || isNeverSent(error as Error)) throw error
  throw Object.assign(new Error('the connection was lost at a commit', { cause: error }), {
    code: UNRESOLVED,
  })
}

const isNeverSent = (error: Error & { code?: string }): boolean =>
  error.code === 'ECONNREFUSED' || /trying to connect|not queryable/.test(error.message)

/** Whether PostgreSQL was not there, and surely did nothing of what it was asked: later the same goes through. */
export const isUndoneByLoss = (error: unknown): boolean =>
  isConnectionLoss(error) && (error instanceof pg.DatabaseError || isNeverSent(error as Error))

/** Whether nobody knows if what was asked of PostgreSQL took effect. */
export const isUnresolved = (error: unknown): boolean =>
  error instanceof Error && (error as Error & { code?: string }).code === UNRESOLVED

/** PostgreSQL's own code for what it refused, such as 23505 for a unique key. */
export const sqlState = (error: unknown): string | null =>
  error instanceof pg.DatabaseError ? (error.code ?? null) : null

/** Whether a statement was ended because its time was over, or by hand; its transaction is undone. */
export const isTimedOut = (error: unknown): boolean => sqlState(error) === '57014'

/** Whether PostgreSQL undid a transaction for the sake of another, in a deadlock or a conflict: the same again goes through. */
export const isUndone = (error: unknown): boolean => ['40P01', '40001'].includes(sqlState(error) ?? '')

export { byteas, int2s, int4s, int8s, texts, uuids } from './arrays.ts'
export { embeddedPaths, runningEmbedded, startEmbedded } from './embedded.ts'
export { seek, within } from './join.ts'
export { listSigns } from './line.ts'
export { forget, once, remember } from './memory.ts'
export { listRan, makeRolesOnly, makeSchema, migrate, whyUnknown } from './migrate.ts'
export { newest, reachedIn } from './newest.ts'
export {
  dropPartition,
  fillfactorOf,
  isCovered,
  makePartitions,
  partitionedTables,
  partitionsBefore,
} from './partitions.ts'
export { singleClient } from './single.ts'
