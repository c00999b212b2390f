import Type, { type Static, type TSchema } from 'typebox'
import { Day, Moment, Payer } from '../../kit/payments.ts'
import { get, type OperationRequest, operation, patch, path, post, put } from '../../kit/provider.ts'
import { ByLocation, closed, Decimal, documentOf, remove, Stretch, stretch, Txid, text } from './shapes.ts'
import {
  toItems,
  toRecurrence,
  toRecurrenceLocation,
  toRecurrenceRequest,
  toRecurringCharge,
} from './translate.ts'
import {
  Recurrence,
  RecurrenceList,
  RecurrenceLocation,
  RecurrenceLocationList,
  RecurrenceRequest,
  RecurringCharge,
  RecurringChargeList,
} from './wire.ts'

/** Pix Automático: a payer agrees once, and is charged each period. */

/** A recurrence is the payer's leave to be charged (Pix Automático): asked for once, charged each period. */
const NewRecurrence = closed({
  contract: text(35),
  debtor: closed({ name: text(140), document: Payer.properties.document }),
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

/** The payer is asked in the app of the bank where that account is. */
const NewRequest = closed({
  recurrence_id: text(29),
  expires_at: Moment,
  payer: closed({
    document: Payer.properties.document,
    ispb: Type.String({ pattern: '^[0-9A-Z]{8}$', description: 'Of the bank of the payer' }),
    branch: Type.Optional(text(4)),
    account: text(20),
  }),
})

const requestBody = ({ recurrence_id, expires_at, payer }: Static<typeof NewRequest>) => ({
  idRec: recurrence_id,
  calendario: { dataExpiracaoSolicitacao: expires_at },
  destinatario: {
    ...(payer.branch !== undefined && { agencia: payer.branch }),
    conta: payer.account,
    ...documentOf(payer.document),
    ispbParticipante: payer.ispb,
  },
})

const ById = closed({ recurrence_id: text(29) })
const ByRequest = closed({ request_id: text(29) })
const ByTxid = closed({ txid: Txid })
const CANCELED = { status: 'CANCELADA' }

const ofRecurrence = <T extends TSchema>(input: T, request: (input: Static<T>) => OperationRequest) =>
  operation({ input, request, reads: Recurrence, translate: toRecurrence })

const ofRecurringCharge = <T extends TSchema>(input: T, request: (input: Static<T>) => OperationRequest) =>
  operation({ input, request, reads: RecurringCharge, translate: toRecurringCharge })

const ofRequest = <T extends TSchema>(input: T, request: (input: Static<T>) => OperationRequest) =>
  operation({ input, request, reads: RecurrenceRequest, translate: toRecurrenceRequest })

const ofLocation = <T extends TSchema>(input: T, request: (input: Static<T>) => OperationRequest) =>
  operation({ input, request, reads: RecurrenceLocation, translate: toRecurrenceLocation })

const recurrences = {
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
  'recurrence_requests.create': ofRequest(NewRequest, (input) => post('/solicrec', requestBody(input))),
  'recurrence_requests.read': ofRequest(ByRequest, ({ request_id }) => get(path`/solicrec/${request_id}`)),
  'recurrence_requests.cancel': ofRequest(ByRequest, ({ request_id }) =>
    patch(path`/solicrec/${request_id}`, CANCELED),
  ),
  'recurrence_locations.create': ofLocation(closed({}), () => post('/locrec', { tipo: 'rec' })),
  'recurrence_locations.read': ofLocation(ByLocation, ({ location_id }) => get(path`/locrec/${location_id}`)),
  'recurrence_locations.list': operation({
    input: Stretch,
    request: (input) => get('/locrec', stretch(input)),
    reads: RecurrenceLocationList,
    translate: (page) => toItems(page, page.loc, toRecurrenceLocation),
  }),
  /** The recurrence behind it is behind it no longer; it may be given to another. */
  'recurrence_locations.release': ofLocation(ByLocation, ({ location_id }) =>
    remove(path`/locrec/${location_id}/idRec`),
  ),
}

const charges = {
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

export const automatic = { ...recurrences, ...charges }
