import { Readable } from 'node:stream'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import { refused, trouble } from '../conduct.ts'
import type { Composed } from './message.ts'
import { hostOf, isTlsError, type Opening, patience } from './place.ts'

/** SMTP (RFC 5321), over a socket of egress. */
export type Sent = { accepted: string[]; rejected: { address: string; message: string }[]; response: string }

export async function sendMail(opening: Opening, { envelope, bytes }: Composed): Promise<Sent> {
  const { way } = opening
  return await withServer(opening, async (server) => {
    const info = await answered<SMTPConnection.SentMessageInfo>((done) =>
      server.send(envelope, contentOf(bytes, way.acting), done),
    )
    return {
      accepted: info.accepted.map(String),
      rejected: (info.rejectedErrors ?? []).map((error) => ({
        address: String((error as Said).recipient ?? ''),
        message: (error as Said).response ?? error.message,
      })),
      response: info.response,
    }
  })
}

/** Logs in and leaves. */
export const greetSmtp = (opening: Opening): Promise<void> => withServer(opening, async () => {})

/** Read once the server has said that it takes a message; what fails before has sent none. */
function contentOf(bytes: Buffer, acting: () => void): Readable {
  return Readable.from(
    (function* () {
      acting()
      yield bytes
    })(),
  )
}

async function withServer<T>(opening: Opening, work: (server: SMTPConnection) => Promise<T>): Promise<T> {
  const server = await connect(opening)
  try {
    const { username, password } = opening.opened.credentials
    if (username !== undefined && password !== undefined) {
      if (!server.allowsAuth) throw refused(401, 'no_login', 'the server offers no way to log in here')
      const credentials = { user: username, pass: password }
      await answered<void>((done) => server.login({ credentials }, (error) => done(error, undefined)))
    }
    const result = await work(server)
    server.quit()
    return result
  } catch (error) {
    server.close()
    throw inWords(error as Said)
  }
}

async function connect({ egress, opened, url, way }: Opening): Promise<SMTPConnection> {
  const is_tls = url.protocol === 'smtps:'
  const host = hostOf(url)
  const port = Number(url.port || (is_tls ? 465 : 587))
  const connected = await egress.connect({ host, port, timeout_ms: way.left_ms() })
  if (connected.kind === 'error') throw connected
  const { authority } = opened.credentials
  const server = new SMTPConnection({
    host,
    port,
    connection: connected.socket,
    secure: is_tls,
    requireTLS: !is_tls && opened.settings['tls'] === 'starttls',
    ignoreTLS: opened.settings['tls'] === 'off',
    tls: { ...(authority !== undefined && { ca: authority }) },
    ...patience(way),
    logger: false,
  })
  way.signal.addEventListener('abort', () => connected.socket.destroy(), { once: true })
  try {
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject) // later: whoever waits for an answer hears of it
      server.on('end', () => reject(trouble('reset', 'the server ended the connection')))
      server.connect((error) => (error ? reject(error) : resolve()))
    })
    return server
  } catch (error) {
    connected.socket.destroy()
    throw inWords(error as Said)
  }
}

const answered = <T>(ask: (done: (error: Error | null | undefined, value: T) => void) => void): Promise<T> =>
  new Promise((resolve, reject) => ask((error, value) => (error ? reject(error) : resolve(value))))

type Said = Error & {
  code?: string
  originalCode?: string
  responseCode?: number
  response?: string
  recipient?: string
}

/** A reply of 4yz means "not now" and one of 5yz "no" (RFC 5321, 4.2.1): nothing was sent with either. */
function inWords(error: Said): Error {
  if ('refused' in error || 'trouble' in error) return error
  const { code, originalCode = '', responseCode = 0, response } = error
  const words = response ?? error.message
  if (code === 'ETLS' || isTlsError(originalCode)) return trouble('tls', `no TLS with the server: ${words}`)
  if (code === 'EAUTH') return refused(401, String(responseCode || 'EAUTH'), words)
  if (responseCode >= 400 && responseCode < 500) return refused(503, String(responseCode), words)
  if (responseCode >= 500) return refused(422, String(responseCode), words)
  return trouble('reset', `the connection with the server broke: ${words}`)
}
