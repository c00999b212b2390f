import type { Socket } from 'node:net'
import type {
  Connected,
  Egress,
  EgressRequest,
  EgressResult,
  Server,
} from '../../../platform/egress/egress.ts'
import type { FieldError } from '../../../platform/errors.ts'
import { isMissing } from '../../clients.ts'
import { parseReply } from '../../replies.ts'
import { rawMember } from '../../wire_json.ts'
import { jsonAnswer } from '../answer.ts'
import { beginMysql, beginPostgres } from '../begin_tls.ts'
import { baseUrl, type Opened } from '../http.ts'
import type { Transport } from '../transport.ts'
import type { Engine, Place, Query, Rows } from './engine.ts'
import { mongoGrammar } from './mongo_command.ts'
import { type Lease, lease, leaseNew } from './sessions.ts'
import {
  bind,
  type Grammar,
  readValues,
  type Statement,
  Statements,
  type Style,
  statementFaultsIn,
} from './statement.ts'

/**
 * Databases, by statements that stand on the connection. `GET …/statements/{name}?params={json}` runs one that reads,
 * in a transaction that can change nothing; `POST …/statements/{name}` with the params as body one that writes. The
 * answer is `{ rows, row_count, truncated }`; `GET …/ping` only asks whether it is there. What the database refuses is a status as HTTP would have it.
 */
export const sql: Transport = { send, servers }

export { Statements }

type Kind = {
  grammar: Grammar
  /** Of those who name none. */
  port: number
  /** How its TLS begins; null where it does so by itself, absent where inside of its own frames. */
  begin?: ((socket: Socket) => Promise<void>) | null
  engine(): Promise<Engine>
}

const inStyle = (style: Style, ping = 'select 1 as ok'): Grammar => ({
  bind: (text) => bind(text, style),
  ping,
})

/** A read is undone by a rollback, which it must not get ahead of. */
function faultOfRead({ text, kind }: Statement): string | null {
  const outside = text.replace(/'(?:[^']|'')*'|--[^\n]*/g, '')
  const ends = kind === 'read' && /\b(commit|rollback|begin\s+tran\w*)\b/i.exec(outside)
  return ends ? `must not hold ${ends[0]}, since it is a read` : null
}

/** In Oracle whatever defines something commits what went before, a transaction that only reads too. */
const faultOfQuery = ({ text, kind }: Statement): string | null =>
  kind === 'read' && !/^\s*(select|with)\b/i.test(text)
    ? 'must begin with select or with, since it is a read'
    : null

/** By the scheme of the base URL. Each client is loaded by the first call that needs it. */
const KINDS: Record<string, Kind> = {
  'postgresql:': {
    grammar: inStyle('numbered'),
    port: 5432,
    begin: beginPostgres,
    engine: async () => (await import('./postgres.ts')).postgres,
  },
  'mysql:': {
    grammar: inStyle('question'),
    port: 3306,
    begin: beginMysql,
    engine: async () => (await import('./mysql.ts')).mysql,
  },
  'sqlserver:': {
    grammar: { ...inStyle('at'), fault: faultOfRead },
    port: 1433,
    engine: async () => (await import('./sqlserver.ts')).sqlserver,
  },
  'oracle:': {
    grammar: { ...inStyle('colon', 'select 1 as ok from dual'), fault: faultOfQuery },
    port: 1521,
    begin: null,
    engine: async () => (await import('./oracle.ts')).oracle,
  },
  'mongodb:': {
    grammar: mongoGrammar,
    port: 27_017,
    begin: null,
    engine: async () => (await import('./mongodb.ts')).mongodb,
  },
}

function servers(opened: Opened): Server[] {
  const url = new URL(baseUrl(opened))
  const { begin, port } = KINDS[url.protocol] ?? unknownKind()
  const { settings, credentials } = opened
  const is_seen = begin !== undefined && settings['tls'] !== 'off'
  const tls = is_seen ? { authority: credentials['authority'], begin: begin ?? undefined } : null
  return [{ host: url.hostname, port: Number(url.port || port), tls }]
}

/** What is wrong with the statements of a connection whose settings have the right shape. */
export function statementFaults(settings: Readonly<Record<string, unknown>>): FieldError[] {
  const kind = KINDS[URL.parse(String(settings['base_url']))?.protocol ?? '']
  return kind ? statementFaultsIn(kind.grammar, settings['statements'] as Statements) : []
}

async function send(egress: Egress, opened: Opened, request: EgressRequest): Promise<EgressResult> {
  const began = performance.now()
  const url = new URL(request.url)
  const { grammar, port, engine: load } = KINDS[url.protocol] ?? unknownKind()
  const asked = readAsked(opened, url, request, grammar)
  if ('status' in asked) return jsonAnswer(began, asked.status, { error: asked.error })
  const engine = await load()
  const place = placeOf(opened, url, port)
  let committing = false
  const deadline = deadlineOf(request)
  try {
    const work = perform({ egress, engine, place, query: asked, deadline }, () => {
      committing = true
    })
    return jsonAnswer(began, 200, await Promise.race([work, deadline.passed]))
  } catch (error) {
    return failed(error, { began, engine, sent: committing, host: url.host })
  } finally {
    deadline.end()
  }
}

const unknownKind = (): never => {
  throw new Error(`the base URL of a database begins with one of ${Object.keys(KINDS).join(', ')}`)
}

type No = { status: number; error: string }

/** The statement that is named, with its values. */
function readAsked(opened: Opened, url: URL, request: EgressRequest, grammar: Grammar): Query | No {
  if (url.pathname.endsWith('/ping'))
    return toQuery({ text: grammar.ping, kind: 'read' }, '{}', grammar, request)
  const name = /\/statements\/([^/]+)$/.exec(url.pathname)?.[1] ?? ''
  const statements = (opened.settings['statements'] ?? {}) as unknown as Statements
  const statement = Object.hasOwn(statements, name) ? statements[name] : undefined
  if (!statement) {
    const known = Object.keys(statements).join(', ') || 'none'
    return { status: 404, error: `this connection has no statement ${name}; it has ${known}` }
  }
  const wanted = statement.kind === 'read' ? 'GET' : 'POST'
  if (request.method !== wanted)
    return { status: 405, error: `${name} is a ${statement.kind}: it is asked by ${wanted}` }
  const given = wanted === 'GET' ? (url.searchParams.get('params') ?? '{}') : (request.body ?? '{}')
  return toQuery(statement, Buffer.from(given).toString(), grammar, request)
}

const USUAL_ROWS = 1000

function toQuery(statement: Statement, given: string, grammar: Grammar, request: EgressRequest): Query | No {
  const { text, names } = grammar.bind(statement.text)
  const params = statement.params ?? {}
  const read = readValues(names, params, parseReply(Buffer.from(given)))
  if (!read.ok) return { status: 400, error: read.reason }
  const types = names.map((name) => params[name] ?? 'text')
  const { timeout_ms, max_response_bytes } = request
  const max_rows = statement.max_rows ?? USUAL_ROWS
  return {
    text,
    values: read.values.map((value, at) =>
      value !== null && types[at] === 'json' ? rawMember(given, names[at] ?? '') : value,
    ),
    names,
    types,
    kind: statement.kind,
    max_rows,
    max_bytes: max_response_bytes,
    timeout_ms,
  }
}

function placeOf({ settings, credentials }: Opened, url: URL, port: number): Place {
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || port),
    database: decodeURIComponent(url.pathname.split('/')[1] ?? ''),
    username: credentials['username'] ?? '',
    password: credentials['password'] ?? '',
    tls: settings['tls'] as Place['tls'],
    authority: credentials['authority'],
    auth_database: String(settings['auth_database'] ?? 'admin'),
  }
}

type Work = { egress: Egress; engine: Engine; place: Place; query: Query; deadline: Deadline }

/** One that was idle may have been ended by the other side without a word; then a new one is opened, once. */
async function perform(work: Work, committing: () => void): Promise<Rows> {
  const { engine, query } = work
  let began = false
  const note = () => {
    began = true
    committing()
  }
  const opening = { ...work, timeout_ms: query.timeout_ms, signal: work.deadline.signal }
  const first = await lease(opening)
  try {
    return await runOn(first, work, note)
  } catch (error) {
    const said = engine.said(error)
    if (first.fresh || began || (said && !said.ended) || work.deadline.signal.aborted) throw error
    return await runOn(await leaseNew(opening), work, note)
  }
}

async function runOn(
  leased: Lease,
  { query, engine, deadline }: Work,
  committing: () => void,
): Promise<Rows> {
  const { session } = leased
  const destroy = () => session.destroy()
  deadline.signal.addEventListener('abort', destroy, { once: true })
  try {
    const rows = await session.run(query, committing)
    if (rows.truncated) session.destroy()
    else leased.giveBack()
    return rows
  } catch (error) {
    if (engine.said(error)?.ended === false) leased.giveBack()
    else session.destroy()
    throw error
  } finally {
    deadline.signal.removeEventListener('abort', destroy)
  }
}

type Deadline = { passed: Promise<never>; signal: AbortSignal; end(): void }

/** Fires when the time is over, or the caller hung up. */
function deadlineOf({ timeout_ms, signal }: EgressRequest): Deadline {
  const over = new AbortController()
  let end = () => {}
  const passed = new Promise<never>((_resolve, reject) => {
    const stop = (code: 'timeout' | 'aborted', message: string) => () => {
      over.abort()
      reject(Object.assign(new Error(message), { stopped: code }))
    }
    const timer = setTimeout(stop('timeout', `no answer within ${timeout_ms} ms`), timeout_ms)
    const hung_up = stop('aborted', 'the request was cancelled')
    if (signal?.aborted) hung_up()
    signal?.addEventListener('abort', hung_up, { once: true })
    end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', hung_up)
    }
  })
  passed.catch(() => {}) // nobody may be waiting for it
  return { passed, signal: over.signal, end: () => end() }
}

type Trouble = { began: number; engine: Engine; sent: boolean; host: string }

function failed(error: unknown, { began, engine, sent, host }: Trouble): EgressResult {
  if (isMissing(error)) return jsonAnswer(began, 501, { error: error.message, code: 'client_missing' })
  const said = engine.said(error)
  if (said && !(sent && said.ended)) {
    const { status, code, message } = said
    // Refused before the commit: nothing was done, and it may be tried again at once.
    return jsonAnswer(began, status, { error: message, code }, status === 503 ? { 'retry-after': '0' } : {})
  }
  const total_ms = performance.now() - began
  const refused = error as Partial<Extract<Connected, { kind: 'error' }>> & {
    stopped?: 'timeout' | 'aborted'
  }
  if (refused.kind === 'error' && refused.code) {
    return { kind: 'error', code: refused.code, sent: false, message: String(refused.message), total_ms }
  }
  const message = refused.message ?? 'the connection was lost'
  return { kind: 'error', code: refused.stopped ?? 'reset', sent, message: `${host}: ${message}`, total_ms }
}
