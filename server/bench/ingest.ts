import type { LoadOrder, LoadResult } from './load.ts'
import { drained, makeSource, makeTenant, openPlace, type Place } from './place.ts'
import type { Program } from './programs.ts'
import { note, print, type Rounds } from './report.ts'

/** Webhooks taken in: verified, stored with their work, committed, answered. */
const TENANTS = 20
const CLIENTS = 64
/** Requests made before the clock starts; more than can be answered while it runs. */
const MOST = 40_000
const TARGETS = { bare: 0.5, insert: 1.8, 'same-rows': 3 }

export async function ingest(options: { rounds: number }): Promise<void> {
  const place = await openPlace()
  try {
    print({
      bench: 'ingest',
      unit: 'requests/s',
      rounds: await measure(place, options.rounds),
      ours: 'ours',
      targets: TARGETS,
    })
  } finally {
    await place.close()
  }
}

async function measure(place: Place, count: number): Promise<Rounds> {
  const { app, root, url } = place
  await root.query('create table bench_message (id uuid primary key, body bytea not null)')
  const sources = []
  for (let n = 0; n < TENANTS; n++) sources.push(await makeSource(app, await makeTenant(app, `Bench ${n}`)))
  const load = await place.program('./load.ts')
  const ports = new Map<string, number>()
  ports.set('ours', (await place.product('ingest')).port)
  for (const store of Object.keys(TARGETS)) {
    const peer = await place.program('./ingest_peers.ts', { store, url, sources })
    ports.set(store, peer.ready as number)
  }
  const whole = await place.product('api,ingest,worker')
  ports.set('ours, all roles', whole.port)
  whole.pause()
  const rounds: Rounds = new Map()
  for (let round = 0; round <= count; round++) {
    for (const [name, port] of ports) {
      if (name === 'ours, all roles') whole.resume()
      const began = performance.now()
      const { per_second, accepted } = await ask(load, { port, targets: sources, round })
      if (round > 0) note(rounds, name, per_second)
      if (name === 'ours, all roles') {
        await drained(root, ['inbox_queue'], 20_000)
        whole.pause()
        const through = (accepted * 1000) / (performance.now() - began)
        if (round > 0) note(rounds, 'ours, all roles, to the event', through)
      } else await root.query('truncate inbox_queue') // nobody works on these
    }
  }
  return rounds
}

async function ask(load: Program, order: Required<Pick<LoadOrder, 'port' | 'targets'>> & { round: number }) {
  const { port, targets, round } = order
  // The first round warms the compilers and the caches up and is not counted.
  const measured_ms = round === 0 ? 1_000 : 1_800
  const run = `bench${round}x${port}x`
  const whole: LoadOrder = { port, clients: CLIENTS, targets, run, most: MOST, warm_ms: 200, measured_ms }
  const result = await load.ask<LoadResult>(whole)
  if (result.other > 0) throw new Error(`${result.other} messages were not answered 2xx`)
  return result
}
