import Type, { type Static } from 'typebox'
import { Day, Payer } from '../../kit/payments.ts'
import { get, operation, patch, path, put } from '../../kit/provider.ts'
import { closed, Decimal, documentOf, done, Nothing, Stretch, stretch, Txid, text } from './shapes.ts'
import { toItems, toLot } from './translate.ts'
import { Lot, LotList } from './wire.ts'

/**
 * Charges with a due date by the hundred: asked for together, taken or refused one by one, which is seen by asking again.
 * The charges of a lot stay its own: none is added to it or taken from it later.
 */

/** How many go at once is the PSP's to say; no request of ours grows without end. */
const MOST = 1000

const LotId = Type.String({ pattern: '^[0-9A-Za-z_-]{1,64}$', description: 'Chosen by you, of one lot' })

const NewCharge = closed({
  txid: Txid,
  due_date: Day,
  days_after_due: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 3650, description: 'Payable for so long past the due date; 30' }),
  ),
  amount: Decimal,
  payer: Payer,
  pix_key: Type.Optional(text()),
  note: Type.Optional(text(140)),
})

const Revision = closed({
  txid: Txid,
  due_date: Type.Optional(Day),
  amount: Type.Optional(Decimal),
  cancel: Type.Optional(Type.Literal(true)),
})

const NewLot = closed({
  lot_id: LotId,
  description: text(140),
  charges: Type.Array(NewCharge, { minItems: 1, maxItems: MOST }),
})

const Revisions = closed({
  lot_id: LotId,
  charges: Type.Array(Revision, { minItems: 1, maxItems: MOST }),
})

const charged = (one: Static<typeof NewCharge>, pix_key: unknown) => ({
  txid: one.txid,
  calendario: {
    dataDeVencimento: one.due_date,
    ...(one.days_after_due !== undefined && { validadeAposVencimento: one.days_after_due }),
  },
  devedor: { ...documentOf(one.payer.document), nome: one.payer.name },
  valor: { original: one.amount },
  chave: one.pix_key ?? pix_key,
  ...(one.note !== undefined && { solicitacaoPagador: one.note }),
})

/** Taking a charge back comes with no other change of it. */
const revised = ({ txid, due_date, amount, cancel }: Static<typeof Revision>) =>
  cancel
    ? { txid, status: 'REMOVIDA_PELO_USUARIO_RECEBEDOR' }
    : {
        txid,
        ...(due_date !== undefined && { calendario: { dataDeVencimento: due_date } }),
        ...(amount !== undefined && { valor: { original: amount } }),
      }

export const lots = {
  /** Sent twice, it is one lot: the charges bear their txids. */
  'due_charge_lots.create': operation({
    input: NewLot,
    request: ({ lot_id, description, charges }, settings) =>
      put(path`/lotecobv/${lot_id}`, {
        descricao: description,
        cobsv: charges.map((one) => charged(one, settings['pix_key'])),
      }),
    reads: Nothing,
    translate: done,
  }),
  'due_charge_lots.revise': operation({
    input: Revisions,
    request: ({ lot_id, charges }) => patch(path`/lotecobv/${lot_id}`, { cobsv: charges.map(revised) }),
    reads: Nothing,
    translate: done,
  }),
  'due_charge_lots.read': operation({
    input: closed({ lot_id: LotId }),
    request: ({ lot_id }) => get(path`/lotecobv/${lot_id}`),
    reads: Lot,
    translate: toLot,
  }),
  'due_charge_lots.list': operation({
    input: Stretch,
    request: (input) => get('/lotecobv', stretch(input)),
    reads: LotList,
    translate: (page) => toItems(page, page.lotes, toLot),
  }),
}
