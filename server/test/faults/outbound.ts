import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type FaultPostgres, type Installation, install } from './installation.ts'
import { randomOf } from './random.ts'
import type { Mood } from './receiver.ts'
import type { Slot } from './slot.ts'
import { anyOf, occupy, reckon, restart, type Storm, startLoad } from './storm.ts'
import type { Tally } from './tally.ts'

/**
 * The long form for what goes out: senders that publish each in an order of their own, receivers that hang, reset,
 * answer late and answer 500 in bursts, and processes and PostgreSQL killed all the while.
 */
const SENDERS = 8
const BETWEEN_MS = 500
const WORKERS = 3
/** What waits for its last retry, at receivers that failed until now, may take so long. */
const PATIENCE_MS = 300_000
/** Whoever starts while PostgreSQL is down says so and ends; its supervisor starts it again. */
export const WAITS_FOR_POSTGRES = /ended by itself:[\s\S]*PostgreSQL cannot be reached/
const BETWEEN_BURSTS_MS = 15_000
const BURST_MS = 1_500
/** One trouble of so many is PostgreSQL's. */
const POSTGRES_EACH = 12
/** A lease ends after 10 or 15 s; what is still in a dead hand so long after that was forgotten. */
const MOST_OVERDUE_S = 15

export async function outbound(postgres: FaultPostgres, storm: Storm): Promise<Tally> {
  const installation = await install(postgres.url, { rough: true })
  let slots: Slot[] = []
  try {
    slots = await occupy(installation, WORKERS)
    const random = randomOf(storm.seed)
    installation.receiver.behave(moods(random))
    const watch = watchLeases(installation)
    const loads = [startOrders(installation), startLoad(installation, { webhook: 4, publish: 0, call: 0 })]
    const deadline = performance.now() + storm.longest_ms
    let times = 0
    for (; times < storm.times && performance.now() < deadline; times++) {
      await sleep(random() * BETWEEN_MS)
      storm.tell(`  ${times + 1} ${await trouble(postgres, slots, random)}`)
    }
    installation.receiver.behave(() => 'well')
    const stop = async () => void (await Promise.all(loads.map((load) => load.stop())))
    const tally = await reckon(installation, slots, { stop }, { times, patience_ms: PATIENCE_MS })
    const oldest_lease_s = await watch.stop()
    const late =
      oldest_lease_s > MOST_OVERDUE_S
        ? [`work stayed in a dead hand for ${oldest_lease_s} s after its lease`]
        : []
    const broken = tally.broken.filter((fault) => !WAITS_FOR_POSTGRES.test(fault))
    return { ...tally, oldest_lease_s, broken: [...broken, ...late] }
  } catch (error) {
    for (const slot of slots) slot.abandon()
    throw error
  } finally {
    await installation.close()
  }
}

async function trouble(postgres: FaultPostgres, slots: Slot[], random: () => number): Promise<string> {
  const [patient, what, which] = [random() < 0.5, random(), random()]
  const slot = anyOf(slots, which)
  if (patient) await slot.ready()
  if (postgres.end && what < 1 / POSTGRES_EACH) {
    const signal = which < 0.5 ? 'SIGINT' : 'SIGQUIT'
    await restart(postgres, signal)
    return `ended PostgreSQL by ${signal}`
  }
  slot.kill()
  return `killed ${slot.name}`
}

/** Mostly well; for a while now and then, however many ask, everything is refused. */
function moods(random: () => number): () => Mood {
  const next = () => performance.now() + BETWEEN_BURSTS_MS * random()
  let burst_from = next()
  return () => {
    const now = performance.now()
    if (now > burst_from + BURST_MS) burst_from = next()
    if (now > burst_from) return 'refuse'
    const what = random()
    if (what < 0.02) return 'hang'
    if (what < 0.05) return 'reset'
    return what < 0.15 ? random() * 400 : 'well'
  }
}

/** Each sender publishes the next order of its lane when the one before was answered. */
function startOrders({ sender }: Installation): { stop(): Promise<void> } {
  let going = true
  const loop = async (lane: number) => {
    for (let n = 1; going; n++) {
      await sender.send.publish(`${lane}-${n}`)
      await sleep(10)
    }
  }
  const loops = Promise.all(Array.from({ length: SENDERS }, (_, lane) => loop(lane)))
  return {
    stop: async () => {
      going = false
      await loops
    },
  }
}

const OVERDUE = `
  select coalesce(max(extract(epoch from now() - due)), 0)::float8 as s from (
    select due from delivery_queue where claim is not null union all select due from delivery_lane where claim is not null) held`

/** How long work was in the hand of a dead worker after its lease had ended, at most, in seconds. */
function watchLeases({ database_url }: Installation): { stop(): Promise<number> } {
  let going = true
  let most = 0
  const watching = (async () => {
    while (going) {
      const client = new pg.Client({ connectionString: database_url, options: '-c role=trilho_owner' })
      client.on('error', () => {})
      try {
        await client.connect()
        const { rows } = await client.query<{ s: number }>(OVERDUE)
        most = Math.max(most, rows[0]?.s ?? 0)
      } catch {
        // PostgreSQL is down: that is part of it
      } finally {
        await client.end().catch(() => {})
      }
      await sleep(1_000)
    }
  })()
  return {
    stop: async () => {
      going = false
      await watching
      return Math.round(most * 10) / 10
    },
  }
}
