import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
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
import { Problem } from '../platform/errors.ts'

export type Idempotency = {
  begin(request: FastifyRequest, reply: FastifyReply): Promise<unknown>
  end(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown>
}

const CHANGES = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])
/** Of an answer these are kept besides status and body; the others belong to one exchange. */
const KEPT_HEADERS = ['content-type', 'location', 'retry-after', 'allow']

/**
 * `Idempotency-Key` on a change under /v1: the first request with a key runs, the others get its answer. The key
 * is claimed in the database before the room runs and closed before the answer leaves, so a process that dies
 * in between leaves a claim whose outcome nobody knows, and says so rather than run twice.
 */
export function createIdempotency(app: App): Idempotency {
  const process_id = app.newId()
  const running = new Set<string>()

  async function begin(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const key = keyOf(request)
    if (key === null) return
    const { tenant_id, id: actor } = request.actor
    const claim: Claim = { tenant_id, actor, key, fingerprint: fingerprint(request), process_id }
    const name = `${tenant_id} ${actor} ${key}`
    const found = await beginOnce(app, claim, () => running.has(name))
    if (found.state === 'mine') {
      running.add(name)
      request.claim = { claim, done: () => running.delete(name) }
      return
    }
    return replay(found, reply)
  }

  async function end(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
    const { claim: held } = request
    if (!held) return payload
    request.claim = null // the answer to a failure in here must not come back in
    try {
      await close(app, held.claim, reply, payload)
    } finally {
      held.done()
    }
    return payload
  }

  return { begin, end }
}

function keyOf({ method, headers, routeOptions }: FastifyRequest): string | null {
  const key = headers['idempotency-key']
  if (key === undefined || !CHANGES.has(method) || !routeOptions.url?.startsWith('/v1/')) return null
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key
  throw new Problem('invalid_request', {
    field: 'idempotency-key',
    detail:
      'The header idempotency-key must be 1 to 255 visible ASCII characters without spaces, such as a UUID.',
  })
}

/** What makes two requests the same: method, address and body, to the byte (numbers survive no parsing). */
function fingerprint({ method, url, body, bytes }: FastifyRequest): Buffer {
  const hash = createHash('sha256').update(`${method}\n${url}\n`)
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
        'This idempotency key was used with another method, address or body. Use a new key for a new request.',
    }),
}

/** A failure of ours is not the answer: the key is free again. An answer that cannot be kept is lost, not repeated. */
async function close(app: App, claim: Claim, reply: FastifyReply, payload: unknown): Promise<void> {
  if (reply.statusCode >= 500) return forgetOnce(app, claim)
  const body = bytesOf(payload)
  if (body === null) return loseOnce(app, claim)
  const headers: Record<string, string> = {}
  for (const name of KEPT_HEADERS) {
    const value = reply.getHeader(name)
    if (value !== undefined) headers[name] = String(value)
  }
  const answer: Answer = { status: reply.statusCode, headers, body: body.toString('base64') }
  await finishOnce(app, claim, answer)
}

function bytesOf(payload: unknown): Buffer | null {
  if (payload === undefined || payload === null) return Buffer.alloc(0)
  if (typeof payload === 'string') return Buffer.from(payload)
  return Buffer.isBuffer(payload) ? payload : null
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The idempotency key this request holds while it runs. */
    claim: { claim: Claim; done: () => void } | null
  }
}
