import type { EgressResult } from '../../platform/egress/egress.ts'
import { Problem } from '../../platform/errors.ts'
import { timeOfId } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import type { Run, Waited, Wanted } from './pipeline.ts'

/** How much time a call has, and whether anybody still waits for it. Every stage uses what the others left. */

/** A call takes no longer than this with all its attempts; `closeAbandonedCalls` rests on it. */
export const LONGEST_CALL_MS = 300_000

/** When an id was made, of the monotonic clock. */
export const madeAt = ({ clock }: App, id: string): number =>
  clock.monotonic() - Math.max(0, clock.now().getTime() - timeOfId(id).getTime())

/**
 * When a call is over, of the monotonic clock. Its time runs from its id, which it had before it was mapped and enriched:
 * by ids it is judged whether whoever made it still lives.
 */
export const endOf = (
  { clock }: App,
  { made_ms = clock.monotonic(), ends_ms = Number.POSITIVE_INFINITY }: Wanted,
): number => Math.min(made_ms + LONGEST_CALL_MS, ends_ms)

/** With the deadline that the call was given. One that is made for another has no more time than that has. */
export function withDeadline(
  { clock }: App,
  { deadline_ms }: { deadline_ms?: number },
  waited: Waited,
): Waited {
  if (deadline_ms === undefined) return waited
  const { ends_ms = Number.POSITIVE_INFINITY } = waited
  return { ...waited, ends_ms: Math.min(ends_ms, clock.monotonic() + deadline_ms) }
}

export const leftOf = ({ app, ends_ms }: Run): number => Math.max(0, ends_ms - app.clock.monotonic())

export const HUNG_UP = 'the caller hung up'

/** In words why nobody waits for it any more. */
export const whyHungUp = ({ wanted: { signal } }: Pick<Run, 'wanted'>): string =>
  signal?.reason instanceof Problem ? signal.reason.message : HUNG_UP

export const isHungUp = ({ wanted }: Pick<Run, 'wanted'>): boolean => wanted.signal?.aborted ?? false

/** What `work` comes to, or null where the call's time is over first, or its caller is gone. */
export async function withinTime<T>(run: Run, work: Promise<T>): Promise<T | null> {
  const { ends_ms, signal } = run.wanted
  const late = Promise.withResolvers<null>()
  const leave = () => late.resolve(null)
  if (signal?.aborted) leave()
  signal?.addEventListener('abort', leave)
  const timer = ends_ms === undefined ? undefined : setTimeout(leave, leftOf(run))
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', leave)
  }
}

/** Waits, but no longer than the caller does. */
export function pauseBefore({ wanted: { signal } }: Run, delay_ms: number): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', wake)
      resolve()
    }
    const timer = setTimeout(wake, delay_ms)
    signal?.addEventListener('abort', wake)
  })
}

export const inSeconds = (ms: number | null): string => `${Math.ceil((ms ?? 0) / 1000)} s`

type Request = { headers: Readonly<Record<string, unknown>> }
type Reply = { raw: { writableFinished: boolean; once(event: 'close', on: () => void): unknown } }

/**
 * Aborts when the caller hangs up. One who gave an Idempotency-Key will ask again for the answer, so for them the call
 * goes on.
 */
export const hangUpOf = ({ headers }: Request, reply: Reply): AbortSignal | undefined =>
  headers['idempotency-key'] === undefined ? hangUp(reply) : undefined

export function hangUp({ raw }: Reply): AbortSignal {
  const caller = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) caller.abort()
  })
  return caller.signal
}

/** A vendor that hangs up or cannot be reached is at fault, however little time the call had left. */
export function isCutShort({ wanted }: Run, result: EgressResult, in_less_time: boolean): boolean {
  if (result.kind === 'response') return false
  if (result.code === 'no_room') return true
  if (result.code === 'timeout') return in_less_time
  // Of what is streamed the caller's end may show in many ways.
  return (
    (wanted.signal?.aborted ?? false) && (result.code === 'aborted' || wanted.request.stream !== undefined)
  )
}
