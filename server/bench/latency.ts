import { cpus } from 'node:os'
import { createKey } from '../modules/tenants/tenants.ts'
import type { PublishOrder } from './latency_load.ts'
import type { Times, Waits } from './open_loop.ts'
import { makeSubscription, makeTenant, openPlace, type Place } from './place.ts'
import { busyMs, parentOf } from './processor.ts'
import type { Program } from './programs.ts'
import type { ReceiveOrder, ReceiveResult } from './receiver.ts'
import { printTable, rounded } from './report.ts'

/**
 * How long after an event was due to be published it is at its receiver, while events are published through the API at a
 * pace of their own; all roles in one process, all of it on one machine, whose processors are shared as the table says.
 */
const PACES = [200, 1_000]
const WARM_S = 10
const CLAIMED: Record<number, Partial<Times>> = { 200: { p95_ms: 25 }, 1000: { p99_ms: 250 } }

export async function latency({ minutes = 10 }: { minutes?: number }): Promise<void> {
  const place = await openPlace()
  try {
    const scene = await openScene(place)
    const runs: Run[] = []
    for (const per_second of PACES) runs.push(await measure(scene, per_second, minutes))
    report(runs, minutes)
  } finally {
    await place.close()
  }
}

type Scene = { port: number; key: string; load: Program; receiver: Program; busy: () => Busy }
type Busy = Record<'product' | 'postgresql' | 'load' | 'receiver', number>
type Run = { per_second: number; reached: Times; answered: Waits; share: Busy }

async function openScene(place: Place): Promise<Scene> {
  const { app, root } = place
  const actor = await makeTenant(app, 'Bench')
  const receiver = await place.program('./receiver.ts')
  await makeSubscription(app, actor, `http://127.0.0.1:${receiver.ready}/`)
  const { key } = await createKey(app, actor, { name: 'Bench', environment: 'test', scopes: ['*'] })
  const product = await place.product('api,ingest,worker', {
    env: { TRILHO_RATE_LIMIT_PER_SECOND: '1000000' },
  })
  await declareType(product.port, key)
  const load = await place.program('./latency_load.ts')
  const { rows } = await root.query<{ pid: number }>('select pg_backend_pid() as pid')
  const postmaster = parentOf(rows[0]?.pid ?? 0)
  const busy = (): Busy => ({
    product: busyMs(product.pid),
    postgresql: busyMs(postmaster, true),
    load: busyMs(load.pid),
    receiver: busyMs(receiver.pid),
  })
  return { port: product.port, key, load, receiver, busy }
}

async function declareType(port: number, key: string): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/event-types`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ name: 'bench.paced', description: 'Of the bench', schema: {}, example: {} }),
  })
  if (!answer.ok) throw new Error(`the type of the bench was not taken: ${await answer.text()}`)
}

async function measure({ port, key, load, receiver, busy }: Scene, per_second: number, minutes: number) {
  const warm = per_second * WARM_S
  const order: PublishOrder = {
    port,
    key,
    per_second,
    warm_ms: WARM_S * 1_000,
    measured_ms: minutes * 60_000,
  }
  const most = warm + per_second * minutes * 60
  const wanted: ReceiveOrder = { warm, most, within_ms: (minutes + 1) * 60_000 + WARM_S * 1_000, timed: true }
  const [before, began] = [busy(), performance.now()]
  const [answered, { after }] = await Promise.all([
    load.ask<Waits>(order),
    receiver.ask<ReceiveResult>(wanted),
  ])
  if (answered.other > 0) throw new Error(`${answered.other} events were not answered 2xx`)
  const [now, all_ms] = [busy(), (performance.now() - began) * cpus().length]
  const part = (of: keyof Busy) => (now[of] - before[of]) / all_ms
  const share = {
    product: part('product'),
    postgresql: part('postgresql'),
    load: part('load'),
    receiver: part('receiver'),
  }
  return { per_second, reached: after, answered, share }
}

function report(runs: Run[], minutes: number): void {
  const ms = ({ p50_ms, p95_ms, p99_ms, worst_ms }: Times) => [p50_ms, p95_ms, p99_ms, worst_ms].map(inMs)
  printTable([
    [`${minutes} min at`, 'ms from due to', 'p50', 'p95', 'p99', 'worst', 'claimed'],
    ...runs.flatMap(({ per_second, reached, answered }) => [
      [`${per_second}/s`, 'the receiver', ...ms(reached), claimOf(per_second)],
      ['', '201', ...ms(answered), ''],
    ]),
  ])
  const shares = runs.map(({ per_second, share }) => [
    `${per_second}/s`,
    ...Object.values(share).map((part) => `${Math.round(part * 100)} %`),
  ])
  printTable([[`of ${cpus().length} processors`, 'product', 'postgresql', 'load', 'receiver'], ...shares])
  const figures = runs.map(({ per_second, reached, answered, share }) => ({
    per_second,
    reached: inShort(reached),
    answered: inShort(answered),
    processor_share: inShort(share),
  }))
  console.log(
    JSON.stringify({
      bench: 'latency',
      unit: 'ms',
      minutes,
      runs: figures,
      claimed: CLAIMED,
      ok: isKept(runs),
    }),
  )
}

const inMs = (ms: number): string => ms.toFixed(1)

const inShort = (figures: Record<string, number>) =>
  Object.fromEntries(Object.entries(figures).map(([name, figure]) => [name, rounded(figure)]))

const claimOf = (per_second: number): string =>
  Object.entries(CLAIMED[per_second] ?? {})
    .map(([part, most]) => `${part.replace('_ms', '')} at most ${most}`)
    .join(', ')

const isKept = (runs: Run[]): boolean =>
  runs.every(({ per_second, reached }) =>
    Object.entries(CLAIMED[per_second] ?? {}).every(([part, most]) => reached[part as keyof Times] <= most),
  )
