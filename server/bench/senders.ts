import { createKey } from '../modules/tenants/tenants.ts'
import { callBody } from './events.ts'
import type { LoadOrder, LoadResult } from './load.ts'
import { drained, makeSubscription, makeTenant, openPlace, type Place } from './place.ts'
import type { Program } from './programs.ts'
import type { ReceiveOrder, ReceiveResult } from './receiver.ts'
import { median, note, print, type Rounds, ratioTo, rounded } from './report.ts'
import { publishRequest, type Sender } from './sender.ts'
import { startOutpost } from './senders_outpost.ts'

/**
 * Events handed in by HTTP until all stand with their one receiver: by our API and worker in one process, and by Outpost
 * with all of its services in one process. Both sign, and both have every attempt on record before the other's turn.
 */
const CLIENTS = 64
const EVENTS = 6_000
const WITHIN_MS = 120_000
/** Not one of the catalog, whose data is checked more closely than Outpost checks any. */
const TYPE = 'order.shipped'
const TARGETS = { outpost: 1 }

export async function senders({
  rounds: count,
  rows = EVENTS,
}: {
  rounds: number
  rows?: number
}): Promise<void> {
  const place = await openPlace()
  try {
    const receiver = await place.program('./receiver.ts')
    const url = `http://127.0.0.1:${receiver.ready}/`
    const outpost = await startOutpost(place, url)
    const taking_part = [await openOurs(place, url), ...('absent' in outpost ? [] : [outpost])]
    const load = await place.program('./load.ts')
    const { delivered, accepted } = await measure({ receiver, load, count, events: rows }, taking_part)
    const absent = 'absent' in outpost ? { outpost: outpost.absent } : {}
    const targets = delivered.has('outpost') ? TARGETS : {}
    const more = { events: rows, accepted: summary(accepted) }
    print({ bench: 'senders', unit: 'events/s', rounds: delivered, ours: 'ours', targets, absent, more })
  } finally {
    await place.close()
  }
}

type Means = { receiver: Program; load: Program; count: number; events: number }

async function measure(
  means: Means,
  taking_part: Sender[],
): Promise<Record<'delivered' | 'accepted', Rounds>> {
  const { count, events } = means
  const [delivered, accepted]: [Rounds, Rounds] = [new Map(), new Map()]
  for (let round = 0; round <= count; round++) {
    // Each goes first as often as the other: what the machine does meanwhile favours neither.
    for (const sender of round % 2 ? taking_part : taking_part.toReversed()) {
      const of_round = await publishAll(means, sender)
      await sender.recorded(events * (round + 1))
      if (round === 0) continue // the first warms up
      note(delivered, sender.name, of_round.delivered)
      note(accepted, sender.name, of_round.accepted)
    }
  }
  return { delivered, accepted }
}

/** Events a second: taken, and with the receiver, counted from the first request to the last delivery. */
async function publishAll({ receiver, load, events }: Means, { name, port, request }: Sender) {
  const order: ReceiveOrder = { warm: 1, most: events, within_ms: WITHIN_MS }
  const began = performance.now()
  const all_there = receiver.ask<ReceiveResult>(order).then(() => performance.now())
  const publish = { port, clients: CLIENTS, request, most: events, warm_ms: 0, measured_ms: WITHIN_MS }
  const all_taken = load.ask<LoadResult>(publish satisfies LoadOrder).then(({ per_second, other }) => {
    if (other > 0) throw new Error(`${name} did not take ${other} of ${events} events`)
    return per_second
  })
  const [there, per_second] = await Promise.all([all_there, all_taken])
  return { accepted: per_second, delivered: (events * 1000) / (there - began) }
}

function summary(rounds: Rounds) {
  const peers = [...rounds.keys()].filter((name) => name !== 'ours')
  return {
    ...Object.fromEntries([...rounds].map(([name, figures]) => [name, rounded(median(figures))])),
    ratios: Object.fromEntries(peers.map((name) => [name, rounded(ratioTo(rounds, 'ours', name))])),
  }
}

async function openOurs(place: Place, url: string): Promise<Sender> {
  const { app, root } = place
  const actor = await makeTenant(app, 'Bench')
  await makeSubscription(app, actor, url, { event_types: [TYPE] })
  const { key } = await createKey(app, actor, { name: 'Bench', environment: 'test', scopes: ['*'] })
  const { port } = await place.product('api,worker', { env: { TRILHO_RATE_LIMIT_PER_SECOND: '1000000' } })
  await addType(port, key)
  const recorded = async (count: number) => {
    await drained(root, ['delivery_queue', 'delivery_lane'], WITHIN_MS)
    const { rows } = await root.query<{ count: string }>(
      "select count(*) from attempt where outcome = 'delivered'",
    )
    if (rows[0]?.count !== String(count)) throw new Error(`${count} events, ${rows[0]?.count} attempts`)
  }
  const body = { type: TYPE, data: callBody(0) }
  return { name: 'ours', port, request: publishRequest('/v1/events', key, body), recorded }
}

async function addType(port: number, key: string): Promise<void> {
  const added = await fetch(`http://127.0.0.1:${port}/v1/event-types`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: TYPE, description: 'Of the bench', schema: { type: 'object' } }),
  })
  if (!added.ok) throw new Error(`the type was not taken: ${await added.text()}`)
}
