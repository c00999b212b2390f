import Type, { type Static, type TSchema } from 'typebox'
import type { Money } from '../platform/money.ts'
import type { Settings } from './fields.ts'
import type { Operation } from './provider.ts'

/**
 * What a bank, or whoever speaks for banks, can tell and do, in the same words for every provider. A provider gives
 * transactions either by days (`transactions`) or by what changed since a cursor (`changes`).
 */
export type Banking = {
  /** Of a bank that lists none: those that the settings name. */
  accounts: Operation<ListAccounts, Page<VendorAccount>> | ((settings: Settings) => VendorAccount[])
  balance?: Operation<FindAccount, VendorBalance>
  transactions?: Operation<ListTransactions, Page<VendorTransaction>>
  /** How `transactions` may be asked, and what their ids are worth. */
  statement?: Statement
  changes?: Operation<ListChanges, TransactionChanges>
  /** Where people have to agree before the bank tells anything. */
  consents?: Consents
  /** Who may be asked by this provider, where they are listed. */
  directory?: Directory
}

export type Consents = {
  create: Operation<CreateConsent, VendorConsent>
  find: Operation<FindConsent, VendorConsent>
  revoke: Operation<FindConsent, null>
  extend?: Operation<ExtendConsent, VendorConsent>
}

export type Statement = {
  /** How many days back the bank tells of; 365 unless given. */
  history_days?: number
  /** How many days it takes at once; any number unless given. */
  window_days?: number
  /** Of how many days, today among them, `recent` may be asked; none unless given. */
  recent_days?: number
  /** How many days ahead it announces entries; none unless given. */
  ahead_days?: number
  /** The ids are made of what the rows say, for want of the bank's own: two rows with one id are two. */
  ids?: 'composed'
  /** Codes of refusals by which the bank says that the days it was asked for hold nothing. */
  nothing?: readonly string[]
}

/** A list that anybody may read; what each entry's `settings` hold are those of a connection to it. */
export type Directory = {
  url: { live: string; test: string }
  reads: TSchema
  translate(reply: never): Participant[]
}

export type Participant = {
  organisation_id: string
  /** What people know it by. */
  name: string
  organisation: string | null
  /** ISPB: the first eight of its CNPJ. */
  bank_code: string | null
  cnpj: string | null
  logo: string | null
  settings: Readonly<Record<string, string>>
}

/** `next` is given back as `after` for the page that follows; null on the last one. */
export type Page<Item> = { items: Item[]; next: string | null }

export type VendorAccount = {
  /** The bank's id, good for `balance` and `transactions`. */
  vendor_id: string
  kind: 'checking' | 'savings' | 'payment' | 'credit_card' | 'loan' | 'investment' | 'other'
  name: string | null
  /** ISPB of the institution, where the provider speaks for several. */
  bank_code: string | null
  branch: string | null
  /** As much of the number as may be shown: the last four digits, the rest as asterisks. */
  number_masked: string | null
  currency: string
  /** By what the provider's news names the log-in that the account is read by, where it tells news of it. */
  login_id?: string
}

export type VendorBalance = {
  available: Money
  /** With what is blocked, where the bank says. */
  current: Money
  blocked?: Money
  overdraft_limit?: Money
  /** RFC 3339, UTC: when the bank reckoned it. */
  at: string | null
}

export type VendorTransaction = {
  /** Unique within its account, and as the bank has it today: some banks change it until the day after. */
  vendor_id: string
  /** `future` is announced and never counted; `pending` may still change or vanish. */
  status: 'booked' | 'pending' | 'future'
  /** Negative where money left the account. */
  money: Money
  /** The bank's decimals where the currency has fewer of them: `money` is rounded half to even from it. */
  exact?: string
  /** `pix`, `ted`, `boleto`, `card`, `fee` …: lower case; `other` where the bank's word is not known. */
  kind: string
  description: string
  /** RFC 3339, UTC. A bank that tells only the day gives its midnight in São Paulo. */
  at: string
  /** The bank promises that this row keeps its id from its first day on. */
  is_final: boolean
  category?: string
  counterparty?: { name?: string; document?: string; bank_code?: string; branch?: string; number?: string }
}

/** What changed since `after`. `next` is kept, also where there is no more for now. */
export type TransactionChanges = {
  added: (VendorTransaction & { account_id: string })[]
  modified: (VendorTransaction & { account_id: string })[]
  removed: { vendor_id: string; account_id: string | null }[]
  next: string
  has_more: boolean
}

/** Open Finance's own words. */
export type VendorConsent = {
  vendor_id: string
  status: 'AWAITING_AUTHORISATION' | 'AUTHORISED' | 'REJECTED'
  permissions: string[]
  /** RFC 3339, UTC; null where it holds until revoked. */
  expires_at: string | null
  rejection: { code: string; by: string | null; detail: string | null } | null
}

const VendorId = Type.String({ minLength: 1, maxLength: 255 })
const After = Type.String({ maxLength: 2000, description: '`next` of the page before' })
const Day = Type.String({ format: 'date', description: 'Inclusive, in São Paulo' })
const closed = { additionalProperties: false }

export const ListAccounts = Type.Object({ after: Type.Optional(After) }, closed)
export type ListAccounts = Static<typeof ListAccounts>

export const FindAccount = Type.Object({ account_id: VendorId }, closed)
export type FindAccount = Static<typeof FindAccount>

export const ListTransactions = Type.Object(
  {
    account_id: VendorId,
    account_kind: Type.Optional(Type.String({ maxLength: 20, description: '`kind` of the account' })),
    from: Day,
    to: Day,
    after: Type.Optional(After),
    /** Some banks let the last days be asked far more often than what was before. */
    recent: Type.Optional(
      Type.Boolean({ description: 'All of it lies within the last `recent_days` of the statement' }),
    ),
  },
  closed,
)
export type ListTransactions = Static<typeof ListTransactions>

export const ListChanges = Type.Object({ after: Type.Optional(After) }, closed)
export type ListChanges = Static<typeof ListChanges>

export const CreateConsent = Type.Object(
  {
    /** Of the person who is asked, and of the company they speak for. */
    document: Type.String({ pattern: '^([0-9]{11})$', description: 'CPF, eleven digits' }),
    business_document: Type.Optional(Type.String({ pattern: '^[0-9A-Z]{14}$', description: 'CNPJ' })),
    permissions: Type.Array(Type.String({ maxLength: 100 }), { minItems: 1, maxItems: 50 }),
    expires_at: Type.Optional(Type.String({ format: 'date-time' })),
  },
  closed,
)
export type CreateConsent = Static<typeof CreateConsent>

export const FindConsent = Type.Object({ vendor_id: VendorId }, closed)
export type FindConsent = Static<typeof FindConsent>

export const ExtendConsent = Type.Object(
  {
    vendor_id: VendorId,
    document: Type.String({ pattern: '^[0-9]{11}$' }),
    business_document: Type.Optional(Type.String({ pattern: '^[0-9A-Z]{14}$' })),
    expires_at: Type.Optional(Type.String({ format: 'date-time' })),
    /** From where, and with what, the person asks. */
    customer_ip: Type.Optional(Type.String({ maxLength: 100 })),
    customer_agent: Type.Optional(Type.String({ maxLength: 100 })),
  },
  closed,
)
export type ExtendConsent = Static<typeof ExtendConsent>

const INPUTS: Record<Exclude<keyof Banking, 'consents' | 'statement' | 'directory'>, TSchema> = {
  accounts: ListAccounts,
  balance: FindAccount,
  transactions: ListTransactions,
  changes: ListChanges,
}

const CONSENT_INPUTS: Record<keyof Consents, TSchema> = {
  create: CreateConsent,
  find: FindConsent,
  revoke: FindConsent,
  extend: ExtendConsent,
}

/** All of it under the names that calls use: `banking.accounts`, `banking.consents.create`. */
export function bankingOperations(banking: Banking | undefined): Record<string, Operation> {
  if (!banking) return {}
  const { consents, statement: _statement, directory: _directory, accounts, ...rest } = banking
  const own = { ...(typeof accounts === 'object' && { accounts }), ...rest }
  return {
    ...named('banking', own, INPUTS),
    ...named('banking.consents', consents ?? {}, CONSENT_INPUTS),
  }
}

const named = (prefix: string, own: object, inputs: Record<string, TSchema>): Record<string, Operation> =>
  Object.fromEntries(
    Object.entries(own).map(([verb, operation]: [string, Operation]) => [
      `${prefix}.${verb}`,
      { ...operation, input: inputs[verb] ?? operation.input },
    ]),
  )
