import { createHmac, type Hmac, type KeyObject } from 'node:crypto'
import type { Verified, VerifyInput } from '../signatures.ts'
import { bytesKey, usableSecret } from '../webhook_keys.ts'
import { bySecret, headerOf, inTime, isAmong, isTime, refused } from './verdict.ts'

export type HmacScheme = {
  kind: 'hmac'
  header: string
  algorithm: 'sha1' | 'sha256' | 'sha512'
  encoding: 'hex' | 'base64'
  /** Stands before the signature in its header: `sha256=`. */
  prefix: string
  /** What is signed: text with `{body}`, and `{timestamp}` or `{id}` where their headers are named. */
  signs: string
  timestamp_header: string | null
  id_header: string | null
  tolerance_seconds: number
  /** How the text of a secret stands for its bytes. */
  secret_encoding: 'utf8' | 'hex' | 'base64'
}

/** Any HMAC over the body and what stands around it. A timestamp that is not signed would prove nothing: refused. */
export function hmac(options: Partial<Omit<HmacScheme, 'kind'>> & { header: string }): HmacScheme {
  const scheme: HmacScheme = {
    kind: 'hmac',
    algorithm: 'sha256',
    encoding: 'hex',
    prefix: '',
    signs: '{body}',
    timestamp_header: null,
    id_header: null,
    tolerance_seconds: 300,
    secret_encoding: 'utf8',
    ...options,
  }
  const { signs, timestamp_header, id_header } = scheme
  if (!signs.includes('{body}')) throw new Error('signs must hold {body}')
  if (signs.includes('{timestamp}') !== (timestamp_header !== null)) {
    throw new Error('signs must hold {timestamp} exactly where a timestamp_header is named')
  }
  if (signs.includes('{id}') !== (id_header !== null)) {
    throw new Error('signs must hold {id} exactly where an id_header is named')
  }
  return scheme
}

export function verifyHmac(scheme: HmacScheme, input: VerifyInput): Verified {
  const { headers, body, secrets, now } = input
  const value = headerOf(headers, scheme.header)
  if (typeof value !== 'string') return value
  const timestamp = scheme.timestamp_header === null ? '' : headerOf(headers, scheme.timestamp_header)
  if (typeof timestamp !== 'string') return timestamp
  const id = scheme.id_header === null ? '' : headerOf(headers, scheme.id_header)
  if (typeof id !== 'string') return id
  if (timestamp !== '' && !isTime(timestamp)) {
    return refused('malformed', `the header ${scheme.timestamp_header} is not a unix time`)
  }
  if (!value.startsWith(scheme.prefix)) {
    return refused('malformed', `the header ${scheme.header} does not begin with ${scheme.prefix}`)
  }
  const given = value.slice(scheme.prefix.length)
  const signatures = [scheme.encoding === 'hex' ? given.toLowerCase() : given]
  const { secret_encoding } = scheme
  const keyOf = secret_encoding === 'utf8' ? usableSecret : (text: string) => bytesKey(text, secret_encoding)
  const verdict = bySecret<string | KeyObject>(secrets, keyOf, (key) => {
    const signed = updateAll(createHmac(scheme.algorithm, key), scheme.signs, { timestamp, id, body })
    return isAmong(signatures, signed.digest(scheme.encoding))
  })
  if (timestamp === '') return verdict
  return inTime(verdict, timestamp, scheme.tolerance_seconds, now)
}

type Signed = { timestamp: string; id: string; body: Buffer }

function updateAll(mac: Hmac, signs: string, signed: Signed): Hmac {
  for (const part of signs.split(/(\{body\}|\{timestamp\}|\{id\})/)) {
    if (part === '{body}') mac.update(signed.body)
    else if (part === '{timestamp}') mac.update(signed.timestamp)
    else mac.update(part === '{id}' ? signed.id : part)
  }
  return mac
}
