import type { Socket } from 'node:net'
import pg from 'pg'
import { readJson } from '../../wire_json.ts'
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

/** PostgreSQL, by the client that the product itself uses. */
export const postgres: Engine = { open, said }

async function open(dial: Dial, place: Place): Promise<Session> {
  const socket = await dial(place)
  const { host, port, database, username, password } = place
  const client = new pg.Client({
    host,
    port,
    database,
    user: username,
    password,
    application_name: 'trilho',
    stream: () => connected(socket),
    ssl: sslOf(place),
    types: { getTypeParser: parserOf },
  })
  client.on('error', () => socket.destroy()) // whoever runs a statement hears of it
  await client.connect()
  return {
    run: (query, committing) => run(client, socket, query, committing),
    destroy: () => void socket.destroy(),
    hold: (is_held) => void (is_held ? socket.ref() : socket.unref()),
  }
}

/** The client wants to connect by itself; this one is connected already, by the guarded way. */
function connected(socket: Socket): Socket {
  socket.connect = () => {
    setImmediate(() => socket.emit('connect'))
    return socket
  }
  return socket
}

function sslOf({ tls, authority, host }: Place) {
  if (tls === 'off') return false
  return {
    rejectUnauthorized: tls === 'verify',
    servername: host,
    ...(authority !== undefined && { ca: authority }),
  }
}

async function run(client: pg.Client, socket: Socket, query: Query, committing: () => void): Promise<Rows> {
  const { kind, timeout_ms } = query
  await client.query(kind === 'read' ? 'begin transaction read only' : 'begin')
  await client.query(`set local statement_timeout = ${Math.max(1, Math.floor(timeout_ms))}`)
  try {
    const rows = await rowsOf(client, socket, query)
    if (rows.truncated && kind === 'read') return rows
    committing()
    await client.query('commit')
    return rows
  } catch (error) {
    if (!socket.destroyed) await client.query('rollback')
    throw error
  }
}

function rowsOf(client: pg.Client, socket: Socket, query: Query): Promise<Rows> {
  const { text, values, max_rows, max_bytes } = query
  return new Promise((resolve, reject) => {
    // A read is cut off where it gives too much; a write is not, since its commit is still to come.
    const collected = collector(max_rows, max_bytes, () => {
      if (query.kind === 'read') socket.destroy()
    })
    // The extended protocol takes one statement, however many the text holds.
    const submitted = new pg.Query({ text, values, queryMode: 'extended' } as pg.QueryConfig)
    submitted.on('row', collected.take)
    submitted.on('end', ({ rowCount }) => resolve(collected.result(rowCount ?? 0)))
    submitted.on('error', (error) => {
      if (collected.isFull() && query.kind === 'read') resolve(collected.result(0))
      else reject(error)
    })
    client.query(submitted)
  })
}

/** In UTC, with the microseconds that a Date has no place for; what it cannot hold stays as it came. */
function toInstant(text: string): string {
  const at = new Date(text)
  if (Number.isNaN(at.getTime())) return text
  const fraction = /\.(\d{4,6})/.exec(text)?.[1]
  return fraction === undefined ? at.toISOString() : at.toISOString().replace(/\d{3}Z$/, `${fraction}Z`)
}

const { builtins } = pg.types
const BY_TYPE = new Map<number, (text: string) => unknown>([
  [builtins.BOOL, (text) => text === 't'],
  [builtins.INT2, Number],
  [builtins.INT4, Number],
  [builtins.FLOAT4, Number],
  [builtins.FLOAT8, Number],
  [builtins.JSON, readJson],
  [builtins.JSONB, readJson],
  [builtins.BYTEA, (text) => Buffer.from(text.slice(2), 'hex').toString('base64')],
  [builtins.TIMESTAMPTZ, toInstant],
])

/** What a double would not hold exactly (int8, numeric) stays text, and so does what JSON has no word for. */
const parserOf = (type: number): ((text: string) => unknown) => BY_TYPE.get(type) ?? ((text) => text)

/** By SQLSTATE classes (PostgreSQL's appendix A): 23 a constraint, 28 and 42501 who we are, 40, 53 and 57 not now, 57P it goes. */
function said(error: unknown): Said | null {
  const { code, message, severity } = error as { code?: unknown; message?: unknown; severity?: unknown }
  if (severity === undefined || typeof code !== 'string' || typeof message !== 'string') return null
  return { status: statusOf(code), code, message, ended: code.startsWith('57P') }
}

const STATUSES: Record<string, number> = { '28': 401, '23': 409, '40': 503, '53': 503, '57': 503 }

const statusOf = (code: string): number => (code === '42501' ? 403 : (STATUSES[code.slice(0, 2)] ?? 400))
