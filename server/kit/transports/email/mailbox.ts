import type { FetchMessageObject, ImapFlow, MessageAddressObject, MessageStructureObject } from 'imapflow'
import Type, { type Static } from 'typebox'
import { refused } from '../conduct.ts'

/** What can be asked of a mailbox. A message is named by its uid, which holds as long as `uid_validity` does. */
const Name = Type.String({
  minLength: 1,
  maxLength: 500,
  pattern: '^[^\\x00-\\x1f\\x7f]+$',
  description: 'INBOX where absent',
})
const Uid = Type.Integer({ minimum: 1, maximum: 4_294_967_295 })
const Line = Type.String({ minLength: 1, maxLength: 500, pattern: '^[^\\x00-\\x1f\\x7f]+$' })
const one = {
  mailbox: Type.Optional(Name),
  uid: Uid,
  uid_validity: Type.Optional(
    Type.String({ maxLength: 20, description: 'As the search gave it: refused where it is another by now' }),
  ),
}

export const SearchMail = Type.Object(
  {
    mailbox: Type.Optional(Name),
    unseen: Type.Optional(Type.Boolean()),
    since: Type.Optional(Type.String({ format: 'date', description: 'Came on this day or later' })),
    from: Type.Optional(Line),
    subject: Type.Optional(Line),
    message_id: Type.Optional(Line),
    before_uid: Type.Optional(Type.Integer({ minimum: 1, description: '`next` of the page before' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: '50 where absent' })),
  },
  { additionalProperties: false },
)
export const ReadMail = Type.Object(one, { additionalProperties: false })
export const ReadAttachment = Type.Object(
  { ...one, part: Type.String({ pattern: '^[0-9]+(?:\\.[0-9]+)*$', maxLength: 50 }) },
  { additionalProperties: false },
)
export const MarkMail = Type.Object({ ...one, seen: Type.Boolean() }, { additionalProperties: false })
export const MoveMail = Type.Object({ ...one, to: Name }, { additionalProperties: false })

type One = { mailbox?: string; uid: number; uid_validity?: string }

const MOST_TEXT_BYTES = 1_000_000
const MOST_ATTACHMENT_BYTES = 7_000_000

export async function listMailboxes(client: ImapFlow) {
  const found = await client.list()
  return { mailboxes: found.map(({ path, specialUse }) => ({ path, special_use: specialUse ?? null })) }
}

/** Newest first. */
export async function searchMail(client: ImapFlow, given: Static<typeof SearchMail>) {
  const uid_validity = await openMailbox(client, given, true)
  const { unseen, since, from, subject, message_id, before_uid, limit = 50 } = given
  const query = {
    ...(unseen !== undefined && { seen: !unseen }),
    ...(since !== undefined && { since }),
    ...(from !== undefined && { from }),
    ...(subject !== undefined && { subject }),
    ...(message_id !== undefined && { header: { 'Message-ID': message_id } }),
  }
  const found = await client.search(Object.keys(query).length > 0 ? query : { all: true }, { uid: true })
  if (!Array.isArray(found)) throw refused(422, 'not_searched', 'the server did not search this mailbox')
  const uids = found.filter((uid) => before_uid === undefined || uid < before_uid).sort((a, b) => b - a)
  const page = uids.slice(0, limit)
  const next = uids.length > limit ? (page.at(-1) ?? null) : null
  if (page.length === 0) return { uid_validity, messages: [], next }
  const told = await client.fetchAll(
    page.join(','),
    { envelope: true, flags: true, size: true },
    { uid: true },
  )
  const messages = told.sort((a, b) => b.uid - a.uid).map(toSummary)
  return { uid_validity, messages, next }
}

export async function readMail(client: ImapFlow, given: One) {
  const uid_validity = await openMailbox(client, given, true)
  const message = await messageOf(client, given.uid)
  const parts = leavesOf(message.bodyStructure)
  const textOf = async (type: string) => {
    const part = parts.find((one) => one.type === type && !isAttached(one))
    return part ? await contentOf(client, given.uid, part.part ?? '1', MOST_TEXT_BYTES) : null
  }
  const [text, html] = [await textOf('text/plain'), await textOf('text/html')]
  const bodies = new Set([text?.part, html?.part])
  return {
    uid_validity,
    ...toSummary(message),
    text: text?.bytes.toString() ?? null,
    html: html?.bytes.toString() ?? null,
    truncated: (text?.truncated || html?.truncated) ?? false,
    attachments: parts.filter((part) => !bodies.has(part.part ?? '1')).map(toAttachment),
  }
}

export async function readAttachment(client: ImapFlow, given: Static<typeof ReadAttachment>) {
  await openMailbox(client, given, true)
  const message = await messageOf(client, given.uid)
  const part = leavesOf(message.bodyStructure).find((one) => (one.part ?? '1') === given.part)
  if (!part) throw refused(404, 'no_part', `message ${given.uid} has no part ${given.part}`)
  const { bytes, truncated } = await contentOf(client, given.uid, given.part, MOST_ATTACHMENT_BYTES)
  if (truncated)
    throw refused(413, 'too_large', `part ${given.part} is larger than ${MOST_ATTACHMENT_BYTES} bytes`)
  return { ...toAttachment(part), size: bytes.length, content: bytes.toString('base64') }
}

export async function markMail(client: ImapFlow, given: Static<typeof MarkMail>, acting: () => void) {
  await openMailbox(client, given, false)
  await messageOf(client, given.uid)
  acting()
  const uid = String(given.uid)
  const marked = await (given.seen
    ? client.messageFlagsAdd(uid, ['\\Seen'], { uid: true })
    : client.messageFlagsRemove(uid, ['\\Seen'], { uid: true }))
  if (!marked) throw refused(422, 'not_marked', `the server did not mark message ${given.uid}`)
  return { uid: given.uid, seen: given.seen }
}

/** `uid` is the one it has there, where the server says so. */
export async function moveMail(client: ImapFlow, given: Static<typeof MoveMail>, acting: () => void) {
  await openMailbox(client, given, false)
  await messageOf(client, given.uid)
  acting()
  const moved = await client.messageMove(String(given.uid), given.to, { uid: true })
  if (!moved) throw refused(404, 'not_moved', `the server did not move it; is there a mailbox ${given.to}?`)
  return { mailbox: moved.destination, uid: moved.uidMap?.get(given.uid) ?? null }
}

async function openMailbox(
  client: ImapFlow,
  { mailbox = 'INBOX', uid_validity }: { mailbox?: string; uid_validity?: string },
  readOnly: boolean,
): Promise<string> {
  const opened = await client
    .mailboxOpen(mailbox, { readOnly })
    .catch((error: { mailboxMissing?: boolean }) => {
      throw error.mailboxMissing ? refused(404, 'no_mailbox', `there is no mailbox ${mailbox}`) : error
    })
  const now = String(opened.uidValidity)
  if (uid_validity !== undefined && uid_validity !== now)
    throw refused(409, 'uids_changed', `the uids of ${mailbox} were given anew (${now}); search again`)
  return now
}

async function messageOf(client: ImapFlow, uid: number): Promise<FetchMessageObject> {
  const query = { envelope: true, flags: true, size: true, bodyStructure: true }
  const message = await client.fetchOne(String(uid), query, { uid: true })
  if (!message) throw refused(404, 'not_found', `there is no message ${uid} in this mailbox`)
  return message
}

/** Without their transfer encoding; text as UTF-8. */
async function contentOf(client: ImapFlow, uid: number, part: string, most_bytes: number) {
  const found = await client.download(String(uid), part, { uid: true, maxBytes: most_bytes + 1 })
  if (!found.content) throw refused(404, 'no_part', `message ${uid} has no part ${part}`)
  const chunks: Buffer[] = []
  for await (const chunk of found.content) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  return { part, bytes: bytes.subarray(0, most_bytes), truncated: bytes.length > most_bytes }
}

function leavesOf(part: MessageStructureObject | undefined): MessageStructureObject[] {
  if (part === undefined) return []
  return part.childNodes?.length ? part.childNodes.flatMap(leavesOf) : [part]
}

const isAttached = ({ disposition }: MessageStructureObject) => disposition === 'attachment'

function toAttachment({ part, type, size, parameters, dispositionParameters }: MessageStructureObject) {
  const filename = dispositionParameters?.['filename'] ?? parameters?.['name'] ?? null
  return { part: part ?? '1', content_type: type, filename, size: size ?? null }
}

function toSummary({ uid, envelope, flags, size }: FetchMessageObject) {
  const date = envelope?.date === undefined ? Number.NaN : new Date(envelope.date).getTime()
  return {
    uid,
    message_id: envelope?.messageId ?? null,
    date: Number.isNaN(date) ? null : new Date(date).toISOString(),
    subject: envelope?.subject ?? null,
    from: (envelope?.from ?? []).map(toMailbox),
    to: (envelope?.to ?? []).map(toMailbox),
    cc: (envelope?.cc ?? []).map(toMailbox),
    seen: flags?.has('\\Seen') ?? false,
    size: size ?? null,
  }
}

const toMailbox = ({ name, address }: MessageAddressObject) => ({
  address: address ?? null,
  name: name || null,
})
