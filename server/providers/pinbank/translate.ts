import type { PaymentStatus, Refusal, VendorPayment } from '../../kit/news.ts'
import type { CreatePayment } from '../../kit/payments.ts'
import { read, words } from '../../kit/reads.ts'
import { Problem } from '../../platform/errors.ts'
import { type Money, moneyFromDecimal } from '../../platform/money.ts'
import { type Charged, Refused, type StatementRow } from './wire.ts'

const CURRENCY = 'BRL'

/** A charge that was not refused was approved: Pinbank's replies have no other states, and do not repeat the amount. */
export function toCharge(
  reply: Charged,
  { money, capture }: Pick<CreatePayment, 'money' | 'capture'>,
): VendorPayment {
  const nsu = reply.Data?.NsuOperacao ?? reply.NSU
  if (nsu === null || nsu === undefined || nsu === '') throw unreadable('the reply names no NSU')
  const is_held = capture === 'manual'
  return {
    vendor_id: String(nsu),
    status: is_held ? 'authorized' : 'completed',
    money,
    method: 'card',
    captured: is_held ? none : money,
  }
}

const none: Money = { amount: '0', currency: CURRENCY }

export const unreadable = (detail: string) => new Problem('vendor_failed', { detail })

const BY_STATUS = words<PaymentStatus>({
  aprovada: 'completed',
  autorizada: 'completed',
  cancelada: 'canceled',
  estornada: 'refunded',
  negada: 'failed',
  'nao aprovada': 'failed',
  'pre-autorizada': 'authorized',
})

/** The rows of one statement as payments: one for each NSU. */
export function toPayments(rows: readonly StatementRow[]): VendorPayment[] {
  const first = new Map(rows.toReversed().map((row) => [String(row.NsuOperacao), row]))
  return [...first.values()].toReversed().map(toPayment)
}

function toPayment(row: StatementRow): VendorPayment {
  const money = moneyFromDecimal(String(row.ValorBruto), CURRENCY, 'ValorBruto')
  const status = BY_STATUS[plain(row.DescricaoStatus ?? '')] ?? 'pending'
  return {
    vendor_id: String(row.NsuOperacao),
    status,
    money,
    method: 'card',
    created_at: fromSaoPaulo(row.DataTransacao),
    ...(status === 'completed' && { captured: money }),
    // What was taken is canceled like what was only held.
    ...((status === 'refunded' || status === 'canceled') && { captured: money, refunded: money }),
  }
}

const plain = (text: string) =>
  text
    .trim()
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')

/** Brazil has had no summer time since 2019. */
const OFFSET = '-03:00'

const fromSaoPaulo = (naive: string) => new Date(`${naive.slice(0, 19)}${OFFSET}`).toISOString()

/** A moment as the statement wants it. */
export const toSaoPaulo = (moment: string) =>
  `${new Date(Date.parse(moment) - 3 * 3_600_000).toISOString().slice(0, 19)}${OFFSET}`

const NOTHING_FOUND = /^sem resultado/i

/** Pinbank answers 200 to what it refuses. */
export function refuses(body: unknown): boolean {
  const reply = read(Refused, body)
  if (!reply.ok) return false
  const { Status, ResultCode, Message } = reply.value
  if (Status === false) return true
  return typeof ResultCode === 'number' && ResultCode !== 0 && !NOTHING_FOUND.test(Message ?? '')
}

const BAD_REQUEST = 3

/** No list of Pinbank's codes is public, so that only what it says of fields is known to be our mistake. */
export function toRefusal(status: number, body: unknown): Refusal {
  const reply = read(Refused, body)
  if (!reply.ok)
    return { reason: status === 401 ? 'credentials_refused' : 'unknown', code: null, message: null }
  const { Mensagem, Message, ResultCode, ValidationData } = reply.value
  const errors = ValidationData?.Errors ?? []
  const about = errors.map(({ FieldName, ErrorMessage }) =>
    [FieldName, ErrorMessage].filter(Boolean).join(': '),
  )
  const is_ours = errors.length > 0 || ResultCode === BAD_REQUEST
  return {
    reason: status === 401 ? 'credentials_refused' : is_ours ? 'invalid_request' : 'unknown',
    code: ResultCode === null || ResultCode === undefined ? null : String(ResultCode),
    message: [Mensagem ?? Message ?? 'Erro desconhecido', ...about].join('; '),
  }
}
