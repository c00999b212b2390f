import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Http } from '../modules/app.ts'
import { Problem } from '../platform/errors.ts'

/**
 * The dashboard, as `npm run dashboard` built it: a page, and files whose names change with what is in them. It is held
 * in memory, compressed once. It knows only the HTTP API, and is served to anybody: what it shows is asked for there.
 */
const BUILT = fileURLToPath(new URL('../../dashboard/dist/', import.meta.url))

const TYPES: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}

type File = { type: string; plain: Buffer; brotli: Buffer; etag: string }

/** Shows the page where an address is nobody's and a person's browser asks; false where it is not for us to answer. */
export type ShowPage = (request: FastifyRequest, reply: FastifyReply) => boolean

export function dashboard(http: Http): ShowPage {
  const page = readPage('index.html')
  const files = readFiles(join(BUILT, 'assets'))
  http.get('/assets/:name', PUBLIC, (request, reply) => {
    const file = files.get((request.params as { name: string }).name)
    if (!file) throw new Problem('not_found', { detail: 'There is no such file. Load the page anew.' })
    return sendFile(file, request, reply)
  })
  return (request, reply) => {
    if (request.method !== 'GET' || !isPage(request)) return false
    sendPage(page, reply)
    return true
  }
}

const PUBLIC = { config: { access: 'public' as const }, schema: { hide: true } }

/** Pages have addresses of their own, which only the browser knows; a program that errs is told so instead. */
const isPage = ({ url, headers }: FastifyRequest): boolean =>
  /^\/([a-z-]+(\/[\w.~-]+)*\/?)?(\?.*)?$/.test(url) &&
  !/^\/(v1|assets|webhooks|oauth|docs|api|cliente)\b/.test(url) &&
  (headers.accept ?? '').includes('text/html')

/** A page as it was built, which waits for its nonce. */
export function readPage(name: string): string {
  const path = BUILT + name
  return existsSync(path) ? readFileSync(path, 'utf8') : NOT_BUILT
}

/** What a page may have beside what is ours: images of these origins, and frames around it of those. */
type Besides = { images?: readonly string[]; framed_by?: readonly string[] }

export function sendPage(page: string, reply: FastifyReply, besides: Besides = {}): FastifyReply {
  const nonce = randomBytes(16).toString('base64')
  reply.header('content-security-policy', policy(nonce, besides))
  return reply.type('text/html; charset=utf-8').send(page.replaceAll('__NONCE__', nonce))
}

/** Nothing from anywhere else, and no script or style that stands in the page itself but the one our own code adds. */
const policy = (nonce: string, { images = [], framed_by = [] }: Besides): string =>
  `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; ` +
  `img-src ${["'self'", 'data:', ...images].join(' ')}; font-src 'self'; ` +
  "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; " +
  `frame-ancestors ${framed_by.length > 0 ? framed_by.join(' ') : "'none'"}`

function readFiles(folder: string): Map<string, File> {
  const names = existsSync(folder) ? readdirSync(folder) : []
  return new Map(names.map((name) => [name, readFile(join(folder, name))]))
}

function readFile(path: string): File {
  const plain = readFileSync(path)
  const brotli = existsSync(`${path}.br`)
    ? readFileSync(`${path}.br`)
    : brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } })
  const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`
  return { type: TYPES[extname(path)] ?? 'application/octet-stream', plain, brotli, etag }
}

function sendFile(
  { type, plain, brotli, etag }: File,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  reply.headers({ 'cache-control': 'public, max-age=31536000, immutable', etag, vary: 'accept-encoding' })
  if (request.headers['if-none-match'] === etag) return reply.code(304).send()
  const is_packed = /\bbr\b/.test(String(request.headers['accept-encoding'] ?? ''))
  if (is_packed) reply.header('content-encoding', 'br')
  return reply.type(type).send(is_packed ? brotli : plain)
}

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Trilho</title>
<h1>The dashboard is not built</h1><p>Run <code>npm run dashboard</code> and start again. The API is at <a href="/docs">/docs</a>.</p></html>
`
