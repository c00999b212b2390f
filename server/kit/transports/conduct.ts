import type { Connected, EgressRequest, EgressResult } from '../../platform/egress/egress.ts'
import { jsonAnswer } from './answer.ts'

/**
 * What the transports of files and mail share: work that ends in time, is given up when nobody waits for it, and whose
 * end, whatever it is, is a result as HTTP would have it.
 */
export type Way = {
  /** Aborted when the time is over or the caller hung up; whoever holds a socket ends it then. */
  signal: AbortSignal
  /** What is left of the time. */
  left_ms(): number
  /**
   * Called before the step by which something happens there. What fails before it has done nothing; after its time
   * is over it throws, so that nothing happens behind a result that was given.
   */
  acting(): void
  /** What the clock of the other side says, as it told it. */
  date: string | null
}

type Refused = Error & { refused: { status: number; code: string } }

/** To be thrown: the other side, or we in its place, say no. `code` is for programs, `message` for people. */
export const refused = (status: number, code: string, message: string): Refused =>
  Object.assign(new Error(message), { refused: { status, code } })

type Trouble = Extract<EgressResult, { kind: 'error' }>

/** To be thrown: what went wrong on the way. `sent` says whether something may have happened; else `acting` does. */
export const trouble = (code: Trouble['code'], message: string, sent?: boolean): Error =>
  Object.assign(new Error(message), { trouble: { code, sent } })

/** `work` gives what the body of the answer holds. A `Connected` of kind `error` may be thrown as it is. */
export async function conduct(
  request: EgressRequest,
  work: (way: Way) => Promise<unknown>,
): Promise<EgressResult> {
  const began = performance.now()
  const timeout = AbortSignal.timeout(Math.max(1, Math.ceil(request.timeout_ms)))
  const signal = request.signal ? AbortSignal.any([timeout, request.signal]) : timeout
  let sent = false
  const way: Way = {
    signal,
    left_ms: () => Math.max(1, Math.ceil(request.timeout_ms - (performance.now() - began))),
    acting: () => {
      signal.throwIfAborted()
      sent = true
    },
    date: null,
  }
  try {
    const value = await Promise.race([work(way), ended(signal)])
    return jsonAnswer(began, 200, value, dated(way))
  } catch (error) {
    if (timeout.aborted) return failed(began, 'timeout', sent, `no answer within ${request.timeout_ms} ms`)
    if (signal.aborted) return failed(began, 'aborted', sent, 'the request was cancelled')
    return toResult(began, error, sent, way)
  }
}

const dated = ({ date }: Way): Record<string, string> => (date === null ? {} : { date })

const ended = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const stop = () => reject(new Error('the time is over'))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
  })

type Thrown = Partial<Refused> & { trouble?: { code: Trouble['code']; sent?: boolean } } & Partial<
    Extract<Connected, { kind: 'error' }>
  >

function toResult(began: number, error: unknown, sent: boolean, way: Way): EgressResult {
  const thrown = error as Thrown
  const message = thrown.message ?? 'the connection was lost'
  if (thrown.refused) {
    const { status, code } = thrown.refused
    // Who says no has done nothing, and may be asked again where it says "not now".
    const again = status === 503 ? { 'retry-after': '0' } : {}
    return jsonAnswer(began, status, { code, message }, { ...dated(way), ...again })
  }
  if (thrown.trouble) return failed(began, thrown.trouble.code, thrown.trouble.sent ?? sent, message)
  const before = thrown.kind === 'error' ? thrown.code : undefined
  return failed(began, before ?? 'reset', sent, message)
}

const failed = (began: number, code: Trouble['code'], sent: boolean, message: string): EgressResult => ({
  kind: 'error',
  code,
  sent,
  message,
  total_ms: performance.now() - began,
})
