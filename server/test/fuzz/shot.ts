import fc from 'fast-check'
import { fillPath, type Operation, sampleOf } from '../world/operations.ts'
import type { Sent } from '../world/raw_http.ts'

/** Who asks and for what: enough to make a request that could succeed. */
export type Base = {
  key: string
  /** Of an administrator, and the tenant it acts on. */
  admin_key: string
  /** Of a customer of the tenant, who came by a link. */
  portal_token: string
  /** Of the browser of somebody who signed in. */
  session: Record<string, string>
  tenant: string
  /** A tenant that the key does not belong to. */
  stranger: string
  ids: (operation: Operation) => Record<string, string>
  body_limit: number
}

/** A request, and what it must be answered with where that is certain. */
export type Shot = {
  operation: string
  /** How it was spoiled. */
  how: string
  request: Sent
  /** Null where it may as well be taken. */
  expected: Expected | null
}
export type Expected = { status: number[]; field?: string | RegExp }

/** One way of spoiling a request; null where it does not fit the operation. */
export type Spoil = (operation: Operation, base: Base) => fc.Arbitrary<Omit<Shot, 'operation'>> | null

/** A request to the operation that is right in every way, for all that the document says. */
export function rightRequest({ method, path, ...operation }: Operation, base: Base): Sent {
  const body = operation.body ? JSON.stringify(sampleOf(operation.body)) : null
  const is_admin = operation.access === 'admin'
  const headers: Record<string, string> =
    operation.access === 'member'
      ? { ...base.session }
      : {
          authorization: `Bearer ${is_admin ? base.admin_key : keyFor(operation.access, base)}`,
          ...(is_admin && { 'trilho-tenant': base.tenant }),
        }
  if (body !== null) headers['content-type'] = 'application/json'
  return { method, path: fillPath(path, base.ids({ method, path, ...operation })), headers, body }
}

const keyFor = (access: string, { key, portal_token }: Base): string =>
  access.startsWith('portal') ? portal_token : key

/** Names and texts that have hurt somebody before. */
const NASTY = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  ' ',
  '\u0000',
  '\ud800',
  '💥',
  'ａ',
  'a\u202e',
  "'; drop table tenant; --",
  '%00',
  '../..',
  '{{7*7}}',
  '-1',
  '1e999',
  'NaN',
  'null',
  'x'.repeat(5_000),
]
export const nasty = fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary', maxLength: 40 }))
