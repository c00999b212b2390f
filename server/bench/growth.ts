import { drainCalls, makeCall } from '../modules/calls/calls.ts'
import { readMetrics } from '../modules/metrics/metrics.ts'
import { publishEvents } from './events.ts'
import { fillAll, subscribe, vacuum } from './growth_fill.ts'
import { changed, type Statement, touched } from './growth_statements.ts'
import { drained, openPlace, type Place } from './place.ts'
import type { ReceiveOrder, ReceiveResult } from './receiver.ts'
import { ask, DAY_MS, openGround, timed } from './records.ts'
import { median, note, printTable, type Rounds, ratioTo, rounded } from './report.ts'

/**
 * Whether a long history costs anything: the same calls and deliveries in an installation whose log is empty and in
 * one with so many calls and so many deliveries of the ten days before, in turns; the blocks that each of their
 * statements touches in both; and how long questions to the long one take.
 */
const ROWS = 10_000_000
const CLIENTS = 64
const ONCE = 4_000
const WARM = 400
const LEAST_RATIO = 0.75
const MOST_P95_MS = 100
/** A page more or less is a matter of how full the pages of today happen to be; another level of an index is two or more. */
const MOST_MORE_BLOCKS = 1

export async function growth({
  rounds: pairs,
  rows = ROWS,
}: {
  rounds: number
  rows?: number
}): Promise<void> {
  const places: Place[] = []
  try {
    const open = async (history: number) => {
      const place = await openPlace()
      places.push(place)
      return openSide(place, history)
    }
    const sides = { empty: await open(0), full: await open(rows) }
    const rounds = await measure(Object.entries(sides), pairs)
    const statements = changed(await touchedBy(sides.empty), await touchedBy(sides.full))
    const times = await askMetrics(sides.full, await ask(sides.full.ground))
    report(rows, rounds, statements, times)
  } finally {
    for (const place of places.reverse()) await place.close()
  }
}

type Side = Awaited<ReturnType<typeof openSide>>

async function openSide(place: Place, history: number) {
  const ground = await openGround(place)
  const { app, root, receiver, actor, connection } = ground
  const subscription = await subscribe(ground)
  if (history > 0) await fillAll(ground, history, subscription)
  const log_file = `${app.config.data_dir}/calls.log`
  const settings = { env: place.env, log_file, actor, connection, clients: CLIENTS }
  const caller = await place.program('./call_loop.ts', settings)
  const worker = await place.product('worker')
  worker.pause()
  const received = (most: number, warm = 0) =>
    receiver.ask<ReceiveResult>({ warm, most, within_ms: 120_000 } satisfies ReceiveOrder)
  return {
    ground,
    calls: async (count: number) =>
      (await Promise.all([received(count, count === ONCE ? WARM : 0), caller.ask({ count })]))[0].per_second,
    deliveries: async (count: number) => {
      await publishEvents(app, [actor], count)
      const all = received(count, count === ONCE ? WARM : 0)
      worker.resume()
      const { per_second } = await all
      await drained(root, ['delivery_queue'], 30_000)
      worker.pause()
      return per_second
    },
  }
}

async function measure(sides: [string, Side][], pairs: number): Promise<Rounds> {
  const rounds: Rounds = new Map()
  for (const [, side] of sides) {
    await side.calls(ONCE)
    await side.deliveries(ONCE)
    await vacuum(side.ground.root) // as autovacuum does; plans are made by what it learns
  }
  for (let pair = 0; pair < pairs; pair++) {
    for (const [name, side] of pair % 2 === 0 ? sides : sides.toReversed()) {
      note(rounds, `calls, ${name}`, await side.calls(ONCE))
      note(rounds, `deliveries, ${name}`, await side.deliveries(ONCE))
    }
  }
  return rounds
}

/** One call and one delivery at a time, so that what a statement touches is of one row. */
async function touchedBy({ ground, deliveries }: Side): Promise<Statement[]> {
  const { app, root, receiver, actor, connection } = ground
  await vacuum(root)
  return touched(root, async () => {
    const received = receiver.ask({ warm: 0, most: 1, within_ms: 60_000 } satisfies ReceiveOrder)
    await makeCall(app, actor, connection, { method: 'POST', path: '/', body: {} })
    await drainCalls(app)
    await received
    await deliveries(1)
  })
}

type Times = Awaited<ReturnType<typeof ask>>

async function askMetrics({ ground: { app, actor, connection } }: Side, times: Times): Promise<Times> {
  const range = { from: new Date(Date.now() - 90 * DAY_MS).toISOString(), step: 'day' } as const
  const all = await timed(() => readMetrics(app, actor, range))
  const one = await timed(() => readMetrics(app, actor, { ...range, connection_id: connection }))
  return [
    ...times,
    { name: 'metrics of 90 days, 20 connections', ...all },
    { name: 'metrics of 90 days, one connection', ...one },
  ]
}

function report(rows: number, rounds: Rounds, statements: Statement[][], times: Times): void {
  const ratios = ['calls', 'deliveries'].map((what) => ({
    what,
    empty: median(rounds.get(`${what}, empty`) ?? []),
    full: median(rounds.get(`${what}, full`) ?? []),
    ratio: ratioTo(rounds, `${what}, full`, `${what}, empty`),
  }))
  printTable([
    ['a second', 'in an empty log', `after ${rows.toLocaleString('en')}`, 'full / empty', 'claimed'],
    ...ratios.map(({ what, empty, full, ratio }) => [
      what,
      empty.toFixed(0),
      full.toFixed(0),
      ratio.toFixed(2),
      `at least ${LEAST_RATIO}`,
    ]),
  ])
  printTable([
    ['blocks that a statement touches', 'in an empty log', 'in a full one'],
    ...statements.map(([empty, full]) => [empty?.text ?? '', String(empty?.blocks), String(full?.blocks)]),
  ])
  printTable([
    ['asked of the full one', 'p50 ms', 'p95 ms'],
    ...times.map(({ name, p50, p95 }) => [name, p50.toFixed(1), p95.toFixed(1)]),
  ])
  const worst = Math.max(...times.map(({ p95 }) => p95))
  const more = Math.max(...statements.map(([empty, full]) => (full?.blocks ?? 0) - (empty?.blocks ?? 0)))
  console.log(
    JSON.stringify({
      bench: 'growth',
      unit: 'full / empty',
      rows,
      ratios: Object.fromEntries(ratios.map(({ what, ratio }) => [what, rounded(ratio)])),
      claimed: { ratio: LEAST_RATIO, p95_ms: MOST_P95_MS, more_blocks: MOST_MORE_BLOCKS },
      p95_ms: rounded(worst),
      more_blocks: more,
      ok:
        more <= MOST_MORE_BLOCKS && worst <= MOST_P95_MS && ratios.every(({ ratio }) => ratio >= LEAST_RATIO),
    }),
  )
}
