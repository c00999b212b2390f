import { createHash, createHmac, randomUUID } from 'node:crypto'
import type { EgressRequest } from '../../platform/egress/egress.ts'
import type { Credentials } from '../fields.ts'
import { credentialOf } from './credential.ts'

/** Requests that carry a signature of themselves, in the vendor's own form. */
export type HmacSigned = {
  kind: 'hmac'
  /** Credential fields. */
  secret: string
  key_id: string | null
  secret_encoding: 'utf8' | 'hex' | 'base64'
  algorithm: 'sha1' | 'sha256' | 'sha512'
  encoding: 'hex' | 'base64'
  /** What is signed: text with the names of `PLACES` in braces, and `\n` for a line feed. */
  signs: string
  /** Where the signature goes, and how: `{signature}`, `{key_id}`, `{timestamp}` and `{nonce}` stand in it. */
  header: string
  header_value: string
  timestamp_header: string | null
  timestamp_format: 'seconds' | 'milliseconds' | 'iso'
  nonce_header: string | null
  key_id_header: string | null
}

const PLACES = [
  'method',
  'url',
  'host',
  'path',
  'query',
  'path_and_query',
  'timestamp',
  'nonce',
  'key_id',
  'body',
  'body_sha256',
  'body_sha256_base64',
] as const
type Place = (typeof PLACES)[number]

export const hmacHeaders = (auth: HmacSigned): string[] =>
  [auth.header, auth.timestamp_header, auth.nonce_header, auth.key_id_header].flatMap((name) =>
    name === null ? [] : [name.toLowerCase()],
  )

export function signHmac(
  auth: HmacSigned,
  credentials: Credentials,
  request: EgressRequest,
  now: Date,
  nonce: string = randomUUID(),
): EgressRequest {
  const timestamp = toTimestamp(auth.timestamp_format, now)
  const key_id = auth.key_id === null ? '' : credentialOf(credentials, auth.key_id)
  const key = Buffer.from(credentialOf(credentials, auth.secret), auth.secret_encoding)
  const values = valuesOf(request, { timestamp, nonce, key_id })
  const signature = createHmac(auth.algorithm, key)
    .update(Buffer.concat(fill(auth.signs, values)))
    .digest(auth.encoding)
  const shown: Record<string, string> = { signature, key_id, timestamp, nonce }
  const value = auth.header_value.replace(/\{(\w+)\}/g, (whole, name) => shown[name] ?? whole)
  const headers = {
    ...request.headers,
    ...(auth.timestamp_header && { [auth.timestamp_header.toLowerCase()]: timestamp }),
    ...(auth.nonce_header && { [auth.nonce_header.toLowerCase()]: nonce }),
    ...(auth.key_id_header && { [auth.key_id_header.toLowerCase()]: key_id }),
    [auth.header.toLowerCase()]: value,
  }
  return { ...request, headers }
}

function toTimestamp(format: HmacSigned['timestamp_format'], now: Date): string {
  if (format === 'iso') return now.toISOString()
  return String(format === 'seconds' ? Math.floor(now.getTime() / 1000) : now.getTime())
}

function valuesOf(
  { url: text, method, body = '' }: EgressRequest,
  made: { timestamp: string; nonce: string; key_id: string },
): Record<Place, string | Buffer> {
  const url = new URL(text)
  const bytes = Buffer.from(body)
  const hash = createHash('sha256').update(bytes).digest()
  return {
    ...made,
    method,
    url: url.href,
    host: url.host,
    path: url.pathname,
    query: url.search.slice(1),
    path_and_query: url.pathname + url.search,
    body: bytes,
    body_sha256: hash.toString('hex'),
    body_sha256_base64: hash.toString('base64'),
  }
}

/** In bytes, since a body need not be text. */
function fill(template: string, values: Record<Place, string | Buffer>): Buffer[] {
  return template.split(/(\{\w+\})/).map((part) => {
    const name = part.slice(1, -1)
    const is_place = part.startsWith('{') && Object.hasOwn(values, name)
    return Buffer.from(is_place ? values[name as Place] : part.replaceAll('\\n', '\n'))
  })
}
