import Type, { type Static } from 'typebox'
import { maybe } from '../../kit/reads.ts'

/** A wrapped message as a push subscription posts it. cloud.google.com/pubsub/docs/push */
export const PushedMessage = Type.Object({
  subscription: Type.String(),
  message: Type.Object({
    messageId: Type.String({ minLength: 1 }),
    orderingKey: maybe(Type.String()),
    attributes: maybe(Type.Record(Type.String(), Type.String())),
  }),
})
export type PushedMessage = Static<typeof PushedMessage>
