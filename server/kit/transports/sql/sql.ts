import type { Connected, Egress, EgressRequest, EgressResult } from '../../../platform/egress/egress.ts'
import { parseReply } from '../../replies.ts'
import { jsonAnswer } from '../answer.ts'
import type { Opened } from '../http.ts'
import type { Transport } from '../transport.ts'
import type { Engine, Place, Query, Rows } from './engine.ts'
import { type Lease, lease, leaseNew } from './sessions.ts'
import { bind, readValues, type Statement, type Statements } from './statement.ts'

/**
 * Databases, by statements that stand on the connection. `GET …/statements/{name}?params={json}` runs one that reads,
 * in a transaction that can change nothing; `POST …/statements/{name}` with the params as body one that writes. The
 * answer is `{ rows, row_count, truncated }`; `GET …/ping` only asks whether it is there. What the database refuses is a status as HTTP would have it.
 */
export const sql: Transport = { send }

export { Statements, statementFaults } from './statement.ts'

const ENGINES: Record<string, () => Promise<Engine>> = {
  'postgresql:': async () => (await import('./postgres.ts')).postgres,
  'mysql:': async () => (await import('./mysql.ts')).mysql,
}

async function send(egress: Egress, opened: Opened, request: EgressRequest): Promise<EgressResult> {
  const began = performance.now()
  const url = new URL(request.url)
  const engine = await (ENGINES[url.protocol] ?? unknownEngine)()
  const asked = readAsked(opened, url, request, engine)
  if ('status' in asked) return jsonAnswer(began, asked.status, { error: asked.error })
  const place = placeOf(opened, url, engine)
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

const unknownEngine = (): never => {
  throw new Error('the base URL of a database begins with postgresql: or mysql:')
}

type No = { status: number; error: string }

const PING: Statement = { text: 'select 1 as ok', kind: 'read' }

/** The statement that is named, with its values. */
function readAsked(opened: Opened, url: URL, request: EgressRequest, engine: Engine): Query | No {
  if (url.pathname.endsWith('/ping')) return toQuery(PING, {}, engine, request)
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
  return toQuery(statement, parseReply(Buffer.from(given)), engine, request)
}

const USUAL_ROWS = 1000

function toQuery(statement: Statement, given: unknown, engine: Engine, request: EgressRequest): Query | No {
  const { text, names } = bind(statement.text, engine.style)
  const read = readValues(names, statement.params ?? {}, given)
  if (!read.ok) return { status: 400, error: read.reason }
  const { timeout_ms, max_response_bytes } = request
  const max_rows = statement.max_rows ?? USUAL_ROWS
  return {
    text,
    values: read.values,
    kind: statement.kind,
    max_rows,
    max_bytes: max_response_bytes,
    timeout_ms,
  }
}

function placeOf({ settings, credentials }: Opened, url: URL, engine: Engine): Place {
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || engine.port),
    database: decodeURIComponent(url.pathname.split('/')[1] ?? ''),
    username: credentials['username'] ?? '',
    password: credentials['password'] ?? '',
    tls: settings['tls'] as Place['tls'],
    authority: credentials['authority'],
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
