import { setTimeout as sleep } from 'node:timers/promises'
import { ALL, type Count, slotMs, slotsOf } from '../../kit/call_limits.ts'
import type { Asked, Granted } from '../../kit/limiter.ts'
import type { Redis } from '../../platform/redis/redis.ts'
import { countKey, type Missed, type VendorLimit } from './limit_queries.ts'
import type { RedisStore } from './limit_redis.ts'
import type { LimitStore } from './limit_store.ts'

/**
 * Redis counts, and while it is away PostgreSQL does, so that a limit holds across the change:
 *
 * - Each process keeps what it took in Redis and PostgreSQL has not heard of. It tells every few seconds, and when Redis
 *   goes; then it waits a moment for the others to have told as well.
 * - When Redis is back, a count is first brought up to what PostgreSQL knows; then calls are taken in both, until every
 *   process has seen that Redis is back.
 */
const TELL_MS = 100
/** Longer than it takes any process to see that Redis answers again. */
const BOTH_MS = 3000
const MOST_KNOWN = 100_000

type Taken = Omit<Granted, 'smallest'>

export type PostgresStore = LimitStore & {
  /** Adds what was taken elsewhere. */
  add(missed: readonly Missed[]): Promise<void>
  /** What a vendor said that still holds, of a connection and of its operations. */
  words(place: { tenant_id: string; connection_id: string }): Promise<VendorLimit[]>
}

type Stores = { in_redis: RedisStore; in_postgres: PostgresStore }

export function withFallback(redis: Redis, stores: Stores, now: () => Date): LimitStore {
  const { in_redis, in_postgres } = stores
  const untold = keepUntold(in_postgres)
  const catching_up = keepCaughtUp(stores, now)
  redis.onLost(() => {
    catching_up.startAgain()
    untold.tell()
  })

  async function takeInPostgres(counts: readonly Count[], asked: Asked): Promise<Taken> {
    await untold.told()
    return in_postgres.take(counts, asked)
  }

  async function takeInRedis(counts: readonly Count[], asked: Asked): Promise<Taken | null> {
    try {
      await catching_up.with(counts)
      return await in_redis.take(counts, asked)
    } catch {
      return null
    }
  }

  async function takeInBoth(counts: readonly Count[], asked: Asked): Promise<Taken> {
    const first = await takeInPostgres(counts, asked)
    const second = await takeInRedis(counts, { ...asked, want: first.granted })
    return second && first.granted > 0 ? second : first
  }

  async function take(counts: readonly Count[], asked: Asked): Promise<Taken> {
    const up_ms = redis.up_ms()
    if (up_ms !== null && up_ms < BOTH_MS) return takeInBoth(counts, asked)
    const taken = up_ms === null ? null : await takeInRedis(counts, asked)
    if (taken) untold.remember(counts, taken, asked)
    return taken ?? takeInPostgres(counts, asked)
  }

  return {
    take,
    heed: async (place, word) => {
      await in_postgres.heed(place, word)
      if (redis.up_ms() !== null) await in_redis.heed(place, word).catch(() => {})
    },
    read: async (counts) => {
      if ((redis.up_ms() ?? 0) < BOTH_MS) return in_postgres.read(counts)
      return in_redis.read(counts).catch(() => in_postgres.read(counts))
    },
    flush: () => untold.tell(0),
  }
}

/** What was taken in Redis and PostgreSQL has not heard of. */
function keepUntold(in_postgres: PostgresStore) {
  const untold = new Map<string, Missed>()
  let telling: Promise<void> = Promise.resolve()

  async function tellAll(wait_ms: number): Promise<void> {
    const missed = [...untold.values()]
    untold.clear()
    try {
      await Promise.all([in_postgres.add(missed), sleep(wait_ms)])
    } catch {
      // PostgreSQL is away too; nothing can be taken in it meanwhile.
      for (const { count, slots } of missed) for (const [slot, n] of slots) note(untold, count, slot, n)
    }
  }

  const tell = (wait_ms = TELL_MS): Promise<void> => {
    telling = tellAll(wait_ms)
    return telling
  }

  return {
    tell,
    told: async () => {
      await telling
      if (untold.size > 0) await tell()
    },
    remember: (counts: readonly Count[], { granted, at_ms }: Taken, { unused, bytes }: Asked) => {
      for (const count of counts) {
        if (count.unit === 'bytes') note(untold, count, slotOf(count, at_ms), bytes)
        else {
          note(untold, count, slotOf(count, at_ms), granted)
          note(untold, count, slotOf(count, unused.at_ms), -unused.calls)
        }
      }
    },
  }
}

const slotOf = ({ per_s }: Count, at_ms: number): number => Math.floor(at_ms / slotMs(per_s))

/** Adds to a slot of a count; those that have left the ring are dropped. */
function note(all: Map<string, Missed>, count: Count, slot: number, n: number): void {
  if (n === 0) return
  const key = countKey(count)
  const known = all.get(key) ?? { count, slots: new Map<number, number>() }
  known.slots.set(slot, (known.slots.get(slot) ?? 0) + n)
  if (known.slots.size > slotsOf(count.per_s)) known.slots.delete(known.slots.keys().next().value ?? slot)
  all.set(key, known)
}

/** Of the counts that this process has brought up to what PostgreSQL knows, since Redis answers. */
function keepCaughtUp({ in_redis, in_postgres }: Stores, now: () => Date) {
  let caught_up = new Set<string>()
  const msUntil = (at: Date | null): number | null => at && Math.max(0, at.getTime() - now().getTime())

  async function repeatWords({ tenant_id, connection_id }: Count): Promise<void> {
    for (const word of await in_postgres.words({ tenant_id, connection_id })) {
      await in_redis.heed(
        { tenant_id, connection_id, operation: word.operation },
        {
          pause_ms: msUntil(word.paused_until),
          remaining: word.remaining === null ? null : Number(word.remaining),
          resets_ms: msUntil(word.resets_at),
        },
      )
    }
  }

  return {
    startAgain: () => {
      caught_up = new Set()
    },
    with: async (counts: readonly Count[]) => {
      const known = caught_up
      const behind = counts.filter((count) => !known.has(countKey(count)))
      if (behind.length === 0) return
      await in_redis.catchUp(behind, await in_postgres.read(behind))
      const own = behind.find(({ connection_id }) => connection_id !== ALL)
      if (own) await repeatWords(own)
      if (known.size > MOST_KNOWN) known.clear()
      for (const count of behind) known.add(countKey(count)) // of a Redis that has gone since, nothing is kept
    },
  }
}
