import { clientCredentials } from '../../kit/auth.ts'
import { accountsField, bankAccess } from '../../kit/bank_statement.ts'
import { defineProvider, operation } from '../../kit/provider.ts'
import { NOTHING, refuses, toRefusal } from './refusals.ts'
import { ACCOUNTS, accountsOf, balanceRequest, statementRequest, toBalance, toPage } from './translate.ts'
import { Balances, Statement } from './wire.ts'

export const bradesco = defineProvider({
  id: 'bradesco',
  name: 'Bradesco',
  docs: 'https://developers.bradesco.com.br',
  base_url: {
    live: 'https://openapi.bradesco.com.br',
    test: 'https://openapisandbox.prebanco.com.br',
  },
  ...bankAccess(
    [
      accountsField({
        hint: 'branch/number without check digits, with /cp behind it where it is a savings account, separated by commas',
        pattern: ACCOUNTS,
        example: '1234/56789',
      }),
    ],
    { hint: 'as the bank demands, in its sandbox too; off for another sandbox' },
  ),
  auth: clientCredentials('/auth/server-mtls/v2/token', { client_auth: 'body' }),
  limits: { requests_per_minute: 60, timeout_ms: 45_000 },
  test: (settings) => balanceRequest({ account_id: accountsOf(settings)[0]?.vendor_id ?? '' }),
  refuses,
  refusal: toRefusal,
  banking: {
    statement: { window_days: 31, ids: 'composed', nothing: [NOTHING] },
    accounts: accountsOf,
    transactions: operation({ request: statementRequest, reads: Statement, translate: toPage }),
    balance: operation({ request: balanceRequest, reads: Balances, translate: toBalance }),
  },
})
