/**
 * The one way out. Everything that Trilho asks of the network goes through `send`, which reaches public
 * addresses only (others by the settings), follows no redirect, reads no more than it was told to, and ends
 * within the time it was given. It never throws for the other side's trouble: that is a value, in words.
 */

import type { Socket } from 'node:net'
import { type AddressRules, addressRules } from './addresses.ts'
import { connect } from './connect.ts'
import { type ConnectionTiming, createConnector, type ResolveAll } from './connector.ts'
import { exchange } from './exchange.ts'
import type { FailureCode } from './failures.ts'
import type { EgressStream, Flowed } from './flow.ts'
import { type Inspection, inspect, type Server } from './inspect.ts'
import { createOrigins } from './origins.ts'

export { NO_ROOM } from './failures.ts'
export type { AnswerHead, EgressStream, Flowed } from './flow.ts'
export type { Inspection, Server } from './inspect.ts'
export { trustedAuthorities } from './roots.ts'

export type EgressRequest = {
  /** http: or https:, without user and password (those go into a header). */
  url: string
  method: string
  headers: Record<string, string>
  body?: Buffer | string
  /** In place of a body and of an answer that is held; the result holds the head of the answer. */
  stream?: EgressStream
  /** From the first step of connecting to the last byte of the answer; of a stream, as long as it may stand still. */
  timeout_ms: number
  /** What is longer is cut here, and the result says `truncated`; a stream that is longer fails. */
  max_response_bytes: number
  signal?: AbortSignal
  /** Asked for each piece of an answer that is held, whether there is place for it: where there is none, it fails. */
  hold?: (length: number, is_whole: boolean) => boolean
  /** Shown to a server that asks who we are (mTLS). Its sockets are shared with nothing else. */
  identity?: ClientIdentity
}

/** A certificate of ours, all in PEM. A request with another one of the same owner ends the sockets of the one before. */
export type ClientIdentity = {
  owner: string
  certificate: string
  key: string
  /** Of the key, where it is encrypted. */
  passphrase?: string
  /** Trusted instead of the public authorities. */
  authority?: string
}

export type EgressResult =
  | {
      kind: 'response'
      status: number
      /** Lower-case names; repeated headers joined by `, `, `set-cookie` by a newline. */
      headers: Record<string, string>
      body: Buffer
      truncated: boolean
      timing: EgressTiming
      /** Of a stream. */
      flowed?: Flowed
    }
  | {
      kind: 'error'
      code: FailureCode
      /** False only when no byte of the request can have reached the other side. */
      sent: boolean
      /** For people: what happened, and the remedy where we know one. */
      message: string
      total_ms: number
      flowed?: Flowed
    }

export type Connected =
  | { kind: 'socket'; socket: Socket }
  | { kind: 'error'; code: FailureCode; message: string }

/** `dns_ms`, `connect_ms` and `tls_ms` only where the request opened a new connection and needed that step. */
type EgressTiming = ConnectionTiming & { first_byte_ms: number; total_ms: number }

export type Egress = {
  /** Of this machine, what may be reached as files: whoever touches files for a tenant stays below one of these. */
  folders: readonly string[]
  send(request: EgressRequest): Promise<EgressResult>
  /** A socket for a protocol that is not HTTP, to an address that may be reached; its owner ends it. */
  connect(to: { host: string; port: number; timeout_ms: number }): Promise<Connected>
  /** Connects and asks nothing. */
  inspect(server: Server): Promise<Inspection>
  /** Closes the sockets that show an identity of this owner, each as soon as its request is answered. */
  forget(owner: string): void
  /** Ends what is under way as `aborted`; whoever wants to wait for it does so first. */
  close(): Promise<void>
}

export type EgressOptions = AddressRules & {
  folders?: readonly string[]
  /** How names are resolved; the system's way unless a test says otherwise. */
  resolve?: ResolveAll
}

/** Throws a RangeError that names the entry of `allow` that is no CIDR. */
export function createEgress(options: EgressOptions): Egress {
  const rules = addressRules(options)
  const plain = createConnector(rules, options.resolve)
  const origins = createOrigins({ rules, plain, resolve: options.resolve })
  let closed = false

  return {
    folders: options.folders ?? [],
    async send(request) {
      const url = parse(request.url)
      if (typeof url === 'string') return unsent('invalid_url', url)
      if (request.signal?.aborted) return unsent('aborted', 'the request was cancelled')
      if (closed) return unsent('aborted', 'this server is shutting down')
      return exchange(origins.of(url, request.identity), url.pathname + url.search, request)
    },
    async connect(to) {
      if (closed) return { kind: 'error', code: 'aborted', message: 'this server is shutting down' }
      return connect(plain, to)
    },
    inspect: (server) => inspect(server, plain),
    forget: origins.forget,
    async close() {
      closed = true
      plain.close()
      await origins.close()
    },
  }
}

/** The URL, or why it is none of ours. Parsing turns 0x7f.1, 2130706433 and the like into dotted addresses. */
function parse(text: string): URL | string {
  const url = URL.parse(text)
  if (url === null) return 'the URL is not a valid absolute URL'
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return `the URL must begin with http:// or https://, not ${url.protocol}`
  }
  if (url.username !== '' || url.password !== '') {
    return 'the URL must not hold a user or password; send them in an authorization header'
  }
  return url
}

const unsent = (code: FailureCode, message: string): EgressResult => ({
  kind: 'error',
  code,
  sent: false,
  message,
  total_ms: 0,
})
