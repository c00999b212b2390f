import { setTimeout as sleep } from 'node:timers/promises'
import { type FaultPostgres, install } from './installation.ts'
import { WAITS_FOR_POSTGRES } from './outbound.ts'
import { randomOf } from './random.ts'
import { type FaultRedis, startFaultRedis } from './redis.ts'
import type { Slot } from './slot.ts'
import { anyOf, occupy, reckon, restart, type Storm, startLoad } from './storm.ts'
import type { Tally } from './tally.ts'
import { MOODS, type Mood } from './vendor.ts'

/**
 * The long form for calls: made at once, later, in batches, under a key and with an access token, to a vendor that
 * answers as no vendor should, while processes, PostgreSQL and Redis end. Every call has to end, and none may be
 * made twice that was promised once.
 */
const LOAD = { call: 6, deferred: 6, batch: 3, keyed: 6, oauth: 4 }
const BETWEEN_MS = 2_000
/** Of the answers, as no vendor should give them. */
const HOSTILE = 0.3
/** One trouble of so many is PostgreSQL's, and one Redis's. */
const EACH = 12
const WITHOUT_REDIS_MS = 3_000

export async function calls(postgres: FaultPostgres, storm: Storm): Promise<Tally> {
  const installation = await install(postgres.url, { impatient: true })
  const redis = await startFaultRedis()
  if (redis) installation.env['REDIS_URL'] = redis.url
  let slots: Slot[] = []
  try {
    slots = await occupy(installation)
    const random = randomOf(storm.seed)
    installation.receiver.vendor.behave(moods(random))
    const load = startLoad(installation, LOAD)
    const deadline = performance.now() + storm.longest_ms
    let times = 0
    for (; times < storm.times && performance.now() < deadline; times++) {
      await Promise.all(slots.map((slot) => slot.ready())) // or a slow machine would see nothing but starts
      await sleep(random() * BETWEEN_MS)
      storm.tell(`  ${times + 1} ${await trouble({ postgres, redis, slots, random })}`)
    }
    installation.receiver.vendor.behave(() => 'well')
    const tally = await reckon(installation, slots, load, { times })
    return { ...tally, broken: tally.broken.filter((fault) => !WAITS_FOR_POSTGRES.test(fault)) }
  } catch (error) {
    for (const slot of slots) slot.abandon()
    throw error
  } finally {
    await redis?.end()
    await installation.close()
  }
}

type World = { postgres: FaultPostgres; redis: FaultRedis | null; slots: Slot[]; random: () => number }

async function trouble({ postgres, redis, slots, random }: World): Promise<string> {
  const [what, which] = [random() * EACH, random()]
  if (postgres.end && what < 1) {
    const signal = which < 0.5 ? 'SIGINT' : 'SIGQUIT'
    await restart(postgres, signal)
    return `ended PostgreSQL by ${signal}`
  }
  if (redis && what < 2) {
    await redis.end()
    await sleep(which * WITHOUT_REDIS_MS)
    await redis.start()
    return 'ended Redis, and started it again'
  }
  const slot = anyOf(slots, which)
  slot.kill()
  return `killed ${slot.name}`
}

const moods = (random: () => number) => (): Mood => {
  if (random() > HOSTILE) return 'well'
  return MOODS[Math.floor(random() * MOODS.length)] ?? 'well'
}
