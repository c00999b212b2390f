import type { Socket } from 'node:net'

/**
 * How a server is asked to go on in TLS, by protocols that begin without: as much of each as it takes to see the
 * certificate. Those that throw say why there is none, and what to do.
 */

/** SSLRequest: "Frontend/Backend Protocol" of PostgreSQL, 54.2.10. */
export async function beginPostgres(socket: Socket): Promise<void> {
  const answer = said(socket, ({ length }) => length > 0)
  socket.write(Buffer.from('0000000804d2162f', 'hex'))
  if ((await answer).toString('latin1', 0, 1) !== 'S') throw none()
}

const CLIENT_SSL = 0x800
/** With CLIENT_PROTOCOL_41 and CLIENT_SECURE_CONNECTION, packets of 16 MB, and utf8mb4. */
const SSL_REQUEST = Buffer.concat([Buffer.from('20000001008a0000000000012d', 'hex'), Buffer.alloc(23)])

/** Protocol::HandshakeV10, answered by Protocol::SSLRequest: "Connection Phase" of MySQL. */
export async function beginMysql(socket: Socket): Promise<void> {
  const greeting = await said(
    socket,
    (bytes) => bytes.length > 3 && bytes.length >= 4 + bytes.readUIntLE(0, 3),
  )
  const [version] = greeting.subarray(4)
  // Of an error the code stands before its words.
  if (version !== 10) throw new Error(`the server says: ${greeting.toString('utf8', 7)}`)
  const after_name = greeting.indexOf(0, 5) + 1
  if ((greeting.readUInt16LE(after_name + 13) & CLIENT_SSL) === 0) throw none()
  socket.write(SSL_REQUEST)
}

/** STARTTLS: RFC 3207. */
export async function beginSmtp(socket: Socket): Promise<void> {
  const reply = async (command: string | null): Promise<string> => {
    const whole = said(socket, (bytes) => /^\d{3}(?: [^\n]*)?\n$/m.test(bytes.toString('latin1')))
    if (command !== null) socket.write(`${command}\r\n`)
    return (await whole).toString('latin1')
  }
  await reply(null)
  if (!/^250[ -]STARTTLS\b/im.test(await reply('EHLO [127.0.0.1]'))) throw none()
  const answer = await reply('STARTTLS')
  if (!answer.startsWith('220')) throw new Error(`the server says: ${answer.trim()}`)
}

const none = (): Error =>
  new Error(
    'the server offers no TLS here; switch it on there, or in a network of your own set settings.tls to off',
  )

const MOST_BYTES = 64 * 1024

/** What the other side says, to where it is whole. */
function said(socket: Socket, isWhole: (bytes: Buffer) => boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let held = Buffer.alloc(0)
    const take = (chunk: Buffer) => {
      held = Buffer.concat([held, chunk])
      if (held.length <= MOST_BYTES && !isWhole(held)) return
      socket.off('data', take)
      if (isWhole(held)) resolve(held)
      else reject(new Error('the server does not speak the protocol of its address'))
    }
    socket.on('data', take)
  })
}
