import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest, onSendHookHandler, preHandlerHookHandler } from 'fastify'
import type { App } from '../modules/app.ts'
import {
  type Answer,
  type Attempted,
  beginOnce,
  type Claim,
  finishOnce,
  forgetOnce,
  loseOnce,
} from '../modules/tenants/tenants.ts'
import { isUnresolved } from '../platform/database/database.ts'
import { Problem } from '../platform/errors.ts'

export type Idempotency = { begin: preHandlerHookHandler; end: onSendHookHandler }

const CHANGES = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])
/** Headers that belong to one exchange and not to the answer. */
const PASSING = new Set([
  'connection',
  'content-length',
  'date',
  'ratelimit',
  'ratelimit-policy',
  'request-id',
  'set-cookie',
  'transfer-encoding',
])

/**
 * `Idempotency-Key` on a change under /v1: the first request with a key runs, the others get its answer. The key
 * is claimed in the database before the room runs and closed before the answer leaves, so a process that dies
 * in between leaves a claim whose outcome nobody knows, and says so rather than run twice.
 */
export function createIdempotency(app: App): Idempotency {
  const process_id = app.newId()
  const running = createTally()

  /** True where this request is to run; otherwise it was answered. */
  async function claimFor(request: FastifyRequest, reply: FastifyReply, key: string): Promise<boolean> {
    const { tenant_id, id: actor } = request.actor
    const claim: Claim = { tenant_id, actor, key, fingerprint: fingerprint(request), process_id }
    const name = `${tenant_id} ${actor} ${key}`
    const leave = running.enter(name)
    const found = await beginOnce(app, claim, () => running.count(name) > 1).catch((error: unknown) => {
      leave()
      throw error
    })
    if (found.state === 'mine') {
      request.claim = { claim, leave }
      return true
    }
    leave()
    replay(found, reply)
    return false
  }

  return {
    begin: (request, reply, done) => {
      const key = keyOf(request)
      if (key === null) return done()
      if (typeof key !== 'string') return done(key)
      claimFor(request, reply, key).then((runs) => (runs ? done() : undefined), done)
    },
    end: (request, reply, payload, done) => {
      const { claim: held } = request
      if (!held) return done(null, payload)
      request.claim = null // the answer to a failure in here must not come back in
      close(app, held.claim, request, reply, payload)
        .finally(held.leave)
        .then(() => done(null, payload), done)
    },
  }
}

/** Counts who is at each name. One enters before asking the database, so that no rival finds the place empty. */
function createTally(): { enter(name: string): () => void; count(name: string): number } {
  const counts = new Map<string, number>()
  const count = (name: string): number => counts.get(name) ?? 0
  return {
    count,
    enter: (name) => {
      counts.set(name, count(name) + 1)
      return () => {
        if (count(name) > 1) counts.set(name, count(name) - 1)
        else counts.delete(name)
      }
    },
  }
}

function keyOf({ method, headers, routeOptions, body }: FastifyRequest): string | Problem | null {
  const told = routeOptions.config.keyed_by_body
    ? (body as { idempotency_key?: string }).idempotency_key
    : undefined
  const key = headers['idempotency-key'] ?? told
  if (told !== undefined && told !== key)
    return new Problem('invalid_request', {
      field: 'idempotency_key',
      detail: 'The body and the header idempotency-key name two keys: give one, or the same twice.',
    })
  if (key === undefined || !CHANGES.has(method) || !routeOptions.url?.startsWith('/v1/')) return null
  // Whoever has not proved who they are shares no answers with others, least of all a session's cookie.
  if (routeOptions.config.streams || routeOptions.config.access === 'public') return null
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key
  return new Problem('invalid_request', {
    field: 'idempotency-key',
    detail:
      'The header idempotency-key must be 1 to 255 visible ASCII characters without spaces, such as a UUID.',
  })
}

/**
 * What makes two requests the same: method, address and body, to the byte (numbers survive no parsing), and whether it is
 * for live or for test, which a person says with each request.
 */
function fingerprint({ method, url, body, bytes, actor }: FastifyRequest): Buffer {
  const hash = createHash('sha256').update(`${method}\n${url}\n${actor.environment}\n`)
  return hash.update(bytes ?? (Buffer.isBuffer(body) ? body : '')).digest()
}

function replay(found: Exclude<Attempted, { state: 'mine' }>, reply: FastifyReply): FastifyReply {
  if (found.state === 'done') {
    const { status, headers, body } = found.answer
    return reply
      .code(status)
      .headers({ ...headers, 'idempotency-replayed': 'true' })
      .send(Buffer.from(body, 'base64'))
  }
  throw REFUSALS[found.state]()
}

const REFUSALS = {
  started: () =>
    new Problem('request_in_progress', {
      field: 'idempotency-key',
      detail:
        'The first request with this idempotency key is still running. Wait and ask again; it will not run twice.',
      retry_after_s: 1,
    }),
  unknown: () =>
    new Problem('outcome_unknown', {
      field: 'idempotency-key',
      detail:
        'The first request with this idempotency key was cut off, so what it did is not known. Look at what it was to change; then, if it did not happen, send it with a new key.',
    }),
  other: () =>
    new Problem('idempotency_key_reused', {
      field: 'idempotency-key',
      detail:
        'This idempotency key was used with another method, address, environment or body. Use a new key for a new request.',
    }),
}

async function close(app: App, held: Claim, request: FastifyRequest, reply: FastifyReply, payload: unknown) {
  const fate = fateOf(request)
  if (fate === 'free') return forgetOnce(app, held)
  const body = fate === 'kept' ? bytesOf(payload) : null
  if (body === null) return loseOnce(app, held)
  const headers: Answer['headers'] = {}
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value === undefined || PASSING.has(name)) continue
    headers[name] = Array.isArray(value) ? value : String(value)
  }
  await finishOnce(app, held, { status: reply.statusCode, headers, body: body.toString('base64') })
}

/**
 * An answer is kept. A failure of ours is none: what was begun was rolled back and the key is free again, unless
 * the route acts on a vendor, or the connection was lost at the commit; then nobody knows. That a vendor may have
 * acted is an answer too, lest it act twice.
 */
function fateOf({ problem, routeOptions }: FastifyRequest): 'kept' | 'free' | 'lost' {
  if (problem?.code === 'rate_limited') return 'free' // nothing was done, and the next try may find room
  if (problem === null || problem.status < 500 || problem.status === 504) return 'kept'
  if (isUnresolved(problem.occurrence.cause)) return 'lost'
  const is_our_failure = problem.code === 'internal' || problem.occurrence.cause !== undefined
  return routeOptions.config.acts_outside && is_our_failure ? 'lost' : 'free'
}

function bytesOf(payload: unknown): Buffer | null {
  if (payload === undefined || payload === null) return Buffer.alloc(0)
  if (typeof payload === 'string') return Buffer.from(payload)
  return Buffer.isBuffer(payload) ? payload : null
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The idempotency key this request holds while it runs. */
    claim: { claim: Claim; leave: () => void } | null
  }
}
