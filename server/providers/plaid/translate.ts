import type { VendorAccount, VendorBalance, VendorTransaction } from '../../kit/banking.ts'
import type { Refusal, RefusalReason } from '../../kit/news.ts'
import { read, words } from '../../kit/reads.ts'
import { addMoney, type Money, moneyFromDecimal } from '../../platform/money.ts'
import { type PlaidAccount, PlaidError, type PlaidTransaction } from './wire.ts'

/** Where Plaid names no currency of ISO 4217, it is one of its own, of which nothing can be said. */
const USUAL = 'USD'

const KINDS = words<VendorAccount['kind']>({
  credit: 'credit_card',
  loan: 'loan',
  investment: 'investment',
  brokerage: 'investment',
})
const DEPOSITS = words<VendorAccount['kind']>({
  checking: 'checking',
  savings: 'savings',
  prepaid: 'payment',
})

export const toAccount = ({
  account_id,
  name,
  mask,
  type,
  subtype,
  balances,
}: PlaidAccount): VendorAccount => ({
  vendor_id: account_id,
  kind: KINDS[type] ?? DEPOSITS[subtype ?? ''] ?? 'other',
  name: name ?? null,
  bank_code: null,
  branch: null,
  number_masked: mask ? `****${mask}` : null,
  currency: balances.iso_currency_code ?? USUAL,
})

/** Of a card `current` is what is owed, which is money that is not there. */
export function toBalance({ type, balances }: PlaidAccount): VendorBalance {
  const currency = balances.iso_currency_code ?? USUAL
  const owed = type === 'credit' || type === 'loan'
  const current = exactly(String(balances.current ?? balances.available ?? 0), currency)
  const available = exactly(String(balances.available ?? balances.current ?? 0), currency)
  return {
    current: owed ? negated(current) : current,
    available: owed && (balances.available ?? null) === null ? negated(available) : available,
    at: balances.last_updated_datetime ?? null,
  }
}

const negated = ({ amount, currency }: Money): Money => ({ amount: String(-BigInt(amount)), currency })

/** Plaid's numbers have the currency's decimals or fewer; of more, what the currency cannot say is left out. */
function exactly(decimal: string, currency: string): Money {
  const [whole = '0', fraction = ''] = decimal.split('.')
  const zero = moneyFromDecimal('0', currency)
  const kept = fraction.slice(0, decimalsOf(zero))
  return addMoney(zero, moneyFromDecimal(kept ? `${whole}.${kept}` : whole, currency))
}

const decimalsOf = ({ currency }: Money): number =>
  new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2

const CODES = words<string>({
  'bank charge': 'fee',
  'direct debit': 'debit',
  transfer: 'transfer',
  atm: 'cash',
  interest: 'interest',
  purchase: 'card',
})

export const toTransaction = (row: PlaidTransaction): VendorTransaction & { account_id: string } => ({
  account_id: row.account_id,
  vendor_id: row.transaction_id,
  status: row.pending ? 'pending' : 'booked',
  money: negated(exactly(String(row.amount), row.iso_currency_code ?? USUAL)),
  kind: CODES[row.transaction_code ?? ''] ?? 'other',
  description: row.name ?? row.merchant_name ?? '',
  at: row.datetime ? new Date(row.datetime).toISOString() : `${row.date}T03:00:00.000Z`,
  is_final: !row.pending,
  ...(row.personal_finance_category?.primary && {
    category: row.personal_finance_category.primary.toLowerCase(),
  }),
  ...(row.merchant_name && { counterparty: { name: row.merchant_name } }),
})

const REASONS = words<RefusalReason>({
  ITEM_LOGIN_REQUIRED: 'credentials_refused',
  INVALID_ACCESS_TOKEN: 'credentials_refused',
  INVALID_API_KEYS: 'credentials_refused',
  INVALID_PUBLIC_TOKEN: 'credentials_refused',
  ACCESS_NOT_GRANTED: 'not_permitted',
  NO_ACCOUNTS: 'not_found',
  ITEM_NOT_FOUND: 'not_found',
  INSTITUTION_DOWN: 'vendor_unavailable',
  INSTITUTION_NOT_RESPONDING: 'vendor_unavailable',
  PRODUCT_NOT_READY: 'vendor_unavailable',
  INTERNAL_SERVER_ERROR: 'vendor_unavailable',
  TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION: 'state_conflict',
})
const TYPES = words<RefusalReason>({
  RATE_LIMIT_EXCEEDED: 'rate_limited',
  INVALID_REQUEST: 'invalid_request',
  INVALID_INPUT: 'invalid_request',
})

export function toRefusal(_status: number, body: unknown): Refusal {
  const reply = read(PlaidError, body)
  if (!reply.ok) return { reason: 'unknown', code: null, message: null }
  const { error_type, error_code, error_message } = reply.value
  return {
    reason: REASONS[error_code ?? ''] ?? TYPES[error_type ?? ''] ?? 'unknown',
    code: error_code ?? null,
    message: error_message ?? null,
  }
}
