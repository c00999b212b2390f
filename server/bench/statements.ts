import { setTimeout as sleep } from 'node:timers/promises'
import type { LoadOrder, LoadResult } from './load.ts'
import { drained, makeSource, makeSubscription, makeTenant, openPlace, type Place } from './place.ts'
import type { Program } from './programs.ts'
import type { ReceiveOrder } from './receiver.ts'
import { printTable, rounded } from './report.ts'
import type { Target } from './stripe_messages.ts'

/**
 * How many statements an event costs from the webhook to the recorded delivery, counted by PostgreSQL itself
 * (pg_stat_statements), `begin`, `set` and `commit` included; alone, under load, and when nothing happens. The installation is
 * that of `npm start`, with its demo tenant: its rules are judged, and its connection is checked.
 */
const LOAD = 5_000
/** A lone one is counted so often, and the fewest taken: the clock may turn, or a vendor be checked, beside one of them. */
const LONE = 5
/** From one turn of the orders of five minutes, and one check of the connection, to the next. */
const IDLE_MS = 300_000
const CLAIMED = { lone: 12, under_load: 1, idle_per_s: 0.2 }

export async function statements(): Promise<void> {
  const place = await openPlace()
  try {
    const crossing = await openCrossing(place)
    await crossing(1) // caches are filled, statements prepared
    await crossing(200)
    await sleep(2_000)
    const all: Counted[] = []
    for (let n = 0; n < LONE; n++) all.push(await counted(place, () => crossing(1)))
    const lone = all.reduce((least, one) => (one.total < least.total ? one : least))
    const under_load = await counted(place, () => crossing(LOAD))
    const idle = await counted(place, () => sleep(IDLE_MS))
    const idle_per_s = (idle.total * 1000) / IDLE_MS
    printTable([
      ['statements', 'counted', 'claimed'],
      ['a lone event', String(lone.total), `at most ${CLAIMED.lone}`],
      [
        `an event of ${LOAD} under load`,
        (under_load.total / LOAD).toFixed(3),
        `at most ${CLAIMED.under_load}`,
      ],
      ['a second of idleness, all roles', idle_per_s.toFixed(3), `at most ${CLAIMED.idle_per_s}`],
    ])
    printTable([['calls', 'of a lone event'], ...lone.each])
    printTable([['calls', `of ${IDLE_MS / 1000} idle seconds`], ...idle.each])
    console.log(
      JSON.stringify({
        bench: 'statements',
        unit: 'statements/event',
        ours: rounded(under_load.total / LOAD),
        peers: {},
        ratios: {},
        lone: lone.total,
        idle_per_s: rounded(idle_per_s),
      }),
    )
  } finally {
    await place.close()
  }
}

/** Sends that many webhooks and waits until each was delivered and its attempt is on record. */
async function openCrossing(place: Place): Promise<(count: number) => Promise<void>> {
  const { app, root } = place
  await root.query('create extension if not exists pg_stat_statements')
  const { port } = await place.product('api,ingest,worker', {
    env: { TRILHO_DEMO: 'true', TRILHO_SANDBOX: 'true' },
  })
  const receiver = await place.program('./receiver.ts')
  const actor = await makeTenant(app, 'Bench')
  const source = await makeSource(app, actor)
  await makeSubscription(app, actor, `http://127.0.0.1:${receiver.ready}/`)
  const load = await place.program('./load.ts')
  return async (count) => {
    const wanted: ReceiveOrder = { warm: 1, most: count, within_ms: 60_000 }
    await Promise.all([receiver.ask(wanted), send(load, port, [source], count)])
    await drained(root, ['inbox_queue', 'delivery_queue'], 20_000)
    await sleep(100) // for a notification that is still held back
  }
}

async function send(load: Program, port: number, targets: Target[], count: number): Promise<void> {
  const order: LoadOrder = {
    port,
    clients: Math.min(64, count),
    targets,
    run: 'statement',
    most: count,
    warm_ms: 0,
    measured_ms: 60_000,
  }
  const { accepted } = await load.ask<LoadResult>(order)
  if (accepted !== count) throw new Error(`${accepted} of ${count} messages were accepted`)
}

type Counted = { total: number; each: string[][] }

/** What the product's roles ran meanwhile; our own questions are asked by another. */
async function counted({ root }: Place, work: () => Promise<unknown>): Promise<Counted> {
  await root.query('select pg_stat_statements_reset()')
  await work()
  const { rows } = await root.query<{ calls: string; text: string }>(
    `select sum(calls) as calls, left(regexp_replace(query, '\\s+', ' ', 'g'), 90) as text
       from pg_stat_statements where userid in (select oid from pg_roles where rolname like 'trilho\\_%')
      group by 2 order by 1 desc, 2`,
  )
  const total = rows.reduce((sum, { calls }) => sum + Number(calls), 0)
  return { total, each: rows.map(({ calls, text }) => [calls, text.trim()]) }
}
