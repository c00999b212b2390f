import pg from 'pg'
import { publishEvents } from './events.ts'
import { touched } from './growth_statements.ts'
import { drained, makeSubscription, makeTenant, openPlace, type Place } from './place.ts'
import type { ReceiveOrder, ReceiveResult } from './receiver.ts'
import { median, printTable, rounded } from './report.ts'

/**
 * What it costs that a backup holds its snapshot for ten minutes: rows that were done with meanwhile stay where they are,
 * under the eyes of every claim. Deliveries go on in rounds all the time, and at the end one at a time is watched.
 */
const ONCE = 4_000
const WARM = 400
/** So many rounds before the snapshot is taken, and as many of the last, are compared. */
const COMPARED = 5
const CLAIMED = { ratio: 0.75, more_blocks: 1 }

export async function held({ minutes = 10 }: { minutes?: number }): Promise<void> {
  const place = await openPlace()
  try {
    await place.root.query('create extension if not exists pg_stat_statements')
    const deliver = await openDeliveries(place)
    await rounds(deliver, 2) // these warm up
    const before = await rounds(deliver, COMPARED)
    const blocks_before = await blocksOfClaim(place, deliver)
    const letGo = await holdSnapshot(place)
    const until = performance.now() + minutes * 60_000
    const during: number[] = []
    while (performance.now() < until || during.length < COMPARED) during.push(await deliver(ONCE))
    const blocks_after = await blocksOfClaim(place, deliver)
    await letGo()
    report({ minutes, before, during, blocks: [blocks_before, blocks_after] })
  } finally {
    await place.close()
  }
}

type Deliver = (count: number) => Promise<number>

/** Gives how many a second came. */
async function openDeliveries(place: Place): Promise<Deliver> {
  const { app, root } = place
  const receiver = await place.program('./receiver.ts')
  const actor = await makeTenant(app, 'Bench')
  await makeSubscription(app, actor, `http://127.0.0.1:${receiver.ready}/`)
  const worker = await place.product('worker')
  worker.pause()
  return async (count) => {
    await publishEvents(app, [actor], count)
    const order: ReceiveOrder = { warm: count === ONCE ? WARM : 0, most: count, within_ms: 120_000 }
    const all = receiver.ask<ReceiveResult>(order)
    worker.resume()
    const { per_second } = await all
    await drained(root, ['delivery_queue'], 30_000)
    worker.pause()
    return per_second
  }
}

async function rounds(deliver: Deliver, count: number): Promise<number[]> {
  const figures: number[] = []
  for (let n = 0; n < count; n++) figures.push(await deliver(ONCE))
  return figures
}

/** As a backup does: from here on nothing that this one may still see is cleaned away. */
async function holdSnapshot({ url }: Place): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('begin isolation level repeatable read')
  await client.query('select count(*) from delivery_queue')
  return () => client.end()
}

/** That a claim of one delivery touches at least. */
async function blocksOfClaim({ root }: Place, deliver: Deliver): Promise<number> {
  const statements = await touched(root, async () => void (await deliver(1)))
  return statements.find(({ text }) => text.includes('delivery_queue'))?.blocks ?? Number.NaN
}

type Seen = { minutes: number; before: number[]; during: number[]; blocks: [number, number] }

function report({ minutes, before, during, blocks }: Seen): void {
  const [at_first, at_last] = [median(before), median(during.slice(-COMPARED))]
  const ratio = at_last / at_first
  const more_blocks = blocks[1] - blocks[0]
  printTable([
    ['a snapshot is held', 'before it', `after ${minutes} min`],
    ['deliveries/s', at_first.toFixed(0), at_last.toFixed(0)],
    ['blocks that a claim touches', String(blocks[0]), String(blocks[1])],
  ])
  console.log(
    JSON.stringify({
      bench: 'held',
      unit: 'last / first',
      minutes,
      deliveries: during.length * ONCE,
      ratio: rounded(ratio),
      blocks: { before: blocks[0], after: blocks[1] },
      claimed: CLAIMED,
      ok: ratio >= CLAIMED.ratio && more_blocks <= CLAIMED.more_blocks,
    }),
  )
}
