import { createConnection } from '../modules/connections/connections.ts'
import { createKey } from '../modules/tenants/tenants.ts'
import type { LoadOrder, LoadResult } from './load.ts'
import { type Door, doorRequest } from './pipeline_door.ts'
import { comparePace } from './pipeline_pace.ts'
import { BARE_PROXY, startGateways } from './pipeline_peers.ts'
import { makeTenant, openPlace, type Place } from './place.ts'
import type { Program } from './programs.ts'
import type { ReceiveOrder, ReceiveResult } from './receiver.ts'
import { note, print, type Rounds, ratioTo, rounded } from './report.ts'

/**
 * A request passed on by the proxy door, through all of the pipeline: the caller's key, breaker, bulkhead, limits in
 * three windows, the vendor's credentials, retries armed, recorded before and after. Beside gateways that do less,
 * and what it adds to the time of one request on a machine that has nothing else to do.
 */
const CLIENTS = 64
const CALLS = 6_000
const WARM = 600
const TARGETS = { undici: 0.55, 'express-gateway': 1, 'http-proxy + insert': 1 }

export async function pipeline(options: { rounds: number }): Promise<void> {
  const place = await openPlace()
  try {
    const receiver = await place.program('./receiver.ts')
    const vendor = Number(receiver.ready)
    const ours = await openOurs(place, vendor)
    const { gateways, absent } = await startGateways(place, vendor)
    const load = await place.program('./load.ts')
    const loop = await place.program('./undici_loop.ts', {
      receiver: `http://127.0.0.1:${vendor}`,
      secret: null,
      clients: CLIENTS,
    })
    const callers: Record<string, () => Promise<unknown>> = {
      ours: () => ask(load, ours),
      undici: () => loop.ask({ count: CALLS }),
      ...Object.fromEntries(gateways.map((door) => [door.name, () => ask(load, door)])),
    }
    const rounds = await measure(receiver, callers, options.rounds)
    await checkRecords(place, (options.rounds + 1) * CALLS)
    const pace = await comparePace(place, { vendor, ours, rounds: options.rounds })
    const targets = Object.fromEntries(Object.entries(TARGETS).filter(([name]) => rounds.has(name)))
    // How much of the bare loop is left to whoever passes on at all, in Node.
    const most = rounded(ratioTo(rounds, BARE_PROXY, 'undici'))
    const more = { pace, bare_proxy: { of_undici: most, ours: rounded(ratioTo(rounds, 'ours', BARE_PROXY)) } }
    print({ bench: 'pipeline', unit: 'requests/s', rounds, ours: 'ours', targets, absent, more })
  } finally {
    await place.close()
  }
}

async function measure(
  receiver: Program,
  callers: Record<string, () => Promise<unknown>>,
  count: number,
): Promise<Rounds> {
  const rounds: Rounds = new Map()
  for (let round = 0; round <= count; round++) {
    for (const [name, start] of Object.entries(callers)) {
      const order: ReceiveOrder = { warm: WARM, most: CALLS, within_ms: 60_000 }
      const [{ per_second }] = await Promise.all([receiver.ask<ReceiveResult>(order), start()])
      if (round > 0) note(rounds, name, per_second) // the first round warms up
    }
  }
  return rounds
}

async function ask(load: Program, { name, port, request }: Door): Promise<void> {
  const order: LoadOrder = { port, clients: CLIENTS, request, most: CALLS, warm_ms: 0, measured_ms: 60_000 }
  const { other } = await load.ask<LoadResult>(order)
  if (other > 0) throw new Error(`${name} answered ${other} of ${CALLS} requests otherwise than 2xx`)
}

async function openOurs(place: Place, vendor: number): Promise<Door> {
  const { app } = place
  const actor = await makeTenant(app, 'Bench')
  const { id } = await createConnection(app, actor, {
    provider: 'http',
    name: 'Bench',
    environment: 'development',
    settings: {
      base_url: `http://127.0.0.1:${vendor}`,
      auth: 'bearer',
      idempotency_header: 'Idempotency-Key', // so that a change may be tried again
    },
    credentials: { token: 'a-token-of-the-bench' },
    limits: {
      rates: [60, 3_600, 86_400].map((per_s) => ({ calls: 10_000_000, per_s })),
      concurrency: CLIENTS,
    },
  })
  const { key } = await createKey(app, actor, { name: 'Bench', environment: 'test', scopes: ['*'] })
  const { port } = await place.product('api', { env: { TRILHO_RATE_LIMIT_PER_SECOND: '1000000' } })
  return { name: 'ours', port, request: doorRequest(`/v1/proxy/${id}/things`, `Bearer ${key}`) }
}

async function checkRecords({ root }: Place, made: number): Promise<void> {
  const { rows } = await root.query<{ count: string }>(
    `select count(*) from call c where state = 'succeeded'
        and exists (select from call_attempt a where a.tenant_id = c.tenant_id and a.call_id = c.id)`,
  )
  if (rows[0]?.count !== String(made)) throw new Error(`${made} calls, and ${rows[0]?.count} on record`)
}
