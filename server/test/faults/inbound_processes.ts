import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../ports.ts'
import type { FaultPostgres, Installation } from './installation.ts'
import { randomOf } from './random.ts'
import { type Slot, startSlot } from './slot.ts'
import { restart } from './storm.ts'

/** The processes that take messages in and work on them, and how they are killed while senders are at it. */
/** One trouble of so many is PostgreSQL's, in a trial of at least as many; whoever starts while it is away says so and ends. */
const POSTGRES_EACH = 12
const POSTGRES_FIRST = 3
export const WAITS_FOR_POSTGRES = /ended by itself: PostgreSQL cannot be reached/

const JUMPING = `--import=${new URL('./order_clock.ts', import.meta.url)}`

/** One process at the door and several workers, each started again when it ends. */
export async function startAll(
  { env, database_url }: Installation,
  { workers, clocks_jump }: { workers: number; clocks_jump: boolean },
): Promise<{ slots: Slot[]; origin: string }> {
  const port = String(await freePort())
  const direct = { ...env, DATABASE_URL: database_url, ...(clocks_jump && { NODE_OPTIONS: JUMPING }) }
  const slots = await Promise.all([
    startSlot('door', { ...direct, TRILHO_PORT: port, TRILHO_ROLES: 'api,ingest' }),
    ...Array.from({ length: workers }, (_, n) =>
      startSlot(`worker ${n + 1}`, { ...direct, TRILHO_ROLES: 'worker' }),
    ),
  ])
  return { slots, origin: `http://127.0.0.1:${port}` }
}

/** Kills one process after another while the senders are at it, and goes on a little after. */
export async function killUntil(
  postgres: FaultPostgres,
  sending: Promise<unknown>,
  slots: Slot[],
  trial: { seed: number; kills: number; tell: (line: string) => void },
): Promise<number> {
  const random = randomOf(trial.seed + 1)
  let kills = 0
  let over = false
  void sending.then(
    () => {
      over = true
    },
    () => {
      over = true
    },
  )
  while (kills < trial.kills && !(over && kills >= trial.kills / 2)) {
    await sleep(200 + random() * 800)
    kills += 1
    if (postgres.end && trial.kills >= POSTGRES_EACH && kills % POSTGRES_EACH === POSTGRES_FIRST) {
      const signal = random() < 0.5 ? 'SIGINT' : 'SIGQUIT'
      await restart(postgres, signal)
      trial.tell(`  ${kills} ended PostgreSQL by ${signal}`)
      continue
    }
    const slot = slots[Math.floor(random() * slots.length)]
    await slot?.ready()
    slot?.kill()
    trial.tell(`  ${kills} killed ${slot?.name}`)
  }
  await sleep(500) // the last one may not have fallen yet, and nobody is to take it for alive
  return kills
}
