import { lookup } from 'node:dns/promises'
import { isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { connect } from './connect.ts'
import type { Connector } from './connector.ts'
import type { ClientIdentity } from './egress.ts'
import { tlsFailure } from './failures.ts'

/**
 * The way to a server, looked at without asking it anything: its addresses, whether it can be connected to, and the
 * certificate it shows. For people who ask why a connection does not work.
 */
export type Server = {
  host: string
  port: number
  /** Null where it is not encrypted, or in a way of its own. */
  tls: Encryption | null
}

export type Encryption = {
  identity?: ClientIdentity | undefined
  /** Trusted instead of the public authorities, in PEM. */
  authority?: string | undefined
  /** Asks, over the bare socket, that TLS begin, where it does not by itself. Throws words for people. */
  begin?: ((socket: Socket) => Promise<void>) | undefined
}

export type Inspection = {
  /** With its port. */
  host: string
  /** As the system resolves the name; empty where it does not. */
  addresses: string[]
  /** Why no connection was made, in words; null where one was. */
  failure: string | null
  /** Null without TLS, and where no certificate was seen. */
  certificate: Certificate | null
  /** Why it is not trusted, or why there was no TLS, in words. */
  distrust: string | null
}

type Certificate = { subject: string; issuer: string; valid_to: Date }

const PATIENCE_MS = 10_000

export async function inspect({ host: name, port, tls }: Server, connector: Connector): Promise<Inspection> {
  const host = name.replace(/^\[|\]$/g, '')
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
  const addresses = isIP(host) === 0 ? await resolved(host) : [host]
  const seen: Inspection = { host: authority, addresses, failure: null, certificate: null, distrust: null }
  const connected = await connect(connector, { host, port, timeout_ms: PATIENCE_MS })
  if (connected.kind === 'error') return { ...seen, failure: connected.message }
  if (tls === null) {
    connected.socket.destroy()
    return seen
  }
  return { ...seen, ...(await looked(connected.socket, host, authority, tls)) }
}

const resolved = async (host: string): Promise<string[]> => {
  const found = await lookup(host, { all: true }).catch(() => [])
  return found.map(({ address }) => address)
}

/** A certificate that is not trusted is looked at all the same: nothing is said to whoever showed it. */
async function looked(
  socket: Socket,
  host: string,
  authority: string,
  tls: Encryption,
): Promise<Pick<Inspection, 'certificate' | 'distrust'>> {
  const late = setTimeout(() => socket.destroy(new Error('the handshake did not end in time')), PATIENCE_MS)
  try {
    await Promise.race([tls.begin?.(socket), broken(socket)])
    const secure = await shaken(socket, host, tls)
    const certificate = certificateOf(secure)
    const error = secure.authorizationError as unknown as string | undefined
    if (secure.authorized) return { certificate, distrust: null }
    const words = tlsFailure(authority, coded(error ?? 'it is not trusted'), certificate?.valid_to ?? null)
    return { certificate, distrust: words.message }
  } catch (error) {
    return { certificate: null, distrust: tlsFailure(authority, error as Error, null).message }
  } finally {
    clearTimeout(late)
    socket.destroy()
  }
}

/** What is not trusted is told by Node as a code, or in words. */
const coded = (error: string): Error => Object.assign(new Error(error), { code: error })

const broken = (socket: Socket): Promise<never> =>
  new Promise((_resolve, reject) => {
    socket.on('error', reject)
    socket.once('close', () => reject(new Error('the connection was closed')))
  })

function shaken(socket: Socket, host: string, { identity, authority }: Encryption): Promise<TLSSocket> {
  const ca = identity?.authority ?? authority
  return new Promise((resolve, reject) => {
    const secure = connectTls({
      socket,
      ...(isIP(host) ? { host } : { servername: host }),
      rejectUnauthorized: false,
      ...(ca !== undefined && { ca }),
      ...(identity && { cert: identity.certificate, key: identity.key, passphrase: identity.passphrase }),
    })
    secure.once('secureConnect', () => resolve(secure))
    secure.on('error', reject)
    secure.once('close', () => reject(coded('ECONNRESET')))
  })
}

function certificateOf(socket: TLSSocket): Certificate | null {
  const { subject, issuer, valid_to } = socket.getPeerCertificate()
  if (valid_to === undefined) return null
  return { subject: nameOf(subject), issuer: nameOf(issuer), valid_to: new Date(valid_to) }
}

/** A certificate may carry a name more than once. */
const nameOf = ({ CN, O }: NodeJS.Dict<string | string[]>): string => String(CN ?? O ?? 'without a name')
