import type { Clock } from '../../platform/clock.ts'
import type { Seen as Known, Looked, Waiting } from '../../platform/queue_statements.ts'

/**
 * Who waits, looked at again and again. A look at everybody hops from one subscription to the next and reads all that is
 * dead before the first row of each, of which there is much while somebody holds a snapshot. So whoever was seen is asked
 * for by itself, from where its first row stood on; everybody is looked at when a stranger shows, and every few seconds.
 */
export type Look = {
  list: Waiting[]
  /** Since it was there. */
  age_ms: number
  /** Until it may be taken anew, where it is an old one: it knows nothing of what came since. */
  rest_ms: number
  /** Whether this is everybody who waits … */
  whole: boolean
  /** … or the end of them. */
  last: boolean
}

export type LookOptions = {
  clock: Clock
  /** Those after one, in the order of their ids. */
  waiting: (after: string, limit: number) => Promise<Waiting[]>
  /** Those that were seen before, and whether anybody else waits. */
  waitingAgain: (known: Known[]) => Promise<Looked>
}

const START = '00000000-0000-0000-0000-000000000000'
/** Subscriptions looked at in one go. */
const MOST_LOOKED_AT = 2_000
/** A look is not repeated before so many times its length: a claim is made every few milliseconds … */
const REST = 8
const LEAST_REST_MS = 10
/** … and after a slow one no longer than this: whoever came since it was taken is not in it. */
const MOST_REST_MS = 250
/** … and one at everybody, while all who wait are known, not before so many times. */
const REST_OF_ALL = 50
const LEAST_REST_OF_ALL_MS = 5_000
/** What was put in by a transaction of this length may lie before the first row that was seen. */
const SLACK_MS = 1_000

export type Looks = {
  next(): Promise<Look>
  /**
   * The next look of those who do not fit into one is at the same ones, once: there was no room for them, and whenever
   * there is, it may be others who are looked at.
   */
  stay(): void
}

export function createLook({ clock, waiting, waitingAgain }: LookOptions): Looks {
  let after = START
  const known = createKnown()
  let all_again_at = Number.NEGATIVE_INFINITY
  let seen = {
    ...{ list: [] as Waiting[], at: Number.NEGATIVE_INFINITY },
    ...{ rest_until: Number.NEGATIVE_INFINITY, whole: true, last: true, from: START, stayed: false },
  }

  /** Null where there is a stranger. */
  async function lookAgain(): Promise<Waiting[] | null> {
    if (clock.monotonic() >= all_again_at) return null
    const { list, strangers } = await waitingAgain(known.since(clock.monotonic()))
    return strangers ? null : list
  }

  async function lookAtAll(): Promise<Waiting[]> {
    const began = clock.monotonic()
    const list = await waiting(after, MOST_LOOKED_AT)
    const took_ms = clock.monotonic() - began
    const is_whole = after === START && list.length < MOST_LOOKED_AT
    all_again_at = is_whole
      ? clock.monotonic() + Math.max(LEAST_REST_OF_ALL_MS, took_ms * REST_OF_ALL)
      : Number.NEGATIVE_INFINITY
    return list
  }

  async function take(began: number): Promise<void> {
    const again = await lookAgain()
    const list = again ?? (await lookAtAll())
    const at = clock.monotonic()
    const last = again !== null || list.length < MOST_LOOKED_AT
    const whole = again !== null || (last && after === START)
    if (whole) known.note(list, began, MOST_LOOKED_AT)
    const rest_ms = Math.min(MOST_REST_MS, Math.max(LEAST_REST_MS, REST * (at - began)))
    const stayed = after === seen.from
    seen = { list, at, rest_until: whole ? at + rest_ms : at, whole, last, from: after, stayed }
    after = last ? START : (list.at(-1)?.subscription_id ?? START)
  }

  async function next(): Promise<Look> {
    const asked = clock.monotonic()
    const is_old = asked < seen.rest_until
    if (!is_old) await take(asked)
    const now = clock.monotonic()
    const { list, whole, last, at, rest_until } = seen
    const rest_ms = is_old ? Math.max(1, rest_until - now) : 0
    return { list, whole, last, age_ms: now - at, rest_ms }
  }

  return {
    next,
    stay: () => {
      if (!seen.whole && !seen.stayed) after = seen.from
    },
  }
}

/** Since when there may be something of each that was ever seen, first attempts and retries. */
function createKnown() {
  const places = new Map<string, { tenant_id: string; first_at: number; again_at: number }>()
  return {
    /** In the order of their ids. */
    since: (now: number): Known[] =>
      [...places]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([subscription_id, { tenant_id, first_at, again_at }]) => ({
          ...{ tenant_id, subscription_id },
          first_age_ms: now - first_at + SLACK_MS,
          again_age_ms: now - again_at + SLACK_MS,
        })),
    /** Of whom nothing was seen, nothing lies before this look. */
    note(list: Waiting[], now: number, most: number): void {
      if (places.size > most) places.clear()
      for (const place of places.values()) {
        place.first_at = now
        place.again_at = now
      }
      for (const { tenant_id, subscription_id, first_ms, again_ms } of list) {
        const at = (ms: number | null) => now + Math.min(0, ms ?? 0)
        places.set(subscription_id, { tenant_id, first_at: at(first_ms), again_at: at(again_ms) })
      }
    },
  }
}
