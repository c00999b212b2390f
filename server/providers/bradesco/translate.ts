import { accountsNamed, kindOf, signedMoney, startOf } from '../../kit/bank_statement.ts'
import type {
  FindAccount,
  ListTransactions,
  Page,
  VendorBalance,
  VendorTransaction,
} from '../../kit/banking.ts'
import { get, type OperationRequest } from '../../kit/provider.ts'
import { readPart } from '../../kit/reads.ts'
import { Problem } from '../../platform/errors.ts'
import { NOTHING } from './refusals.ts'
import { type Balances, Entries, type Entry, type Statement } from './wire.ts'

const ISPB = '60746948'

/** `1234/56789`, or `1234/56789/cp` for a savings account: branch and number without their check digits. */
export const ACCOUNTS = '[0-9]{1,5}/[0-9]{1,13}(/cp)?( *, *[0-9]{1,5}/[0-9]{1,13}(/cp)?)*'

export const accountsOf = accountsNamed(ISPB, (text) => {
  const [branch = '', number = '', type] = text.split('/')
  return { vendor_id: text, branch, number, kind: type === 'cp' ? 'savings' : 'checking' }
})

function placeOf(account_id: string) {
  const [agencia = '', conta = '', tipo = 'cc'] = account_id.split('/')
  return { agencia, conta, tipo }
}

export const statementRequest = ({ account_id, from, to }: ListTransactions): OperationRequest =>
  get('/v1/fornecimento-extratos-contas/extratos', {
    ...placeOf(account_id),
    dataInicio: toDigits(from),
    dataFim: toDigits(to),
  })

/** `2026-03-01` is 01032026. */
const toDigits = (day: string): string => day.split('-').reverse().join('')

export function balanceRequest({ account_id }: FindAccount): OperationRequest {
  const { agencia, conta } = placeOf(account_id)
  return get('/v1/fornecimento-saldos-contas/saldos', { agencia, conta })
}

const listed = <Block>(blocks: Block | Block[] | null | undefined): Block[] =>
  Array.isArray(blocks) ? blocks : blocks ? [blocks] : []

/** Yesterday and today are told whatever was asked for; each entry is left to the window it belongs to. */
export function toPage(reply: Statement, { from, to }: ListTransactions): Page<VendorTransaction> {
  const { extratoUltimosLancamentos, extratoPorPeriodo, mensagem } = reply
  // What is nowhere in an answer is taken for gone: one that is no statement may not be read as an empty one.
  if (!extratoPorPeriodo && !extratoUltimosLancamentos && !mensagem?.includes(NOTHING))
    throw new Problem('vendor_failed', { detail: 'the answer holds no part of a statement' })
  const period = listed(extratoPorPeriodo).flatMap(({ lstLancamentoMensal }) => lstLancamentoMensal ?? [])
  const latest = listed(extratoUltimosLancamentos)
    .flatMap(({ listaLancamentos }) => listed(listaLancamentos))
    .flatMap((groups) => Object.entries(groups))
    .flatMap(([heading, entries]) => (isHeld(heading, entries) ? readPart(Entries, entries, heading) : []))
  const items = together(transactionsOf(period), transactionsOf(latest))
  return { items: items.filter(({ at }) => at.slice(0, 10) >= from && at.slice(0, 10) <= to), next: null }
}

const isHeld = (heading: string, entries: unknown): boolean =>
  Array.isArray(entries) && !/^saldo/i.test(heading)

const transactionsOf = (entries: readonly Entry[]) => entries.filter(isEntry).map(toTransaction)

/** What two blocks tell alike is one; what one block tells twice is two. */
function together(first: VendorTransaction[], second: VendorTransaction[]): VendorTransaction[] {
  const left = new Map<string, number>()
  for (const { vendor_id } of first) left.set(vendor_id, (left.get(vendor_id) ?? 0) + 1)
  const others = second.filter(({ vendor_id }) => {
    const count = left.get(vendor_id) ?? 0
    if (count > 0) left.set(vendor_id, count - 1)
    return count === 0
  })
  return [...first, ...others]
}

/** Among the entries stand lines that say a balance. */
const isEntry = ({ tipoLancamento, codigoLancamento, descritivoLancamentoCompleto }: Entry): boolean =>
  !/^saldo\b/i.test(descritivoLancamentoCompleto?.trim() ?? '') &&
  !(Number(tipoLancamento ?? 0) === 1 && Number(codigoLancamento ?? 0) === 0)

const toTransaction = (entry: Entry): VendorTransaction => {
  const text = (entry.descritivoLancamentoCompleto ?? entry.descritivoLancamentoAbreviado ?? '').trim()
  const second = entry.segundaLinhalLancamento?.trim()
  return {
    vendor_id: idOf(entry),
    status: 'booked',
    money: signedMoney(toDecimal(entry.valorLancamento), signOf(entry) === '-'),
    kind: kindOf(text),
    description: [text, second].filter(Boolean).join(' - '),
    at: startOf(dayOf(entry)),
    is_final: false,
  }
}

const dayOf = ({ dataLancamento }: Entry): string => dataLancamento.split('/').reverse().join('-')

function signOf({ sinalLancamento, sinalLacamento }: Entry): '+' | '-' {
  const sign = sinalLancamento ?? sinalLacamento
  if (sign === '+' || sign === '-') return sign
  throw new Problem('vendor_failed', { detail: 'an entry of the statement does not say its direction' })
}

/** The bank gives its entries no ids, and its document numbers come again: this is what two of them have in common only where they are told alike. */
const idOf = (entry: Entry): string =>
  [
    dayOf(entry),
    Number(entry.codigoLancamento ?? 0),
    entry.numeroDocumento ?? 0,
    signOf(entry),
    toDecimal(entry.valorLancamento),
    entry.segundaLinhalLancamento?.trim() ?? '',
  ].join(':')

/** As text `1.580,12` is 1580.12 and `1.580` are thousands; a number, and any other text, is what it says. */
function toDecimal(amount: string | number): string {
  if (typeof amount === 'number') return String(amount)
  const text = amount.trim()
  if (text.includes(',')) return text.replaceAll('.', '').replace(',', '.')
  return /^[0-9]{1,3}([.][0-9]{3})+$/.test(text) ? text.replaceAll('.', '') : text
}

const AVAILABLE = 999

export function toBalance({ lstLancamentosSaldos }: Balances): VendorBalance {
  const found = lstLancamentosSaldos.find(({ codigoProduto }) => Number(codigoProduto) === AVAILABLE)
  if (!found) throw new Problem('vendor_failed', { detail: 'the answer does not say what is available' })
  const available = signedMoney(toDecimal(found.valorLancamento), found.sinalSaldo === '-')
  return { available, current: available, at: null }
}
