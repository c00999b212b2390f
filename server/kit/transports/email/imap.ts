import { ImapFlow } from 'imapflow'
import { refused, trouble } from '../conduct.ts'
import { hostOf, isTlsError, type Opening, patience } from './place.ts'

/** IMAP (RFC 9051 and 3501), over TLS upon a socket of egress. */
export async function withImap<T>(opening: Opening, work: (client: ImapFlow) => Promise<T>): Promise<T> {
  const { way } = opening
  const client = await connect(opening)
  const close = () => client.close()
  way.signal.addEventListener('abort', close, { once: true })
  try {
    return await work(client)
  } catch (error) {
    // Of a connection that broke the client tells as of a command that was refused.
    throw client.usable ? inWords(error as Said) : trouble('reset', 'the server ended the connection')
  } finally {
    way.signal.removeEventListener('abort', close)
    client.close()
  }
}

async function connect({ egress, opened, url, way }: Opening): Promise<ImapFlow> {
  const host = hostOf(url)
  const port = Number(url.port || 993)
  const connected = await egress.connect({ host, port, timeout_ms: way.left_ms() })
  if (connected.kind === 'error') throw connected
  const { socket } = connected
  const { username = '', password = '', authority } = opened.credentials
  const client = new ImapFlow({
    host,
    port,
    secure: true,
    tls: { socket, ...(authority !== undefined && { ca: authority }) }, // with a socket it opens none
    auth: { user: username, pass: password },
    logger: false,
    disableAutoIdle: true,
    ...patience(way),
  })
  client.on('error', () => {}) // whoever waits for an answer hears of it
  const stop = () => socket.destroy()
  way.signal.addEventListener('abort', stop, { once: true })
  try {
    await client.connect()
    return client
  } catch (error) {
    client.close()
    socket.destroy()
    throw inWords(error as Said)
  }
}

type Said = Error & {
  authenticationFailed?: boolean
  responseText?: string
  responseStatus?: string
  serverResponseCode?: string
  code?: string
}

function inWords(error: Said): Error {
  if ('refused' in error || 'trouble' in error) return error
  const { serverResponseCode = '', code = '' } = error
  const words = error.responseText ?? error.message
  if (error.authenticationFailed) return refused(401, serverResponseCode || 'login_refused', words)
  if (/^(?:NONEXISTENT|TRYCREATE)$/.test(serverResponseCode)) return refused(404, serverResponseCode, words)
  if (/^(?:UNAVAILABLE|INUSE|LIMIT)$/.test(serverResponseCode)) return refused(503, serverResponseCode, words)
  if (serverResponseCode === 'NOPERM') return refused(403, serverResponseCode, words)
  if (error.responseStatus === 'NO' || error.responseStatus === 'BAD')
    return refused(422, serverResponseCode || error.responseStatus, words)
  if (isTlsError(code)) return trouble('tls', `no TLS with the server: ${words}`)
  return trouble('reset', `the connection with the server broke: ${words}`)
}
