import { clientCredentials } from '../../kit/auth.ts'
import { bankAccess } from '../../kit/bank_statement.ts'
import { defineProvider, operation } from '../../kit/provider.ts'
import {
  createRequest,
  DEBIT_ACCOUNT,
  findByReferenceRequest,
  findRequest,
  testRequest,
  toDetail,
  toFound,
  toRefusal,
  toTaken,
} from './translate.ts'
import { Detail, Payments, Taken } from './wire.ts'

/**
 * Itaú's API Cash Management 1 (SISPAG), which sends Pix and tells of every payment (devportal.itau.com.br, for which one
 * has to sign in). Written from what is published of it: addresses, queries and `referencia_empresa` as one of them from
 * a client printed from its specification 1.14; the table of fields with their lengths, the payer and a payment in the
 * list from a Java client that quotes its manual; the answer and the states from the PHP client SistemAtc\Banks; the
 * detail from a C# client; that it is read by `cod_pagamento` from hyperswitch's connector, and with it and the former
 * the address for tests. Not published, and so not relied on: whether the list tells of a payment at once, so that one it
 * does not show stays open; and how one that was sent twice is refused, so each is sent once. What is taken ("Sucesso")
 * counts as made when the payment itself says so.
 */
export const itauTransfers = defineProvider({
  id: 'itau_transfers',
  name: 'Itaú (transfers)',
  docs: 'https://devportal.itau.com.br',
  base_url: { live: 'https://api.itau.com.br/sispag/v1', test: 'https://api.itau.com.br/sandbox/sispag/v1' },
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
      {
        key: 'debit_account',
        label: 'Account it leaves',
        hint: 'branch/number-digit',
        required: true,
        max_length: 30,
        pattern: DEBIT_ACCOUNT,
        example: '2937/22341-6',
      },
      {
        key: 'document',
        label: 'CPF or CNPJ of the account holder',
        required: true,
        pattern: '[0-9]{11}|[0-9A-Z]{12}[0-9]{2}',
        example: '97803114002740',
      },
      {
        key: 'api_key',
        label: 'x-itau-apikey',
        hint: 'the client id once more, where the bank wants it in this header',
        required: true,
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
  headers: ({ api_key }) => ({ 'x-itau-apikey': String(api_key ?? '') }),
  traced_header: 'x-itau-correlationid',
  limits: { requests_per_minute: 300, timeout_ms: 30_000 },
  sensitive: [
    ...['chave', 'documento', 'cnpj_empresa', 'identificacao_recebedor', 'cpf_cnpj', 'nome_favorecido'],
    'conta_recebedor',
  ],
  test: testRequest,
  refusal: toRefusal,
  transfers: {
    methods: ['pix'],
    absence_proves_nothing: true,
    create: operation({ request: createRequest, reads: Taken, translate: toTaken }),
    find_by_reference: operation({ request: findByReferenceRequest, reads: Payments, translate: toFound }),
    find: operation({ request: findRequest, reads: Detail, translate: toDetail }),
  },
})
