import { randomBytes, randomUUID, sign } from 'node:crypto'
import { json, type SandboxReply, type SandboxRequest } from '../wire.ts'
import { selfSigned } from './certificate.ts'
import type { Made, Making } from './hooks.ts'

const CERTIFICATE = '/SimpleNotificationService-0123456789abcdef.pem'
const SIGNED = [
  'Message',
  'MessageId',
  'Subject',
  'SubscribeURL',
  'Timestamp',
  'Token',
  'TopicArn',
  'Type',
] as const

/**
 * Amazon SNS over HTTP, signature version 1 or 2 (`signature_version`), and the address that confirms a subscription;
 * `GET /aws_sns/_confirmed` lists which were. docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
 */
export function createSns() {
  let made: ReturnType<typeof selfSigned>[] | null = null
  const issued = () => {
    made ??= [0, 1].map(() => selfSigned('sns.amazonaws.com'))
    return made as [ReturnType<typeof selfSigned>, ReturnType<typeof selfSigned>]
  }
  const confirmed: string[] = []

  function make(order: Making, n: number, at_s: number): Made {
    const { type = 'Notification', topic = 'arn:aws:sns:sa-east-1:123456789012:orders', keys_at } = order
    const id = randomUUID()
    const token = randomBytes(32).toString('hex')
    const message: Record<string, string> = {
      Type: type,
      MessageId: id,
      TopicArn: topic,
      Message: JSON.stringify(order.payload ?? { order: n }),
      Timestamp: new Date(at_s * 1000).toISOString(),
      SignatureVersion: order.signature_version ?? '2',
      SigningCertURL: keys_at + CERTIFICATE,
      ...(type === 'Notification' && {
        Subject: `Order ${n}`,
        UnsubscribeURL: `${keys_at}/?Action=Unsubscribe&SubscriptionArn=${topic}:${id}`,
      }),
      ...(type !== 'Notification' && {
        Token: token,
        SubscribeURL: `${keys_at}/?Action=ConfirmSubscription&TopicArn=${topic}&Token=${token}`,
      }),
    }
    const text = SIGNED.flatMap((name) =>
      message[name] === undefined ? [] : `${name}\n${message[name]}\n`,
    ).join('')
    const hash = message['SignatureVersion'] === '1' ? 'sha1' : 'sha256'
    const key = issued()[order.forged ? 1 : 0].key
    message['Signature'] = sign(hash, Buffer.from(text), key).toString('base64')
    return {
      body: JSON.stringify(message),
      headers: {
        'content-type': 'text/plain; charset=UTF-8',
        'user-agent': 'Amazon Simple Notification Service Agent',
        'x-amz-sns-message-type': type,
        'x-amz-sns-message-id': id,
        'x-amz-sns-topic-arn': topic,
      },
    }
  }

  function answer({ method, path, query }: SandboxRequest): SandboxReply | null {
    if (method !== 'GET') return null
    if (path === CERTIFICATE)
      return { status: 200, headers: { 'content-type': 'text/plain' }, body: issued()[0].pem }
    if (path === '/_confirmed') return json(200, { data: confirmed })
    if (query.get('Action') !== 'ConfirmSubscription') return null
    confirmed.push(query.get('TopicArn') ?? '')
    return { status: 200, headers: { 'content-type': 'text/xml' }, body: '<ConfirmSubscriptionResponse/>' }
  }

  return { make, answer }
}
