import { ALL, type Count, type Place, type Ring, slotMs, slotsOf } from '../../kit/call_limits.ts'
import type { Asked, Granted } from '../../kit/limiter.ts'
import type { Redis } from '../../platform/redis/redis.ts'
import { countKey, type Rings, type VendorWord } from './limit_queries.ts'
import { CATCH_UP, HEED, READ, TAKE } from './limit_scripts.ts'
import type { LimitStore } from './limit_store.ts'

/** The counts of limits in Redis. Throws where it is away. */
export type RedisStore = LimitStore & {
  /** Puts in what another store has counted and this one has not. */
  catchUp(counts: readonly Count[], rings: Rings): Promise<void>
}

/** One hash slot of a cluster for all: a call may take from counts of a tenant and of the installation. */
const PREFIX = '{trilho:rates}'

const ringKey = (count: Count): string => `${PREFIX} ${countKey(count)}`
const wordKey = ({ tenant_id, connection_id, operation }: Place): string =>
  `${PREFIX} word ${tenant_id} ${connection_id} ${operation}`

const wordKeys = (counts: readonly Count[]): string[] => [
  ...new Set(counts.filter(({ connection_id }) => connection_id !== ALL).map(wordKey)),
]

export function redisStore(redis: Redis): RedisStore {
  return {
    take: async (counts, asked) => {
      const keys = [...counts.map(ringKey), ...wordKeys(counts)]
      return toGranted(counts, (await redis.run(TAKE, keys, [askedJson(counts, asked)])) as number[])
    },
    heed: async (place, word) => void (await redis.run(HEED, [wordKey(place)], wordValues(word))),
    read: async (counts) => toRings(counts, (await redis.run(READ, counts.map(ringKey), [])) as Answer),
    flush: async () => {},
    catchUp: async (counts, { rings }) => {
      const known = counts.map(({ per_s }, at) => ({
        kept_ms: (slotsOf(per_s) + 1) * slotMs(per_s),
        slots: pairsOf(rings[at] ?? null),
      }))
      await redis.run(CATCH_UP, counts.map(ringKey), [JSON.stringify(known)])
    },
  }
}

const askedJson = (counts: readonly Count[], { want, unused, bytes }: Asked): string =>
  JSON.stringify({
    rings: counts.map(({ unit, per_s, most, connection_id }) => ({
      slot_ms: slotMs(per_s),
      slots: slotsOf(per_s),
      most,
      is_bytes: unit === 'bytes',
      is_own: connection_id !== ALL,
    })),
    want,
    back: unused.calls,
    back_at: unused.at_ms,
    bytes,
  })

const wordValues = ({ pause_ms, remaining, resets_ms }: VendorWord): string[] =>
  [pause_ms, remaining, resets_ms].map((value) => String(value === null ? -1 : Math.ceil(value)))

/** As the script answers it; -1 stands for what no ring counts, and for no ring. */
function toGranted(counts: readonly Count[], answer: number[]): Omit<Granted, 'smallest'> {
  const [granted = 0, at_ms = 0, ends_ms = 0, wait_ms = 0, by = -1, room = -1, bytes_room = -1] = answer
  return {
    granted,
    at_ms,
    ends_ms,
    wait_ms,
    full: counts[by - 1] ?? null,
    room: room < 0 ? Number.POSITIVE_INFINITY : room,
    bytes_room: bytes_room < 0 ? Number.POSITIVE_INFINITY : bytes_room,
  }
}

type Answer = [now_ms: number, ...rings: string[][]]

function toRings(counts: readonly Count[], [now_ms, ...flat]: Answer): Rings {
  return { now_ms, rings: counts.map(({ per_s }, at) => toRing(per_s, flat[at] ?? [])) }
}

function toRing(per_s: number, flat: string[]): Ring | null {
  if (flat.length === 0) return null
  const slots = slotsOf(per_s)
  const pairs: [slot: number, n: number][] = []
  for (let at = 0; at < flat.length; at += 2) pairs.push([Number(flat[at]), Number(flat[at + 1])])
  const head = Math.max(...pairs.map(([slot]) => slot))
  const taken = new Array<number>(slots).fill(0)
  for (const [slot, n] of pairs) if (slot > head - slots) taken[slot % slots] = n
  return { per_s, head, taken }
}

/** What stands in the slots of a ring. */
export function pairsOf(ring: Ring | null): [slot: number, n: number][] {
  if (!ring) return []
  const { head, taken } = ring
  const slots = taken.map((_, back) => head - back)
  return slots
    .map((slot): [number, number] => [slot, taken[slot % taken.length] ?? 0])
    .filter(([, n]) => n > 0)
}
