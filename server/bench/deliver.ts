import type { Actor } from '../modules/app.ts'
import { type Peer, startPeers } from './deliver_peers.ts'
import { publishEvents } from './events.ts'
import { drained, makeSubscription, makeTenant, openPlace, type Place } from './place.ts'
import { busyMs, parentOf } from './processor.ts'
import type { Program } from './programs.ts'
import type { ReceiveOrder, ReceiveResult } from './receiver.ts'
import { note, print, type Rounds, rounded } from './report.ts'

/**
 * Deliveries: claimed, signed, posted, each attempt recorded; by the product's own worker. With `subscriptions` so many
 * share the events, each taking a type of its own; with `keys` every event has a key of its own and its subscription
 * keeps their order, so that so many lanes hold work at once.
 */
type Shape = { subscriptions: number; keys: number }
type Options = { rounds: number; rows?: number } & Partial<Shape>

const TENANTS = 20
const CLIENTS = 64
const EVENTS = 4_000
const WARM = 400
const TARGETS = { undici: 0.45, 'graphile-worker': 1.3, bullmq: 1.3 }

export async function deliver({
  rounds: count,
  rows = EVENTS,
  subscriptions = TENANTS,
  keys = 0,
}: Options): Promise<void> {
  const place = await openPlace()
  const events = Math.max(rows, keys)
  try {
    const receiver = await place.program('./receiver.ts')
    const address = `http://127.0.0.1:${receiver.ready}`
    const ours = await openOurs(place, address, { subscriptions, keys })
    const { peers, absent } = await startPeers(place, address, CLIENTS)
    const rounds = await measure(receiver, [ours, ...peers], count, events)
    const more = { subscriptions, keys, deliveries: events, processor_us: ours.each() }
    print({ bench: 'deliver', unit: 'deliveries/s', rounds, ours: 'ours', targets: TARGETS, absent, more })
  } finally {
    await place.close()
  }
}

async function measure(receiver: Program, peers: Peer[], count: number, events: number): Promise<Rounds> {
  const rounds: Rounds = new Map()
  for (let round = 0; round <= count; round++) {
    for (const { name, fill, start, end } of peers) {
      await fill(events)
      const order: ReceiveOrder = { warm: WARM, most: events, within_ms: 30_000 + events * 2 }
      const [{ per_second }] = await Promise.all([receiver.ask<ReceiveResult>(order), start(events)])
      await end()
      if (round > 0) note(rounds, name, per_second) // the first round warms up
    }
  }
  return rounds
}

/** The worker stands still while events are published, then finds them all due. */
async function openOurs(
  place: Place,
  receiver: string,
  { subscriptions, keys }: Shape,
): Promise<Peer & { each(): Spent }> {
  const { app, root } = place
  const actors: Actor[] = []
  const each = Math.max(1, Math.round(subscriptions / TENANTS))
  const order = keys > 0 ? { order: { per: 'key' as const, key: 'data.payment_id' } } : {}
  for (let n = 0; n < TENANTS; n++) {
    const actor = await makeTenant(app, `Bench ${n}`)
    for (let kind = 0; kind < each; kind++) {
      await makeSubscription(app, actor, `${receiver}/`, { event_types: [`bench.kind_${kind}`], ...order })
    }
    actors.push(actor)
  }
  const worker = await place.product('worker')
  worker.pause()
  const spent = await watchSpent(place, worker.pid)
  let published = 0
  return {
    name: 'ours',
    each: () => spent.each(published),
    fill: async (count) => {
      await publishEvents(app, actors, count, (n) => `bench.kind_${Math.floor(n / TENANTS) % each}`)
      published += count
    },
    start: async () => {
      spent.begin()
      worker.resume()
    },
    end: async () => {
      await drained(root, ['delivery_queue', 'delivery_lane'], 30_000)
      worker.pause()
      spent.end()
      const { rows } = await root.query<{ count: string }>(
        "select count(*) from attempt where outcome = 'delivered'",
      )
      if (rows[0]?.count !== String(published)) {
        throw new Error(`${published} deliveries, and ${rows[0]?.count} attempts on record`)
      }
    },
  }
}

type Spent = { product: number; postgresql: number }

/** Microseconds of a processor that the worker and PostgreSQL took for each, from when it may begin until all is on record. */
async function watchSpent({ root }: Place, pid: number) {
  const { rows } = await root.query<{ pid: number }>('select pg_backend_pid() as pid')
  const postmaster = parentOf(rows[0]?.pid ?? 0)
  const now = (): Spent => ({ product: busyMs(pid), postgresql: busyMs(postmaster, true) })
  let began = now()
  const all: Spent = { product: 0, postgresql: 0 }
  return {
    begin: () => {
      began = now()
    },
    end: () => {
      const { product, postgresql } = now()
      all.product += product - began.product
      all.postgresql += postgresql - began.postgresql
    },
    each: (count: number): Spent => ({
      product: rounded((all.product * 1000) / count),
      postgresql: rounded((all.postgresql * 1000) / count),
    }),
  }
}
