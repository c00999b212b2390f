import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { Dial } from './engine.ts'

/** What we use of `oracledb`, which brings no types. */
export type Oracle = {
  OUT_FORMAT_OBJECT: number
  STRING: unknown
  BUFFER: unknown
  DB_TYPE_DATE: unknown
  DB_TYPE_TIMESTAMP: unknown
  DB_TYPE_TIMESTAMP_TZ: unknown
  DB_TYPE_TIMESTAMP_LTZ: unknown
  DB_TYPE_NUMBER: unknown
  DB_TYPE_CLOB: unknown
  DB_TYPE_NCLOB: unknown
  DB_TYPE_BLOB: unknown
  DB_TYPE_RAW: unknown
  DB_TYPE_VARCHAR: unknown
  getConnection(options: object): Promise<OracleConnection>
}

export type OracleConnection = {
  callTimeout: number
  execute(text: string, values?: unknown[], options?: object): Promise<Executed>
  commit(): Promise<void>
  rollback(): Promise<void>
}

type Executed = {
  rowsAffected?: number
  resultSet?: { getRows(most: number): Promise<Record<string, unknown>[]>; close(): Promise<void> }
}

type Adapter = { stream: Socket; connected: boolean }
type Address = { host: string; port?: number | string }
type Way = { dial: Dial; socket?: Socket; refused?: unknown }

const ways = new AsyncLocalStorage<Way>()
const load = createRequire(import.meta.url)

let client: Oracle | undefined

/**
 * The client opens its sockets by itself, and goes where a listener redirects it, with no way to be handed one. So the
 * one function by which it opens them is put in place: outside of `guarded` no connection is made.
 */
export async function oracleOf(): Promise<Oracle> {
  if (client) return client
  const loaded = load('oracledb') as Oracle
  const { prototype } = load('oracledb/lib/thin/sqlnet/ntTcp.js') as { prototype: { ntConnect?: unknown } }
  if (typeof prototype.ntConnect !== 'function')
    throw new Error('this version of oracledb is not known: npm install oracledb@26')
  prototype.ntConnect = openBy
  client = loaded
  return client
}

async function openBy(this: Adapter, { host, port }: Address): Promise<void> {
  const way = ways.getStore()
  if (!way) throw new Error('a connection to Oracle is opened by its engine alone')
  try {
    this.stream = await way.dial({ host, port: Number(port ?? 1521) })
    this.connected = true
    way.socket = this.stream
  } catch (error) {
    way.refused = error
    throw error instanceof Error ? error : new Error(String(Object(error).message))
  }
}

/** Throws what the guard said, where it refused. */
export async function guarded(
  dial: Dial,
  begin: () => Promise<OracleConnection>,
): Promise<{ connection: OracleConnection; socket(): Socket | undefined }> {
  const way: Way = { dial }
  try {
    const connection = await ways.run(way, begin)
    return { connection, socket: () => way.socket }
  } catch (error) {
    throw way.refused ?? error
  }
}
