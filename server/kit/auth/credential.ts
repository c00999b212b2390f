import { createPrivateKey, type KeyObject } from 'node:crypto'
import { Problem } from '../../platform/errors.ts'
import type { Credentials } from '../fields.ts'

/** The value of a credential field; a `Problem` that names it where it is not set. */
export function credentialOf(credentials: Credentials, key: string): string {
  const value = credentials[key]
  if (value !== undefined && value !== '') return value
  throw notSet(`credentials.${key}`, 'is not set on this connection; set it and try again')
}

/** A private key in PEM: PKCS #8, PKCS #1 or SEC 1. */
export function privateKeyOf(credentials: Credentials, key: string): KeyObject {
  const pem = credentialOf(credentials, key)
  try {
    return createPrivateKey(pem)
  } catch {
    // The cause is not kept: some of OpenSSL's words quote what they could not read.
    throw notSet(`credentials.${key}`, 'is no private key in PEM that this server can read; set it again')
  }
}

const notSet = (field: string, reason: string) =>
  new Problem('invalid_settings', { field, detail: `${field} ${reason}` })

/** The value at `data.token` of a JSON value; undefined where nothing stands there. */
export function valueAt(value: unknown, path: string): unknown {
  let found = value
  for (const name of path.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined
    found = (found as Record<string, unknown>)[name]
  }
  return found
}
