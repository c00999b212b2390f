import Type, { type Static } from 'typebox'
import { maybe, WireInteger } from '../../kit/reads.ts'

/**
 * The fields we read of BACEN's API Pix 2.9. New fields and new words are to be expected (its own "Evolução da API
 * Pix"), so no text that could be an enumeration is held to one.
 */
export const Devolucao = Type.Object({
  id: Type.String(),
  rtrId: maybe(Type.String()),
  valor: Type.String(),
  status: Type.String(),
})
export type Devolucao = Static<typeof Devolucao>

/** The specification's own first example of a webhook has one refund where the list of them belongs. */
const Devolucoes = maybe(Type.Union([Type.Array(Devolucao), Devolucao]))

export const Pix = Type.Object({
  endToEndId: Type.String(),
  txid: maybe(Type.String()),
  valor: Type.String(),
  horario: maybe(Type.String()),
  devolucoes: Devolucoes,
})
export type Pix = Static<typeof Pix>

const Calendario = Type.Object({
  criacao: maybe(Type.String()),
  expiracao: maybe(WireInteger),
  dataDeVencimento: maybe(Type.String()),
  validadeAposVencimento: maybe(WireInteger),
})
export type Calendario = Static<typeof Calendario>

/** A cob or a cobv. */
export const Charge = Type.Object({
  txid: Type.String(),
  status: Type.String(),
  valor: Type.Object({ original: Type.String() }),
  calendario: maybe(Calendario),
  pixCopiaECola: maybe(Type.String()),
  pix: maybe(Type.Array(Pix)),
})
export type Charge = Static<typeof Charge>

/** Where the refunds of a payment stand: in its Pix, or in the charge around it. */
export const WithRefunds = Type.Object({
  txid: maybe(Type.String()),
  devolucoes: Devolucoes,
  pix: maybe(Type.Array(Pix)),
})
export type WithRefunds = Static<typeof WithRefunds>

const Paginacao = Type.Object({ paginaAtual: Type.Integer(), quantidadeDePaginas: Type.Integer() })
const Parametros = Type.Object({ paginacao: Paginacao })

/** `pix` is away where there are none. */
export const PixList = Type.Object({ parametros: Parametros, pix: maybe(Type.Array(Pix)) })
export type PixList = Static<typeof PixList>

/** An address of a payload. */
export const Location = Type.Object({
  id: Type.Integer(),
  location: Type.String(),
  tipoCob: maybe(Type.String()),
  txid: maybe(Type.String()),
})
export type Location = Static<typeof Location>

export const Webhook = Type.Object({ webhookUrl: Type.String(), chave: maybe(Type.String()) })
export type Webhook = Static<typeof Webhook>

/** The payer's leave to be charged: Pix Automático. */
export const Recurrence = Type.Object({
  idRec: Type.String(),
  status: maybe(Type.String()),
  valor: maybe(Type.Object({ valorRec: maybe(Type.String()) })),
  vinculo: maybe(Type.Object({ contrato: maybe(Type.String()) })),
  calendario: maybe(
    Type.Object({
      dataInicial: maybe(Type.String()),
      dataFinal: maybe(Type.String()),
      periodicidade: maybe(Type.String()),
    }),
  ),
  dadosQR: maybe(Type.Object({ pixCopiaECola: maybe(Type.String()) })),
})
export type Recurrence = Static<typeof Recurrence>

export const RecurringCharge = Type.Object({
  txid: Type.String(),
  idRec: maybe(Type.String()),
  status: maybe(Type.String()),
  valor: maybe(Type.Object({ original: Type.String() })),
  calendario: maybe(Type.Object({ dataDeVencimento: maybe(Type.String()) })),
})
export type RecurringCharge = Static<typeof RecurringCharge>

/** The payer is asked for that leave in an app of the payer's bank. */
export const RecurrenceRequest = Type.Object({
  idSolicRec: Type.String(),
  idRec: Type.String(),
  status: maybe(Type.String()),
  calendario: maybe(Type.Object({ dataExpiracaoSolicitacao: maybe(Type.String()) })),
})
export type RecurrenceRequest = Static<typeof RecurrenceRequest>

/** An address of a recurrence's payload. */
export const RecurrenceLocation = Type.Object({
  id: Type.Integer(),
  location: Type.String(),
  idRec: maybe(Type.String()),
})
export type RecurrenceLocation = Static<typeof RecurrenceLocation>

/** RFC 7807. */
export const ErrorBody = Type.Object({
  type: maybe(Type.String()),
  title: maybe(Type.String()),
  detail: maybe(Type.String()),
  violacoes: maybe(
    Type.Array(Type.Object({ razao: maybe(Type.String()), propriedade: maybe(Type.String()) })),
  ),
})
export type ErrorBody = Static<typeof ErrorBody>

/** Charges that were asked for together. The examples of the specification bear no `id`. */
export const Lot = Type.Object({
  id: maybe(Type.Union([Type.Integer(), Type.String()])),
  descricao: maybe(Type.String()),
  criacao: maybe(Type.String()),
  cobsv: Type.Array(Type.Object({ txid: Type.String(), status: Type.String(), problema: maybe(ErrorBody) })),
})
export type Lot = Static<typeof Lot>

/** Each is away where there are none of it. */
export const ChargeList = Type.Object({ parametros: Parametros, cobs: maybe(Type.Array(Charge)) })
export const RecurrenceList = Type.Object({ parametros: Parametros, recs: maybe(Type.Array(Recurrence)) })
export const RecurrenceLocationList = Type.Object({
  parametros: Parametros,
  loc: maybe(Type.Array(RecurrenceLocation)),
})
export const LotList = Type.Object({ parametros: Parametros, lotes: maybe(Type.Array(Lot)) })
export const RecurringChargeList = Type.Object({
  parametros: Parametros,
  cobsr: maybe(Type.Array(RecurringCharge)),
})

/** What is posted to `{webhookUrl}/pix`, `/rec` and `/cobr`; each bears but one of them. */
export const PixMessage = Type.Object({
  pix: maybe(Type.Array(Pix)),
  recs: maybe(Type.Array(Recurrence)),
  cobsr: maybe(Type.Array(RecurringCharge)),
})
export type PixMessage = Static<typeof PixMessage>
