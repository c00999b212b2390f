import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { buildConnector } from 'undici'
import type { Refusal } from './addresses.ts'
import type { ClientIdentity } from './egress.ts'
import {
  connectFailure,
  dnsFailure,
  type Failure,
  failure,
  isFailure,
  refusedAddress,
  tlsFailure,
} from './failures.ts'

/**
 * Opens connections, and only to addresses that may be reached. The addresses that the resolver gave are judged
 * and the very same ones are connected to, so a name that resolves differently a moment later gains nothing.
 */
export type Connector = {
  open(options: buildConnector.Options, opened: Opened): void
  /** Ends the attempts under way. */
  close(): void
}

type Opened = (error: Failure | null, socket: Socket | null, timing: ConnectionTiming) => void

/** Milliseconds each step of a new connection took; a step that was not needed is absent. */
export type ConnectionTiming = { dns_ms?: number; connect_ms?: number; tls_ms?: number }

export type ResolveAll = (
  host: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/** Long enough for two lost SYNs; also the most a TLS handshake may take. */
const CONNECT_TIMEOUT_MS = 10_000

export function createConnector(
  refusal: Refusal,
  resolve: ResolveAll = systemLookup,
  identity?: ClientIdentity,
): Connector {
  const under_way = new Set<Socket>()
  // undici's type says void, but the connector returns the socket, whose events tell the phase and the timing.
  const connect = buildConnector({
    lookup: guardedLookup(refusal, resolve),
    timeout: CONNECT_TIMEOUT_MS,
    allowH2: false,
    ...(identity && {
      cert: identity.certificate,
      key: identity.key,
      passphrase: identity.passphrase,
      ca: identity.authority,
    }),
  }) as unknown as (options: buildConnector.Options, callback: (error: Error | null) => void) => Socket

  return {
    open(options, opened) {
      const { hostname } = options
      const kind = isIP(hostname) === 0 ? null : refusal(hostname)
      if (kind !== null) return opened(refusedAddress(hostname, hostname, kind), null, {})
      const socket = connect(options, (error) => {
        under_way.delete(socket)
        const failed = error === null ? refusedPeer(refusal, hostname, socket) : watch.explain(error)
        if (failed !== null) socket.destroy()
        opened(failed, failed === null ? socket : null, watch.timing)
      })
      const watch = watchConnection(socket, options)
      under_way.add(socket)
    },
    close() {
      for (const socket of under_way) socket.destroy(new Error('closed'))
    },
  }
}

/** Resolves to the addresses that may be reached; fails when there is none. */
function guardedLookup(refusal: Refusal, resolve: ResolveAll): LookupFunction {
  return (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, addresses) => {
      const fail = (failed: Failure) => callback(failed, '', 0)
      if (error !== null) return fail(dnsFailure(host, error))
      const reachable = addresses.filter(({ address }) => refusal(address) === null)
      const [first] = reachable
      if (first === undefined) return fail(refusedHost(host, addresses, refusal))
      if (options.all) callback(null, reachable)
      else callback(null, first.address, first.family)
    })
  }
}

function refusedHost(host: string, addresses: LookupAddress[], refusal: Refusal): Failure {
  const [refused] = addresses
  if (refused === undefined) return dnsFailure(host, { message: 'it has no address' })
  return refusedAddress(host, refused.address, refusal(refused.address) ?? 'refused')
}

/** The last word is the socket's: whatever led to it, the peer it has must be one that may be reached. */
function refusedPeer(refusal: Refusal, host: string, socket: Socket): Failure | null {
  const address = socket.remoteAddress
  if (address === undefined) return failure('connect', `connection to ${host} closed as soon as it was made`)
  const kind = refusal(address)
  return kind === null ? null : refusedAddress(host, address, kind)
}

/** Follows a connection through its phases, for the timing and for saying in which one it failed. */
function watchConnection(socket: Socket, options: buildConnector.Options) {
  const timing: ConnectionTiming = {}
  const host = isIP(options.hostname) === 6 ? `[${options.hostname}]` : options.hostname
  const authority = `${host}:${options.port || (options.protocol === 'https:' ? 443 : 80)}`
  let phase_began = performance.now()
  let connected = false
  let valid_to: Date | null = null
  const phaseMs = () => {
    const now = performance.now()
    const taken_ms = now - phase_began
    phase_began = now
    return taken_ms
  }
  socket.prependOnceListener('lookup', () => {
    timing.dns_ms = phaseMs()
  })
  socket.prependOnceListener('connect', () => {
    timing.connect_ms = phaseMs()
    connected = true
  })
  if (socket instanceof TLSSocket) {
    socket.prependOnceListener('secureConnect', () => {
      timing.tls_ms = phaseMs()
    })
    // Once the certificate is refused the socket no longer has it, so it is read just before it is judged.
    socket.prependOnceListener('secure', () => {
      const last_moment = Date.parse(socket.getPeerCertificate().valid_to)
      valid_to = Number.isNaN(last_moment) ? null : new Date(last_moment)
    })
  }
  const explain = (error: Error): Failure => {
    if (isFailure(error)) return error
    if (connected) return tlsFailure(authority, error, valid_to)
    return connectFailure(authority, error, CONNECT_TIMEOUT_MS)
  }
  return { timing, explain }
}
