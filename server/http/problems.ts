import type { Socket } from 'node:net'
import type { ConnectionError, FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { isConnectionLoss, isTimedOut, isUnresolved } from '../platform/database/database.ts'
import { Problem, problemBody } from '../platform/errors.ts'
import { isStreaming } from './streams.ts'
import { validationProblem } from './validation.ts'

/**
 * Whatever is thrown while a request is served leaves as RFC 9457. What the caller can mend is a `Problem`;
 * Fastify's own refusals are put into our words here; anything else is our bug, answers 500 and says nothing
 * of its cause, which goes to the log line of the request.
 */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error, request)
  request.problem = problem
  const is_cut_short = problem.code === 'overloaded' && !request.raw.complete
  if (is_cut_short || problem.code === 'body_too_large') hearOut(request, reply)
  return sendProblem(problem, request, reply)
}

const LONGEST_HEARD = 100 * 1024 * 1024

/**
 * Whoever still sends as the connection closes never reads our answer; a proxy makes a 502 of it. So what is told to be
 * not too long is read to its end, and thrown away.
 */
function hearOut({ headers }: FastifyRequest, reply: FastifyReply): void {
  if (Number(headers['content-length'] ?? Number.NaN) <= LONGEST_HEARD) reply.removeHeader('connection')
}

export function sendProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.header('request-id', request.id)
  return reply
    .code(problem.status)
    .headers(problemHeaders(problem))
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problemBody(problem, request.id))
}

/** The headers by which a problem is told, beside those of every answer. */
export function problemHeaders({ occurrence }: Problem): Record<string, string> {
  const { headers, retry_after_s } = occurrence
  return {
    ...headers,
    ...(retry_after_s !== undefined && { 'retry-after': String(Math.max(1, Math.ceil(retry_after_s))) }),
    'content-type': 'application/problem+json; charset=utf-8',
  }
}

/** `request` is the one Fastify refused; what a room throws is no refusal of Fastify's. */
export function toProblem(error: unknown, request: FastifyRequest | null): Problem {
  if (error instanceof Problem) return error
  if (!(error instanceof Error)) return internal(error)
  const known = error as FastifyError
  if (known.validation) return validationProblem(known.validation, known.validationContext ?? 'body')
  const refused = FASTIFY_REFUSALS[known.code]
  if (refused && request) return refused(request)
  if (isUnresolved(error)) return overloaded(error, UNRESOLVED)
  if (isConnectionLoss(error)) return overloaded(error)
  if (isTimedOut(error)) return overloaded(error, TIMED_OUT)
  const status = known.code?.startsWith('FST_') ? (known.statusCode ?? 500) : 500
  return status >= 400 && status < 500
    ? new Problem('invalid_request', { detail: error.message })
    : internal(error)
}

const internal = (cause: unknown): Problem =>
  new Problem('internal', {
    detail: 'Something went wrong on our side. The log holds the cause under this request_id.',
    cause,
  })

const UNRESOLVED =
  'The connection to the database was lost while this was being committed, so whether it took effect is not known. Look at what it was to change before you send it again.'

const TIMED_OUT =
  'The database took too long over a part of this, likely because somebody else held what it needs, and undid that part. Send it again with the same Idempotency-Key, so that nothing is done twice.'

const overloaded = (
  cause: unknown,
  detail = 'The database cannot be reached or has no free connection. Try again.',
): Problem => new Problem('overloaded', { detail, retry_after_s: 1, cause })

const FASTIFY_REFUSALS: Record<string, (request: FastifyRequest) => Problem> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: unsupportedType,
  FST_ERR_CTP_BODY_TOO_LARGE: (request) => {
    const limit = request.routeOptions.bodyLimit
    return new Problem('body_too_large', { detail: `The body may hold at most ${limit} bytes. Send less.` })
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new Problem('invalid_request', {
      field: 'content-length',
      detail: 'The body is not as long as its content-length header says.',
    }),
  FST_ERR_MAX_PARAM_LENGTH: () =>
    new Problem('invalid_request', {
      field: 'path',
      detail: 'A part of the path is longer than 500 characters. No id or name is; look at what was put in.',
    }),
  FST_ERR_BAD_URL: () =>
    new Problem('invalid_request', {
      field: 'path',
      detail: 'The path holds a % that begins no valid UTF-8 escape. Percent-encode it, a plain % as %25.',
    }),
}

export function unsupportedType(request: FastifyRequest): Problem {
  const sent = request.headers['content-type']
  return new Problem('unsupported_media_type', {
    detail: `${sent === undefined ? 'A body came without a content-type.' : `The content-type ${clip(sent)} is not taken here.`} Send application/json in UTF-8.`,
  })
}

const clip = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}…` : text)

/** What no request could be read from: the parser of Node gave up before there was a route or an id. */
export function clientError(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && isStreaming(socket)) return
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const { status, words, detail } = UNREADABLE[error.code] ?? UNREADABLE_OTHERWISE
  const body = JSON.stringify({
    type: 'urn:trilho:error:invalid_request',
    code: 'invalid_request',
    status,
    title: words,
    detail,
  })
  // Whoever does not hang up in return would keep here for ever what was read of the request.
  setTimeout(() => socket.destroy(), LINGER_MS).unref()
  socket.end(
    `HTTP/1.1 ${status} ${words}\r\ncontent-type: application/problem+json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

const LINGER_MS = 5000

const UNREADABLE_OTHERWISE = {
  status: 400,
  words: 'Bad Request',
  detail: 'This is no HTTP request that can be read.',
}
const UNREADABLE: Record<string, typeof UNREADABLE_OTHERWISE> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    words: 'Request Header Fields Too Large',
    detail: 'The headers may hold at most 16 kB. Send fewer.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    words: 'Request Timeout',
    detail: 'The request took longer than 60 seconds to arrive.',
  },
}

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request was answered with, where it was refused or failed; read by its log line. */
    problem: Problem | null
  }
}
