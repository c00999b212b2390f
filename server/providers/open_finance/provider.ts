import Type from 'typebox'
import { type Refusal, reasonOfStatus } from '../../kit/news.ts'
import { defineProvider, get, operation } from '../../kit/provider.ts'
import { read } from '../../kit/reads.ts'
import {
  balanceRequest,
  listRequest,
  toAccounts,
  toBalance,
  toTransactions,
  transactionsRequest,
} from './accounts.ts'
import { consentPath, createRequest, extendRequest, toConsent } from './consents.ts'
import { toParticipants } from './directory.ts'
import { authOf, FIELDS, IDENTITY } from './fields.ts'
import { Consent, Listed, Organisations, Standing, Transactions } from './wire.ts'

export const openFinance = defineProvider({
  id: 'open_finance',
  name: 'Open Finance Brasil (any bank)',
  category: 'banking',
  docs: 'https://openfinancebrasil.atlassian.net/wiki/spaces/OF',
  fields: FIELDS,
  auth: authOf,
  identity: IDENTITY,
  // Banks grant at least 500 a minute to one asker, and less to one account in a month.
  limits: { requests_per_minute: 500, timeout_ms: 15_000 },
  // No answer, a 504 and a 529 are the bank's trouble, tried again and counted by the breaker; 429 waits as it says; 423
  // is about one account, and no reason to leave the others.
  mirrored_header: 'x-fapi-interaction-id',
  test: get('/resources/v3/resources'),
  refusal: toRefusal,
  banking: {
    accounts: operation({ request: listRequest, reads: Listed, translate: toAccounts }),
    balance: operation({ request: balanceRequest, reads: Standing, translate: toBalance }),
    transactions: operation({ request: transactionsRequest, reads: Transactions, translate: toTransactions }),
    statement: { history_days: 364, ahead_days: 364, recent_days: 7 },
    directory: {
      url: {
        live: 'https://data.directory.openbankingbrasil.org.br/participants',
        test: 'https://data.sandbox.directory.openbankingbrasil.org.br/participants',
      },
      reads: Organisations,
      translate: toParticipants,
    },
    consents: {
      create: operation({ request: createRequest, reads: Consent, translate: toConsent, as: 'client' }),
      find: operation({
        request: ({ vendor_id }) => get(consentPath(vendor_id)),
        reads: Consent,
        translate: toConsent,
        as: 'client',
      }),
      revoke: operation({
        request: ({ vendor_id }) => ({ method: 'DELETE' as const, path: consentPath(vendor_id) }),
        reads: Type.Unknown(),
        translate: () => null,
        as: 'client',
      }),
      extend: operation({ request: extendRequest, reads: Consent, translate: toConsent }),
    },
  },
})

const Errors = Type.Object({
  errors: Type.Array(
    Type.Object({
      code: Type.String(),
      title: Type.Optional(Type.String()),
      detail: Type.Optional(Type.String()),
    }),
    { minItems: 1 },
  ),
})

function toRefusal(status: number, body: unknown): Refusal {
  const told = read(Errors, body)
  const first = told.ok ? told.value.errors[0] : undefined
  return {
    reason: status === 423 ? 'state_conflict' : reasonOfStatus(status),
    code: first?.code ?? null,
    message: first?.detail ?? first?.title ?? null,
  }
}
