import { defineProvider, get, operation } from '../../kit/provider.ts'
import {
  cancelRequest,
  chargePath,
  createRequest,
  listRequest,
  refundRequest,
  refundsRequest,
} from './charges.ts'
import { authOf, CERTIFICATE, FIELDS, faultsIn, headersOf, traceHeaderOf } from './fields.ts'
import { txidOf } from './ids.ts'
import { operations } from './operations.ts'
import { toRefusal } from './refusals.ts'
import { registration } from './registration.ts'
import { toAsked, toPage, toPayment, toRefund, toRefunds } from './translate.ts'
import { aboutOf, externalIdsOf, idOf, SOURCE_FIELDS, signatureOf, toNews, typeOf } from './webhooks.ts'
import { Charge, Devolucao, PixList, PixMessage, WithRefunds } from './wire.ts'

/** Any stretch of the past: the API answers it from its own books, mostly empty. */
const A_MOMENT = { inicio: '2020-11-16T00:00:00Z', fim: '2020-11-16T00:00:01Z' }

export const pix = defineProvider({
  id: 'pix',
  name: 'Pix (any PSP with the API Pix of the Banco Central)',
  category: 'payments',
  docs: 'https://github.com/bacen/pix-api',
  fields: FIELDS,
  faults: faultsIn,
  auth: authOf,
  identity: CERTIFICATE.identity,
  headers: headersOf,
  traced_header: traceHeaderOf,
  limits: { requests_per_minute: 600, timeout_ms: 20_000 },
  test: get('/cob', A_MOMENT),
  refusal: toRefusal,
  payments: {
    settles: 'lookup',
    repeats: true,
    methods: ['pix'],
    instructions: true,
    create: operation({ request: createRequest, reads: Charge, translate: toAsked }),
    find: operation({
      request: ({ vendor_id }) => get(chargePath(vendor_id)),
      reads: Charge,
      translate: toAsked,
    }),
    find_by_reference: operation({
      request: ({ reference, due_date }) => get(chargePath(txidOf(reference, due_date !== undefined))),
      reads: Charge,
      translate: toAsked,
    }),
    cancel: operation({ request: cancelRequest, reads: Charge, translate: toPayment }),
    refund: operation({
      request: refundRequest,
      reads: Devolucao,
      translate: (devolucao) => toRefund(devolucao, null),
    }),
    refunds: operation({ request: refundsRequest, reads: WithRefunds, translate: toRefunds }),
    list: operation({ request: listRequest, reads: PixList, translate: toPage }),
  },
  // The address of a webhook may hold the secret by which it is believed.
  sensitive: ['webhookUrl'],
  operations,
  webhooks: {
    registration,
    signature: signatureOf,
    fields: SOURCE_FIELDS,
    reads: PixMessage,
    event_id: idOf,
    event_type: typeOf,
    entity_id: aboutOf,
    external_ids: externalIdsOf,
    same_id: 'news',
    translate: (message, { text }) => toNews(message, text),
  },
})
