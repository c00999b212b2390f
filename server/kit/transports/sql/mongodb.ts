import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { Document, MongoClientOptions } from 'mongodb'
import { clientOf } from '../../clients.ts'
import {
  collector,
  type Dial,
  type Engine,
  type Place,
  type Query,
  type Rows,
  type Said,
  type Session,
} from './engine.ts'
import { fill } from './mongo_command.ts'
import { plain } from './mongo_rows.ts'
import { secured } from './tls.ts'

/**
 * MongoDB, by single connections of its own client. The whole client would find the members of a replica set and open
 * sockets to them by itself; here the one that writes is asked for, and reached by the guarded way like any other.
 */
export const mongodb: Engine = { open, said }

type Mongo = typeof import('mongodb')
/** What we use of the client's own connection, which its types leave out. */
type Link = {
  hello: Document
  closed: boolean
  command(namespace: { db: string }, command: Document, options: Document): Promise<Document>
  destroy(): void
}
type Unlisted = { MongoClientAuthProviders: new () => object }
type Linked = { link: Link; socket: Socket; mongo: Mongo; database: string }

async function open(dial: Dial, place: Place): Promise<Session> {
  const mongo = await clientOf('mongodb', () => import('mongodb'))
  let linked = await connect(mongo, dial, place)
  const { isWritablePrimary, primary } = linked.link.hello
  const elsewhere = isWritablePrimary === true ? null : hostOf(primary)
  if (elsewhere) {
    linked.link.destroy()
    linked = await connect(mongo, dial, { ...place, ...elsewhere })
  }
  const { link, socket } = linked
  return {
    run: (query, committing) => run(linked, query, committing),
    destroy: () => link.destroy(),
    hold: (is_held) => void (is_held ? socket.ref() : socket.unref()),
  }
}

/** Of a member, as a replica set names it: `host:port`. */
function hostOf(member: unknown): { host: string; port: number } | null {
  const [, host = '', port = ''] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(String(member ?? '')) ?? []
  return host === '' ? null : { host, port: Number(port) }
}

async function connect(mongo: Mongo, dial: Dial, place: Place): Promise<Linked> {
  const { host, port, username, password, auth_database, database } = place
  const socket = await secured(await dial({ host, port }), host, place)
  const options: MongoClientOptions = {
    directConnection: true,
    appName: 'trilho',
    auth: { username, password },
    authSource: auth_database,
  }
  const name = host.includes(':') ? `[${host}]` : host
  const client = new mongo.MongoClient(`mongodb://${name}:${port}`, options) // it only reads the options
  const link = await linkBy({
    ...client.options,
    hostAddress: client.options.hosts[0],
    authProviders: new (mongo as unknown as Unlisted).MongoClientAuthProviders(),
    existingSocket: socket,
    id: 1,
    generation: 0,
  })
  return { link, socket, mongo, database }
}

function linkBy(options: Document): Promise<Link> {
  const inner: unknown = createRequire(import.meta.url)('mongodb/lib/cmap/connect.js')
  return (inner as { connect(options: Document): Promise<Link> }).connect(options)
}

/** As they are read: what a double would not hold stays an object, which `plain` makes text. */
const READ_AS = { promoteLongs: false, promoteValues: true, promoteBuffers: true, directConnection: true }

const ask = ({ link, database }: Linked, command: Document): Promise<Document> =>
  link.command({ db: database }, command, READ_AS)

async function run(linked: Linked, query: Query, committing: () => void): Promise<Rows> {
  if (linked.link.closed) throw new Error('the connection was closed')
  const maxTimeMS = Math.max(1, Math.floor(query.timeout_ms))
  const command = { ...commandOf(linked.mongo, query), maxTimeMS }
  if (query.kind === 'read') return readBy(linked, command, query)
  await ask(linked, { ping: 1 }) // what fails here has done nothing
  committing()
  return written(await ask(linked, withCursor(command, {})))
}

function commandOf({ BSON }: Mongo, query: Query): Document {
  const filled = fill(query.text, query)
  if ('reason' in filled) throw no({ status: 400, code: 'BadValue', message: filled.reason, ended: false })
  try {
    return BSON.EJSON.parse(JSON.stringify(filled.command), { relaxed: false }) as Document
  } catch (error) {
    // A place inside of `$oid` and the like, with a value that is none.
    const message = error instanceof Error ? error.message : 'a value does not fit'
    throw no({ status: 400, code: 'BadValue', message, ended: false })
  }
}

const withCursor = (command: Document, cursor: object): Document =>
  'aggregate' in command ? { ...command, cursor } : command

const MOST_AT_ONCE = 1000

async function readBy(linked: Linked, command: Document, { max_rows, max_bytes }: Query): Promise<Rows> {
  const collected = collector(max_rows, max_bytes, () => {})
  const batchSize = Math.min(max_rows + 1, MOST_AT_ONCE)
  const first = 'find' in command ? { ...command, batchSize } : withCursor(command, { batchSize })
  let reply = await ask(linked, first)
  if (!reply['cursor']) return withoutCursor(reply, collected)
  for (;;) {
    const { id, ns, firstBatch, nextBatch } = reply['cursor']
    for (const row of (firstBatch ?? nextBatch) as Document[]) collected.take(plain(row))
    const collection = String(ns).slice(linked.database.length + 1)
    if (String(id) === '0') return collected.result(0)
    if (collected.isFull()) {
      await ask(linked, { killCursors: collection, cursors: [id] })
      return collected.result(0)
    }
    reply = await ask(linked, { getMore: id, collection, batchSize })
  }
}

/** Of `count`, `distinct` and `ping`. */
function withoutCursor(reply: Document, collected: ReturnType<typeof collector>): Rows {
  const { n, values } = reply
  for (const value of Array.isArray(values) ? values : []) collected.take(plain({ value }))
  if (n !== undefined) collected.take(plain({ n }))
  return collected.result(0)
}

/** Of a write that was answered; throws what the server says no to, and what it did not confirm. */
function written(reply: Document): Rows {
  const { n = 0, writeErrors, writeConcernError, upserted, value, lastErrorObject } = reply
  const [wrong] = Array.isArray(writeErrors) ? writeErrors : []
  if (wrong) {
    const before = n > 0 ? ` (${n} written before it)` : ''
    const message = `${wrong.errmsg}${before}`
    const status = statusOf(wrong.code)
    throw no({
      status: n > 0 && status === 503 ? 409 : status, // 503 says that nothing was done, and is tried again
      code: String(wrong.code),
      message,
      ended: ENDING.has(wrong.code),
    })
  }
  if (writeConcernError) throw new Error(`the write was not confirmed: ${writeConcernError.errmsg}`)
  const found: Document[] = value ? [value] : (upserted ?? []).map(({ _id }: Document) => ({ _id }))
  return { rows: found.map(plain), row_count: Number(lastErrorObject?.n ?? n), truncated: false }
}

type No = Error & { said: Said }

const no = (said: Said): No => Object.assign(new Error(said.message), { said })

/** By the numbers of MongoDB's `error_codes.yml`. */
function said(error: unknown): Said | null {
  if (error instanceof Error && 'said' in error) return (error as No).said
  const { name, code, codeName, message } = error as Record<string, unknown>
  if (name !== 'MongoServerError' || typeof code !== 'number') return null
  return {
    status: statusOf(code),
    code: String(codeName ?? code),
    message: String(message),
    ended: ENDING.has(code),
  }
}

const statusOf = (code: number): number => STATUSES[code] ?? (ENDING.has(code) ? 503 : 400)

const STATUSES: Record<number, number> = {
  13: 403, // Unauthorized
  18: 401, // AuthenticationFailed
  8000: 401, // Atlas's word for it
  24: 503, // LockTimeout
  112: 503, // WriteConflict
  121: 409, // DocumentValidationFailure
  11000: 409, // DuplicateKey
}

/**
 * It was stopped on its way (a limit of time, a shutdown, another primary): a write may have been done in part. Another
 * session may have better luck.
 */
const ENDING = new Set([6, 7, 50, 89, 91, 189, 262, 9001, 10_058, 10_107, 11_600, 11_602, 13_435, 13_436])
