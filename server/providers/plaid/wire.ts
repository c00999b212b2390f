import Type, { type Static } from 'typebox'
import { maybe } from '../../kit/reads.ts'

/** The fields we read of Plaid's webhooks. plaid.com/docs/api/webhooks */
export const PlaidEvent = Type.Object({
  webhook_type: Type.String({ minLength: 1 }),
  webhook_code: Type.String({ minLength: 1 }),
  item_id: maybe(Type.String()),
  error: maybe(Type.Object({ error_code: maybe(Type.String()), error_message: maybe(Type.String()) })),
  /** Of PENDING_EXPIRATION, RFC 3339. */
  consent_expiration_time: maybe(Type.String()),
  /** Of PENDING_DISCONNECT. */
  reason: maybe(Type.String()),
})
export type PlaidEvent = Static<typeof PlaidEvent>

/** As JSON writes it, digits as they came where a double would not hold them. */
const Decimal = Type.Union([Type.Number(), Type.String({ pattern: '^-?[0-9]+([.][0-9]+)?$' })])
const Currency = maybe(Type.String())

/** plaid.com/docs/api/accounts */
export const PlaidAccount = Type.Object({
  account_id: Type.String({ minLength: 1 }),
  name: maybe(Type.String()),
  mask: maybe(Type.String()),
  type: Type.String(),
  subtype: maybe(Type.String()),
  balances: Type.Object({
    available: maybe(Decimal),
    current: maybe(Decimal),
    limit: maybe(Decimal),
    iso_currency_code: Currency,
    last_updated_datetime: maybe(Type.String()),
  }),
})
export type PlaidAccount = Static<typeof PlaidAccount>
export const Accounts = Type.Object({
  accounts: Type.Array(PlaidAccount),
  item: maybe(Type.Object({ item_id: Type.String({ minLength: 1 }) })),
})

/** plaid.com/docs/api/products/transactions/#transactionssync: an amount above zero is money that left. */
export const PlaidTransaction = Type.Object({
  transaction_id: Type.String({ minLength: 1 }),
  account_id: Type.String({ minLength: 1 }),
  amount: Decimal,
  iso_currency_code: Currency,
  date: Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' }),
  datetime: maybe(Type.String()),
  name: maybe(Type.String()),
  merchant_name: maybe(Type.String()),
  pending: Type.Boolean(),
  transaction_code: maybe(Type.String()),
  personal_finance_category: maybe(Type.Object({ primary: maybe(Type.String()) })),
})
export type PlaidTransaction = Static<typeof PlaidTransaction>

export const Changes = Type.Object({
  added: Type.Array(PlaidTransaction),
  modified: Type.Array(PlaidTransaction),
  removed: Type.Array(Type.Object({ transaction_id: Type.String(), account_id: maybe(Type.String()) })),
  next_cursor: Type.String(),
  has_more: Type.Boolean(),
})

export const LinkToken = Type.Object({ link_token: Type.String(), expiration: maybe(Type.String()) })
export const Exchanged = Type.Object({ access_token: Type.String(), item_id: Type.String() })

/** plaid.com/docs/errors */
export const PlaidError = Type.Object({
  error_type: maybe(Type.String()),
  error_code: maybe(Type.String()),
  error_message: maybe(Type.String()),
})

/** plaid.com/docs/api/items */
export const ItemTold = Type.Object({
  item: Type.Object({ item_id: Type.String({ minLength: 1 }), webhook: maybe(Type.String()) }),
})
export type ItemTold = Static<typeof ItemTold>
