import { createConnection } from '../modules/connections/connections.ts'
import { createKey } from '../modules/tenants/tenants.ts'
import { callBody } from './events.ts'
import type { LoadOrder } from './load.ts'
import { makeTenant, openPlace, type Place } from './place.ts'
import type { Program } from './programs.ts'
import type { ReceiveOrder, ReceiveResult } from './receiver.ts'
import { note, print, type Rounds } from './report.ts'

/** Calls through a connection: authenticated, sent, each recorded before and after; by the verb and by the door. */
const CLIENTS = 64
const CALLS = 6_000
const WARM = 600
const TARGETS = { undici: 0.5 }

export async function call(options: { rounds: number }): Promise<void> {
  const place = await openPlace()
  try {
    const receiver = await place.program('./receiver.ts')
    const callers = await openCallers(place, `http://127.0.0.1:${receiver.ready}`)
    const rounds: Rounds = new Map()
    for (let round = 0; round <= options.rounds; round++) {
      for (const [name, start] of Object.entries(callers)) {
        const order: ReceiveOrder = { warm: WARM, most: CALLS, within_ms: 30_000 }
        const [{ per_second }] = await Promise.all([receiver.ask<ReceiveResult>(order), start()])
        if (round > 0) note(rounds, name, per_second) // the first round warms up
      }
    }
    await checkRecords(place, 2 * (options.rounds + 1) * CALLS)
    print({ bench: 'call', unit: 'calls/s', rounds, ours: 'ours', targets: TARGETS })
  } finally {
    await place.close()
  }
}

async function openCallers(place: Place, base_url: string): Promise<Record<string, () => Promise<unknown>>> {
  const { app, env } = place
  const actor = await makeTenant(app, 'Bench')
  const { id: connection } = await createConnection(app, actor, {
    provider: 'http',
    name: 'Bench',
    environment: 'development',
    settings: { base_url, auth: 'bearer' },
    credentials: { token: 'a-token-of-the-bench' },
    limits: { rates: [{ calls: 10_000_000, per_s: 60 }] },
  })
  const { key } = await createKey(app, actor, { name: 'Bench', environment: 'test', scopes: ['*'] })
  const log_file = `${app.config.data_dir}/calls.log`
  const verb = await place.program('./call_loop.ts', { env, log_file, actor, connection, clients: CLIENTS })
  const loop = await place.program('./undici_loop.ts', { receiver: base_url, secret: null, clients: CLIENTS })
  const door = await place.product('api', { env: { TRILHO_RATE_LIMIT_PER_SECOND: '1000000' } })
  const load = await place.program('./load.ts')
  return {
    ours: () => verb.ask({ count: CALLS }),
    undici: () => loop.ask({ count: CALLS }),
    'ours, by the door': () => callByDoor(load, door.port, doorRequest(connection, key)),
  }
}

function doorRequest(connection: string, key: string): string {
  const body = JSON.stringify({ method: 'POST', path: '/', body: callBody(0) })
  return (
    `POST /v1/connections/${connection}/calls HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${key}\r\n` +
    `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}

async function callByDoor(load: Program, port: number, request: string): Promise<void> {
  const order: LoadOrder = { port, clients: CLIENTS, request, most: CALLS, warm_ms: 0, measured_ms: 30_000 }
  await load.ask(order)
}

async function checkRecords({ root }: Place, made: number): Promise<void> {
  const { rows } = await root.query<{ count: string }>(
    `select count(*) from call c where state = 'succeeded'
        and exists (select from call_attempt a where a.tenant_id = c.tenant_id and a.call_id = c.id)`,
  )
  if (rows[0]?.count !== String(made)) throw new Error(`${made} calls, and ${rows[0]?.count} on record`)
}
