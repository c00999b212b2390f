import { clientCredentials } from '../../kit/auth.ts'
import { accountsField, bankAccess } from '../../kit/bank_statement.ts'
import { defineProvider, get, operation } from '../../kit/provider.ts'
import { ACCOUNTS, accountsOf, statementRequest, toBalance, toPage, toRefusal } from './translate.ts'
import { Balances, Statement } from './wire.ts'

export const itau = defineProvider({
  id: 'itau',
  name: 'Itaú',
  docs: 'https://devportal.itau.com.br',
  base_url: {
    live: 'https://account-statement.api.itau.com/account-statement/v1',
    test: 'https://account-statement.api.hom.itau.com/account-statement/v1',
  },
  ...bankAccess(
    [
      {
        key: 'token_url',
        label: 'Token URL',
        hint: 'https://sts.itau.com.br/api/oauth/token; for tests https://sts.rdhi.com.br/api/oauth/token',
        required: true,
        pattern: 'https?://\\S+|/\\S*',
        example: 'https://sts.itau.com.br/api/oauth/token',
      },
      accountsField({
        hint: 'branch/number-digit, separated by commas',
        pattern: ACCOUNTS,
        example: '1234/56789-0',
      }),
      {
        key: 'api_key',
        label: 'x-itau-apikey',
        hint: 'the client id once more, where the bank wants it in this header',
        max_length: 100,
        pattern: '[A-Za-z0-9-]+',
      },
    ],
    {
      hint: 'as the bank demands; off for a sandbox without',
      certificate_hint: 'in PEM, as the bank signed it; good for a year',
    },
  ),
  auth: ({ token_url }) =>
    clientCredentials(String(token_url ?? 'https://sts.itau.com.br/api/oauth/token'), {
      client_auth: 'body',
    }),
  headers: ({ api_key }) => (api_key ? { 'x-itau-apikey': String(api_key) } : {}),
  traced_header: 'x-itau-correlationid',
  limits: { requests_per_minute: 60, timeout_ms: 30_000 },
  test: get('/balances'),
  refusal: toRefusal,
  banking: {
    statement: { window_days: 31 },
    accounts: accountsOf,
    transactions: operation({ request: statementRequest, reads: Statement, translate: toPage }),
    balance: operation({ request: () => get('/balances'), reads: Balances, translate: toBalance }),
  },
})
