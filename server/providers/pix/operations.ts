import Type, { type Static, type TSchema } from 'typebox'
import type { Settings } from '../../kit/fields.ts'
import { Day, Moment } from '../../kit/payments.ts'
import { get, type OperationRequest, operation, patch, path, post, put } from '../../kit/provider.ts'
import {
  toItems,
  toLocation,
  toPayment,
  toReceived,
  toRecurrence,
  toRecurringCharge,
  toWebhook,
} from './translate.ts'
import {
  ChargeList,
  Location,
  Pix,
  PixList,
  Recurrence,
  RecurrenceList,
  RecurringCharge,
  RecurringChargeList,
  Webhook,
} from './wire.ts'

/** The rest of the API: what is asked by name and concerns no payment of ours. */

const text = (maxLength = 77) => Type.String({ minLength: 1, maxLength })
const Txid = Type.String({ pattern: '^[a-zA-Z0-9]{26,35}$' })
const Decimal = Type.String({ pattern: '^[0-9]{1,10}[.][0-9]{2}$', description: 'Reais: "150.50"' })
const Url = Type.String({
  minLength: 8,
  maxLength: 1000,
  description: 'The API posts to it with /pix, /rec or /cobr behind',
})
const Key = Type.Optional(Type.String({ minLength: 1, maxLength: 77, description: 'That of the connection' }))
const Kind = Type.Union([Type.Literal('cob'), Type.Literal('cobv')])

const closed = <T extends Record<string, TSchema>>(properties: T) =>
  Type.Object(properties, { additionalProperties: false })

/** What every list of the API takes; pages count from 0. */
const Stretch = closed({
  from: Moment,
  to: Moment,
  status: Type.Optional(text(60)),
  page: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
})

const stretch = ({ from, to, status, page = 0, limit = 100 }: Static<typeof Stretch>) => ({
  inicio: from,
  fim: to,
  status,
  'paginacao.paginaAtual': page,
  'paginacao.itensPorPagina': limit,
})

const remove = (at: string): OperationRequest => ({ method: 'DELETE', path: at })

const keyOf = ({ pix_key }: { pix_key?: string }, settings: Settings): string =>
  pix_key ?? String(settings['pix_key'])

/** A recurrence is the payer's leave to be charged (Pix Automático): asked for once, charged each period. */
const NewRecurrence = closed({
  contract: text(35),
  debtor: closed({
    name: text(140),
    document: Type.String({ pattern: '^([0-9]{11}|[0-9A-Z]{12}[0-9]{2})$' }),
  }),
  object: Type.Optional(text(35)),
  first_on: Day,
  last_on: Type.Optional(Day),
  every: Type.Union(
    ['SEMANAL', 'MENSAL', 'TRIMESTRAL', 'SEMESTRAL', 'ANUAL'].map((word) => Type.Literal(word)),
  ),
  amount: Type.Optional(Decimal),
  least_amount: Type.Optional(Decimal),
  retries: Type.Optional(Type.Boolean({ description: 'Three more tries in seven days' })),
  location_id: Type.Optional(Type.Integer({ minimum: 0 })),
})

const documentOf = (document: string) => (document.length === 11 ? { cpf: document } : { cnpj: document })

const recurrenceBody = (one: Static<typeof NewRecurrence>) => ({
  vinculo: {
    contrato: one.contract,
    devedor: { ...documentOf(one.debtor.document), nome: one.debtor.name },
    ...(one.object !== undefined && { objeto: one.object }),
  },
  calendario: {
    dataInicial: one.first_on,
    ...(one.last_on !== undefined && { dataFinal: one.last_on }),
    periodicidade: one.every,
  },
  ...((one.amount ?? one.least_amount) !== undefined && {
    valor: {
      ...(one.amount !== undefined && { valorRec: one.amount }),
      ...(one.least_amount !== undefined && { valorMinimoRecebedor: one.least_amount }),
    },
  }),
  politicaRetentativa: one.retries ? 'PERMITE_3R_7D' : 'NAO_PERMITE',
  ...(one.location_id !== undefined && { loc: one.location_id }),
})

const NewRecurringCharge = closed({
  txid: Txid,
  recurrence_id: text(29),
  due_date: Day,
  amount: Decimal,
  account: closed({
    branch: Type.Optional(text(4)),
    number: text(20),
    kind: Type.Union(['CORRENTE', 'POUPANCA', 'PAGAMENTO'].map((word) => Type.Literal(word))),
  }),
  note: Type.Optional(text(140)),
  move_to_working_day: Type.Optional(Type.Boolean({ description: 'true unless said otherwise' })),
})

const recurringBody = (one: Static<typeof NewRecurringCharge>) => ({
  idRec: one.recurrence_id,
  calendario: { dataDeVencimento: one.due_date },
  valor: { original: one.amount },
  recebedor: {
    ...(one.account.branch !== undefined && { agencia: one.account.branch }),
    conta: one.account.number,
    tipoConta: one.account.kind,
  },
  ajusteDiaUtil: one.move_to_working_day ?? true,
  ...(one.note !== undefined && { infoAdicional: one.note }),
})

const ById = closed({ recurrence_id: text(29) })
const ByTxid = closed({ txid: Txid })
const ByKey = closed({ pix_key: Key })
const ByLocation = closed({ location_id: Type.Integer({ minimum: 0 }) })
const CANCELED = { status: 'CANCELADA' }

const Nothing = Type.Unknown()
const done = () => ({ done: true })

const received = {
  'pix.read': operation({
    input: closed({ end_to_end_id: text(32) }),
    request: ({ end_to_end_id }) => get(path`/pix/${end_to_end_id}`),
    reads: Pix,
    translate: toReceived,
  }),
  'pix.list': operation({
    input: Stretch,
    request: (input) => get('/pix', stretch(input)),
    reads: PixList,
    translate: (page) => toItems(page, page.pix, toReceived),
  }),
}

const listOfCharges = (at: '/cob' | '/cobv') =>
  operation({
    input: Stretch,
    request: (input) => get(at, stretch(input)),
    reads: ChargeList,
    translate: (page) => toItems(page, page.cobs, toPayment),
  })

const location = (request: (input: Static<typeof ByLocation>) => OperationRequest) =>
  operation({ input: ByLocation, request, reads: Location, translate: toLocation })

const charges = {
  'charges.list': listOfCharges('/cob'),
  'due_charges.list': listOfCharges('/cobv'),
  'locations.create': operation({
    input: closed({ kind: Kind }),
    request: ({ kind }) => post('/loc', { tipoCob: kind }),
    reads: Location,
    translate: toLocation,
  }),
  'locations.read': location(({ location_id }) => get(path`/loc/${location_id}`)),
  /** The charge behind it is behind it no longer; it may be given to another. */
  'locations.release': location(({ location_id }) => remove(path`/loc/${location_id}/txid`)),
}

const registers = (at: '/webhookrec' | '/webhookcobr') =>
  operation({
    input: closed({ url: Url }),
    request: ({ url }) => put(at, { webhookUrl: url }),
    reads: Nothing,
    translate: done,
  })

const webhooks = {
  'webhooks.set': operation({
    input: closed({ url: Url, pix_key: Key }),
    request: (input, settings) => put(path`/webhook/${keyOf(input, settings)}`, { webhookUrl: input.url }),
    reads: Nothing,
    translate: done,
  }),
  'webhooks.read': operation({
    input: ByKey,
    request: (input, settings) => get(path`/webhook/${keyOf(input, settings)}`),
    reads: Webhook,
    translate: toWebhook,
  }),
  'webhooks.remove': operation({
    input: ByKey,
    request: (input, settings) => remove(path`/webhook/${keyOf(input, settings)}`),
    reads: Nothing,
    translate: done,
  }),
  'recurrence_webhooks.set': registers('/webhookrec'),
  'recurring_charge_webhooks.set': registers('/webhookcobr'),
}

const ofRecurrence = <T extends TSchema>(input: T, request: (input: Static<T>) => OperationRequest) =>
  operation({ input, request, reads: Recurrence, translate: toRecurrence })

const ofRecurringCharge = <T extends TSchema>(input: T, request: (input: Static<T>) => OperationRequest) =>
  operation({ input, request, reads: RecurringCharge, translate: toRecurringCharge })

const automatic = {
  'recurrences.create': ofRecurrence(NewRecurrence, (input) => post('/rec', recurrenceBody(input))),
  'recurrences.read': ofRecurrence(ById, ({ recurrence_id }) => get(path`/rec/${recurrence_id}`)),
  'recurrences.list': operation({
    input: Stretch,
    request: (input) => get('/rec', stretch(input)),
    reads: RecurrenceList,
    translate: (page) => toItems(page, page.recs, toRecurrence),
  }),
  'recurrences.cancel': ofRecurrence(ById, ({ recurrence_id }) =>
    patch(path`/rec/${recurrence_id}`, CANCELED),
  ),
  'recurring_charges.create': ofRecurringCharge(NewRecurringCharge, (input) =>
    put(path`/cobr/${input.txid}`, recurringBody(input)),
  ),
  'recurring_charges.read': ofRecurringCharge(ByTxid, ({ txid }) => get(path`/cobr/${txid}`)),
  'recurring_charges.list': operation({
    input: Stretch,
    request: (input) => get('/cobr', stretch(input)),
    reads: RecurringChargeList,
    translate: (page) => toItems(page, page.cobsr, toRecurringCharge),
  }),
  'recurring_charges.cancel': ofRecurringCharge(ByTxid, ({ txid }) => patch(path`/cobr/${txid}`, CANCELED)),
  'recurring_charges.retry': ofRecurringCharge(closed({ txid: Txid, on: Day }), ({ txid, on }) =>
    post(path`/cobr/${txid}/retentativa/${on}`),
  ),
}

export const operations = { ...received, ...charges, ...webhooks, ...automatic }
