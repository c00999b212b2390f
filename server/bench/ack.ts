import type { AckOrder } from './ack_load.ts'
import type { LoadOrder, LoadResult } from './load.ts'
import type { Waits } from './open_loop.ts'
import { makeSource, makeTenant, openPlace, type Place } from './place.ts'
import { median, printTable, rounded } from './report.ts'

/**
 * How long a sender waits for its answer, which comes after the commit, while messages come at half the rate that the door
 * can take at most. They come when they are due, not when those before them were answered.
 */
const TENANTS = 20
const CLIENTS = 64
const MOST = 40_000
const CLAIMED = { p95_ms: 5 }

export async function ack({ rounds }: { rounds: number }): Promise<void> {
  const place = await openPlace()
  try {
    report(await measure(place, rounds))
  } finally {
    await place.close()
  }
}

type Round = Waits & { most: number }

async function measure(place: Place, count: number): Promise<Round[]> {
  const { app, root } = place
  const targets = []
  for (let n = 0; n < TENANTS; n++) targets.push(await makeSource(app, await makeTenant(app, `Bench ${n}`)))
  const { port } = await place.product('ingest')
  const closed = await place.program('./load.ts')
  const open = await place.program('./ack_load.ts')
  const rounds: Round[] = []
  for (let round = 0; round <= count; round++) {
    const order: LoadOrder = {
      port,
      clients: CLIENTS,
      targets,
      run: `most${round}x`,
      most: MOST,
      warm_ms: 500,
      measured_ms: 1_800,
    }
    const { per_second: most } = await closed.ask<LoadResult>(order)
    await root.query('truncate inbox_queue') // nobody works on these
    const half = {
      port,
      targets,
      run: `half${round}x`,
      per_second: most / 2,
      warm_ms: 1_000,
      measured_ms: 4_000,
    }
    const result = await open.ask<Waits>(half satisfies AckOrder)
    await root.query('truncate inbox_queue')
    if (result.other > 0) throw new Error(`${result.other} messages were not answered 2xx`)
    if (round > 0) rounds.push({ ...result, most }) // the first warms up
  }
  return rounds
}

function report(rounds: Round[]): void {
  const of = (pick: (round: Round) => number) => rounded(median(rounds.map(pick)))
  const most = of((one) => one.most)
  const times = {
    p50_ms: of((one) => one.p50_ms),
    p95_ms: of((one) => one.p95_ms),
    p99_ms: of((one) => one.p99_ms),
  }
  printTable([
    ['ack', 'median', 'spread', 'claimed'],
    ['most a second', ...spread(rounds.map((one) => one.most)), ''],
    ['p50 ms at half of it', ...spread(rounds.map((one) => one.p50_ms)), ''],
    ['p95 ms', ...spread(rounds.map((one) => one.p95_ms)), `at most ${CLAIMED.p95_ms}`],
    ['p99 ms', ...spread(rounds.map((one) => one.p99_ms)), ''],
  ])
  console.log(
    JSON.stringify({
      bench: 'ack',
      unit: 'ms',
      most_per_s: most,
      ...times,
      claimed: CLAIMED,
      ok: times.p95_ms <= CLAIMED.p95_ms,
    }),
  )
}

const spread = (figures: number[]): [string, string] => [
  String(rounded(median(figures))),
  `${rounded(Math.min(...figures))} to ${rounded(Math.max(...figures))}`,
]
