import { createCipheriv, createDecipheriv } from 'node:crypto'
import { credentialOf } from '../../kit/auth/credential.ts'
import type { Credentials } from '../../kit/fields.ts'
import type { Envelope } from '../../kit/transports/enveloped.ts'
import { readJson } from '../../kit/wire_json.ts'

/**
 * How Pinbank seals bodies: `{"Data":{"Json":…}}` with AES-128 in CBC, the key being the first 16 bytes of the
 * password and the vector all zeros. That is weak, one vector for everything under one key, and theirs to choose.
 * Source: what public clients of it send; Pinbank publishes no page about it.
 */
const KEY_BYTES = 16
const VECTOR = Buffer.alloc(16)

function keyOf(credentials: Credentials): Buffer {
  const key = Buffer.alloc(KEY_BYTES)
  key.write(credentialOf(credentials, 'password'))
  return key
}

export const envelope: Envelope = {
  wrap(body: string, credentials: Credentials): string {
    const cipher = createCipheriv('aes-128-cbc', keyOf(credentials), VECTOR)
    const sealed = Buffer.concat([cipher.update(body, 'utf8'), cipher.final()])
    return JSON.stringify({ Data: { Json: sealed.toString('base64') } })
  },

  /** Replies come with `ResultCode` inside of the seal, outside of it, or both; what comes of it has all of it outside. */
  unwrap(body: string, credentials: Credentials): string | null {
    const outer = objectIn(body)
    const sealed = objectOf(outer?.['Data'])?.['Json']
    if (!outer || typeof sealed !== 'string') return null
    const inner = decipher(sealed, credentials)
    if (inner === null) return null
    const plain = objectIn(inner)
    const is_whole = plain !== null && ('ResultCode' in plain || 'Status' in plain)
    if (is_whole) return inner
    const { Data: _, ...rest } = outer
    const data = plain && 'Data' in plain ? JSON.stringify(plain['Data']) : inner
    return `${JSON.stringify({ ResultCode: 0, ...rest }).slice(0, -1)},"Data":${data}}`
  },

  headers: (credentials: Credentials) => ({ username: credentialOf(credentials, 'username') }),
}

function decipher(sealed: string, credentials: Credentials): string | null {
  try {
    const opening = createDecipheriv('aes-128-cbc', keyOf(credentials), VECTOR)
    return Buffer.concat([opening.update(sealed, 'base64'), opening.final()]).toString()
  } catch {
    return null
  }
}

function objectIn(text: string): Record<string, unknown> | null {
  try {
    return objectOf(readJson(text))
  } catch {
    return null
  }
}

const objectOf = (value: unknown): Record<string, unknown> | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
