import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from '../ports.ts'
import { endCutOffCalls } from './cut_off.ts'
import { type FaultPostgres, type Installation, install } from './installation.ts'
import { randomOf } from './random.ts'
import type { Sender } from './sender.ts'
import { type Slot, startSlot } from './slot.ts'
import type { Tally } from './tally.ts'
import { compare, untilQuiet } from './truth.ts'

/**
 * Trouble under load: one process that serves the API and takes webhooks, two workers, PostgreSQL apart, and senders
 * that never stop. What the trouble is, and when, follows from the seed; where in its work it meets a process does not.
 */
export type Storm = {
  seed: number
  /** How often; it ends sooner where `longest_ms` is over. */
  times: number
  longest_ms: number
  load: Load
  tell: (line: string) => void
}

/** How many senders of each kind never stop. */
export type Load = Partial<Record<keyof Sender['send'], number>>

type Trouble = (slots: Slot[], random: () => number) => Promise<string>

/** SIGKILL, to any process: mostly when all of them serve, now and then to one that may still be starting. */
export const kills = (postgres: FaultPostgres, storm: Storm): Promise<Tally> =>
  weather(postgres, storm, async (slots, random) => {
    const [patient, pause, which] = [random() < 0.75, random(), random()]
    if (patient) await Promise.all(slots.map((slot) => slot.ready()))
    await sleep(pause * 1_000)
    const slot = anyOf(slots, which)
    slot.kill()
    return `killed ${slot.name}`
  })

/** SIGTERM, as a rolling upgrade does: what is in hand is finished, so nothing is sent twice. */
export const drains = (postgres: FaultPostgres, storm: Storm): Promise<Tally> =>
  weather(postgres, storm, async (slots, random) => {
    await sleep(500 + random() * 1_000)
    const slot = anyOf(slots, random())
    await slot.drain()
    return `drained ${slot.name}`
  })

/** Ends PostgreSQL and waits until it serves again. */
export async function restart(postgres: FaultPostgres, signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
  const before = await untilStartedAgain(postgres.url, null)
  postgres.end?.(signal)
  await untilStartedAgain(postgres.url, before)
}

/** PostgreSQL ends, fast and immediate by turns, and starts again; no process of the product may end with it. */
export const restarts = (postgres: FaultPostgres, storm: Storm): Promise<Tally> => {
  let turn = 0
  return weather(postgres, storm, async (_slots, random) => {
    await sleep(2_000 + random() * 2_000)
    const signal = turn++ % 2 === 0 ? 'SIGINT' : 'SIGQUIT'
    await restart(postgres, signal)
    return `ended PostgreSQL by ${signal}`
  })
}

/** When PostgreSQL started; null while it does not answer. */
async function startOf(url: string): Promise<string | null> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 })
  client.on('error', () => {}) // it may end under this very look
  try {
    await client.connect()
    const { rows } = await client.query<{ at: string }>('select pg_postmaster_start_time()::text as at')
    return rows[0]?.at ?? null
  } catch {
    return null
  } finally {
    await client.end().catch(() => {})
  }
}

const BACK_WITHIN_MS = 600_000

/** The truth is read from PostgreSQL too: it has to be back before anything is compared. Gives when it started. */
async function untilStartedAgain(url: string, before: string | null): Promise<string> {
  const deadline = performance.now() + BACK_WITHIN_MS
  while (performance.now() < deadline) {
    const now = await startOf(url)
    if (now !== null && now !== before) return now
    await sleep(50)
  }
  throw new Error(`PostgreSQL did not come back within ${BACK_WITHIN_MS / 1000} s`)
}

async function weather(postgres: FaultPostgres, storm: Storm, trouble: Trouble): Promise<Tally> {
  const installation = await install(postgres.url)
  let slots: Slot[] = []
  try {
    slots = await occupy(installation)
    const random = randomOf(storm.seed)
    const load = startLoad(installation, storm.load)
    const deadline = performance.now() + storm.longest_ms
    let times = 0
    for (; times < storm.times && performance.now() < deadline; times++) {
      storm.tell(`  ${times + 1} ${await trouble(slots, random)}`)
    }
    return await reckon(installation, slots, load, { times })
  } catch (error) {
    for (const slot of slots) slot.abandon() // else they hold the run open, and its error is never seen
    throw error
  } finally {
    await installation.close()
  }
}

/** The processes of an installation, each started again when it ends. */
export async function occupy(installation: Installation, workers = 2): Promise<Slot[]> {
  const env = { ...installation.env, DATABASE_URL: installation.database_url }
  const port = String(await freePort())
  const slots = await Promise.all([
    startSlot('door', { ...env, TRILHO_PORT: port, TRILHO_ROLES: 'api,ingest' }),
    ...Array.from({ length: workers }, (_, n) =>
      startSlot(`worker ${n + 1}`, { ...env, TRILHO_ROLES: 'worker' }),
    ),
  ])
  installation.at({ url: `http://127.0.0.1:${port}` })
  return slots
}

export async function reckon(
  installation: Installation,
  slots: Slot[],
  load: { stop(): Promise<void> },
  { times, patience_ms }: { times: number; patience_ms?: number },
): Promise<Tally> {
  await load.stop()
  const quiet = await untilQuiet(installation, patience_ms)
  await Promise.all(slots.map((slot) => slot.stop()))
  await endCutOffCalls(installation)
  const { broken, ...truth } = await compare(installation)
  const crashes = slots.flatMap((slot) => slot.crashes)
  return {
    ...truth,
    kills: times,
    cuts: 0,
    oldest_lease_s: 0,
    broken: [...broken, ...crashes, ...(quiet ? [] : ['work was left over'])],
  }
}

const PAUSE_MS = 20

export function startLoad({ sender }: Installation, load: Load): { stop(): Promise<void> } {
  let going = true
  let count = 0
  const loop = async (kind: keyof Load) => {
    while (going) {
      count += 1
      await sender.send[kind](String(count))
      await sleep(PAUSE_MS)
    }
  }
  const kinds = Object.keys(load) as (keyof Load)[]
  const loops = Promise.all(
    kinds.flatMap((kind) => Array.from({ length: load[kind] ?? 0 }, () => loop(kind))),
  )
  return {
    stop: async () => {
      going = false
      await loops
    },
  }
}

export function anyOf(slots: Slot[], which: number): Slot {
  const slot = slots[Math.floor(which * slots.length)]
  if (!slot) throw new Error('there are no processes')
  return slot
}
