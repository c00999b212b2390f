import { randomBytes } from 'node:crypto'
import { installPeers } from './deliver_peers.ts'
import { type Door, doorRequest } from './pipeline_door.ts'
import type { Place } from './place.ts'

export const BARE_PROXY = 'a bare proxy'

const PEERS = {
  [BARE_PROXY]: { package: null, file: './peers/bare_proxy.ts' },
  'express-gateway': { package: 'express-gateway', file: './peers/express_gateway.ts' },
  'http-proxy + insert': { package: '@fastify/http-proxy', file: './peers/http_proxy.ts' },
} as const

/** What a peer is told: where the vendor is, its credentials, and the key its caller will show. */
export type GatewaySettings = { url: string; vendor: number; token: string; key: string }

/** Those that can be installed and started here, and why the others cannot. */
export async function startGateways(
  place: Place,
  vendor: number,
): Promise<{ gateways: Door[]; absent: Record<string, string> }> {
  const key = randomBytes(24).toString('hex')
  const settings: GatewaySettings = { url: place.url, vendor, token: 'a-token-of-the-bench', key }
  await place.root.query(
    'create table bench_request (id bigint generated always as identity primary key, at timestamptz not null default now(), method text not null, path text not null, headers text, body bytea)',
  )
  const gateways: Door[] = []
  const absent: Record<string, string> = {}
  const packages = Object.values(PEERS).flatMap((peer) => peer.package ?? [])
  const missing = installPeers(...packages)
  for (const [name, peer] of Object.entries(PEERS)) {
    if (missing && peer.package) {
      absent[name] = missing
      continue
    }
    try {
      const { ready } = await place.program(peer.file, settings)
      const { port, authorization } = ready as { port: number; authorization: string }
      gateways.push({ name, port, request: doorRequest('/things', authorization) })
    } catch (error) {
      absent[name] = `does not run on Node ${process.version}: ${String(error).slice(0, 200)}`
    }
  }
  return { gateways, absent }
}
