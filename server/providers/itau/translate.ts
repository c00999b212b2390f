import { accountsNamed, kindOf, signedMoney, startOf } from '../../kit/bank_statement.ts'
import type { ListTransactions, Page, VendorBalance, VendorTransaction } from '../../kit/banking.ts'
import { type Refusal, reasonOfStatus } from '../../kit/news.ts'
import { get, type OperationRequest, path } from '../../kit/provider.ts'
import { read } from '../../kit/reads.ts'
import { Problem } from '../../platform/errors.ts'
import { addMoney, moneyFromDecimal } from '../../platform/money.ts'
import { type Balances, ErrorBody, type Event, type Statement } from './wire.ts'

const ISPB = '60701190'
/** Pages of fewer are known to overlap and to lose entries between them. */
const PAGE_SIZE = 1_000

/** `1234/56789-0`: branch, number and check digit. */
export const ACCOUNTS = '[0-9]{4}/[0-9]{1,7}-[0-9]( *, *[0-9]{4}/[0-9]{1,7}-[0-9])*'

export const accountsOf = accountsNamed(ISPB, (text) => {
  const [branch = '', number = '', digit = ''] = text.split(/[/-]/)
  return { vendor_id: statementId(branch, number, digit), branch, number: `${number}${digit}` }
})

/** As the API names an account: branch (4), number (7) and check digit (1). */
const statementId = (branch: string, number: string, digit: string): string =>
  `${branch}${number.padStart(7, '0')}${digit}`

export const statementRequest = ({ account_id, from, to, after }: ListTransactions): OperationRequest =>
  get(path`/statements/${account_id}`, {
    type: 'current_account',
    start_date: from,
    end_date: to,
    page: after ?? '1',
    page_size: PAGE_SIZE,
  })

/** The API is not strict about the last day, so that what lies outside is left to the window it belongs to. */
export function toPage(
  { data, pagination }: Statement,
  { from, to }: ListTransactions,
): Page<VendorTransaction> {
  const events = data.flatMap(({ events }) => events ?? [])
  const within = events.filter((event) => dayOf(event) >= from && dayOf(event) <= to)
  const more = events.length > 0 && pagination && pagination.page < pagination.total_pages
  return { items: within.map(toTransaction), next: more ? String(pagination.page + 1) : null }
}

const dayOf = ({ date }: Event): string => date.accounting.slice(0, 10)

const toTransaction = (event: Event): VendorTransaction => {
  const { operation, amount, literal, origin } = event
  const text = literal?.complete ?? literal?.shortened ?? ''
  const counterparty = toCounterparty(event)
  return {
    vendor_id: idOf(event),
    status: 'booked',
    // Only `operation` is said to be the direction: debits are told with a sign and without.
    money: signedMoney(
      String(amount.value).replace(/^-/, ''),
      operation === 'D',
      amount.currency ?? undefined,
    ),
    kind: kindOf(`${origin?.type ?? ''} ${text}`),
    description: text.trim(),
    at: timeOf(event),
    is_final: false,
    ...(counterparty && { counterparty }),
  }
}

function idOf(event: Event): string {
  if (event.id) return event.id
  if (event.code) return `${event.code}:${dayOf(event)}`
  throw new Problem('vendor_failed', { detail: 'an entry of the statement has neither id nor code' })
}

const HOURS_BEHIND_MS = 3 * 3_600_000

/** A statement is asked by the day of its accounts: a time of another day would stand outside of the window it came in. */
function timeOf(event: Event): string {
  const day = dayOf(event)
  const at = new Date(event.date.event ?? Number.NaN)
  const is_of_day =
    !Number.isNaN(at.getTime()) && new Date(at.getTime() - HOURS_BEHIND_MS).toISOString().slice(0, 10) === day
  return is_of_day ? at.toISOString() : startOf(day)
}

function toCounterparty({ counterpart }: Event): VendorTransaction['counterparty'] | null {
  if (!counterpart) return null
  const { name, document, ispb, agency, account, digit } = counterpart
  const told = {
    ...(name && { name }),
    ...(document && { document: document.replace(/[^0-9A-Za-z]/g, '') }),
    ...(ispb && { bank_code: ispb.padStart(8, '0') }),
    ...(agency && { branch: agency }),
    ...(account && { number: digit ? `${account}-${digit}` : account }),
  }
  return Object.keys(told).length > 0 ? told : null
}

/** What is blocked is no part of what is available. */
export function toBalance({ data }: Balances, { account_id }: { account_id: string }): VendorBalance {
  const balances = data.find(({ statementId }) => statementId === account_id)?.balances ?? []
  const told = (type: string) => balances.find((balance) => balance.type === type)
  const available = told('saldo_disponivel')
  if (!available) throw new Problem('vendor_failed', { detail: `the answer has no balance of ${account_id}` })
  const free = moneyFromDecimal(String(available.amount.value), available.amount.currency ?? 'BRL')
  const held = told('saldo_bloqueado')
  const blocked = held && moneyFromDecimal(String(held.amount.value), held.amount.currency ?? 'BRL')
  const at = new Date(available.date?.event ?? Number.NaN)
  return {
    available: free,
    current: blocked ? addMoney(free, blocked) : free,
    ...(blocked && { blocked }),
    at: Number.isNaN(at.getTime()) ? null : at.toISOString(),
  }
}

export function toRefusal(status: number, body: unknown): Refusal {
  const reply = read(ErrorBody, body)
  const told = reply.ok ? reply.value : ({} as ErrorBody)
  const code = told.code ?? told.codigo ?? told.error ?? null
  return {
    reason: reasonOfStatus(status),
    code: code === null ? null : String(code),
    message: told.message ?? told.mensagem ?? told.detail ?? told.error_description ?? null,
  }
}
