import Type, { type Static } from 'typebox'
import { maybe } from '../../kit/reads.ts'

/** The fields we read of what PayPal sends. developer.paypal.com/docs/api/webhooks/v1/#definition-event */
export const PayPalEvent = Type.Object({
  id: Type.String({ minLength: 1 }),
  event_type: Type.String({ minLength: 1 }),
  resource: maybe(Type.Object({ id: maybe(Type.Unknown()) })),
})
export type PayPalEvent = Static<typeof PayPalEvent>
