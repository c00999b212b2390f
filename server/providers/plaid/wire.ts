import Type, { type Static } from 'typebox'
import { maybe } from '../../kit/reads.ts'

/** The fields we read of Plaid's webhooks. plaid.com/docs/api/webhooks */
export const PlaidEvent = Type.Object({
  webhook_type: Type.String({ minLength: 1 }),
  webhook_code: Type.String({ minLength: 1 }),
  item_id: maybe(Type.String()),
})
export type PlaidEvent = Static<typeof PlaidEvent>
