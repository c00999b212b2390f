import type { Static, TSchema } from 'typebox'
import type { Egress, EgressRequest, EgressResult, Server } from '../../../platform/egress/egress.ts'
import { inWords, read } from '../../reads.ts'
import { parseReply } from '../../replies.ts'
import { beginSmtp } from '../begin_tls.ts'
import { conduct, refused } from '../conduct.ts'
import type { Opened } from '../http.ts'
import type { Transport } from '../transport.ts'
import {
  listMailboxes,
  MarkMail,
  MoveMail,
  markMail,
  moveMail,
  ReadAttachment,
  ReadMail,
  readAttachment,
  readMail,
  SearchMail,
  searchMail,
} from './mailbox.ts'
import { compose, SendMail } from './message.ts'
import { hostOf, type Opening } from './place.ts'

export { MarkMail, MoveMail, ReadAttachment, ReadMail, SearchMail, SendMail }

/**
 * Mail, sent by SMTP and read by IMAP, with JSON in and out: `POST …/send`; `GET …/mailboxes`, `…/search`, `…/read` and
 * `…/attachment`; `PUT …/mark` and `POST …/move`. `GET …/ping` only logs in.
 */
export const email: Transport = { send, servers }

function servers({ settings, credentials: { authority } }: Opened): Server[] {
  const [smtp, imap] = [settings['base_url'], settings['imap_url']].map((url) => URL.parse(String(url)))
  const is_tls = smtp?.protocol === 'smtps:'
  const begin = is_tls ? undefined : beginSmtp
  const tls = is_tls || settings['tls'] === 'starttls' ? { authority, begin } : null
  return [
    ...(smtp ? [{ host: hostOf(smtp), port: Number(smtp.port || (is_tls ? 465 : 587)), tls }] : []),
    ...(imap ? [{ host: hostOf(imap), port: Number(imap.port || 993), tls: { authority } }] : []),
  ]
}

function send(egress: Egress, opened: Opened, request: EgressRequest): Promise<EgressResult> {
  return conduct(request, async (way) => {
    const url = new URL(request.url)
    const name = url.pathname.slice(url.pathname.lastIndexOf('/') + 1)
    const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined
    if (!verb)
      throw refused(404, 'unknown', `there is no ${name}; there are ${Object.keys(VERBS).join(', ')}`)
    if (request.method !== verb.method)
      throw refused(405, 'wrong_method', `${name} is asked by ${verb.method}`)
    return await verb.run(givenTo(verb, url, request), { egress, opened, url, way })
  })
}

type Verb = {
  method: string
  takes: TSchema | null
  run(given: unknown, opening: Opening): Promise<unknown>
}

function givenTo({ takes }: Verb, { searchParams }: URL, { body }: EgressRequest): unknown {
  if (takes === null) return {}
  const query = Object.fromEntries([...searchParams].map(([key, text]) => [key, typed(key, text)]))
  const fits = read(takes, body === undefined ? query : parseReply(Buffer.from(body)))
  if (!fits.ok) throw refused(400, 'bad_request', inWords(fits.errors))
  return fits.value
}

/** What stands in a query is text. */
function typed(key: string, text: string): unknown {
  if (key === 'unseen') return text === 'true' ? true : text === 'false' ? false : text
  return ['uid', 'before_uid', 'limit'].includes(key) && /^\d{1,10}$/.test(text) ? Number(text) : text
}

type Client = import('imapflow').ImapFlow

/** A verb of the mailbox; what its schema takes, its function is given. */
const mailbox = <S extends TSchema>(
  method: string,
  takes: S,
  run: (client: Client, given: Static<S>, acting: () => void) => Promise<unknown>,
): Verb => ({
  method,
  takes,
  run: (given, opening) =>
    inMailbox(opening, (client) => run(client, given as Static<S>, opening.way.acting)),
})

async function inMailbox<T>(opening: Opening, work: (client: Client) => Promise<T>): Promise<T> {
  const own = opening.opened.settings['imap_url']
  if (own === undefined)
    throw refused(400, 'no_imap', 'this connection only sends; set settings.imap_url to read its mail')
  const { withImap } = await import('./imap.ts')
  return withImap({ ...opening, url: new URL(String(own)) }, work)
}

const VERBS: Record<string, Verb> = {
  ping: { method: 'GET', takes: null, run: (_given, opening) => ping(opening) },
  send: { method: 'POST', takes: SendMail, run: (given, opening) => sendOne(given as SendMail, opening) },
  mailboxes: { method: 'GET', takes: null, run: (_given, opening) => inMailbox(opening, listMailboxes) },
  search: mailbox('GET', SearchMail, searchMail),
  read: mailbox('GET', ReadMail, readMail),
  attachment: mailbox('GET', ReadAttachment, readAttachment),
  mark: mailbox('PUT', MarkMail, markMail),
  move: mailbox('POST', MoveMail, moveMail),
}

async function sendOne(mail: SendMail, opening: Opening) {
  const from = opening.opened.settings['from']
  const composed = await compose(mail, from === undefined ? undefined : String(from))
  const { sendMail } = await import('./smtp.ts')
  return { message_id: composed.message_id, ...(await sendMail(opening, composed)) }
}

async function ping(opening: Opening) {
  const { greetSmtp } = await import('./smtp.ts')
  await greetSmtp(opening)
  if (opening.opened.settings['imap_url'] !== undefined) await inMailbox(opening, async () => {})
  return { ok: true }
}
