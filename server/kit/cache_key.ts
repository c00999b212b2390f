import { hash } from 'node:crypto'
import type { OperationRequest } from './provider.ts'

/** What makes two reads the same one, and which paths a policy speaks of. Pure. */

/**
 * A vendor may answer by any header it likes and does not always say so in `Vary`, so all that the caller gave are
 * part of the key but these, which tell of the way and of the caller's own caches.
 */
const NEUTRAL = new Set([
  'accept-encoding',
  'baggage',
  'cache-control',
  'if-modified-since',
  'if-none-match',
  'pragma',
  'priority',
  'request-id',
  'sec-ch-ua',
  'sec-ch-ua-mobile',
  'sec-ch-ua-platform',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'traceparent',
  'tracestate',
  'user-agent',
  'x-correlation-id',
  'x-request-id',
])

/** Names in lower case. */
export const headersOf = ({ headers = {} }: Pick<OperationRequest, 'headers'>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

/** Names one read by all it asks for: method, path, query in any order, headers, body. `within` is whose it is. */
export function readKey(within: string, request: OperationRequest): string {
  const { method, body, encoding } = request
  const headers = Object.entries(headersOf(request)).filter(([name]) => !NEUTRAL.has(name))
  const text = JSON.stringify([
    within,
    method,
    pathOf(request.path),
    queryOf(request),
    headers.sort(byName),
    Buffer.isBuffer(body) ? body.toString('base64') : (body ?? null),
    encoding ?? null,
  ])
  return hash('sha256', text, 'hex')
}

/** Without its query. */
export const pathOf = (path: string): string => path.split('?', 1)[0] ?? path

/** Sorted by name; values of one name stay in their order, which may mean something. */
function queryOf({ path, query = {} }: OperationRequest): [string, string][] {
  const at = path.indexOf('?')
  const pairs: [string, string][] = [...new URLSearchParams(at < 0 ? '' : path.slice(at))]
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) pairs.push([name, String(value)])
  return pairs.sort(byName)
}

const byName = ([a]: readonly [string, string], [b]: readonly [string, string]): number =>
  a < b ? -1 : a > b ? 1 : 0

/** `*` stands for any text, also across slashes: `/customers/*`. Takes no longer than the texts are long. */
export function coversPath(pattern: string, path: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return path === pattern
  if (!path.startsWith(first) || path.length < first.length + last.length || !path.endsWith(last))
    return false
  let at = first.length
  for (const part of rest) {
    const found = path.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return at <= path.length - last.length
}
