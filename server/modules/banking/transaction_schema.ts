import Type, { type Static } from 'typebox'
import { toWire } from '../../platform/ids.ts'
import type { Money } from '../../platform/money.ts'
import { Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import type { AccountRow } from './account_queries.ts'
import type { TransactionRow } from './list_queries.ts'
import { UserId } from './schema.ts'

/** The shapes of accounts, balances and transactions. */

const closed = { additionalProperties: false }
const MoneyShape = Type.Object(
  {
    amount: Type.String({ description: 'Minor units: "-15050" is R$ 150,50 that left' }),
    currency: Type.String(),
  },
  { description: 'An exact amount' },
)

const ACCOUNT = {
  id: WireId('bank_account'),
  bank_id: WireId('bank'),
  user_id: UserId,
  vendor_id: Type.String({ description: "The bank's id" }),
  kind: Type.String({ description: 'checking, savings, payment, credit_card, loan, investment, other' }),
  name: Nullable(Type.String()),
  bank_code: Nullable(Type.String()),
  branch: Nullable(Type.String()),
  number_masked: Nullable(Type.String()),
  currency: Type.String(),
  balance: Nullable(
    Type.Object(
      {
        available: MoneyShape,
        current: MoneyShape,
        blocked: Nullable(MoneyShape),
        overdraft_limit: Nullable(MoneyShape),
        at: Timestamp,
        drift: Type.Unsafe<Money>({
          ...MoneyShape,
          description:
            'By how much the balance has moved since it was first read and no booked transaction tells why: zero as a rule. Some banks move money to an automatic investment untold',
        }),
      },
      { description: 'As the bank told it last; null where it tells none' },
    ),
  ),
  read_to: Nullable(
    Type.String({ format: 'date', description: 'Its transactions are known up to this day' }),
  ),
  gone_at: Nullable(Type.String({ format: 'date-time', description: 'The bank tells of it no more' })),
  updated_at: Timestamp,
}
export const Account = Type.Object(ACCOUNT)
export type Account = Static<typeof Account>
export const Accounts = Page(Account)

export const AccountQuery = Type.Object(
  {
    ...PageQuery.properties,
    user_id: Type.Optional(UserId),
    bank_id: Type.Optional(Type.String({ maxLength: 40 })),
  },
  closed,
)
export type AccountQuery = Static<typeof AccountQuery>

export const BalanceQuery = Type.Object({ user_id: UserId }, closed)
export type BalanceQuery = Static<typeof BalanceQuery>

export const Consolidated = Type.Object({
  user_id: UserId,
  totals: Type.Array(
    Type.Object({
      currency: Type.String(),
      available: MoneyShape,
      current: MoneyShape,
      accounts: Type.Integer(),
    }),
    { description: 'One for each currency, of the accounts that hold money: no cards, no loans' },
  ),
  accounts: Type.Array(Type.Object({ ...ACCOUNT, bank_name: Type.String() })),
  oldest_at: Nullable(
    Type.String({ format: 'date-time', description: 'Of the balance that is known longest' }),
  ),
})
export type Consolidated = Static<typeof Consolidated>

const Status = Type.Union([Type.Literal('booked'), Type.Literal('pending'), Type.Literal('future')], {
  description: 'future is announced and not counted; pending may change or vanish',
})
const Category = Type.String({ minLength: 1, maxLength: 60, examples: ['rent'] })
const Day = (description: string) => Type.String({ format: 'date', description, examples: ['2026-03-10'] })

export const Transaction = Type.Object({
  id: WireId('bank_transaction'),
  bank_id: WireId('bank'),
  account_id: WireId('bank_account'),
  user_id: UserId,
  vendor_id: Type.String({ description: "The bank's id, as it has it now" }),
  status: Status,
  money: MoneyShape,
  exact: Nullable(
    Type.String({ description: "The bank's decimals, where they are more than the currency's" }),
  ),
  kind: Type.String({ description: 'pix, ted, boleto, card, fee …' }),
  description: Type.String(),
  at: Timestamp,
  category: Nullable(Type.String({ description: 'Yours; no sync touches it' })),
  vendor_category: Nullable(Type.String()),
  counterparty: Nullable(Type.Record(Type.String(), Type.String())),
  removed_at: Nullable(Type.String({ format: 'date-time', description: 'The bank took it back' })),
  updated_at: Timestamp,
})
export type Transaction = Static<typeof Transaction>
export const Transactions = Page(Transaction)

const FILTERS = {
  user_id: Type.Optional(UserId),
  bank_id: Type.Optional(Type.String({ maxLength: 40 })),
  account_id: Type.Optional(Type.String({ maxLength: 40, examples: ['bac_01jz8k3v9mf2tb7xq4c5n6p8rs'] })),
  from: Type.Optional(Day('From this day on, in São Paulo')),
  to: Type.Optional(Day('Up to this day')),
  status: Type.Optional(Status),
  kind: Type.Optional(Type.String({ minLength: 1, maxLength: 40 })),
  category: Type.Optional(Category),
  min_amount: Type.Optional(
    Type.String({ pattern: '^-?[0-9]{1,18}$', description: 'Minor units', examples: ['-15050'] }),
  ),
  max_amount: Type.Optional(
    Type.String({ pattern: '^-?[0-9]{1,18}$', description: 'Minor units', examples: ['15050'] }),
  ),
  text: Type.Optional(
    Type.String({ minLength: 1, maxLength: 100, description: 'In the description or the other side' }),
  ),
}
export const TransactionQuery = Type.Object({ ...PageQuery.properties, ...FILTERS }, closed)
export type TransactionQuery = Static<typeof TransactionQuery>

export const ExportQuery = Type.Object(
  {
    ...FILTERS,
    format: Type.Optional(
      Type.Union([Type.Literal('csv'), Type.Literal('ofx')], {
        description: 'csv unless given; OFX is of one account and takes account_id',
      }),
    ),
  },
  closed,
)
export type ExportQuery = Static<typeof ExportQuery>

export const UpdateTransaction = Type.Object({ category: Nullable(Category) }, closed)
export type UpdateTransaction = Static<typeof UpdateTransaction>

export function toAccount(row: AccountRow): Account {
  const money = (amount: string): Money => ({ amount, currency: row.currency })
  const { available, current, blocked, overdraft_limit, balance_at } = row
  return {
    id: toWire('bank_account', row.id),
    bank_id: toWire('bank', row.bank_id),
    user_id: row.user_id,
    vendor_id: row.vendor_id,
    kind: row.kind,
    name: row.name,
    bank_code: row.bank_code,
    branch: row.branch,
    number_masked: row.number_masked,
    currency: row.currency,
    balance:
      available === null || current === null || balance_at === null
        ? null
        : {
            available: money(available),
            current: money(current),
            blocked: blocked === null ? null : money(blocked),
            overdraft_limit: overdraft_limit === null ? null : money(overdraft_limit),
            at: balance_at.toISOString(),
            drift: money(row.drift ?? '0'),
          },
    read_to: row.read_to,
    gone_at: row.gone_at?.toISOString() ?? null,
    updated_at: row.updated_at.toISOString(),
  }
}

export const toTransaction = (row: TransactionRow): Transaction => ({
  id: toWire('bank_transaction', row.id),
  bank_id: toWire('bank', row.bank_id),
  account_id: toWire('bank_account', row.account_id),
  user_id: row.user_id,
  vendor_id: row.vendor_id,
  status: row.status,
  money: { amount: row.amount, currency: row.currency },
  exact: row.exact,
  kind: row.kind,
  description: row.description,
  at: row.at.toISOString(),
  category: row.category,
  vendor_category: row.vendor_category,
  counterparty: row.counterparty,
  removed_at: row.removed_at?.toISOString() ?? null,
  updated_at: row.updated_at.toISOString(),
})
