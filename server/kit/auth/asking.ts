import type { ClientIdentity, EgressRequest, EgressResult } from '../../platform/egress/egress.ts'
import type { Credentials } from '../fields.ts'
import { readJson } from '../wire_json.ts'

/** What the kinds that first have to ask the vendor for something are handed. The kit opens no socket of its own. */
export type Asking = {
  credentials: Credentials
  /** What completes an address that is only a path. */
  base_url: string
  identity?: ClientIdentity | undefined
  now: Date
  send(request: EgressRequest): Promise<EgressResult>
}

/**
 * `token` is what `authorize` wants: an access token, or what else the vendor gave. `expires_in_s` is null where it is
 * good until the vendor refuses it. A refusal is `final` where asking again is of no use before somebody acts.
 */
export type Obtained =
  | {
      ok: true
      token: string
      expires_in_s: number | null
      refresh_token: string | null
      scope: string | null
      /** Where the vendor says it is to be asked from now on, such as the instance of Salesforce. */
      base_url: string | null
    }
  | { ok: false; because: string; final: boolean }

export const obtained = (token: string, expires_in_s: number | null): Obtained => ({
  ok: true,
  token,
  expires_in_s,
  refresh_token: null,
  scope: null,
  base_url: null,
})

export const notObtained = (because: string, final = false): Obtained => ({ ok: false, because, final })

/** Leases are longer. */
const TIMEOUT_MS = 10_000
const MOST_BYTES = 100_000

type Question = Pick<EgressRequest, 'url' | 'method' | 'headers' | 'body'>

export const ask = ({ send, identity }: Asking, question: Question): Promise<EgressResult> =>
  send({
    ...question,
    timeout_ms: TIMEOUT_MS,
    max_response_bytes: MOST_BYTES,
    ...(identity && { identity }),
  })

export const completeUrl = (url: string, base_url: string): string =>
  url.startsWith('/') ? base_url.replace(/\/+$/, '') + url : url

/** A seconds count as vendors write it, or null where it is none. */
export function readSeconds(value: unknown): number | null {
  const seconds = Number(value)
  return value !== null && value !== '' && seconds > 0 && seconds < 1e9 ? Math.floor(seconds) : null
}

/** The members of a JSON object; none where the text is no such thing. */
export function readObject(text: string): Record<string, unknown> {
  try {
    const value = readJson(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {}
  } catch {
    return {}
  }
}

/** Fit for a header, whatever the vendor wrote. */
export const isToken = (value: unknown): value is string =>
  typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)

/** Some of the vendor's words, such as PostgreSQL can store. */
export const quoted = (text: string): string => text.replaceAll('\0', '').toWellFormed().slice(0, 200)
