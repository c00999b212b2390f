import { noAuth } from '../../kit/auth.ts'
import { newsName } from '../../kit/news.ts'
import { defineProvider, get } from '../../kit/provider.ts'
import { confirmationAddress, SnsEnvelope, signedMembers, snsSignature } from '../../kit/signatures.ts'

/** `notification`, `subscription_confirmation`, `unsubscribe_confirmation`: Amazon's own words in small letters. */
const wordOf = ({ Type }: SnsEnvelope) => Type.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase()

export const awsSns = defineProvider({
  id: 'aws_sns',
  name: 'Amazon SNS',
  category: 'messaging',
  docs: 'https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html',
  base_url: { live: 'https://sns.us-east-1.amazonaws.com', test: 'https://sns.us-east-1.amazonaws.com' },
  fields: [{ key: 'base_url', label: 'Base URL', hint: 'of your region, or of a sandbox', type: 'url' }],
  auth: noAuth,
  limits: { timeout_ms: 30_000 },
  reference: { header: 'x-amzn-requestid' },
  test: get('/', { Action: 'ListTopics' }),
  webhooks: {
    signature: ({ topics, keys_from }) =>
      snsSignature(
        String(topics ?? '')
          .split(',')
          .map((arn) => arn.trim()),
        typeof keys_from === 'string' ? keys_from : null,
      ),
    fields: [
      {
        key: 'topics',
        label: 'Topics',
        hint: 'their ARNs, separated by commas: Amazon signs for every topic of everybody',
        required: true,
        pattern: 'arn:[^,\\s]+(?:, ?arn:[^,\\s]+)*',
        example: 'arn:aws:sns:sa-east-1:123456789012:orders',
      },
      {
        key: 'confirm_subscriptions',
        label: 'Confirm subscriptions',
        hint: 'visit the address that a verified SubscriptionConfirmation of these topics names',
        type: 'boolean',
        default: false,
      },
      {
        key: 'keys_from',
        label: 'Where certificates come from',
        hint: 'only for a sandbox: they are believed for coming from there',
        type: 'url',
      },
    ],
    reads: SnsEnvelope,
    event_id: ({ MessageId }) => MessageId,
    event_type: wordOf,
    entity_id: ({ TopicArn }) => TopicArn,
    first: (envelope, { settings: { confirm_subscriptions, keys_from } }) => {
      const own = typeof keys_from === 'string' ? keys_from : null
      const visit = confirm_subscriptions === true ? confirmationAddress(envelope, own) : null
      return visit === null ? null : { visit }
    },
    translate: (envelope) => [
      { type: newsName('aws_sns', wordOf(envelope)), data: JSON.stringify(signedMembers(envelope)) },
    ],
  },
})
