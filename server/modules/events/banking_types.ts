import Type from 'typebox'
import type { EventType } from './catalog.ts'

/** The types of events about the banks of a tenant's people. */

const BANK = {
  user_id: Type.String({ description: 'Whose bank it is' }),
  bank_code: Type.String({ description: 'ISPB' }),
  bank_id: Type.String({ description: 'GET /v1/banks/{id}' }),
  sync_id: Type.String({ description: 'GET /v1/bank-syncs/{id}' }),
}

const Transactions = Type.Object({
  ...BANK,
  account_id: Type.String(),
  count: Type.Integer(),
  transaction_ids: Type.Array(Type.String(), { description: 'At most 1,000 of them' }),
})

const about = {
  user_id: 'user-123',
  bank_code: '00000000',
  bank_id: 'bnk_01jz8k3v9mf2tb7xq4c5n6p8rs',
  sync_id: 'bsy_01jz8k3v9mf2tb7xq4c5n6p8rs',
}

const transactions = (what: string, description: string): EventType => ({
  name: `transactions.${what}`,
  description,
  schema: Transactions,
  example: {
    ...about,
    account_id: 'bac_01jz8k3v9mf2tb7xq4c5n6p8rs',
    count: 1,
    transaction_ids: ['btx_01jz8k3v9mf2tb7xq4c5n6p8rs'],
  },
})

const Money = Type.Object({
  amount: Type.String({ description: 'Minor units: 15050 is R$ 150,50' }),
  currency: Type.String({ description: 'ISO 4217' }),
})

const Consent = Type.Object({
  consent_id: Type.String({ description: 'GET /v1/bank-consents/{id}' }),
  bank_id: Type.String(),
  user_id: Type.String(),
  state: Type.String({ description: 'AUTHORISED or REJECTED' }),
  rejection: Type.Union([Type.Object({ code: Type.String() }), Type.Null()]),
  expires_at: Type.Union([Type.String(), Type.Null()]),
})

const consent = (
  what: string,
  description: string,
  state: string,
  code: string | null = null,
): EventType => ({
  name: `consent.${what}`,
  description,
  schema: Consent,
  example: {
    consent_id: 'bcn_01jz8k3v9mf2tb7xq4c5n6p8rs',
    bank_id: 'bnk_01jz8k3v9mf2tb7xq4c5n6p8rs',
    user_id: 'user-123',
    state,
    rejection: code === null ? null : { code, by: 'USER', detail: null },
    expires_at: '2027-10-01T12:00:00.000Z',
  },
})

export const BANKING_TYPES: readonly EventType[] = [
  consent('authorised', 'A person agreed at their bank, which may be asked now', 'AUTHORISED'),
  consent(
    'rejected',
    'A consent was not given: refused, or not in time',
    'REJECTED',
    'CUSTOMER_MANUALLY_REJECTED',
  ),
  consent(
    'revoked',
    'A consent that held is over, whoever ended it',
    'REJECTED',
    'CUSTOMER_MANUALLY_REVOKED',
  ),
  consent(
    'revocation_failed',
    'A bank was told for days that a consent is over, and never heard; end the consent once more to have it told anew',
    'REJECTED',
    'CUSTOMER_MANUALLY_REVOKED',
  ),
  consent('expiring', 'A consent ends within seven days; extend it, or ask for a new one', 'AUTHORISED'),
  transactions('imported', 'A bank told of transactions not known before'),
  transactions('updated', 'A bank tells otherwise of transactions that are known'),
  transactions('removed', 'A bank tells of transactions no more'),
  {
    name: 'bank.failed',
    description: 'A bank that could be synced before can be no more; it is tried again',
    schema: Type.Object({
      ...BANK,
      sync_id: Type.Optional(
        Type.String({ description: 'Where a sync found it out, and not its provider told' }),
      ),
      error: Type.String(),
      reason: Type.String(),
    }),
    example: {
      ...about,
      error: 'credentials_refused',
      reason: 'The bank refuses the credentials of this connection.',
    },
  },
  {
    name: 'bank.drifted',
    description:
      'By how much the balance of an account moved that no booked transaction tells of is another than before; a thing to look at, and no error',
    schema: Type.Object({
      ...BANK,
      account_id: Type.String({ description: 'GET /v1/bank-accounts' }),
      drift: Money,
      was: Money,
      current: Money,
    }),
    example: {
      ...about,
      account_id: 'bac_01jz8k3v9mf2tb7xq4c5n6p8rs',
      drift: { amount: '-40000', currency: 'BRL' },
      was: { amount: '0', currency: 'BRL' },
      current: { amount: '59000', currency: 'BRL' },
    },
  },
  {
    name: 'bank.expiring',
    description: 'Nothing may be read of a bank before long, unless its person agrees anew',
    schema: Type.Object({
      user_id: BANK.user_id,
      bank_code: BANK.bank_code,
      bank_id: BANK.bank_id,
      error: Type.String(),
      reason: Type.String(),
      expires_at: Type.Union([Type.String(), Type.Null()]),
    }),
    example: {
      user_id: 'user-123',
      bank_code: '00000000',
      bank_id: 'bnk_01jz8k3v9mf2tb7xq4c5n6p8rs',
      error: 'expiring',
      reason: 'What the person allowed ends soon; they have to allow it anew.',
      expires_at: '2027-10-01T12:00:00.000Z',
    },
  },
]
