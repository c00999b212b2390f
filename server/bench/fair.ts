import { publishEvents } from './events.ts'
import { makeSubscription, makeTenant, openPlace, type Place } from './place.ts'
import { median, printTable, rounded } from './report.ts'
import type { SlowOrder, SlowResult } from './slow_receiver.ts'

/**
 * How much one receiver that hangs delays the others. Half of the traffic is its own; it answers at once, then hangs
 * its whole timeout, by turns. And how much a tenant that publishes a backlog at once delays another's few events.
 */
const QUIET = 9
const PER_SECOND = 100
const MEASURED_MS = 12_000
const TICK_MS = 20
const TIMEOUT_MS = 3_000
const BACKLOG = 20_000
const CLAIMED = 1.5

export async function fair(options: { rounds: number }): Promise<void> {
  const place = await openPlace()
  try {
    const rounds: Round[] = []
    const scene = await openScene(place)
    for (let round = 0; round < options.rounds; round++) {
      const calm = await scene.measure({ hang: false, backlog: 0 })
      const hung = await scene.measure({ hang: true, backlog: 0 })
      const alone = await scene.measure({ hang: false, backlog: 0 })
      const beside = await scene.measure({ hang: false, backlog: BACKLOG })
      rounds.push({ calm, hung, alone, beside })
    }
    print(rounds)
  } finally {
    await place.close()
  }
}

type Round = { calm: number; hung: number; alone: number; beside: number }

/** Medians; a ratio is the median of those of single rounds, since what disturbs a round disturbs all in it. */
function print(rounds: Round[]): void {
  const of = (pick: (round: Round) => number) => rounded(median(rounds.map(pick)))
  const ratio = of((round) => round.hung / round.calm)
  printTable([
    ['p99 from publication to the quiet receivers', 'ms'],
    ['all answer at once', String(of((round) => round.calm))],
    ['one, with half of the traffic, hangs', String(of((round) => round.hung))],
    ['a tenant publishes nothing beside them', String(of((round) => round.alone))],
    [`a tenant publishes ${BACKLOG} at once beside them`, String(of((round) => round.beside))],
  ])
  console.log(
    JSON.stringify({
      bench: 'fair',
      unit: 'ms p99',
      ...{ calm: of((round) => round.calm), hung: of((round) => round.hung), ratio, claimed: CLAIMED },
      ...{ alone: of((round) => round.alone), beside: of((round) => round.beside) },
      beside_ratio: of((round) => round.beside / round.alone),
      rounds,
    }),
  )
}

type Scene = { measure(noise: { hang: boolean; backlog: number }): Promise<number> }

async function openScene(place: Place): Promise<Scene> {
  const { app } = place
  const receiver = await place.program('./slow_receiver.ts')
  const ports = receiver.ready as number[]
  const url = (at: number, path: string) => `http://127.0.0.1:${ports[at]}${path}`
  const quiet = await makeTenant(app, 'Quiet')
  const loud = await makeTenant(app, 'Loud')
  const flood = await makeTenant(app, 'Flood')
  for (let n = 0; n < QUIET; n++) await makeSubscription(app, quiet, url(0, '/quiet'))
  await makeSubscription(app, loud, url(1, '/loud'))
  await makeSubscription(app, flood, url(2, '/flood'))
  await place.product('worker', { env: { TRILHO_DELIVERY_TIMEOUT_MS: String(TIMEOUT_MS) } })

  /** One event for the quiet tenant is nine deliveries; the loud one gets as many of its own. */
  async function traffic(): Promise<void> {
    const each = (PER_SECOND * TICK_MS) / 1000 / QUIET
    const until = performance.now() + MEASURED_MS
    let owed = 0
    for (let at = performance.now(); at < until; at = performance.now()) {
      owed += each
      const events = Math.floor(owed)
      owed -= events
      if (events > 0)
        await Promise.all([publishEvents(app, [quiet], events), publishEvents(app, [loud], events * QUIET)])
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, TICK_MS - (performance.now() - at))))
    }
  }

  return {
    measure: async ({ hang, backlog }) => {
      const order: SlowOrder = { hang: hang ? ['/loud'] : [], for_ms: MEASURED_MS + 1_000, of: '/quiet' }
      const answer = receiver.ask<SlowResult>(order)
      if (backlog > 0) await publishEvents(app, [flood], backlog)
      await traffic()
      const { p99_ms, count } = await answer
      if (count < (PER_SECOND * MEASURED_MS) / 1000 / 2) throw new Error(`only ${count} came`)
      await settled(place)
      return p99_ms
    },
  }
}

/** Until nothing of this measurement is in the way of the next: the loud one's deliveries are forgotten. */
async function settled({ root }: Place): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS + 1_500))
  await root.query('delete from delivery_queue where claim is null')
}
