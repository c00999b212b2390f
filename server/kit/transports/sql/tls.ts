import { isIP, type Socket } from 'node:net'
import { connect } from 'node:tls'
import type { Place } from './engine.ts'

/** TLS over a socket that is open, as the connection wants it; the same socket where it wants none. */
export function secured(socket: Socket, host: string, { tls, authority }: Place): Promise<Socket> {
  if (tls === 'off') return Promise.resolve(socket)
  return new Promise((resolve, reject) => {
    const secure = connect({
      socket,
      ...(isIP(host) ? { host } : { servername: host }),
      rejectUnauthorized: tls === 'verify',
      ...(authority !== undefined && { ca: authority }),
    })
    secure.once('error', reject)
    secure.once('close', () => reject(new Error(`${host} ended the connection before there was TLS`)))
    secure.once('secureConnect', () => {
      secure.removeAllListeners('error').removeAllListeners('close')
      resolve(secure)
    })
  })
}
