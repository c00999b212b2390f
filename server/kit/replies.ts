import type { EgressResult } from '../platform/egress/egress.ts'
import { type Refusal, reasonOfStatus } from './news.ts'
import type { Operation, Provider } from './provider.ts'
import { inWords, read, readText, translated } from './reads.ts'
import { isSafe } from './retry.ts'
import { readJson } from './wire_json.ts'

/**
 * What became of a request. `refused` is the vendor's own no; `failed` means that nothing happened there; `unknown`
 * that something may have, to be settled by asking and never by guess.
 */
export type Outcome<T = unknown> =
  | { outcome: 'succeeded'; status: number; data: T }
  | { outcome: 'refused'; status: number; refusal: Refusal }
  | { outcome: 'failed' | 'unknown'; status: number | null; because: string }

/** Judges a result by its method and status alone; `data` is the body as it came. */
export function judge(provider: Provider, method: string, result: EgressResult): Outcome<Buffer> {
  if (result.kind === 'error') {
    const nothing = !result.sent || isSafe(method)
    return { outcome: nothing ? 'failed' : 'unknown', status: null, because: result.message }
  }
  const { status, body, headers } = result
  if (status < 300 && provider.refuses?.(parseReply(body))) {
    return { outcome: 'refused', status, refusal: toRefusal(provider, status, body) }
  }
  if ((status >= 200 && status < 300) || status === 304) return { outcome: 'succeeded', status, data: body }
  if (status < 400) {
    const because = `the vendor answered ${status}: redirects are not followed; set the final address`
    const is_done = status === 303 && !isSafe(method) // what came of it is said elsewhere: RFC 9110, section 15.4.4
    return { outcome: is_done ? 'unknown' : 'failed', status, because }
  }
  if (status < 500 && status !== 408)
    return { outcome: 'refused', status, refusal: toRefusal(provider, status, body) }
  const nothing = isSafe(method) || status === 501 || (status === 503 && headers['retry-after'] !== undefined)
  return { outcome: nothing ? 'failed' : 'unknown', status, because: `the vendor answered ${status}` }
}

/** Judges the result of an operation and translates what came back. */
export function readReply<T>(
  provider: Provider,
  operation: Operation<never, T>,
  method: string,
  result: EgressResult,
  input: unknown = {},
): Outcome<T> {
  const outcome = judge(provider, method, result)
  if (outcome.outcome !== 'succeeded') return outcome
  const { status, data } = outcome
  const reply = readText(operation.reads, data.toString() || 'null')
  const meaning = reply.ok
    ? translated(() => operation.translate(reply.value, input as never))
    : { ok: false as const, problem: inWords(reply.errors) }
  if (meaning.ok) return { outcome: 'succeeded', status, data: meaning.value }
  const because = `answered ${status}, but the reply cannot be read: ${meaning.problem}`
  return { outcome: isSafe(method) ? 'failed' : 'unknown', status, because }
}

function toRefusal(provider: Provider, status: number, body: Buffer): Refusal {
  const plain: Refusal = { reason: reasonOfStatus(status), code: null, message: null }
  return provider.refusal?.(status, parseReply(body)) ?? plain
}

/** A body as JSON; null where it is none. */
export function parseReply(body: Buffer): unknown {
  try {
    return readJson(body.toString())
  } catch {
    return null
  }
}

/** Checks the input of a named operation against its schema; the errors name the field. */
export const readInput = (operation: Operation, input: unknown) => read(operation.input, input)
