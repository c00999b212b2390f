import type { Socket } from 'node:net'
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
import { guarded, type Oracle, type OracleConnection, oracleOf } from './oracle_client.ts'
import { bindsOf, readerOf } from './oracle_values.ts'

/** Oracle Database 12.1 and later, by the half of its client that is written in JavaScript ("thin"). */
export const oracle: Engine = { open, said }

type Linked = { oracle: Oracle; connection: OracleConnection; socket(): Socket | undefined }

async function open(dial: Dial, place: Place): Promise<Session> {
  const oracle = await clientOf('oracledb', oracleOf)
  const { connection, socket } = await guarded(dial, () =>
    oracle.getConnection({
      user: place.username,
      password: place.password,
      connectString: descriptorOf(place),
      ...(place.authority !== undefined && { walletContent: place.authority }),
    }),
  )
  const linked: Linked = { oracle, connection, socket }
  // What is bound as text is read the same whatever the country of the server.
  await connection.execute("alter session set nls_numeric_characters = '.,' time_zone = '+00:00'")
  return {
    run: (query, committing) => run(linked, query, committing),
    destroy: () => void socket()?.destroy(),
    hold: (is_held) => void (is_held ? socket()?.ref() : socket()?.unref()),
  }
}

/** Nothing of the base URL may become a part of its grammar, which knows proxies and files of keys too. */
function descriptorOf({ host, port, database, tls }: Place): string {
  if (!/^[\w.:-]+$/.test(host) || !/^[\w.$#-]+$/.test(database))
    throw misfit('base_url must hold a host and a service name of letters, digits, dots, dashes, _, $ and #')
  if (tls === 'encrypt')
    throw misfit('the client of Oracle trusts no certificate unseen: tls must be verify or off')
  const address = `(PROTOCOL=${tls === 'off' ? 'tcp' : 'tcps'})(HOST=${host})(PORT=${port})`
  return `(DESCRIPTION=(ADDRESS=${address})(CONNECT_DATA=(SERVICE_NAME=${database})))`
}

async function run(linked: Linked, query: Query, committing: () => void): Promise<Rows> {
  const { connection, socket } = linked
  const binds = bindsOf(linked.oracle, query)
  if ('reason' in binds) throw misfit(binds.reason)
  connection.callTimeout = Math.ceil(query.timeout_ms) + 1_000 // whoever asks has a deadline of its own, and says so
  if (query.kind === 'read') await connection.execute('set transaction read only')
  try {
    const rows = await rowsOf(linked, query, binds.values)
    if (query.kind === 'read') await connection.rollback()
    else {
      committing()
      await connection.commit()
    }
    return rows
  } catch (error) {
    if (!socket()?.destroyed) await connection.rollback().catch(() => socket()?.destroy())
    throw error
  }
}

const AT_ONCE = 100

async function rowsOf(linked: Linked, query: Query, values: unknown[]): Promise<Rows> {
  const { oracle, connection } = linked
  const collected = collector(query.max_rows, query.max_bytes, () => {})
  const { resultSet, rowsAffected } = await connection.execute(query.text, values, {
    resultSet: true,
    outFormat: oracle.OUT_FORMAT_OBJECT,
    fetchArraySize: AT_ONCE,
    fetchTypeHandler: readerOf(oracle),
  })
  if (!resultSet) return collected.result(rowsAffected ?? 0)
  try {
    for (;;) {
      const rows = await resultSet.getRows(AT_ONCE)
      for (const row of rows) collected.take(row)
      if (rows.length < AT_ONCE || collected.isFull()) return collected.result(0)
    }
  } finally {
    await resultSet.close()
  }
}

type No = Error & { said: Said }

const misfit = (message: string): No =>
  Object.assign(new Error(message), { said: { status: 400, code: 'misfit', message, ended: false } })

/** By the numbers of Oracle's error messages (ORA-); what the client says of the way (NJS-) is trouble. */
function said(error: unknown): Said | null {
  if (error instanceof Error && 'said' in error) return (error as No).said
  const { code, errorNum, message } = error as { [key: string]: unknown }
  if (typeof code !== 'string' || typeof errorNum !== 'number' || !code.startsWith('ORA-')) return null
  const ended = ENDING.has(errorNum)
  const status = STATUSES[errorNum] ?? (ended ? 503 : 400)
  return { status, code, message: String(message), ended }
}

const ENDING = new Set([28, 600, 1012, 1033, 1034, 1089, 1092, 2396, 3113, 3114, 3135])

const STATUSES: Record<number, number> = {
  1017: 401, // user or password
  1045: 401, // may not log in
  28000: 401, // locked
  28001: 401, // expired
  1031: 403, // privileges
  1: 409, // unique
  1400: 409, // null where none may be
  2290: 409, // check
  2291: 409, // foreign key
  2292: 409,
  54: 503, // locked by another
  60: 503, // deadlock
  8177: 503, // cannot serialize
  12516: 503, // no handler free
  12519: 503,
  12520: 503,
}
