import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { App } from '../modules/app.ts'
import { Problem } from '../platform/errors.ts'
import { type Holder, letGo } from '../platform/room.ts'
import { unsupportedType } from './problems.ts'
import { readBody, readingApi, readingWebhooks } from './reading.ts'

/** Deeper bodies are refused: nothing we take is, and what walks a value must not be walked into the ground. */
const DEEPEST = 64

/**
 * What becomes of a body of the API, by what its route says: a room that streams reads it itself as it comes, one that
 * takes bytes gets it as it came. All others take JSON alone: as strict UTF-8, and refused before any room sees it when
 * it is too deep, would tamper with a prototype, or holds text that PostgreSQL cannot store.
 */
export function takeBodies(http: FastifyInstance, app: App): void {
  http.removeAllContentTypeParsers()
  for (const type of ['application/json', '*']) {
    http.addContentTypeParser(type, (request, payload, done) => {
      const { config, bodyLimit: limit = app.config.api_body_limit } = request.routeOptions
      if (config.streams || request.is404) return done(null)
      if (type === '*' && !config.takes_bytes) return done(unsupportedType(request))
      readBody(readingApi(app), payload, request, limit, (fault, bytes) => {
        const read = fault ?? (config.takes_bytes ? { value: bytes } : jsonOf(request, bytes))
        if (read instanceof Error) done(read)
        else done(null, read.value)
      })
    })
  }
}

/** What a body holds of the memory of all, a webhook's too, is free again as its answer leaves. */
export function letGoWhenAnswered(http: FastifyInstance): void {
  http.decorateRequest('held', null)
  http.addHook('onSend', (request, _reply, payload, done) => {
    letGo(request)
    done(null, payload)
  })
}

function jsonOf(request: FastifyRequest, bytes: Buffer): { value: unknown } | Error {
  if (!isPlainUtf8(request)) return unsupportedType(request)
  request.bytes = bytes
  try {
    return { value: bytes.length === 0 ? undefined : parseJson(bytes) }
  } catch (error) {
    return error as Error // nothing may be thrown where the stream calls
  }
}

const MEDIA_TYPE = /^\s*[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(;|$)/

/** For what must be kept to the byte: every content type, as a Buffer, up to the limit of webhooks. */
export function takeWebhookBodies(http: FastifyInstance, app: App): void {
  const limit = app.config.webhook_body_limit
  http.removeAllContentTypeParsers()
  // What is no content type at all would be refused before any parser is asked.
  http.addHook('onRequest', async ({ headers }) => {
    const type = headers['content-type']
    if (type !== undefined && !MEDIA_TYPE.test(type)) headers['content-type'] = 'application/octet-stream'
  })
  http.addContentTypeParser('*', (request, payload, done) => {
    readBody(readingWebhooks(app), payload, request, limit, done)
  })
}

function isPlainUtf8(request: FastifyRequest): boolean {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  const charset = /charset\s*=\s*"?([^\s;"]+)/i.exec(request.headers['content-type'] ?? '')?.[1] ?? 'utf-8'
  return encoding === 'identity' && /^utf-?8$/i.test(charset)
}

/** Parses strictly; every refusal is a `Problem` that says where. */
export function parseJson(bytes: Buffer): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Problem('invalid_json', {
      field: 'body',
      detail: 'The body is not valid UTF-8. Encode it as UTF-8.',
    })
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Problem('invalid_json', {
      field: 'body',
      detail: `The body is not valid JSON${whereOf(error)}.`,
    })
  }
  inspect(value, [])
  return value
}

/** V8 says where it stumbled, and quotes the text, which may hold a secret: only the place is passed on. */
function whereOf(error: unknown): string {
  const place = /at position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1]
  return place === undefined ? '; it ends too early or holds a stray character' : ` at position ${place}`
}

function inspect(value: unknown, path: string[]): void {
  if (typeof value === 'string') checkText(value, path)
  if (typeof value !== 'object' || value === null) return
  if (path.length >= DEEPEST) {
    throw new Problem('invalid_request', {
      field: path.slice(0, 4).join('.'),
      detail: `The body is nested deeper than ${DEEPEST} levels. Send a flatter one.`,
    })
  }
  for (const [name, inner] of Object.entries(value)) {
    path.push(name)
    checkName(name, path)
    inspect(inner, path)
    path.pop()
  }
}

function checkName(name: string, path: string[]): void {
  checkText(name, path)
  if (name === '__proto__') {
    const field = path.join('.')
    throw new Problem('invalid_request', {
      field,
      detail: `The field ${field} has a name that is not allowed. Rename it.`,
    })
  }
}

function checkText(text: string, path: string[]): void {
  const problem = textProblem(text, path)
  if (problem) throw problem
}

/** PostgreSQL stores neither NUL nor half a surrogate pair; JSON can spell both. */
export function textProblem(text: unknown, path: string[]): Problem | null {
  if (typeof text !== 'string' || (!text.includes('\u0000') && text.isWellFormed())) return null
  const field = path.join('.').replaceAll('\u0000', '').toWellFormed()
  return new Problem('invalid_request', {
    field,
    detail: `The field ${field} holds a NUL character or half of a surrogate pair, which cannot be stored. Take it out.`,
  })
}

declare module 'fastify' {
  interface FastifyRequest extends Holder {}
}
