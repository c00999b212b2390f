import type { Actor } from '../modules/app.ts'
import { type Peer, startPeers } from './deliver_peers.ts'
import { publishEvents } from './events.ts'
import { drained, makeSubscription, makeTenant, openPlace, type Place } from './place.ts'
import type { Program } from './programs.ts'
import type { ReceiveOrder, ReceiveResult } from './receiver.ts'
import { note, print, type Rounds } from './report.ts'

/** Deliveries: claimed, signed, posted, each attempt recorded; by the product's own worker. */
const TENANTS = 20
const CLIENTS = 64
const EVENTS = 4_000
const WARM = 400
const TARGETS = { undici: 0.45, 'graphile-worker': 1.3, bullmq: 1.3 }

export async function deliver(options: { rounds: number }): Promise<void> {
  const place = await openPlace()
  try {
    const receiver = await place.program('./receiver.ts')
    const address = `http://127.0.0.1:${receiver.ready}`
    const ours = await openOurs(place, address)
    const { peers, absent } = await startPeers(place, address, CLIENTS)
    const rounds = await measure(receiver, [ours, ...peers], options.rounds)
    print({ bench: 'deliver', unit: 'deliveries/s', rounds, ours: 'ours', targets: TARGETS, absent })
  } finally {
    await place.close()
  }
}

async function measure(receiver: Program, peers: Peer[], count: number): Promise<Rounds> {
  const rounds: Rounds = new Map()
  for (let round = 0; round <= count; round++) {
    for (const { name, fill, start, end } of peers) {
      await fill(EVENTS)
      const order: ReceiveOrder = { warm: WARM, most: EVENTS, within_ms: 30_000 }
      const [{ per_second }] = await Promise.all([receiver.ask<ReceiveResult>(order), start(EVENTS)])
      await end()
      if (round > 0) note(rounds, name, per_second) // the first round warms up
    }
  }
  return rounds
}

/** The worker stands still while events are published, then finds them all due. */
async function openOurs(place: Place, receiver: string): Promise<Peer> {
  const { app, root } = place
  const actors: Actor[] = []
  for (let n = 0; n < TENANTS; n++) {
    const actor = await makeTenant(app, `Bench ${n}`)
    await makeSubscription(app, actor, `${receiver}/`)
    actors.push(actor)
  }
  const worker = await place.product('worker')
  worker.pause()
  let published = 0
  return {
    name: 'ours',
    fill: async (count) => {
      await publishEvents(app, actors, count)
      published += count
    },
    start: async () => worker.resume(),
    end: async () => {
      await drained(root, ['delivery_queue'], 10_000)
      worker.pause()
      const { rows } = await root.query<{ count: string }>(
        "select count(*) from attempt where outcome = 'delivered'",
      )
      if (rows[0]?.count !== String(published)) {
        throw new Error(`${published} deliveries, and ${rows[0]?.count} attempts on record`)
      }
    },
  }
}
