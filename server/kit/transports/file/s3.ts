import { STATUS_CODES } from 'node:http'
import type { EgressRequest, EgressResult } from '../../../platform/egress/egress.ts'
import { USER_AGENT } from '../../../platform/version.ts'
import type { SigV4 } from '../../auth/sigv4.ts'
import { sign } from '../../auth.ts'
import { readXml } from '../../mapping/mapping.ts'
import { refused, trouble } from '../conduct.ts'
import {
  type Entry,
  existsAt,
  isTemporary,
  nothingAt,
  type Opening,
  type Page,
  type Range,
  type Store,
} from './store.ts'

/**
 * A bucket of Amazon S3 or of a service that speaks like it, by its REST interface (API version 2006-03-01). A folder
 * is what keys have in common up to a `/`.
 */
export async function openBucket(opening: Opening): Promise<Store> {
  const { pathname } = opening.url
  const prefix = decodeURIComponent(pathname).replace(/^\/+|\/+$/g, '')
  const bucket: Bucket = { ...opening, prefix: prefix === '' ? '' : `${prefix}/` }
  return {
    list: (path, page) => list(bucket, path, page),
    stat: (path) => stat(bucket, path),
    read: (path, range) => read(bucket, path, range),
    write: (path, bytes, replace) => write(bucket, path, bytes, replace),
    move: (from, to, replace) => move(bucket, from, to, replace),
    remove: (path) => remove(bucket, path),
    close: () => {},
  }
}

type Bucket = Opening & { prefix: string }

/** RFC 3986 throughout, as the signature wants it. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
const encodedKey = (key: string): string => key.split('/').map(encoded).join('/')

function urlOf({ opened, url }: Bucket, key: string, query: Record<string, string>): string {
  const endpoint = new URL(String(opened.settings['endpoint']))
  const bucket = url.hostname
  const is_virtual = opened.settings['addressing'] === 'virtual'
  const host = is_virtual ? `${bucket}.${endpoint.host}` : endpoint.host
  const path = `${endpoint.pathname.replace(/\/$/, '')}${is_virtual ? '' : `/${encoded(bucket)}`}/${encodedKey(key)}`
  const pairs = Object.entries(query).map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
  return `${endpoint.protocol}//${host}${path}${pairs.length > 0 ? `?${pairs.join('&')}` : ''}`
}

type Asked = {
  method: 'GET' | 'HEAD' | 'PUT' | 'DELETE'
  key?: string
  query?: Record<string, string>
  headers?: Record<string, string>
  body?: Buffer
  /** Of the answer. */
  most_bytes?: number
  /** Something was done there before by the same call. */
  acted?: boolean
}
type Response = Extract<EgressResult, { kind: 'response' }>

const MOST_XML_BYTES = 4_000_000
/** So that it ends before the call does, which would not know what has left. */
const SPARE_MS = 20

/** Sends one signed request. Gives the answer, whatever its status; throws where there is none. */
async function ask(bucket: Bucket, asked: Asked): Promise<Response> {
  const { opened, egress, way } = bucket
  const { method, key = '', query = {}, headers = {}, body, most_bytes = MOST_XML_BYTES } = asked
  const changes = method !== 'GET' && method !== 'HEAD'
  const request: EgressRequest = {
    url: urlOf(bucket, key === '' ? '' : bucket.prefix + key, query),
    method,
    headers,
    ...(body && { body }),
    timeout_ms: Math.max(1, way.left_ms() - SPARE_MS),
    max_response_bytes: most_bytes,
    signal: way.signal,
  }
  const { credentials } = opened
  const signed = await sign(authOf(bucket), credentials, request, new Date())
  if (changes) way.acting()
  const result = await egress.send({ ...signed, headers: { ...signed.headers, 'user-agent': USER_AGENT } })
  if (result.kind === 'error')
    throw trouble(result.code, result.message, asked.acted || (changes && result.sent))
  way.date = result.headers['date'] ?? null
  return result
}

const authOf = ({ opened }: Bucket): SigV4 => ({
  kind: 'aws_sigv4',
  access_key_id: 'access_key_id',
  secret_access_key: 'secret_access_key',
  session_token: 'session_token',
  region: String(opened.settings['region']),
  service: 's3',
})

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

/** Codes by which S3 says that it does not know who asks, all of them with a 403 or a 400. */
const UNKNOWN_CALLER =
  /^(?:InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|ExpiredToken|AuthorizationHeaderMalformed)$/

/** The service's no, in its words; an answer to HEAD has none. */
function no({ status, body }: Response, path: string): Error {
  let code = STATUS_CODES[status] ?? String(status)
  let message = `the service answered ${status} for ${path || '/'}`
  try {
    const told = record(record(readXml(body.toString()))['Error'])
    if (typeof told['Code'] === 'string') code = told['Code']
    if (typeof told['Message'] === 'string') message = told['Message']
  } catch {
    // No XML: a proxy's page, or nothing at all.
  }
  if (UNKNOWN_CALLER.test(code)) return refused(401, code, message)
  if (code === 'NoSuchBucket') return refused(404, code, message)
  if (status === 404) return nothingAt(path)
  if (status === 412) return existsAt(path)
  return refused(status < 400 ? 502 : status, code, message)
}

async function stat(bucket: Bucket, path: string): Promise<Entry | null> {
  const response = await ask(bucket, { method: 'HEAD', key: path })
  const { status, headers } = response
  if (status === 404) return null
  if (status !== 200) throw no(response, path)
  const modified = Date.parse(headers['last-modified'] ?? '')
  return {
    path,
    kind: 'file',
    size: Number(headers['content-length'] ?? 0),
    modified_at: Number.isNaN(modified) ? null : new Date(modified).toISOString(),
  }
}

async function list(bucket: Bucket, path: string, { after, limit }: Page) {
  const folder = bucket.prefix + (path === '' ? '' : `${path}/`)
  const query = {
    'list-type': '2',
    delimiter: '/',
    prefix: folder,
    'max-keys': String(limit),
    ...(after !== null && { 'continuation-token': after }),
  }
  const response = await ask(bucket, { method: 'GET', query })
  if (response.status !== 200) throw no(response, path)
  const lists = ['ListBucketResult.Contents', 'ListBucketResult.CommonPrefixes']
  const told = record(record(readXml(response.body.toString(), lists))['ListBucketResult'])
  const place = (key: unknown) => String(key).slice(bucket.prefix.length)
  const files = many(told['Contents'])
    .filter(({ Key }) => Key !== folder && !isTemporary(String(Key)))
    .map(
      (one): Entry => ({
        path: place(one['Key']),
        kind: 'file',
        size: Number(one['Size']),
        modified_at: new Date(String(one['LastModified'])).toISOString(),
      }),
    )
  const folders = many(told['CommonPrefixes']).map(
    ({ Prefix }): Entry => ({
      path: place(Prefix).replace(/\/$/, ''),
      kind: 'folder',
      size: null,
      modified_at: null,
    }),
  )
  const entries = [...files, ...folders].sort((one, other) => Buffer.compare(keyOf(one), keyOf(other)))
  const next = told['NextContinuationToken']
  return { entries, next: typeof next === 'string' ? next : null }
}

/** As the service orders them: a folder by its name with the `/`. */
const keyOf = ({ path, kind }: Entry): Buffer => Buffer.from(kind === 'folder' ? `${path}/` : path)

const many = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.map(record) : [])

async function read(bucket: Bucket, path: string, { offset, length }: Range) {
  const range = `bytes=${offset}-${offset + length - 1}`
  const response = await ask(bucket, { method: 'GET', key: path, headers: { range }, most_bytes: length })
  const { status, headers, body } = response
  if (status === 416) return { bytes: Buffer.alloc(0), size: (await stat(bucket, path))?.size ?? 0 } // past its end
  if (status !== 206 && status !== 200) throw no(response, path)
  const size = Number(
    /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] ?? headers['content-length'] ?? body.length,
  )
  if (status === 200 && offset > 0) throw refused(501, 'not_offered', 'this service gives no part of a file')
  return { bytes: body, size }
}

const ONLY_NEW = { 'if-none-match': '*' }

async function write(bucket: Bucket, path: string, bytes: Buffer, replace: boolean): Promise<void> {
  const headers = { 'content-type': 'application/octet-stream', ...(replace ? {} : ONLY_NEW) }
  const response = await ask(bucket, { method: 'PUT', key: path, headers, body: bytes })
  if (response.status !== 200) throw no(response, path)
}

/** A copy, then the end of the first: S3 has no move. What stops between the two leaves both. */
async function move(bucket: Bucket, from: string, to: string, replace: boolean): Promise<void> {
  if ((await stat(bucket, from)) === null) throw nothingAt(from)
  if (from === to) return
  if (!replace && (await stat(bucket, to)) !== null) throw existsAt(to)
  const source = `/${encoded(bucket.url.hostname)}/${encodedKey(bucket.prefix + from)}`
  const copied = await ask(bucket, { method: 'PUT', key: to, headers: { 'x-amz-copy-source': source } })
  // A copy that fails on its way is a 200 that holds an error.
  if (copied.status !== 200 || copied.body.includes('<Error>')) throw no(copied, from)
  const removed = await ask(bucket, { method: 'DELETE', key: from, acted: true })
  if (removed.status >= 300) throw no(removed, from)
}

async function remove(bucket: Bucket, path: string): Promise<boolean> {
  if ((await stat(bucket, path)) === null) return false
  const removed = await ask(bucket, { method: 'DELETE', key: path })
  if (removed.status >= 300) throw no(removed, path)
  return true
}
