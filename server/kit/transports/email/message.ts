import { createHash, randomUUID } from 'node:crypto'
import MailComposer from 'nodemailer/lib/mail-composer'
import Type, { type Static } from 'typebox'
import { refused } from '../conduct.ts'

/** What a message is made of. Nothing a caller says can begin a header of its own. */
const Text = (description: string, maxLength: number) =>
  Type.String({ maxLength, pattern: '^[^\\x00-\\x1f\\x7f]*$', description })

const Address = Type.String({
  maxLength: 254,
  pattern: '^[^\\s\\x00-\\x1f\\x7f@<>,;:"()\\[\\]\\\\]+@[^\\s\\x00-\\x1f\\x7f@<>,;:"()\\[\\]\\\\]+$',
  description: 'ana@example.com',
})
const Mailbox = Type.Union([
  Address,
  Type.Object(
    { address: Address, name: Type.Optional(Text('As it is shown', 200)) },
    { additionalProperties: false },
  ),
])
type Mailbox = Static<typeof Mailbox>

const MOST_RECIPIENTS = 100
const Mailboxes = Type.Array(Mailbox, { maxItems: MOST_RECIPIENTS })

const Attachment = Type.Object(
  {
    filename: Text('Its name', 255),
    content: Type.String({ description: 'In base64' }),
    content_type: Type.Optional(
      Type.String({
        maxLength: 127,
        pattern: '^[\\w.+-]+/[\\w.+-]+$',
        description: 'By the name where absent',
      }),
    ),
    content_id: Type.Optional(
      Type.String({ maxLength: 200, pattern: '^[\\w.@+-]+$', description: 'The html shows it as cid:…' }),
    ),
  },
  { additionalProperties: false },
)

export const SendMail = Type.Object(
  {
    to: Type.Array(Mailbox, { minItems: 1, maxItems: MOST_RECIPIENTS }),
    cc: Type.Optional(Mailboxes),
    bcc: Type.Optional(Mailboxes),
    reply_to: Type.Optional(Mailbox),
    from: Type.Optional(Mailbox),
    subject: Text('One line', 900),
    text: Type.Optional(Type.String()),
    html: Type.Optional(Type.String()),
    attachments: Type.Optional(Type.Array(Attachment, { maxItems: 50 })),
    reference: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: 'The same reference gives the same Message-ID, by which a message sent again is known',
      }),
    ),
  },
  { additionalProperties: false },
)
export type SendMail = Static<typeof SendMail>

export type Composed = { message_id: string; envelope: { from: string; to: string[] }; bytes: Buffer }

/** `usual_from` is who sends where the message does not say. */
export async function compose(mail: SendMail, usual_from: string | undefined): Promise<Composed> {
  const from = mail.from ?? usual_from
  if (from === undefined)
    throw refused(400, 'no_sender', 'from is missing: give it, or set settings.from on the connection')
  if (mail.text === undefined && mail.html === undefined)
    throw refused(400, 'no_text', 'text and html are missing: give one of them, or both')
  const sender = addressOf(from)
  const message_id = messageId(mail.reference, sender)
  const { to, cc = [], bcc = [], reply_to, subject, text, html, attachments = [] } = mail
  const node = new MailComposer({
    from: named(from),
    to: to.map(named),
    cc: cc.map(named),
    ...(reply_to !== undefined && { replyTo: named(reply_to) }),
    subject,
    ...(text !== undefined && { text }),
    ...(html !== undefined && { html }),
    attachments: attachments.map(toAttachment),
    messageId: message_id,
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile()
  const recipients = [...new Set([...to, ...cc, ...bcc].map(addressOf))]
  return { message_id, envelope: { from: sender, to: recipients }, bytes: await node.build() }
}

const addressOf = (mailbox: Mailbox): string => (typeof mailbox === 'string' ? mailbox : mailbox.address)

const named = (mailbox: Mailbox) =>
  typeof mailbox === 'string'
    ? { name: '', address: mailbox }
    : { name: mailbox.name ?? '', address: mailbox.address }

function messageId(reference: string | undefined, sender: string): string {
  const domain = sender.slice(sender.lastIndexOf('@') + 1)
  const name =
    reference === undefined
      ? randomUUID()
      : createHash('sha256')
          .update(JSON.stringify([sender, reference]))
          .digest('hex')
          .slice(0, 40)
  return `<${name}@${domain}>`
}

function toAttachment({ filename, content, content_type, content_id }: Static<typeof Attachment>) {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(content))
    throw refused(400, 'bad_attachment', `the content of ${filename} is no base64`)
  return {
    filename,
    content: Buffer.from(content, 'base64'),
    ...(content_type !== undefined && { contentType: content_type }),
    ...(content_id !== undefined && { cid: content_id }),
  }
}
