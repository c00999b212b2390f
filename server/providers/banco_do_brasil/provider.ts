import { clientCredentials } from '../../kit/auth.ts'
import { accountsField, bankAccess } from '../../kit/bank_statement.ts'
import { defineProvider, operation } from '../../kit/provider.ts'
import { ACCOUNTS, accountsOf, statementRequest, testRequest, toPage, toRefusal } from './translate.ts'
import { StatementPage } from './wire.ts'

export const bancoDoBrasil = defineProvider({
  id: 'banco_do_brasil',
  name: 'Banco do Brasil',
  docs: 'https://developers.bb.com.br',
  base_url: {
    live: 'https://api-extratos.bb.com.br/extratos/v1',
    test: 'https://api.sandbox.bb.com.br/extratos/v1',
  },
  ...bankAccess(
    [
      {
        key: 'token_url',
        label: 'Token URL',
        hint: 'https://oauth.bb.com.br/oauth/token, or that of the sandbox',
        required: true,
        pattern: 'https?://\\S+|/\\S*',
        example: 'https://oauth.sandbox.bb.com.br/oauth/token',
      },
      {
        key: 'app_key',
        label: 'Application key',
        hint: 'developer_application_key of the application; the API takes it as gw-dev-app-key',
        required: true,
        max_length: 100,
        pattern: '[A-Za-z0-9]+',
      },
      accountsField({
        hint: 'branch/number without check digits, separated by commas: the API lists none',
        pattern: ACCOUNTS,
        example: '1234/56789',
      }),
    ],
    { hint: 'as the bank demands in production; off for its sandbox' },
  ),
  auth: ({ token_url }) =>
    clientCredentials(String(token_url ?? 'https://oauth.bb.com.br/oauth/token'), { scope: 'extrato-info' }),
  limits: { requests_per_minute: 300, timeout_ms: 30_000 },
  test: testRequest,
  refusal: toRefusal,
  banking: {
    statement: { window_days: 31, ids: 'composed' },
    accounts: accountsOf,
    transactions: operation({ request: statementRequest, reads: StatementPage, translate: toPage }),
  },
})
