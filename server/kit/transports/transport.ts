import type { Egress, EgressRequest, EgressResult, Server } from '../../platform/egress/egress.ts'
import { baseUrl, type Opened } from './http.ts'

/**
 * How a provider is spoken to that does not speak plain HTTP. It takes the same request and gives the same result, so
 * that limits, breaker, timeout, retries, masking and records know no difference: `url` is the base URL of the
 * connection with the path of what is asked, the answer is a status as HTTP would have it and a body of JSON.
 *
 * A transport opens its sockets by `egress.connect`, ends within `timeout_ms`, gives up when `signal` says so, reads no
 * more than `max_response_bytes`, and never throws for the other side's trouble: that is a result of kind `error`,
 * `sent` where something may have happened there.
 */
export type Transport = {
  send(egress: Egress, opened: Opened, request: EgressRequest): Promise<EgressResult>
  /** Whom it speaks to for a connection, for those who ask why it does not work: over HTTP that is its base URL. */
  servers?(opened: Opened): Server[]
}

export const serversOf = (opened: Opened): Server[] =>
  opened.provider.transport?.servers?.(opened) ?? [httpServer(baseUrl(opened), opened)]

export function httpServer(url: string, { identity }: Pick<Opened, 'identity'>): Server {
  const { protocol, hostname: host, port } = new URL(url)
  const is_tls = protocol === 'https:'
  return { host, port: Number(port || (is_tls ? 443 : 80)), tls: is_tls ? { identity } : null }
}

export function sendBy(egress: Egress, opened: Opened, request: EgressRequest): Promise<EgressResult> {
  const { transport } = opened.provider
  return transport === undefined ? egress.send(request) : transport.send(egress, opened, request)
}
