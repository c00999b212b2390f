import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { undoAfter } from './harness.ts'

/** nodemailer's own server, which knows nothing of how we write messages. */
export type Received = { from: string; to: string[]; bytes: Buffer; secure: boolean }

/** User `ana`, password `correct-horse`; what it takes is put into `received`. Gives its port. */
export async function startSmtp(options: object, received: Received[]): Promise<number> {
  const server = new SMTPServer({
    ...options,
    disableReverseLookup: true,
    onAuth: ({ username, password }, _session, done) =>
      username === 'ana' && password === 'correct-horse' ? done(null, { user: 'ana' }) : done(no(535, 'no')),
    onRcptTo: ({ address }, _session, done) => {
      if (address.startsWith('full@')) return done(no(452, 'mailbox full, later'))
      return address.startsWith('nobody@') ? done(no(550, 'nobody of this name')) : done()
    },
    onData: (stream, { envelope, secure }, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address
        const to = envelope.rcptTo.map(({ address }) => address)
        received.push({ from, to, bytes: Buffer.concat(chunks), secure })
        if (to.includes('silence@example.com')) return // and never says whether it has it
        done(null, 'queued as 42')
      })
    },
  })
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return (server.server.address() as AddressInfo).port
}

const no = (responseCode: number, message: string) => Object.assign(new Error(message), { responseCode })
