import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { before, test } from 'node:test'
import { providers } from '../../providers/index.ts'
import { DAY_MS, issue } from '../../test/certificates.ts'
import { hasDovecot, startDovecot } from '../../test/dovecot.ts'
import { type Served, serve, tenantWithKey } from '../../test/http_app.ts'
import { type Received, startSmtp } from '../../test/smtpd.ts'
import { routes as connectionRoutes } from '../connections/routes.ts'
import { routes } from './routes.ts'

const soon = new Date(Date.now() + DAY_MS)
const authority = issue('Trilho test authority', [], soon)
const issued = issue('localhost', ['localhost'], soon, authority)
const tls = { cert: issued.cert, key: issued.key.export({ type: 'pkcs8', format: 'pem' }).toString() }

let served: Served
let mail_port: number
let open_port: number
const received: Received[] = []

before(async () => {
  served = await serve({ mount: { rooms: [connectionRoutes, routes] }, providers })
  mail_port = await startSmtp({ ...tls, authOptional: false }, received)
  const open = { authOptional: true, disabledCommands: ['STARTTLS'], allowInsecureAuth: true }
  open_port = await startSmtp({ ...tls, ...open }, received)
})

type Connected = { key: string; connection: string }
type Report = {
  id: string
  state: string
  status: number | null
  attempts: number
  error: string | null
  result: Record<string, unknown>
  body: Record<string, unknown>
}

async function connect(settings: object = {}, credentials: object = {}): Promise<Connected> {
  const { key } = await tenantWithKey(served, ['*'], 'test')
  const reply = await served.send('POST', '/v1/connections', {
    key,
    body: {
      provider: 'email',
      name: 'Mail',
      environment: 'development',
      settings: { base_url: `smtp://localhost:${mail_port}`, from: 'cobranca@acme.example', ...settings },
      credentials: { username: 'ana', password: 'correct-horse', authority: authority.cert, ...credentials },
    },
  })
  assert.equal(reply.status, 201, reply.text)
  return { key, connection: String(reply.body['id']) }
}

async function ask({ key, connection }: Connected, operation: string, input: object, more: object = {}) {
  const body = { operation: `email.${operation}`, input, retries: 0, ...more }
  const reply = await served.send('POST', `/v1/connections/${connection}/calls`, { key, body })
  assert.equal(reply.status, 200, reply.text)
  return reply.body as unknown as Report
}

const HELLO = { to: ['bia@example.com'], subject: 'Olá', text: 'Bom dia' }

test('a message goes out whole over TLS; a blind copy is in no header', async () => {
  const connected = await connect()
  const sent = await ask(connected, 'send', {
    to: [{ address: 'bia@example.com', name: 'Bia "Ção", <x@y>' }],
    cc: ['caio@example.com'],
    bcc: ['oculto@example.com'],
    reply_to: 'resposta@acme.example',
    subject: 'Fatura nº 1042 – vence amanhã',
    text: 'Olá',
    html: '<b>Olá</b>',
    attachments: [{ filename: 'boleto ção.pdf', content: Buffer.from('%PDF').toString('base64') }],
  })
  assert.equal(sent.state, 'succeeded', JSON.stringify(sent))
  assert.deepEqual(sent.result['accepted'], ['bia@example.com', 'caio@example.com', 'oculto@example.com'])
  const last = received.at(-1)
  assert(last)
  assert.equal(last.secure, true)
  assert.equal(last.from, 'cobranca@acme.example')
  const text = last.bytes.toString()
  assert.doesNotMatch(text, /oculto/)
  assert.match(text, /^Reply-To: resposta@acme\.example\r$/m)
  assert.match(text, /^Message-ID: <[0-9a-f-]{36}@acme\.example>\r$/m)
  assert.match(text, new RegExp(Buffer.from('%PDF').toString('base64')))
})

test('the same reference gives the same Message-ID, another one another', async () => {
  const connected = await connect()
  const idOf = async (reference: string) =>
    (await ask(connected, 'send', { ...HELLO, reference })).result['message_id']
  const first = await idOf('invoice 1042')
  assert.match(String(first), /^<[0-9a-f]{40}@acme\.example>$/)
  assert.equal(await idOf('invoice 1042'), first)
  assert.notEqual(await idOf('invoice 1043'), first)
})

test('nothing that a caller says begins a header or a command of its own', async () => {
  const { key, connection } = await connect()
  const evil = 'x\r\nBcc: victim@example.com'
  const bodies = [
    { ...HELLO, subject: evil },
    { ...HELLO, to: [{ address: 'bia@example.com', name: evil }] },
    { ...HELLO, to: ['bia@example.com>\r\nRCPT TO:<victim@example.com'] },
    { ...HELLO, to: ['bia@example.com, victim@example.com'] },
    { ...HELLO, from: 'a@b.example\nX: y' },
    { ...HELLO, attachments: [{ filename: evil, content: '' }] },
    { ...HELLO, attachments: [{ filename: 'a', content: '', content_type: 'text/plain\r\nX: y' }] },
    { ...HELLO, attachments: [{ filename: 'a', content: '', path: '/etc/passwd' }] },
  ]
  const before_it = received.length
  for (const input of bodies) {
    const body = { operation: 'email.send', input }
    const reply = await served.send('POST', `/v1/connections/${connection}/calls`, { key, body })
    assert.equal(reply.status, 400, reply.text)
  }
  assert.equal(received.length, before_it)
})

test('what the server refuses is refused in its words, and "not now" is tried again', async () => {
  const connected = await connect()
  const nobody = await ask(connected, 'send', { ...HELLO, to: ['nobody@example.com'] })
  assert.equal(nobody.status, 422, JSON.stringify(nobody))
  assert.match(JSON.stringify(nobody.body), /550 nobody of this name/)
  const some = await ask(connected, 'send', { ...HELLO, to: ['nobody@example.com', 'bia@example.com'] })
  assert.deepEqual(some.result['accepted'], ['bia@example.com'])
  assert.match(JSON.stringify(some.result['rejected']), /nobody@example\.com.*nobody of this name/)
  const full = await ask(connected, 'send', { ...HELLO, to: ['full@example.com'] }, { retries: 1 })
  assert.equal(full.status, 503)
  assert.equal(full.state, 'failed', JSON.stringify(full))
  assert.equal(full.attempts, 2)
})

test('a message whose end nobody confirmed is unknown, and is not sent a second time', async () => {
  const before_it = received.length
  const input = { ...HELLO, to: ['silence@example.com'] }
  const lost = await ask(await connect(), 'send', input, { retries: 3, timeout_ms: 10_000 })
  assert.equal(lost.state, 'unknown', JSON.stringify(lost))
  assert.equal(lost.attempts, 1)
  assert.equal(received.length, before_it + 1)
})

test('no password is sent where the server offers no TLS, unless the connection says so', async () => {
  const base_url = `smtp://localhost:${open_port}`
  const refused = await ask(await connect({ base_url }), 'send', HELLO)
  assert.equal(refused.state, 'failed', JSON.stringify(refused))
  assert.match(String(refused.error), /TLS/)
  const before_it = received.length
  const sent = await ask(await connect({ base_url, tls: 'off' }), 'send', HELLO)
  assert.equal(sent.state, 'succeeded', JSON.stringify(sent))
  assert.equal(received[before_it]?.secure, false)
})

test('wrong credentials, a forged certificate, a private network and silence are each said in words', async (t) => {
  const wrong = await ask(await connect({}, { password: 'wrong-horse' }), 'send', HELLO)
  assert.equal(wrong.status, 401, JSON.stringify(wrong))
  assert.match(String(wrong.error), /does not take the credentials/)
  const forged = await ask(await connect({}, { authority: issue('Another', [], soon).cert }), 'send', HELLO)
  assert.equal(forged.state, 'failed', JSON.stringify(forged))
  assert.match(String(forged.error), /no TLS with the server/)
  const inside = await ask(await connect({ base_url: 'smtp://10.1.2.3' }), 'send', HELLO)
  assert.match(String(inside.error), /TRILHO_EGRESS_ALLOW/)
  const silent = createServer((socket) => void socket.on('error', () => {}).resume())
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  t.after(() => silent.close())
  const base_url = `smtp://127.0.0.1:${(silent.address() as AddressInfo).port}`
  const late = await ask(await connect({ base_url }), 'send', HELLO, { timeout_ms: 300 })
  assert.equal(late.state, 'failed', JSON.stringify(late))
  assert.match(String(late.error), /within \d+ ms/)
})

test('a password stands in no record, not even where a message holds it', async () => {
  const connected = await connect()
  const { id } = await ask(connected, 'send', { ...HELLO, text: 'it is correct-horse' })
  const record = await served.send('GET', `/v1/calls/${id}`, { key: connected.key })
  assert.equal(record.status, 200)
  assert.doesNotMatch(record.text, /correct-horse/)
})

test('a connection that only sends says what is missing to read', async () => {
  const report = await ask(await connect(), 'search', {})
  assert.equal(report.status, 400)
  assert.match(JSON.stringify(report.body), /settings\.imap_url/)
})

const needsDovecot = { skip: !hasDovecot && 'no Dovecot on this machine (Debian: dovecot-imapd)' }

test('what was sent is found, read, marked and moved by IMAP', needsDovecot, async (t) => {
  const dovecot = await startDovecot(tls)
  t.after(() => dovecot.stop())
  const { username, password } = dovecot
  const imap_url = `imaps://localhost:${dovecot.port}`
  const sender = await connect()
  const reader = await connect({ imap_url }, { username, password })
  const good = async (operation: string, input: object) => {
    const report = await ask(reader, operation, input)
    assert.equal(report.state, 'succeeded', JSON.stringify(report))
    return report.result
  }
  const pdf = Buffer.from([0x25, 0x50, 0x44, 0x46, 0, 255])
  const attachments = [{ filename: 'boleto ção.pdf', content: pdf.toString('base64') }]
  const rich = { ...HELLO, subject: 'Vence amanhã €', text: 'Olá, ação', html: '<b>Olá</b>', attachments }
  for (const mail of [HELLO, rich]) {
    await ask(sender, 'send', mail)
    await dovecot.deliver(received.at(-1)?.bytes ?? Buffer.alloc(0))
  }
  const found = await good('search', { unseen: true, from: 'acme.example', since: '2020-01-01' })
  const messages = found['messages'] as { uid: number; subject: string; seen: boolean; message_id: string }[]
  assert.deepEqual(
    messages.map(({ uid, subject, seen }) => [uid, subject, seen]),
    [
      [2, 'Vence amanhã €', false],
      [1, 'Olá', false],
    ],
  )
  const page = await good('search', { limit: 1 })
  assert.equal(page['next'], 2)
  const rest = await good('search', { limit: 1, before_uid: 2 })
  assert.deepEqual([(rest['messages'] as { uid: number }[])[0]?.uid, rest['next']], [1, null])
  const by_id = await good('search', { message_id: messages[1]?.message_id })
  assert.equal((by_id['messages'] as unknown[]).length, 1)

  const read = await good('read', { uid: 2 })
  assert.deepEqual([read['text'], read['html'], read['seen']], ['Olá, ação', '<b>Olá</b>', false])
  const [attached] = read['attachments'] as { part: string; filename: string; content_type: string }[]
  assert.deepEqual([attached?.filename, attached?.content_type], ['boleto ção.pdf', 'application/pdf'])
  const content = await good('attachment', { uid: 2, part: attached?.part })
  assert.equal(content['content'], pdf.toString('base64'))

  await good('mark', { uid: 2, seen: true })
  assert.deepEqual((await good('search', { unseen: true }))['messages'], [messages[1]])
  await good('mark', { uid: 2, seen: false })
  const moved = await good('move', { uid: 2, to: 'Done', uid_validity: found['uid_validity'] })
  assert.deepEqual(moved, { mailbox: 'Done', uid: 1 })
  assert.equal(((await good('search', { mailbox: 'Done' }))['messages'] as unknown[]).length, 1)
  const names = (await good('mailboxes', {}))['mailboxes'] as { path: string }[]
  assert.deepEqual(names.map(({ path }) => path).sort(), ['Done', 'INBOX'])

  for (const [status, operation, input] of [
    [404, 'read', { uid: 99 }],
    [404, 'attachment', { uid: 1, part: '7' }],
    [404, 'search', { mailbox: 'Nowhere' }],
    [409, 'read', { uid: 1, uid_validity: '1' }],
    [404, 'move', { uid: 1, to: 'Nowhere' }],
  ] as const) {
    const report = await ask(reader, operation, input)
    assert.equal(report.status, status, JSON.stringify([operation, report]))
  }
  const stranger = await ask(await connect({ imap_url }, { username, password: 'wrong-horse' }), 'search', {})
  assert.equal(stranger.status, 401, JSON.stringify(stranger))
  const forged = issue('Another', [], soon).cert
  const unknown = await connect({ imap_url }, { username, password, authority: forged })
  assert.match(String((await ask(unknown, 'search', {})).error), /no TLS with the server/)
})
