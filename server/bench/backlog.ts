import { setTimeout as sleep } from 'node:timers/promises'
import type { AckOrder } from './ack_load.ts'
import { fillInbox, inMb, memoryOf, reckonInbox, workLeft } from './backlog_ground.ts'
import type { Waits } from './open_loop.ts'
import { makeSource, makeTenant, openPlace, type Place } from './place.ts'
import { printTable, rounded } from './report.ts'

/**
 * A backlog of so many messages, gathered while no worker ran: how fast it drains beside a short one, how the door
 * answers meanwhile, and what memory the worker holds before and after.
 */
const ROWS = 1_000_000
const SHORT = 20_000
const TENANTS = 20
const ASKED = { per_second: 300, warm_ms: 1_000, measured_ms: 6_000 }
const CLAIMED = { ratio: 0.9 }

export async function backlog({ rows = ROWS }: { rows?: number }): Promise<void> {
  const place = await openPlace()
  try {
    report(await measure(place, rows))
  } finally {
    await place.close()
  }
}

async function measure(place: Place, rows: number) {
  const { app, root } = place
  const sources: Awaited<ReturnType<typeof makeSource>>[] = []
  for (let n = 0; n < TENANTS; n++) sources.push(await makeSource(app, await makeTenant(app, `Bench ${n}`)))
  const door = await place.product('ingest')
  const worker = await place.product('worker')
  const load = await place.program('./ack_load.ts')
  const ack = (run: string) =>
    load.ask<Waits>({ port: door.port, targets: sources, run, ...ASKED } satisfies AckOrder)
  let stored = 0
  const fill = async (run: string, count: number) => {
    await fillInbox(root, sources, { count, run, state: 'pending' })
    stored += count
  }
  const drain = async (): Promise<Drain> => {
    worker.resume()
    app.db.notify('trilho_inbox', 'new')
    const drained = await watch(root)
    worker.pause()
    return drained
  }
  const short = Math.min(SHORT, Math.ceil(rows / 4))
  worker.pause()
  await fill('warm', short)
  await drain()
  const ack_empty = await ack('empty')
  stored += await arrived(root, stored)
  await drain()
  await fill('before', short)
  const before = await drain()
  await fill('deep', rows)
  const ack_deep = await ack('deep')
  const deep = await workLeft(root)
  stored += await arrived(root, stored)
  const memory = [memoryOf(worker.pid)]
  const of_deep = await drain()
  memory.push(memoryOf(worker.pid))
  await fill('after', short)
  const after = await drain()
  return {
    rows,
    short,
    deep,
    before,
    after,
    of_deep,
    ack_empty,
    ack_deep,
    memory,
    stored,
    counts: await reckonInbox(root),
  }
}

/** Messages that came through the door since so many were stored. */
async function arrived(root: Place['root'], stored: number): Promise<number> {
  const { rows } = await root.query<{ n: number }>('select count(*)::int as n from inbox')
  return (rows[0]?.n ?? 0) - stored
}

/** Rates of a second: of the whole, of its first quarter and of its last. */
type Drain = { per_s: number; first: number; last: number }

/** Looks so seldom that looking costs nothing beside the work. */
const lookMs = (left: number) => (left > 100_000 ? 2_000 : 100)
const PATIENCE_MS = 120_000

async function watch(root: Place['root']): Promise<Drain> {
  const began = performance.now()
  const all = await workLeft(root)
  const seen = [{ at: began, left: all }]
  for (let left = all; left > 0; ) {
    await sleep(lookMs(left))
    left = await workLeft(root)
    const now = performance.now()
    if (left < (seen.at(-1)?.left ?? 0)) seen.push({ at: now, left })
    else if (now - (seen.at(-1)?.at ?? 0) > PATIENCE_MS) throw new Error(`${left} messages are stuck`)
  }
  const at = (left: number) => seen.find((one) => one.left <= left)?.at ?? began
  const rate = (from: number, to: number) => ((from - to) * 1000) / Math.max(1, at(to) - at(from))
  return { per_s: rate(all, 0), first: rate(all, all * 0.75), last: rate(all * 0.25, 0) }
}

function report({
  rows,
  short,
  deep,
  before,
  after,
  of_deep,
  memory,
  stored,
  counts,
  ...acks
}: Awaited<ReturnType<typeof measure>>): void {
  const of_short = (before.per_s + after.per_s) / 2 // the machine may have become another meanwhile
  const ratio = of_deep.per_s / of_short
  const exact = counts.completed === stored && counts.events === stored && counts.told === stored
  const perS = ({ per_s, first, last }: Drain) => [per_s, first, last].map((one) => String(rounded(one)))
  printTable([
    ['a backlog of', 'drained a second', 'its first quarter', 'its last'],
    [String(short), ...perS(before)],
    [String(deep), ...perS(of_deep)],
    [`${short} again`, ...perS(after)],
    ['ratio', ratio.toFixed(2), `at least ${CLAIMED.ratio}`, ''],
  ])
  printTable([
    [`answered at ${ASKED.per_second}/s, no worker`, 'p50 ms', 'p95 ms', 'p99 ms'],
    ['the queue nearly empty', ...shown(acks.ack_empty)],
    [`${rows} deep`, ...shown(acks.ack_deep)],
  ])
  printTable([
    ['memory of the worker before and after', memory.map(inMb).join(', ')],
    [
      'stored, completed, events',
      `${stored} ${counts.completed} ${counts.events}: ${exact ? 'exact' : 'WRONG'}`,
    ],
  ])
  const rates = { short: rounded(of_short), deep: rounded(of_deep.per_s), ratio: rounded(ratio) }
  const ack = { empty: figures(acks.ack_empty), deep: figures(acks.ack_deep) }
  const quarters = { first: rounded(of_deep.first), last: rounded(of_deep.last) }
  console.log(
    JSON.stringify({
      bench: 'backlog',
      unit: 'messages/s',
      rows,
      ...rates,
      quarters,
      claimed: CLAIMED,
      ack,
      memory_mb: memory,
      stored,
      counts,
      ok: exact && ratio >= CLAIMED.ratio,
    }),
  )
}

const figures = ({ p50_ms, p95_ms, p99_ms, other }: Waits) => ({
  p50_ms: rounded(p50_ms),
  p95_ms: rounded(p95_ms),
  p99_ms: rounded(p99_ms),
  other,
})
const shown = ({ p50_ms, p95_ms, p99_ms }: Waits) => [p50_ms, p95_ms, p99_ms].map((ms) => ms.toFixed(1))
