import { Pool } from 'undici'
import { putCache } from '../modules/calls/cache_policies.ts'
import { createConnection } from '../modules/connections/connections.ts'
import { createKey } from '../modules/tenants/tenants.ts'
import { makeTenant, openPlace, type Place } from './place.ts'
import { note, print, type Rounds } from './report.ts'

/** Reads by the door, of what is kept and of what is not: a miss is looked up, fetched, recorded and kept. */
const CLIENTS = 8
const READS = 800
const VENDOR_MS = 5
const TARGETS = { miss: 3 }

export async function cache(options: { rounds: number }): Promise<void> {
  const place = await openPlace()
  try {
    const vendor = await place.program('./slow_vendor.ts', { delay_ms: VENDOR_MS })
    const read = await openReader(place, `http://127.0.0.1:${vendor.ready}`)
    const rounds: Rounds = new Map()
    let missed = 0
    const paths = { hit: () => '/kept', miss: () => `/new/${missed++}` }
    await read('/kept')
    for (let round = 0; round <= options.rounds; round++) {
      for (const [name, path] of Object.entries(paths)) {
        const per_second = await readAll(() => read(path()))
        if (round > 0) note(rounds, name, per_second) // the first round warms up
      }
    }
    const asked = await vendor.ask<number>({})
    if (asked !== missed + 1) throw new Error(`${missed} misses, and the vendor was asked ${asked} times`)
    const more = { vendor_ms: VENDOR_MS, clients: CLIENTS }
    print({ bench: 'cache', unit: 'reads/s', rounds, ours: 'hit', targets: TARGETS, more })
  } finally {
    await place.close()
  }
}

async function openReader(place: Place, base_url: string): Promise<(path: string) => Promise<void>> {
  const { app } = place
  const actor = await makeTenant(app, 'Bench')
  const { id } = await createConnection(app, actor, {
    provider: 'http',
    name: 'Bench',
    environment: 'development',
    settings: { base_url, auth: 'bearer' },
    credentials: { token: 'a-token-of-the-bench' },
    limits: { rates: [{ calls: 10_000_000, per_s: 60 }] },
  })
  await putCache(app, actor, id, { policies: [{ path: '*', strategy: 'time_based', ttl_s: 3600 }] })
  const { key } = await createKey(app, actor, { name: 'Bench', environment: 'test', scopes: ['*'] })
  const door = await place.product('api', { env: { TRILHO_RATE_LIMIT_PER_SECOND: '1000000' } })
  const pool = new Pool(`http://127.0.0.1:${door.port}`, { connections: CLIENTS })
  place.undo(() => pool.close())
  return async (path) => {
    const headers = { authorization: `Bearer ${key}` }
    const { statusCode, body } = await pool.request({
      method: 'GET',
      path: `/v1/proxy/${id}${path}`,
      headers,
    })
    const text = await body.text()
    if (statusCode !== 200) throw new Error(`${statusCode} ${text}`)
  }
}

async function readAll(read: () => Promise<void>): Promise<number> {
  const began = performance.now()
  let left = READS
  const client = async () => {
    while (left-- > 0) await read()
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  return (READS * 1000) / (performance.now() - began)
}
