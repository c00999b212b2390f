import Type, { type Static } from 'typebox'
import { timeOfId, toWire } from '../../platform/ids.ts'
import { Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import type { AuthorizationRow, AuthorizationStatus } from './authorization_queries.ts'
import type { DecisionRow } from './decision_queries.ts'
import type { TransactionRow } from './transaction_queries.ts'

/** Authorizations, decisions and transactions as the API tells them. Amounts are minor units, as text. */
const Money = Type.Object({ amount: Type.String(), currency: Type.String() })
const Text = Nullable(Type.String())

const Merchant = Type.Object({
  name: Text,
  category: Nullable(Type.String({ description: "The vendor's word" })),
  category_code: Nullable(Type.String({ description: 'ISO 18245' })),
  city: Text,
  country: Text,
  network_id: Text,
})

const Status = Type.Unsafe<AuthorizationStatus>(
  Type.Union(
    ['asked', 'pending', 'declined', 'closed', 'reversed', 'expired'].map((one) => Type.Literal(one)),
    {
      description:
        'asked: we have answered, and the vendor has not told the end of it; pending: the money is held',
    },
  ),
)

const AUTHORIZATION = {
  id: WireId('card_authorization'),
  card_id: WireId('card'),
  connection_id: WireId('connection'),
  vendor_id: Type.String(),
  status: Status,
  money: Type.Object(Money.properties, { description: 'Held; of a declined one what was asked for' }),
  captured: Money,
  refunded: Money,
  merchant_money: Nullable(Money),
  merchant: Merchant,
  method: Nullable(Type.String({ description: 'online, chip, contactless, keyed_in, swipe' })),
  wallet: Text,
  three_d_secure: Nullable(
    Type.String({ description: 'authenticated, attempt_acknowledged, failed, required' }),
  ),
  verification: Type.Object({
    three_d_secure: Text,
    cvc: Text,
    expiry: Text,
    postal_code: Text,
    address: Text,
    exemption: Text,
  }),
  vendor_reason: Nullable(Type.String({ description: "The vendor's word for why" })),
  authorized_at: Timestamp,
  created_at: Timestamp,
  updated_at: Timestamp,
}
export const Authorization = Type.Object(AUTHORIZATION)
export type Authorization = Static<typeof Authorization>
export const Authorizations = Page(Authorization)

const Decision = Type.Object({
  id: WireId('card_decision'),
  approved: Nullable(Type.Boolean({ description: 'null: nobody knows what was answered' })),
  reason: Type.String({
    description:
      'within_limits, rule, card_…, limit_…, category_blocked, country_blocked, currency_mismatch, undecided or unanswered',
  }),
  rule_id: Nullable(WireId('card_rule')),
  money: Type.Object(Money.properties, { description: 'What was asked for' }),
  approved_money: Nullable(
    Type.Object(Money.properties, { description: 'Less than was asked for where the merchant takes a part' }),
  ),
  elapsed_ms: Type.Integer({ description: 'From its arrival to the decision' }),
  message_id: Type.String(),
  decided_at: Timestamp,
})
export const AuthorizationStory = Type.Object({
  ...AUTHORIZATION,
  decisions: Type.Array(Decision, { description: 'What we were asked and answered, oldest first' }),
})

export const AuthorizationQuery = Type.Object(
  {
    ...PageQuery.properties,
    card_id: Type.Optional(Type.String({ maxLength: 40 })),
    status: Type.Optional(Status),
    vendor_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  },
  { additionalProperties: false },
)
export type AuthorizationQuery = Static<typeof AuthorizationQuery>

export const Transaction = Type.Object({
  id: WireId('card_transaction'),
  card_id: WireId('card'),
  connection_id: WireId('connection'),
  authorization_id: Nullable(WireId('card_authorization')),
  vendor_id: Type.String(),
  kind: Type.Union([Type.Literal('capture'), Type.Literal('refund')]),
  money: Money,
  merchant_money: Nullable(Money),
  merchant: Merchant,
  made_at: Timestamp,
  created_at: Timestamp,
})
export const Transactions = Page(Transaction)

export const TransactionQuery = Type.Object(
  {
    ...PageQuery.properties,
    card_id: Type.Optional(Type.String({ maxLength: 40 })),
    authorization_id: Type.Optional(Type.String({ maxLength: 40 })),
    vendor_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  },
  { additionalProperties: false },
)
export type TransactionQuery = Static<typeof TransactionQuery>

type Asked = { merchant_amount: string | null; merchant_currency: string | null }
const merchantMoney = ({ merchant_amount: amount, merchant_currency: currency }: Asked) =>
  amount === null || currency === null ? null : { amount, currency }

export const toAuthorization = (row: AuthorizationRow): Authorization => ({
  id: toWire('card_authorization', row.id),
  card_id: toWire('card', row.card_id),
  connection_id: toWire('connection', row.connection_id),
  vendor_id: row.vendor_id,
  status: row.status,
  money: { amount: row.amount, currency: row.currency },
  captured: { amount: row.captured, currency: row.currency },
  refunded: { amount: row.refunded, currency: row.currency },
  merchant_money: merchantMoney(row),
  merchant: row.merchant,
  method: row.method,
  wallet: row.wallet,
  three_d_secure: row.verification.three_d_secure,
  verification: row.verification,
  vendor_reason: row.vendor_reason,
  authorized_at: row.made_at.toISOString(),
  created_at: timeOfId(row.id).toISOString(),
  updated_at: row.updated_at.toISOString(),
})

export const toDecision = (row: DecisionRow): Static<typeof Decision> => ({
  id: toWire('card_decision', row.id),
  approved: row.approved,
  reason: row.reason,
  rule_id: row.rule_id && toWire('card_rule', row.rule_id),
  money: { amount: row.amount, currency: row.currency },
  approved_money: row.approved ? { amount: row.approved_amount ?? row.amount, currency: row.currency } : null,
  elapsed_ms: row.elapsed_ms,
  message_id: row.message_id,
  decided_at: row.decided_at.toISOString(),
})

export const toTransaction = (row: TransactionRow): Static<typeof Transaction> => ({
  id: toWire('card_transaction', row.id),
  card_id: toWire('card', row.card_id),
  connection_id: toWire('connection', row.connection_id),
  authorization_id: row.authorization_id && toWire('card_authorization', row.authorization_id),
  vendor_id: row.vendor_id,
  kind: row.kind,
  money: { amount: row.amount, currency: row.currency },
  merchant_money: merchantMoney(row),
  merchant: row.merchant,
  made_at: row.made_at.toISOString(),
  created_at: timeOfId(row.id).toISOString(),
})
