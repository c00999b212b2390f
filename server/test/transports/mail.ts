import { ImapFlow } from 'imapflow'
import { DAY_MS, issue } from '../certificates.ts'
import { hasDovecot, startDovecot } from '../dovecot.ts'
import { undoAfter } from '../harness.ts'
import { type Received, startSmtp } from '../smtpd.ts'
import type { Started, Subject } from './subject.ts'

const soon = new Date(Date.now() + DAY_MS)
const authority = issue('Trilho test authority', [], soon)
const issued = issue('localhost', ['localhost'], soon, authority)
const tls = { cert: issued.cert, key: String(issued.key.export({ type: 'pkcs8', format: 'pem' })) }

const mail = (operation: string, input: object) => ({ operation: `email.${operation}`, input })

async function startSending(): Promise<Started> {
  const received: Received[] = []
  const port = await startSmtp({ authOptional: true, disabledCommands: ['STARTTLS'] }, received)
  const to = (address: string, n: number) =>
    mail('send', { to: [address], subject: `number ${n}.`, text: 'x', from: 'a@acme.example' })
  return {
    port,
    place: (at) => ({
      provider: 'email',
      settings: { base_url: `smtp://127.0.0.1:${at}`, tls: 'off' },
    }),
    safe: { method: 'GET', path: '/ping' },
    wrong: to('nobody@example.com', 0),
    unsafe: (n) => to('bia@example.com', n),
    done: async (n) => received.filter(({ bytes }) => bytes.includes(`number ${n}.`)).length,
  }
}

async function startReading(): Promise<Started> {
  const dovecot = await startDovecot(tls)
  undoAfter(dovecot.stop)
  const { port, username, password } = dovecot
  /** By another client of the same mailbox, past the door. */
  const uidsOf = async (mailbox: string, n: number): Promise<number[]> => {
    const client = new ImapFlow({
      host: 'localhost',
      port,
      secure: true,
      tls: { ca: authority.cert },
      auth: { user: username, pass: password },
      logger: false,
    })
    await client.connect()
    await client.mailboxOpen(mailbox)
    const found = await client.search({ subject: `number ${n}.` }, { uid: true })
    await client.logout()
    return Array.isArray(found) ? found : []
  }
  return {
    port,
    place: (at) => ({
      provider: 'email',
      settings: { base_url: 'smtp://127.0.0.1:1', imap_url: `imaps://localhost:${at}` },
      credentials: { username, password, authority: authority.cert },
    }),
    safe: mail('search', {}),
    wrong: mail('read', { uid: 999_999 }),
    unsafe: async (n) => {
      await dovecot.deliver(Buffer.from(`From: a@acme.example\r\nSubject: number ${n}.\r\n\r\nx\r\n`))
      const [uid] = await uidsOf('INBOX', n)
      return mail('move', { uid, to: 'Done' })
    },
    done: async (n) => (await uidsOf('Done', n)).length,
  }
}

export const MAIL: Subject[] = [
  { name: 'email: SMTP', skip: false, start: startSending },
  { name: 'email: IMAP', skip: !hasDovecot && 'no Dovecot on this machine', start: startReading },
]
