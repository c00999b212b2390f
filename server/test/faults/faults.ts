import { parseArgs } from 'node:util'
import { calls } from './calls.ts'
import { proveInbound } from './inbound.ts'
import { type FaultPostgres, startFaultPostgres } from './installation.ts'
import { outbound } from './outbound.ts'
import { FLOWS, walkPoints } from './points.ts'
import { drains, kills, restarts, type Storm } from './storm.ts'
import { addTallies, type Tally, tallyInWords } from './tally.ts'

// npm run faults                                          the main job: points, kills, drains and restarts
//   npm run faults -- --form kills --seed 7 --times 50      one form of them
//   npm run faults -- inbound [--entities 100000] [--messages 3] [--sockets 10000] [--held 100] [--every 1]   what comes in, alone
//   npm run faults -- calls [--times 100]                   calls of every kind to a vendor that misbehaves, kills of everything
//   npm run faults -- outbound --minutes 5                  senders in order, receivers that fail, kills of everything
//   npm run faults -- --flow webhook --point 17 --side after --how cut   one point of one flow

const MINUTE_MS = 60_000
const tell = (line: string) => console.log(line)

const { values, positionals } = parseArgs({
  options: {
    form: { type: 'string' },
    flow: { type: 'string' },
    point: { type: 'string' },
    side: { type: 'string' },
    how: { type: 'string' },
    lanes: { type: 'string', default: '8' },
    seed: { type: 'string' },
    times: { type: 'string' },
    entities: { type: 'string', default: '100000' },
    messages: { type: 'string', default: '3' },
    workers: { type: 'string', default: '3' },
    minutes: { type: 'string' },
    sockets: { type: 'string', default: '10000' },
    held: { type: 'string', default: '100' },
    every: { type: 'string', default: '1' },
  },
  allowPositionals: true,
})

const seed = Number(values.seed ?? Date.now() % 1_000_000)
const storm = (times: number, longest_ms: number): Storm => ({
  seed,
  times: Number(values.times ?? times),
  longest_ms,
  load: { webhook: 12, publish: 3, call: 1, deferred: 1, oauth: 1 },
  tell,
})

const FORMS: Record<string, (postgres: FaultPostgres) => Promise<Tally>> = {
  points: async (postgres) => {
    const outcomes = await walkPoints(postgres.url, {
      flows: values.flow ? [values.flow] : FLOWS,
      lanes: values.point ? 2 : Number(values.lanes),
      only: ({ point, how }, name) =>
        (values.how ?? how) === how &&
        [name, String(point.step)].includes(values.point ?? name) &&
        (values.side ?? point.side) === point.side,
      tell,
    })
    if (!outcomes.some(({ reached }) => reached))
      throw new Error('no such point was met; see the steps above')
    return addTallies(outcomes.map(({ tally }) => tally))
  },
  kills: (postgres) => kills(postgres, storm(200, 30 * MINUTE_MS)),
  drains: (postgres) => drains(postgres, storm(20, 10 * MINUTE_MS)),
  restarts: (postgres) => restarts(postgres, storm(12, 10 * MINUTE_MS)),
  calls: (postgres) => calls(postgres, storm(100, 15 * MINUTE_MS)),
  outbound: (postgres) => outbound(postgres, storm(1_000, Number(values.minutes ?? 45) * MINUTE_MS)),
}

/** Those of the main job. What is proven of inbound and outbound alone is asked for by name: half an hour each. */
const ALL = ['points', 'kills', 'drains', 'restarts', 'calls']

/** What was asked for: a point alone names its form. */
const wanted = values.form ?? positionals[0] ?? (values.flow || values.point ? 'points' : undefined)

/** What comes in alone: its order, and its door. */
const inbound = (): Promise<number> =>
  proveInbound(
    {
      seed,
      entities: Number(values.entities),
      messages: Number(values.messages),
      workers: Number(values.workers),
      kills: Number(values.times ?? 100),
      sockets: Number(values.sockets),
      held_ms: Number(values.held) * 1_000,
      every: Number(values.every),
      lanes: Number(values.lanes),
      tell,
    },
    process.env['DATABASE_URL'],
  )

async function main(): Promise<number> {
  if (positionals.includes('inbound')) return inbound()
  const began = performance.now()
  const names = wanted ? [wanted] : ALL
  const postgres = await startFaultPostgres(process.env['DATABASE_URL'])
  console.log(`seed ${seed}`)
  try {
    const tallies: Tally[] = []
    for (const name of names) {
      const form = FORMS[name]
      if (!form) throw new Error(`no form is called ${name}; there are ${Object.keys(FORMS).join(', ')}`)
      if (name === 'restarts' && !postgres.end) {
        console.log('restarts: left out, the PostgreSQL in DATABASE_URL is not ours to end')
        continue
      }
      console.log(`\n${name}`)
      const tally = await form(postgres)
      console.log(`${name}: ${tallyInWords(tally)}`)
      for (const fault of tally.broken) console.log(`  BROKEN ${fault}`)
      tallies.push(tally)
    }
    return report(addTallies(tallies), wanted ?? 'all', Math.round((performance.now() - began) / 1000))
  } finally {
    await postgres.stop()
  }
}

/** `kills` counts every end that was put to a process, PostgreSQL's included. */
function report(tally: Tally, faults: string, seconds: number): number {
  const { broken, ...counts } = tally
  console.log(JSON.stringify({ faults, ...counts, broken: broken.length, seed, seconds }))
  return tally.lost === 0 && broken.length === 0 ? 0 : 1
}

process.setMaxListeners(0) // one for each process of the product that runs
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
process.exitCode = await main()
