import { clientCredentials } from '../../kit/auth.ts'
import { bankAccess } from '../../kit/bank_statement.ts'
import { defineProvider, operation } from '../../kit/provider.ts'
import { createRequest, DEBIT_ACCOUNT, findRequest, toRefusal, toTransfer } from './translate.ts'
import { Transfer } from './wire.ts'

/**
 * Bradesco's API Pix Transferência, "Transferir" and "Consultar" (developers.bradesco.com.br, for which one has to sign
 * in). Written from what is published of it: addresses, fields, the three states, the length of our id and of a text, and
 * that an id "não poderá ser reutilizado em outra transação", from the PHP client SistemAtc\Banks, which quotes the
 * specification (it names our id `idtransacao` in the request and `idTransacao` in answers; so do we); types of keys,
 * reasons of a rejection and the form of a refusal from a public emulator of it; hosts and Basic at the token address
 * from ACBr (ACBrPIXPSPBradesco) and three more clients, which do not agree on that address, so it is a setting. Not
 * published, and so not relied on: what is answered to an id that was used before, and to one the bank does not know; so
 * a transfer that it does not show stays open. Nor how a Pix goes to an account with its check digit, so only keys are
 * taken; and the bank cancels none.
 */
export const bradescoTransfers = defineProvider({
  id: 'bradesco_transfers',
  name: 'Bradesco (transfers)',
  docs: 'https://developers.bradesco.com.br',
  base_url: { live: 'https://qrpix.bradesco.com.br', test: 'https://qrpix-h.bradesco.com.br' },
  ...bankAccess(
    [
      {
        key: 'token_url',
        label: 'Token URL',
        hint: 'as the bank wrote it for this application',
        required: true,
        pattern: 'https?://\\S+|/\\S*',
        example: 'https://qrpix.bradesco.com.br/auth/server/oauth/token',
      },
      {
        key: 'debit_account',
        label: 'Account it leaves',
        hint: 'branch/number, as the contract of the API writes them',
        required: true,
        max_length: 30,
        pattern: DEBIT_ACCOUNT,
        example: '3877/20220',
      },
      {
        key: 'document',
        label: 'CPF or CNPJ of the account holder',
        required: true,
        pattern: '[0-9]{11}|[0-9A-Z]{12}[0-9]{2}',
        example: '97803114002740',
      },
    ],
    { hint: 'as the bank demands, in its sandbox too; off for another sandbox' },
  ),
  auth: ({ token_url }) => clientCredentials(String(token_url ?? '/auth/server/oauth/token')),
  limits: { requests_per_minute: 300, timeout_ms: 30_000 },
  sensitive: ['cpfCnpj', 'chavePix', 'nomeFavorecido'],
  // There is nothing cheap to read: one that nobody made, whose 404 says that address and credentials are right.
  test: findRequest('trilhoconnectiontest'),
  refusal: toRefusal,
  transfers: {
    methods: ['pix'],
    absence_proves_nothing: true,
    create: operation({ request: createRequest, reads: Transfer, translate: toTransfer }),
    find_by_reference: operation({
      request: ({ reference }) => findRequest(reference),
      reads: Transfer,
      translate: toTransfer,
    }),
    find: operation({
      request: ({ vendor_id }) => findRequest(vendor_id),
      reads: Transfer,
      translate: toTransfer,
    }),
  },
})
