import { isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ClientIdentity, Egress } from '../../platform/egress/egress.ts'
import { identityOf, lost, type Opening } from './session.ts'

/** Sockets to brokers, by the guarded way and no other. */

export type Place = { host: string; port: number; is_tls: boolean }

const TLS = ['amqps:', 'natss:', 'rediss:']

/** Of a URL; the port its kind is known by where it names none. */
export const placeOf = (url: URL, ports: { plain: number; tls: number }): Place => {
  const is_tls = TLS.includes(url.protocol)
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (is_tls ? ports.tls : ports.plain),
    is_tls,
  }
}

/** Throws what went wrong, in words. */
export async function openSocket({ egress, auth, timeout_ms }: Opening, place: Place): Promise<Socket> {
  const socket = await openPlain(egress, place, timeout_ms)
  return place.is_tls ? upgrade(socket, place.host, { auth, timeout_ms }) : socket
}

export async function openPlain(
  egress: Egress,
  { host, port }: Omit<Place, 'is_tls'>,
  timeout_ms: number,
): Promise<Socket> {
  const connected = await egress.connect({ host, port, timeout_ms })
  if (connected.kind === 'error') throw lost(false, connected.message)
  return connected.socket.setNoDelay(true).setKeepAlive(true, 30_000)
}

/** TLS over a socket that is open, with our certificate where there is one. */
export function upgrade(
  socket: Socket,
  host: string,
  { auth, timeout_ms }: Pick<Opening, 'auth' | 'timeout_ms'>,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const fail = (words: string) => {
      clearTimeout(deadline)
      socket.destroy()
      reject(lost(false, `no TLS with ${host}: ${words}`))
    }
    const deadline = setTimeout(() => fail(`no end of the handshake within ${timeout_ms} ms`), timeout_ms)
    const secure = connectTls({
      socket,
      ...(isIP(host) ? { host } : { servername: host }),
      ...shownBy(identityOf(auth)),
    })
    secure.once('error', (error: Error & { reason?: string }) => fail(error.reason ?? error.message))
    secure.once('close', () => fail('the connection was closed'))
    secure.once('secureConnect', () => {
      clearTimeout(deadline)
      secure.removeAllListeners('error').removeAllListeners('close')
      resolve(secure)
    })
  })
}

const shownBy = (identity: ClientIdentity | null) =>
  identity && {
    cert: identity.certificate,
    key: identity.key,
    ...(identity.passphrase !== undefined && { passphrase: identity.passphrase }),
    ...(identity.authority !== undefined && { ca: identity.authority }),
  }

/** Settles when the socket is gone; with why, where that was said. */
export const goneOf = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    let why = 'the connection was closed'
    socket.on('error', ({ message }) => {
      why = message
    })
    socket.once('close', () => resolve(why))
  })

/** Answers that one side of a connection may leave unread: it asks for one now and then. */
const MOST_UNREAD = 1_000

/** Writes what the other side asked for, a sign of life; one that asks on and on and reads nothing is hung up on. */
export function answerer(socket: Pick<Socket, 'write' | 'destroy'>): (bytes: Uint8Array | string) => void {
  let unread = 0
  return (bytes) => {
    unread += 1
    if (unread > MOST_UNREAD) socket.destroy(new Error('the broker asks for signs of life and reads none'))
    else
      socket.write(bytes, () => {
        unread -= 1
      })
  }
}

export const holder =
  (socket: Socket) =>
  (is_held: boolean): void =>
    void (is_held ? socket.ref() : socket.unref())
