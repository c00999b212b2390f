import { toWire } from '../../platform/ids.ts'
import type { Installation } from './installation.ts'
import { read } from './reading.ts'

/** What callers were told and what the vendor did, against what is on record of calls, deferred calls and batches. */
export type TruthOfCalls = {
  calls: number
  /** Calls whose end nobody saw. */
  unknown_calls: number
  /** Orders that the vendor did more than once: each was asked for once, or under one key. */
  sent_twice: number
  /** Every promise that was broken, in words. */
  broken: string[]
}

type Row = { id: string; state: string }
type Later = Row & { batch_id: string | null; position: number | null }

const OVER = ['succeeded', 'refused', 'failed', 'unknown', 'canceled']

export async function compareCalls(installation: Installation): Promise<TruthOfCalls> {
  const { sender, receiver } = installation
  const { vendor } = receiver
  const calls = await read<Row>(installation, 'select id, state from call')
  const deferred = await read<Later>(installation, 'select id, state, batch_id, position from deferred_call')
  const batches = await read<Row>(installation, 'select id, state from batch')
  const times = new Map<string, number>()
  for (const order of vendor.acted) times.set(order, (times.get(order) ?? 0) + 1)
  const twice = [...times].filter(([, count]) => count > 1)
  const unrecorded = vendor.asked.length - calls.length
  return {
    calls: calls.length,
    unknown_calls: calls.filter(({ state }) => state === 'unknown').length,
    sent_twice: twice.length,
    broken: [
      ...twice.map(([order, count]) => `order ${order} was done ${count} times`),
      ...[...calls, ...deferred]
        .filter(({ state }) => !OVER.includes(state))
        .map(({ id, state }) => `${toWire('call', id)} is ${state} and has no end`),
      ...brokenTold(sender.called, calls, times),
      ...brokenLater(sender.deferred, deferred, times),
      ...brokenBatches(sender.batches, batches, deferred, times),
      ...vendor.refused.map((why) => `the vendor refused a call: ${why}`),
      ...(unrecorded > 0 ? [`the vendor was asked ${unrecorded} times more than there are calls`] : []),
    ],
  }
}

const statesOf = (kind: 'call' | 'batch', rows: Row[]) =>
  new Map(rows.map(({ id, state }) => [toWire(kind, id), state]))

/** No record contradicts what a caller was told, and no word about an end contradicts what the vendor did. */
function brokenTold(called: Installation['sender']['called'], calls: Row[], times: Map<string, number>) {
  const state_of = statesOf('call', calls)
  return [...called].flatMap(([id, { order, state }]) => [
    ...([state, 'unknown'].includes(state_of.get(id) ?? '')
      ? []
      : [`${id} was ${state} to its caller and is ${state_of.get(id)} on record`]),
    ...contradiction(id, state, times.get(order) ?? 0),
  ])
}

/** What was taken on is there, and its end is what became of it. */
function brokenLater(
  taken_on: Installation['sender']['deferred'],
  deferred: Row[],
  times: Map<string, number>,
) {
  const state_of = statesOf('call', deferred)
  return [...taken_on].flatMap(([id, order]) => {
    const state = state_of.get(id)
    if (state === undefined) return [`${id} was answered 2xx and is no call`]
    return contradiction(id, state, times.get(order) ?? 0)
  })
}

/** Each ends, with a call for each order. */
function brokenBatches(
  taken_on: Installation['sender']['batches'],
  batches: Row[],
  deferred: Later[],
  times: Map<string, number>,
) {
  const state_of = statesOf('batch', batches)
  const of_batch = Map.groupBy(deferred, ({ batch_id }) => batch_id && toWire('batch', batch_id))
  return [...taken_on].flatMap(([id, orders]) => {
    const items = of_batch.get(id) ?? []
    return [
      ...(state_of.get(id) === 'completed' ? [] : [`${id} was answered 2xx and is ${state_of.get(id)}`]),
      ...(items.length === orders.length ? [] : [`${id} has ${items.length} calls, not ${orders.length}`]),
      ...items.flatMap((item) =>
        contradiction(toWire('call', item.id), item.state, times.get(orders[item.position ?? -1] ?? '') ?? 0),
      ),
    ]
  })
}

/** What is unknown may have been done or not; every other end says which. */
function contradiction(id: string, state: string, done: number): string[] {
  if (state === 'unknown' || (state === 'succeeded') === done > 0) return []
  return [`${id} is ${state} and its order was done ${done} times`]
}
