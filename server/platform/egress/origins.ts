import { Pool } from 'undici'
import type { Refusal } from './addresses.ts'
import { type Connector, createConnector, type ResolveAll } from './connector.ts'
import type { ClientIdentity } from './egress.ts'
import type { Origin } from './exchange.ts'

/** The servers that were asked of late, each with its keep-alive connections. */
export type Origins = {
  of(url: URL, identity: ClientIdentity | undefined): Origin
  /** Closes those that show an identity of this owner, each as soon as its requests are answered. */
  forget(owner: string): void
  close(): Promise<void>
}

/**
 * Past this many origins the idle one unused for longest is closed. Only busy ones can exceed it, and of those
 * there are no more than requests under way. Idle sockets are closed after 4 s (or as the server asks).
 */
const MAX_ORIGINS = 512
const KEEP_ALIVE_MAX_MS = 60_000

type Ways = { rules: Refusal; plain: Connector; resolve: ResolveAll | undefined }

export function createOrigins({ rules, plain, resolve }: Ways): Origins {
  const origins = new Map<string, Origin>()

  const drop = (key: string, { pool }: Origin): void => {
    origins.delete(key)
    void pool.close()
  }

  return {
    of(url, identity) {
      const key = identity === undefined ? url.origin : `${identity.owner} ${url.origin}`
      const known = origins.get(key)
      if (known !== undefined && isSame(known.identity, identity)) return known
      if (known !== undefined) drop(key, known)
      if (origins.size >= MAX_ORIGINS) closeLeastUsed(origins)
      const connector = identity === undefined ? plain : createConnector(rules, resolve, identity)
      const origin = openOrigin(url, identity, connector)
      origins.set(key, origin)
      return origin
    },
    forget(owner) {
      for (const [key, origin] of origins) if (origin.identity?.owner === owner) drop(key, origin)
    },
    async close() {
      for (const { connector } of origins.values()) connector.close()
      await Promise.all([...origins.values()].map(({ pool }) => pool.destroy()))
      origins.clear()
    },
  }
}

function openOrigin(url: URL, identity: ClientIdentity | undefined, connector: Connector): Origin {
  const pool = new Pool(url.origin, {
    // As many as there are requests: whoever sends bounds those (a connection its calls, a subscription its deliveries),
    // and behind a bound here, which all tenants would share, one that waits on a vendor that hangs held up the others.
    connections: null,
    pipelining: 1,
    allowH2: false,
    headersTimeout: 0, // the exchange has one deadline for everything
    bodyTimeout: 0,
    keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
    connect: (target, callback) =>
      connector.open(target, (error, socket, timing) => {
        if (error !== null || socket === null) return callback(error ?? new Error('no socket'), null)
        origin.fresh = timing // undici writes the waiting request before `callback` returns
        callback(null, socket)
        origin.fresh = null
      }),
  })
  const origin: Origin = {
    pool,
    connector,
    identity,
    host: url.host,
    in_flight: 0,
    used_at: 0,
    fresh: null,
  }
  return origin
}

const isSame = (one: ClientIdentity | undefined, other: ClientIdentity | undefined): boolean =>
  one === other ||
  (one?.certificate === other?.certificate &&
    one?.key === other?.key &&
    one?.passphrase === other?.passphrase &&
    one?.authority === other?.authority)

function closeLeastUsed(origins: Map<string, Origin>): void {
  let least: [string, Origin] | null = null
  for (const entry of origins) {
    if (entry[1].in_flight > 0) continue
    if (least === null || entry[1].used_at < least[1].used_at) least = entry
  }
  if (least === null) return
  origins.delete(least[0])
  void least[1].pool.close()
}
