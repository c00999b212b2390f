import { isCnpj, isCpf } from '../../kit/brazil/document.ts'
import { readPixKey } from '../../kit/brazil/pix.ts'
import type { Settings } from '../../kit/fields.ts'
import type { CreatePayment, ListPayments, ListRefunds, RefundPayment } from '../../kit/payments.ts'
import { get, type OperationRequest, patch, path, put } from '../../kit/provider.ts'
import { Problem } from '../../platform/errors.ts'
import { type Money, toDecimal } from '../../platform/money.ts'
import { isDue, refundIdOf, txidOf } from './ids.ts'

/** What is asked of the API for a payment: a charge (cob), or one with a due date (cobv), and the Pix that pays it. */

const DAY_S = 86_400
/** Of `solicitacaoPagador` and of a refund's `descricao`, which both travel in 140 characters of the Pix. */
const LONGEST_TEXT = 140

function refuse(field: string, why: string): never {
  throw new Problem('invalid_request', { field, detail: `${field} ${why}`, errors: [{ field, reason: why }] })
}

export const chargePath = (txid: string): string => (isDue(txid) ? path`/cobv/${txid}` : path`/cob/${txid}`)

/** Under a txid that follows from our reference: sent twice, it is one charge. */
export function createRequest(payment: CreatePayment, settings: Settings): OperationRequest {
  const { reference, due_date, description, payer, method = 'pix', capture, instructions } = payment
  if (reference === undefined) refuse('reference', 'is needed: the txid of the charge follows from it')
  if (method !== 'pix') refuse('method', 'must be pix')
  if (capture === 'manual') refuse('capture', 'must be automatic: a Pix that is paid is taken')
  return put(chargePath(txidOf(reference, due_date !== undefined)), {
    calendario: due_date === undefined ? expiring(payment, settings) : falling(payment, due_date),
    ...(payer && { devedor: debtorOf(payer) }),
    valor: { original: decimal(payment.money) },
    chave: payment.pix_key === undefined ? settings['pix_key'] : keyOf(payment.pix_key),
    ...(description && { solicitacaoPagador: shorten(description) }),
    ...(instructions && {
      infoAdicionais: instructions.map((valor, at) => ({ nome: `Instrução ${at + 1}`, valor })),
    }),
  })
}

const expiring = ({ expires_in_s }: CreatePayment, { expires_in_s: usual }: Settings) => ({
  expiracao: expires_in_s ?? usual ?? DAY_S,
})

function falling({ payer, expires_in_s }: CreatePayment, due_date: string) {
  if (!payer) refuse('payer', 'is needed where there is a due date')
  return {
    dataDeVencimento: due_date,
    ...(expires_in_s !== undefined && { validadeAposVencimento: Math.floor(expires_in_s / DAY_S) }),
  }
}

function debtorOf({ name, document }: NonNullable<CreatePayment['payer']>) {
  if (isCpf(document)) return { cpf: document, nome: name }
  if (isCnpj(document)) return { cnpj: document, nome: name }
  return refuse('payer.document', 'is no CPF or CNPJ: its check digits are wrong')
}

function keyOf(text: string): string {
  const key = readPixKey(text)
  return key.valid ? key.value : refuse('pix_key', key.reason)
}

function decimal(money: Money): string {
  if (money.currency !== 'BRL') refuse('money.currency', 'must be BRL')
  const text = toDecimal(money)
  return text.length <= 13 && !text.startsWith('-')
    ? text
    : refuse('money.amount', 'is more than the ten digits of reais that a Pix has')
}

const shorten = (text: string): string => [...text].slice(0, LONGEST_TEXT).join('')

export const cancelRequest = ({ vendor_id }: { vendor_id: string }): OperationRequest =>
  patch(chargePath(vendor_id), { status: 'REMOVIDA_PELO_USUARIO_RECEBEDOR' })

/** Of the Pix that paid the charge: `vendor_id` may be its endToEndId where somebody has nothing else. */
export function refundRequest(refund: RefundPayment): OperationRequest {
  const { vendor_id, money, reference, reason } = refund
  const settlement_id = refund.settlement_id ?? endToEnd(vendor_id)
  if (settlement_id === null)
    refuse('settlement_id', 'is needed: the endToEndId of the Pix that is given back')
  if (reference === undefined) refuse('reference', 'is needed: the id of the refund follows from it')
  if (money === undefined) refuse('money', 'is needed: the API gives back no rest unsaid')
  return put(path`/pix/${settlement_id}/devolucao/${refundIdOf(reference)}`, {
    valor: decimal(money),
    ...(reason && { descricao: shorten(reason) }),
  })
}

export function refundsRequest({ vendor_id, settlement_id: known }: ListRefunds): OperationRequest {
  const settlement_id = known ?? endToEnd(vendor_id)
  return get(settlement_id === null ? chargePath(vendor_id) : path`/pix/${settlement_id}`)
}

const endToEnd = (text: string): string | null => (/^E[0-9A-Z]{8}[0-9]{12}\w{11}$/.test(text) ? text : null)

const LONGEST_PAGE = 100

/** What came in, charged by whomever: the API lists by when it came. Pages count from 0. */
export function listRequest({ from, to, after, limit = LONGEST_PAGE }: ListPayments): OperationRequest {
  if (from === undefined || to === undefined)
    refuse('from', 'and to are needed: the API lists a stretch of time')
  return get('/pix', {
    inicio: from,
    fim: to,
    txIdPresente: true,
    'paginacao.paginaAtual': after ?? '0',
    'paginacao.itensPorPagina': limit,
  })
}
