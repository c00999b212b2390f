import { lookup } from 'node:dns/promises'
import { isIP, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Connector } from './connector.ts'

/**
 * The way to a server, looked at without asking it anything: its addresses, whether it can be connected to, and the
 * certificate it shows. For people who ask why a connection does not work.
 */
export type Inspection = {
  host: string
  /** As the system resolves the name; empty where it does not. */
  addresses: string[]
  /** Why no connection was made, in words; null where one was. */
  failure: string | null
  /** Null without TLS, and where no certificate was seen. */
  certificate: Certificate | null
}

type Certificate = { subject: string; issuer: string; valid_to: Date }

export async function inspect(url: URL, connector: Connector): Promise<Inspection> {
  const { protocol, hostname } = url
  const host = hostname.replace(/^\[|\]$/g, '')
  const addresses = isIP(host) === 0 ? await resolved(host) : [host]
  const target = { protocol, hostname: host, host: url.host, port: url.port, servername: servername(host) }
  return new Promise((resolve) => {
    connector.open(target, (failure, socket) => {
      const certificate = socket && certificateOf(socket)
      socket?.destroy()
      resolve({ host: url.host, addresses, failure: failure?.message ?? null, certificate })
    })
  })
}

const resolved = async (host: string): Promise<string[]> => {
  const found = await lookup(host, { all: true }).catch(() => [])
  return found.map(({ address }) => address)
}

const servername = (host: string): string => (isIP(host) === 0 ? host : '')

function certificateOf(socket: Socket): Certificate | null {
  if (!(socket instanceof TLSSocket)) return null
  const { subject, issuer, valid_to } = socket.getPeerCertificate()
  if (valid_to === undefined) return null
  return { subject: nameOf(subject), issuer: nameOf(issuer), valid_to: new Date(valid_to) }
}

/** A certificate may carry a name more than once. */
const nameOf = ({ CN, O }: NodeJS.Dict<string | string[]>): string => String(CN ?? O ?? 'without a name')
