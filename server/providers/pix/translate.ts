import type { PaymentStatus, VendorPayment, VendorRefund } from '../../kit/news.ts'
import type { PaymentPage } from '../../kit/payments.ts'
import { words } from '../../kit/reads.ts'
import { addMoney, compareMoney, type Money, moneyFromDecimal } from '../../platform/money.ts'
import { expiryOf } from './calendar.ts'
import { referenceOf, refundReferenceOf } from './ids.ts'
import { toRefusal } from './refusals.ts'
import type {
  Charge,
  Devolucao,
  Location,
  Lot,
  Pix,
  PixList,
  Recurrence,
  RecurrenceLocation,
  RecurrenceRequest,
  RecurringCharge,
  Webhook,
  WithRefunds,
} from './wire.ts'

/** The description of the API spells two of them otherwise than its enumeration; both are taken. */
const STATUS = words<PaymentStatus>({
  ATIVA: 'pending',
  CONCLUIDA: 'completed',
  REMOVIDA_PELO_USUARIO_RECEBEDOR: 'canceled',
  REMOVIDO_PELO_USUARIO_RECEBEDOR: 'canceled',
  REMOVIDA_PELO_PSP: 'canceled',
  REMOVIDO_PELO_PSP: 'canceled',
})

const REFUND_STATUS = words<VendorRefund['status']>({ DEVOLVIDO: 'completed', NAO_REALIZADO: 'failed' })

const NOTHING: Money = { amount: '0', currency: 'BRL' }
const brl = (valor: string): Money => moneyFromDecimal(valor, 'BRL', 'valor')

/** That money came is known by the Pix itself, whatever is said of the charge around it. */
export function toPayment(charge: Charge): VendorPayment {
  const { txid, status, valor, calendario } = charge
  const paid = firstOf(charge.pix ?? [])
  const created_at = calendario?.criacao && isoOf(calendario.criacao)
  return {
    vendor_id: txid,
    status: STATUS[status] ?? 'pending',
    money: brl(valor.original),
    method: 'pix',
    ...referred(txid),
    ...(created_at && { created_at }),
    ...(paid && settled(paid)),
  }
}

/** With the code to pay by, for who asked. */
export function toAsked(charge: Charge): VendorPayment {
  const payment = toPayment(charge)
  if (payment.status !== 'pending') return payment
  const expires_at = charge.calendario ? expiryOf(charge.calendario) : null
  const action = {
    ...(charge.pixCopiaECola && { pix_code: charge.pixCopiaECola }),
    ...(expires_at && { expires_at }),
  }
  return { ...payment, action }
}

/** A charge is paid once; were there more, the first is its payment. */
const firstOf = (all: readonly Pix[]): Pix | undefined =>
  all.toSorted((a, b) => (a.horario ?? '').localeCompare(b.horario ?? ''))[0]

function settled(pix: Pix): Pick<VendorPayment, 'status' | 'settlement_id' | 'captured' | 'refunded'> {
  const captured = brl(pix.valor)
  const refunded = refundsIn(pix)
    .filter(({ status }) => status === 'DEVOLVIDO')
    .reduce((sum, { valor }) => addMoney(sum, brl(valor)), NOTHING)
  return { status: takenStatus(captured, refunded), settlement_id: pix.endToEndId, captured, refunded }
}

function takenStatus(captured: Money, refunded: Money): PaymentStatus {
  if (refunded.amount === '0') return 'completed'
  return compareMoney(refunded, captured) >= 0 ? 'refunded' : 'partially_refunded'
}

/** As a Pix alone tells of it; one without a txid is no payment of a charge. */
export function toPaymentOf(pix: Pix): VendorPayment | null {
  if (!pix.txid) return null
  const created_at = pix.horario && isoOf(pix.horario)
  return {
    vendor_id: pix.txid,
    money: brl(pix.valor),
    method: 'pix',
    ...referred(pix.txid),
    ...(created_at && { created_at }),
    ...settled(pix),
  }
}

function referred(txid: string): { reference?: string } {
  const reference = referenceOf(txid)
  return reference === undefined ? {} : { reference }
}

function isoOf(time: string): string | undefined {
  const at = new Date(time)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}

export const refundsIn = ({ devolucoes }: Pick<Pix, 'devolucoes'>): Devolucao[] =>
  devolucoes ? [devolucoes].flat() : []

export function toRefund(devolucao: Devolucao, payment_id: string | null): VendorRefund {
  const { id, rtrId, status, valor } = devolucao
  const reference = refundReferenceOf(id)
  return {
    vendor_id: rtrId || id,
    payment_id,
    status: REFUND_STATUS[status] ?? 'pending',
    money: brl(valor),
    ...(reference !== undefined && { reference }),
  }
}

export function toRefunds(around: WithRefunds): VendorRefund[] {
  const { txid = null, pix } = around
  const all = [...refundsIn(around), ...(pix ?? []).flatMap(refundsIn)]
  return all.map((one) => toRefund(one, txid))
}

export const toPage = ({ parametros, pix }: PixList): PaymentPage => ({
  payments: (pix ?? []).flatMap((one) => toPaymentOf(one) ?? []),
  next: nextOf(parametros)?.toString() ?? null,
})

/** The page after this one; they count from 0. */
function nextOf({ paginacao }: PixList['parametros']): number | null {
  const next = paginacao.paginaAtual + 1
  return next < paginacao.quantidadeDePaginas ? next : null
}

/** A page of a list that is not of payments. */
export const toItems = <From, To>(
  { parametros }: Pick<PixList, 'parametros'>,
  all: readonly From[] | null | undefined,
  toItem: (one: From) => To,
): { items: To[]; next_page: number | null } => ({
  items: (all ?? []).map(toItem),
  next_page: nextOf(parametros),
})

/** A Pix that came in, with a txid or without. */
export const toReceived = (pix: Pix) => ({
  end_to_end_id: pix.endToEndId,
  txid: pix.txid || null,
  money: brl(pix.valor),
  received_at: (pix.horario && isoOf(pix.horario)) ?? null,
  refunds: refundsIn(pix).map((one) => toRefund(one, pix.txid || null)),
})

export const toLocation = ({ id, location, tipoCob, txid }: Location) => ({
  location_id: id,
  location,
  kind: tipoCob ?? null,
  txid: txid ?? null,
})

export const toWebhook = ({ webhookUrl, chave }: Webhook) => ({ url: webhookUrl, pix_key: chave ?? null })

/** `status` in the words of the API, lower case. */
const lower = (word: string | null | undefined): string | null => word?.toLowerCase() ?? null

export const toRecurrence = (one: Recurrence) => ({
  recurrence_id: one.idRec,
  status: lower(one.status),
  contract: one.vinculo?.contrato ?? null,
  money: one.valor?.valorRec ? brl(one.valor.valorRec) : null,
  first_on: one.calendario?.dataInicial ?? null,
  last_on: one.calendario?.dataFinal ?? null,
  every: one.calendario?.periodicidade ?? null,
  pix_code: one.dadosQR?.pixCopiaECola ?? null,
})

export const toRecurringCharge = (one: RecurringCharge) => ({
  txid: one.txid,
  recurrence_id: one.idRec ?? null,
  status: lower(one.status),
  money: one.valor ? brl(one.valor.original) : null,
  due_date: one.calendario?.dataDeVencimento ?? null,
})

export const toRecurrenceRequest = (one: RecurrenceRequest) => ({
  request_id: one.idSolicRec,
  recurrence_id: one.idRec,
  status: lower(one.status),
  expires_at: one.calendario?.dataExpiracaoSolicitacao ?? null,
})

export const toRecurrenceLocation = ({ id, location, idRec }: RecurrenceLocation) => ({
  location_id: id,
  location,
  recurrence_id: idRec ?? null,
})

/** With each charge that was refused, why: it is refused as one that is asked for alone. */
export const toLot = ({ id, descricao, criacao, cobsv }: Lot) => ({
  lot_id: id === null || id === undefined ? null : String(id),
  description: descricao ?? null,
  created_at: (criacao && isoOf(criacao)) ?? null,
  charges: cobsv.map(({ txid, status, problema }) => ({
    txid,
    status: lower(status),
    refusal: problema ? toRefusal(BAD_REQUEST, problema) : null,
  })),
})

const BAD_REQUEST = 400
