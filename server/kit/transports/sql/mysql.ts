import { type Connection, createConnection, type ResultSetHeader } from 'mysql2'
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

/** MySQL and MariaDB. */
export const mysql: Engine = { open, said }

async function open(dial: Dial, place: Place): Promise<Session> {
  const socket = await dial(place)
  const { host, database, username, password } = place
  const connection = createConnection({
    stream: socket,
    host,
    database,
    user: username,
    password,
    ...(place.tls !== 'off' && { ssl: sslOf(place) }),
    charset: 'utf8mb4',
    timezone: 'Z',
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    multipleStatements: false,
    enableKeepAlive: false,
  })
  return new Promise((resolve, reject) => {
    connection.on('error', reject) // later: whoever runs a statement hears of it
    connection.connect((error) => {
      if (error) reject(error)
      else
        resolve({
          run: (query, committing) => run(connection, query, committing),
          destroy: () => connection.destroy(),
          hold: (is_held) => void (is_held ? socket.ref() : socket.unref()),
        })
    })
  })
}

const sslOf = ({ tls, authority, host }: Place) => ({
  rejectUnauthorized: tls === 'verify',
  verifyIdentity: tls === 'verify',
  servername: host,
  ...(authority !== undefined && { ca: authority }),
})

const command = (connection: Connection, text: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    connection.query(text, (error, result) => (error ? reject(error) : resolve(result)))
  })

async function run(connection: Connection, query: Query, committing: () => void): Promise<Rows> {
  const { kind } = query
  await command(connection, kind === 'read' ? 'start transaction read only' : 'start transaction')
  try {
    const rows = await rowsOf(connection, query)
    if (rows.truncated && kind === 'read') return rows
    committing()
    await command(connection, 'commit')
    return rows
  } catch (error) {
    if (said(error)) await command(connection, 'rollback').catch(() => connection.destroy())
    throw error
  }
}

function rowsOf(connection: Connection, query: Query): Promise<Rows> {
  const { text, values, max_rows, max_bytes, kind } = query
  const { promise, resolve, reject } = Promise.withResolvers<Rows>()
  let affected = 0
  let seen = 0
  const collected = collector(max_rows, max_bytes, () => {
    if (kind !== 'read') return
    connection.destroy()
    resolve(collected.result(0))
  })
  connection.once('error', reject) // a statement does not hear that its session ended
  const running = connection.execute(text, values)
  running.on('result', (row) => {
    if ('affectedRows' in row && 'serverStatus' in row)
      affected = (row as unknown as ResultSetHeader).affectedRows
    else {
      seen += 1
      collected.take(plain(row as Record<string, unknown>))
    }
  })
  running.on('end', () => resolve(collected.result(seen || affected)))
  running.on('error', reject)
  return promise.finally(() => connection.off('error', reject))
}

const plain = (row: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      Buffer.isBuffer(value) ? value.toString('base64') : value,
    ]),
  )

/** By SQLSTATE, as the server sends it with each of its errors; 1205 and 1213 are waits for locks that were given up, 1044 and 114x what this user may not touch. */
function said(error: unknown): Said | null {
  const { errno, code, sqlState, sqlMessage, fatal } = error as Record<string, unknown>
  if (typeof sqlState !== 'string' || typeof sqlMessage !== 'string') return null
  const status = statusOf(Number(errno), sqlState)
  return { status, code: String(code), message: sqlMessage, ended: fatal === true }
}

function statusOf(errno: number, state: string): number {
  if (errno === 1205 || state.startsWith('40') || errno === 1040) return 503
  if (state.startsWith('28')) return 401
  if (errno === 1044 || errno === 1142 || errno === 1143) return 403
  return state.startsWith('23') ? 409 : 400
}
