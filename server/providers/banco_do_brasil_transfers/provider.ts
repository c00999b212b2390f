import Type from 'typebox'
import { clientCredentials } from '../../kit/auth.ts'
import { bankAccess } from '../../kit/bank_statement.ts'
import { defineProvider, operation } from '../../kit/provider.ts'
import {
  cancelRequest,
  createRequest,
  DEBIT_ACCOUNT,
  findByReferenceRequest,
  findRequest,
  releaseRequest,
  testRequest,
} from './ask.ts'
import { toCanceled, toCreated, toFound, toPayment, toRefusal } from './translate.ts'
import { Batch, Cancellation, Payment } from './wire.ts'

/**
 * Banco do Brasil's API Pagamentos em Lote 1 (developers.bb.com.br, for which one has to sign in). Written from what is
 * published of it: addresses, queries and the meaning of states and of `numeroRequisicao` (a number of the client's, used
 * once) from clients printed from its specification 1.42 and from ruby-banco-brasil/bb-payments (3.5); fields of bodies
 * from those and from ACBr (ACBrPagamentosAPIBB), their lengths from the former, hosts from ACBr; states of a payment, the
 * cancellation and its answer from the notes of higorocha/SistemaWebAlencarFrutas, which runs it in production. Not
 * published, and so not relied on: the code of a number that was used before, how a CNPJ with letters is taken, and the
 * endToEndId of a Pix, which no answer bears.
 */
export const bancoDoBrasilTransfers = defineProvider({
  id: 'banco_do_brasil_transfers',
  name: 'Banco do Brasil (transfers)',
  docs: 'https://developers.bb.com.br',
  base_url: {
    live: 'https://api-ip.bb.com.br/pagamentos-lote/v1',
    test: 'https://api.hm.bb.com.br/pagamentos-lote/v1',
  },
  ...bankAccess(
    [
      {
        key: 'token_url',
        label: 'Token URL',
        hint: 'https://oauth.bb.com.br/oauth/token, or that of the sandbox',
        required: true,
        pattern: 'https?://\\S+|/\\S*',
        example: 'https://oauth.hm.bb.com.br/oauth/token',
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
        key: 'debit_account',
        label: 'Account it leaves',
        hint: 'branch/number-digit; the branch without its check digit',
        required: true,
        max_length: 30,
        pattern: DEBIT_ACCOUNT,
        example: '1607/99738672-X',
      },
      {
        key: 'contract',
        label: 'Payment contract',
        hint: 'numeroContratoPagamento; the one of the application where empty',
        max_length: 12,
        pattern: '[0-9]+',
        example: '731030',
      },
      {
        key: 'payment_type',
        label: 'Kind of payment',
        hint: '126 to suppliers, 128 of any kind',
        enum: ['126', '128'],
        default: '126',
      },
      {
        key: 'release',
        label: 'Release by the API',
        hint: 'off where somebody releases them in the pages of the bank, or the contract does so by itself',
        type: 'boolean',
        default: true,
      },
      {
        key: 'waive_float',
        label: 'Waive the float',
        hint: 'what is released may cost the fee of the contract for an early payment',
        type: 'boolean',
        default: false,
      },
    ],
    { hint: 'as the bank demands in production; off for its sandbox' },
  ),
  auth: ({ token_url }) =>
    clientCredentials(String(token_url ?? 'https://oauth.bb.com.br/oauth/token'), { scope: SCOPES }),
  limits: { requests_per_minute: 300, timeout_ms: 30_000 },
  sensitive: [
    'cpf',
    'cnpj',
    'telefone',
    'email',
    'identificacaoAleatoria',
    'cpfBeneficiario',
    'cnpjBeneficiario',
    'cpfCnpjBeneficiario',
    'nomeBeneficiario',
    'conta',
    'contaPagamento',
    'contaCorrenteCredito',
    'contaPagamentoCredito',
    'contaCredito',
    'numeroContaCredito',
    'numeroContaPagamentoCredito',
  ],
  test: testRequest,
  refusal: toRefusal,
  transfers: {
    methods: ['pix', 'ted', 'internal'],
    highest_number: 9_999_999,
    create: operation({ request: createRequest, reads: Batch, translate: toCreated }),
    find_by_reference: operation({ request: findByReferenceRequest, reads: Batch, translate: toFound }),
    find: operation({ request: findRequest, reads: Payment, translate: toPayment }),
    release: operation({ request: releaseRequest, reads: Type.Unknown(), translate: () => null }),
    releases: ({ release }) => release !== false,
    cancel: operation({ request: cancelRequest, reads: Cancellation, translate: toCanceled }),
  },
})

const SCOPES = [
  'lotes-requisicao',
  'lotes-info',
  'transferencias-requisicao',
  'transferencias-info',
  'transferencias-pix-requisicao',
  'transferencias-pix-info',
  'pix-info',
  'pagamentos-info',
  'cancelar-requisicao',
]
  .map((one) => `pagamentos-lote.${one}`)
  .join(' ')
