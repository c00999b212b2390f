import Type from 'typebox'
import { Clean } from 'typebox/value'
import { noAuth } from '../../kit/auth.ts'
import { defineProvider, get, operation, post } from '../../kit/provider.ts'
import {
  MarkMail,
  MoveMail,
  ReadAttachment,
  ReadMail,
  SearchMail,
  SendMail,
  email as speaksMail,
} from '../../kit/transports/email/email.ts'

/** A mail account: messages sent by SMTP and read by IMAP. */
const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const Mailbox = Type.Object({ address: Nullable(Type.String()), name: Nullable(Type.String()) })
const SUMMARY = {
  uid: Type.Integer(),
  message_id: Nullable(Type.String()),
  date: Nullable(Type.String()),
  subject: Nullable(Type.String()),
  from: Type.Array(Mailbox),
  to: Type.Array(Mailbox),
  cc: Type.Array(Mailbox),
  seen: Type.Boolean(),
  size: Nullable(Type.Integer()),
}
const ATTACHMENT = {
  part: Type.String(),
  content_type: Type.String(),
  filename: Nullable(Type.String()),
  size: Nullable(Type.Integer()),
}
const Sent = Type.Object({
  message_id: Type.String(),
  accepted: Type.Array(Type.String()),
  rejected: Type.Array(Type.Object({ address: Type.String(), message: Type.String() })),
  response: Type.String(),
})
const Found = Type.Object({
  uid_validity: Type.String(),
  messages: Type.Array(Type.Object(SUMMARY)),
  next: Nullable(Type.Integer()),
})
const Read = Type.Object({
  uid_validity: Type.String(),
  ...SUMMARY,
  text: Nullable(Type.String()),
  html: Nullable(Type.String()),
  truncated: Type.Boolean(),
  attachments: Type.Array(Type.Object(ATTACHMENT)),
})
const Listed = Type.Object({
  mailboxes: Type.Array(Type.Object({ path: Type.String(), special_use: Nullable(Type.String()) })),
})

const Attached = Type.Object({ ...ATTACHMENT, content: Type.String() })
const Marked = Type.Object({ uid: Type.Integer(), seen: Type.Boolean() })
const Moved = Type.Object({ mailbox: Type.String(), uid: Nullable(Type.Integer()) })

/** The transport's answers are in our words already; what the schema does not name is left out. */
const only =
  <T extends Type.TSchema>(schema: T) =>
  (answer: Type.Static<T>): Type.Static<T> =>
    Clean(schema, structuredClone(answer)) as Type.Static<T>

export const email = defineProvider({
  id: 'email',
  name: 'E-mail (SMTP and IMAP)',
  category: 'messaging',
  docs: 'https://www.rfc-editor.org/rfc/rfc5321',
  transport: speaksMail,
  fields: [
    {
      key: 'base_url',
      label: 'SMTP server',
      hint: 'smtps:// with TLS from the start, smtp:// with what tls says',
      required: true,
      pattern: 'smtps?://[^\\s/@?#]+',
      example: 'smtp://smtp.example.com:587',
    },
    {
      key: 'tls',
      label: 'Encryption of smtp://',
      hint: 'starttls sends nothing where the server does not offer it; off is for networks of your own',
      enum: ['starttls', 'off'],
      default: 'starttls',
    },
    {
      key: 'imap_url',
      label: 'IMAP server',
      hint: 'with TLS from the start; left out where nothing is read',
      pattern: 'imaps://[^\\s/@?#]+',
      example: 'imaps://imap.example.com:993',
    },
    {
      key: 'from',
      label: 'Usual sender',
      pattern: '[^\\s@<>,;:"()]+@[^\\s@<>,;:"()]+',
      example: 'cobranca@example.com',
    },
    { key: 'username', label: 'User', secret: true },
    { key: 'password', label: 'Password', secret: true },
    {
      key: 'authority',
      label: 'Certificate of the authority',
      hint: 'in PEM, where it is none of the public ones',
      secret: true,
      multiline: true,
    },
  ],
  auth: noAuth, // each protocol has its own; the transport logs in
  limits: { requests_per_minute: 600, timeout_ms: 30_000 },
  test: get('/ping'),
  operations: {
    'email.send': operation({
      input: SendMail,
      request: (mail) => post('/send', mail),
      reads: Sent,
      translate: only(Sent),
    }),
    'email.mailboxes': operation({
      input: Type.Object({}, { additionalProperties: false }),
      request: () => get('/mailboxes'),
      reads: Listed,
      translate: only(Listed),
    }),
    'email.search': operation({
      input: SearchMail,
      request: (wanted) => get('/search', wanted),
      reads: Found,
      translate: only(Found),
    }),
    'email.read': operation({
      input: ReadMail,
      request: (wanted) => get('/read', wanted),
      reads: Read,
      translate: only(Read),
    }),
    'email.attachment': operation({
      input: ReadAttachment,
      request: (wanted) => get('/attachment', wanted),
      reads: Attached,
      translate: only(Attached),
    }),
    'email.mark': operation({
      input: MarkMail,
      request: (body) => ({ method: 'PUT', path: '/mark', body }),
      reads: Marked,
      translate: only(Marked),
    }),
    'email.move': operation({
      input: MoveMail,
      request: (body) => post('/move', body),
      reads: Moved,
      translate: only(Moved),
    }),
  },
})
