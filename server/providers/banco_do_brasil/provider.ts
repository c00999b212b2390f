import { clientCredentials } from '../../kit/auth.ts'
import { defineProvider, operation } from '../../kit/provider.ts'
import { ACCOUNTS, accountsOf, statementRequest, testRequest, toPage, toRefusal } from './translate.ts'
import { StatementPage } from './wire.ts'

const MTLS = { mtls: 'true' }

export const bancoDoBrasil = defineProvider({
  id: 'banco_do_brasil',
  name: 'Banco do Brasil',
  category: 'banking',
  docs: 'https://developers.bb.com.br',
  base_url: {
    live: 'https://api-extratos.bb.com.br/extratos/v1',
    test: 'https://api.sandbox.bb.com.br/extratos/v1',
  },
  fields: [
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
    {
      key: 'accounts',
      label: 'Accounts',
      hint: 'branch/number without check digits, separated by commas: the API lists none',
      required: true,
      max_length: 500,
      pattern: ACCOUNTS,
      example: '1234/56789',
    },
    { key: 'client_id', label: 'Client id', secret: true, required: true },
    { key: 'client_secret', label: 'Client secret', secret: true, required: true },
    {
      key: 'mtls',
      label: 'Show a certificate',
      hint: 'as the bank demands in production; off for its sandbox',
      type: 'boolean',
      default: true,
    },
    ...[
      { key: 'certificate', label: 'Certificate', hint: 'in PEM, with those between it and its authority' },
      { key: 'private_key', label: 'Private key of the certificate', hint: 'in PEM' },
    ].map((of) => ({ ...of, secret: true, required: true, multiline: true, when: MTLS })),
    { key: 'private_key_passphrase', label: 'Passphrase of that key', secret: true, when: MTLS },
    {
      key: 'certificate_authority',
      label: "Authority of the bank's certificate",
      hint: 'in PEM; the public ones where empty',
      secret: true,
      multiline: true,
      when: MTLS,
    },
    { key: 'base_url', label: 'Base URL', hint: 'only for a sandbox or a gateway in between', type: 'url' },
  ],
  auth: ({ token_url }) =>
    clientCredentials(String(token_url ?? 'https://oauth.bb.com.br/oauth/token'), { scope: 'extrato-info' }),
  identity: ({ mtls }) =>
    mtls === false
      ? null
      : {
          certificate: 'certificate',
          key: 'private_key',
          passphrase: 'private_key_passphrase',
          authority: 'certificate_authority',
        },
  limits: { requests_per_minute: 300, timeout_ms: 30_000 },
  test: testRequest,
  refusal: toRefusal,
  banking: {
    statement: { window_days: 31, ids: 'composed' },
    accounts: accountsOf,
    transactions: operation({ request: statementRequest, reads: StatementPage, translate: toPage }),
  },
})
