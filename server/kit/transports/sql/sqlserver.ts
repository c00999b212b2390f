import type { Socket } from 'node:net'
import type { Connection, ConnectionConfiguration, Request } from 'tedious'
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
import { type Column, toParameter, toRow } from './sqlserver_values.ts'

/**
 * SQL Server and Azure SQL, by TDS. It knows no transaction that only reads, so what a read runs in is always rolled
 * back; of a write all is undone where any of it fails (`xact_abort`).
 */
export const sqlserver: Engine = { open, said }

type Tedious = typeof import('tedious')
type Linked = { tedious: Tedious; connection: Connection; socket: () => Socket }

async function open(dial: Dial, place: Place): Promise<Session> {
  const tedious = await clientOf('tedious', async () => (await import('tedious')).default as Tedious)
  let socket: Socket | undefined
  const connector = async () => {
    // Azure may name another address once we are let in; it is reached by the same guarded way.
    const { routingData } = connection as unknown as { routingData?: { server: string; port: number } }
    socket = await dial({ host: routingData?.server ?? place.host, port: routingData?.port ?? place.port })
    return socket
  }
  const connection = new tedious.Connection(configurationOf(place, connector))
  outlive(connection, new tedious.Request('', () => {}))
  connection.on('error', () => socket?.destroy()) // whoever runs a statement hears of it
  await new Promise<void>((resolve, reject) =>
    connection.connect((error) => (error ? reject(error) : resolve())),
  )
  const linked: Linked = { tedious, connection, socket: () => socket as Socket }
  return {
    run: (query, committing) => run(linked, query, committing),
    destroy: () => {
      connection.close()
      socket?.destroy()
    },
    hold: (is_held) => void (is_held ? socket?.ref() : socket?.unref()),
  }
}

/**
 * Where a socket ends while what it brought is still being read, the client (20.3) drops the request and at the end of
 * the answer calls it all the same, which would end the process: any server could do that to us. So there is always one.
 */
function outlive(connection: Connection, nobodys: Request): void {
  let request: unknown
  Object.defineProperty(connection, 'request', {
    get: () => request ?? nobodys,
    set: (next: unknown) => {
      request = next
    },
  })
}

function configurationOf(place: Place, connector: () => Promise<Socket>): ConnectionConfiguration {
  const { host, database, username, password, tls, authority } = place
  return {
    server: host,
    authentication: { type: 'default', options: { userName: username, password } },
    options: {
      connector,
      database,
      appName: 'trilho',
      encrypt: tls !== 'off',
      trustServerCertificate: tls === 'encrypt',
      ...(authority !== undefined && { cryptoCredentialsDetails: { ca: authority } }),
      abortTransactionOnError: true,
      connectTimeout: 120_000, // whoever asks has a deadline of its own, and ends the socket
      requestTimeout: 0,
      useUTC: true,
    },
  }
}

const step = (begin: (done: (error?: Error | null) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => begin((error) => (error ? reject(error) : resolve())))

async function run(linked: Linked, query: Query, committing: () => void): Promise<Rows> {
  const { connection, socket } = linked
  const parameters = query.values.map((value, at) =>
    toParameter(linked.tedious.TYPES, query.types[at], value),
  )
  const wrong = parameters.findIndex((parameter) => 'reason' in parameter)
  if (wrong >= 0) throw misfit(`params.${query.names[wrong]} ${Object(parameters[wrong]).reason}`)
  await step((done) => connection.beginTransaction(done))
  try {
    const rows = await rowsOf(linked, query, (request) => {
      for (const [at, parameter] of parameters.entries())
        if ('type' in parameter)
          request.addParameter(`p${at + 1}`, parameter.type, parameter.value, parameter.options)
    })
    if (rows.truncated && query.kind === 'read') return rows
    if (query.kind === 'read') await step((done) => connection.rollbackTransaction(done))
    else {
      committing()
      await step((done) => connection.commitTransaction(done))
    }
    return rows
  } catch (error) {
    // An error may have rolled back already; then there is nothing to roll back, which is as well.
    if (!socket().destroyed) await step((done) => connection.rollbackTransaction(() => done()))
    throw error
  }
}

function rowsOf(linked: Linked, query: Query, fill: (request: Request) => void): Promise<Rows> {
  const { tedious, connection, socket } = linked
  return new Promise((resolve, reject) => {
    const collected = collector(query.max_rows, query.max_bytes, () => {
      if (query.kind !== 'read') return
      socket().destroy()
      resolve(collected.result(0))
    })
    const request = new tedious.Request(query.text, (error, row_count) => {
      if (error) reject(error)
      else resolve(collected.result(row_count ?? 0))
    })
    fill(request)
    request.on('row', (columns: Column[]) => {
      const row = toRow(columns)
      if (typeof row === 'object') collected.take(row)
      else request.error ??= misfit(row)
    })
    connection.execSql(request)
  })
}

type No = Error & { said: Said }

const misfit = (message: string): No =>
  Object.assign(new Error(message), { said: { status: 400, code: 'misfit', message, ended: false } })

/** By the numbers of `sys.messages`; a severity of 20 and more ends the session. */
function said(error: unknown): Said | null {
  if (error instanceof AggregateError) return said(error.errors[0])
  if (error instanceof Error && 'said' in error) return (error as No).said
  const { code, message, number, class: severity = 0 } = error as { [key: string]: unknown }
  if (code === 'ELOGIN') return { status: 401, code, message: String(message), ended: true }
  if (code !== 'EREQUEST' || typeof number !== 'number') return null
  return {
    status: STATUSES[number] ?? (Number(severity) >= 17 ? 503 : 400),
    code: String(number),
    message: String(message),
    ended: Number(severity) >= 20,
  }
}

const STATUSES: Record<number, number> = {
  229: 403, // permission denied on an object
  230: 403, // on a column
  262: 403, // in a database
  515: 409, // null where none may be
  547: 409, // foreign key, check
  2601: 409, // unique index
  2627: 409, // primary or unique key
  1205: 503, // chosen as the victim of a deadlock
  1222: 503, // waited too long for a lock
  3960: 503, // snapshot conflict
  10928: 503, // Azure: no resources left
  10929: 503,
  40501: 503, // Azure: busy
  40613: 503, // Azure: the database is away
}
