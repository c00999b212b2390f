import { type Refusal, reasonOfStatus } from '../../kit/news.ts'
import { read } from '../../kit/reads.ts'
import type { CreateTransfer, FindTransferByReference, VendorTransfer } from '../../kit/transfers.ts'
import { Problem } from '../../platform/errors.ts'
import { type Money, moneyFromDecimal } from '../../platform/money.ts'
import { type Batch, type Cancellation, ErrorBody, type Item, type Payment } from './wire.ts'

type Status = VendorTransfer['status']

/** 1, 2 and 8 pass by themselves, 3 becomes 7; 6 says that the batch was gone through, not that it was paid. */
const BATCHES: Readonly<Record<string, Status>> = { 3: 'failed', 4: 'awaiting_release', 7: 'failed' }

/**
 * `Vencido` was not made on its day and is not made any more, unless somebody moves its day in the bank's own pages.
 * `Bloqueado` and `Debitado` may still go on.
 */
const PAYMENTS = new Map<string, Status>([
  ['pendente', 'awaiting_release'],
  ['pago', 'completed'],
  ['rejeitado', 'failed'],
  ['inconsistente', 'failed'],
  ['vencido', 'failed'],
  ['cancelado', 'canceled'],
  ['devolvido', 'returned'],
])

const statusOf = (word: string | null | undefined): Status =>
  PAYMENTS.get((word ?? '').trim().toLowerCase()) ?? 'pending'

const reais = (value: string | number | null | undefined): Money | undefined =>
  value === null || value === undefined ? undefined : moneyFromDecimal(String(value), 'BRL')

export const toCreated = (batch: Batch, _asked: CreateTransfer): VendorTransfer =>
  toAnswered(batch) ?? { status: 'pending', word: wordOf(batch) }

/** A number that is there and shows no transfer is not one that the bank does not know: that alone is told by its 404. */
export function toFound(batch: Batch, _asked: FindTransferByReference): VendorTransfer {
  const found = toAnswered(batch)
  if (found) return found
  throw new Problem('vendor_failed', { detail: 'the bank knows the number and shows no transfer under it' })
}

/** Ours has small letters alone; what the bank keeps may be padded, and in capitals. */
const ours = (reference: string): string => reference.trim().toLowerCase()

const wordOf = ({ estadoRequisicao }: Batch) => (estadoRequisicao == null ? null : String(estadoRequisicao))

/** By what the bank said to the batch; how its payment is doing only the payment itself says. */
function toAnswered(batch: Batch): VendorTransfer | null {
  const [item] = batch.listaTransferencias ?? batch.transferencias ?? batch.pagamentos ?? []
  if (!item) return null
  const word = wordOf(batch)
  const money = reais(item.valor ?? item.valorTransferencia ?? item.valorPagamento)
  const vendor_id = item.identificadorPagamento ?? item.identificadorTransferencia
  const reference = item.descricaoPagamento ?? item.descricaoTransferencia
  const is_taken = (item.indicadorMovimentoAceito ?? item.indicadorAceite) !== 'N'
  return {
    ...(vendor_id && Number(vendor_id) !== 0 && { vendor_id: String(vendor_id) }),
    ...(reference && { reference: ours(reference) }),
    ...(money && { money }),
    word,
    ...(is_taken
      ? { status: BATCHES[word ?? ''] ?? 'pending' }
      : { status: 'failed', failure: failureOf(item) }),
  }
}

const failureOf = ({ erros }: Pick<Item, 'erros'>): Refusal => toFailure((erros ?? [])[0] ?? null)

/** Those of the bank's codes that say more than that the request was wrong. */
const CODES: Readonly<Record<string, [Refusal['reason'], string]>> = {
  18: ['invalid_request', 'the CPF is wrong'],
  19: ['invalid_request', 'the CNPJ is wrong'],
  20: ['invalid_request', 'it goes to the account it comes from'],
  53: ['invalid_request', 'its day is past'],
  200: ['insufficient_funds', 'insufficient funds'],
  269: ['insufficient_funds', 'insufficient funds'],
}

function toFailure(code: string | number | null): Refusal {
  if (code === null) return { reason: 'unknown', code: null, message: null }
  const [reason, message] = CODES[String(code)] ?? ['invalid_request', null]
  return { reason, code: String(code), message }
}

export function toPayment(payment: Payment): VendorTransfer {
  const { id, estadoPagamento = null, valorPagamento, descricaoPagamento, listaDevolucao } = payment
  const status = statusOf(estadoPagamento)
  const [back] = listaDevolucao ?? []
  const money = reais(valorPagamento)
  const receipt = payment.autenticacaoPagamento ?? payment.codigoAutenticacaoPagamento
  const returned = reais(back?.valorDevolucao)
  const reason = back?.codigoMotivo ?? null
  return {
    ...{ vendor_id: String(id), status, word: estadoPagamento },
    ...(money && { money }),
    ...(descricaoPagamento && { reference: ours(descricaoPagamento) }),
    ...(receipt?.trim() && { receipt: receipt.trim() }),
    ...(status === 'returned' && returned && { returned }),
    ...((status === 'failed' || status === 'returned') && {
      failure:
        reason === null ? { reason: 'unknown', code: estadoPagamento, message: null } : toFailure(reason),
    }),
  }
}

/** `N` and its reason: it goes on. */
export function toCanceled(
  { pagamentos: [first] }: Cancellation,
  { vendor_id }: { vendor_id: string },
): VendorTransfer {
  const word = first?.estadoCancelamento ?? first?.estadoPagamento ?? null
  const status = first?.indicadorCancelamento === 'S' ? 'canceled' : 'pending'
  return { vendor_id, status, word }
}

/**
 * That the bank knows of no such number counts only where the API itself says so: a gateway that does not know the
 * address answers 404 too.
 */
export function toRefusal(status: number, body: unknown): Refusal {
  const told = read(ErrorBody, body)
  const { erros, error, message } = told.ok ? told.value : ({} as ErrorBody)
  const [first] = erros ?? []
  const reason = status === 404 && !first ? 'vendor_unavailable' : reasonOfStatus(status)
  return {
    reason,
    code: first?.codigo === undefined ? (error ?? null) : String(first.codigo),
    message: first?.mensagem ?? first?.textoMensagem ?? message ?? null,
  }
}
