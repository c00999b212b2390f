import { accountsNamed, kindOf, signedMoney, startOf } from '../../kit/bank_statement.ts'
import type { ListTransactions, Page, VendorTransaction } from '../../kit/banking.ts'
import type { Settings } from '../../kit/fields.ts'
import { type Refusal, reasonOfStatus } from '../../kit/news.ts'
import { get, type OperationRequest, path } from '../../kit/provider.ts'
import { read } from '../../kit/reads.ts'
import { type Entry, ErrorBody, type StatementPage } from './wire.ts'

const ISPB = '00000000'
const PAGE_SIZE = 200

/** `1234/56789, 1234/1000`: branch and number without their check digits, as the API takes them. */
export const ACCOUNTS = '[0-9]{1,4}/[0-9]{1,11}( *, *[0-9]{1,4}/[0-9]{1,11})*'

export const accountsOf = accountsNamed(ISPB, (text) => {
  const [branch = '', number = ''] = text.split('/')
  return { vendor_id: text, branch, number }
})

const statementPath = (account_id: string): string => {
  const [branch = '', number = ''] = account_id.split('/')
  return path`/conta-corrente/agencia/${branch}/conta/${number}`
}

export const statementRequest = (
  { account_id, from, to, after }: ListTransactions,
  { app_key }: Settings,
): OperationRequest =>
  get(statementPath(account_id), {
    'gw-dev-app-key': String(app_key),
    numeroPaginaSolicitacao: after ?? '1',
    quantidadeRegistroPaginaSolicitacao: PAGE_SIZE,
    dataInicioSolicitacao: toNumber(from),
    dataFimSolicitacao: toNumber(to),
  })

/** The cheapest question there is: without dates, the last thirty days. */
export const testRequest = (settings: Settings): OperationRequest =>
  get(statementPath(accountsOf(settings)[0]?.vendor_id ?? ''), {
    'gw-dev-app-key': String(settings['app_key']),
    quantidadeRegistroPaginaSolicitacao: 50,
  })

/** `2026-03-01` is 1032026. */
const toNumber = (day: string): number => Number(day.split('-').reverse().join(''))

function toDay(number: string | number): string {
  const text = String(number).padStart(8, '0')
  return `${text.slice(4)}-${text.slice(2, 4)}-${text.slice(0, 2)}`
}

export const toPage = ({
  numeroPaginaAtual,
  numeroPaginaProximo,
  listaLancamento,
}: StatementPage): Page<VendorTransaction> => ({
  items: listaLancamento.filter(isEntry).map(toTransaction),
  next: Number(numeroPaginaProximo) > Number(numeroPaginaAtual) ? String(numeroPaginaProximo) : null,
})

/** Among the entries stand lines that say a balance or a limit. */
const isEntry = ({
  indicadorTipoLancamento,
  codigoHistorico,
  textoDescricaoHistorico = '',
}: Entry): boolean =>
  !BALANCES.has(String(indicadorTipoLancamento)) &&
  !(BALANCE_CODES.has(String(codigoHistorico)) && /^s ?a ?l ?d ?o/i.test(textoDescricaoHistorico.trim()))

const BALANCES = new Set(['SA', 'RA', 'LE', 'SD', 'LD', 'LC', 'LU'])
/** "Saldo Anterior" and "S A L D O". */
const BALANCE_CODES = new Set(['0', '999'])

const STATUSES = new Map([
  ['1', 'booked'],
  ['2', 'future'],
] as const)

const toTransaction = (entry: Entry): VendorTransaction => {
  const text = entry.textoDescricaoHistorico?.trim() ?? ''
  const counterparty = toCounterparty(entry)
  return {
    vendor_id: idOf(entry),
    status: STATUSES.get(String(entry.indicadorTipoLancamento ?? '1') as '1') ?? 'pending',
    money: signedMoney(String(entry.valorLancamento), entry.indicadorSinalLancamento === 'D'),
    kind: kindOf(text),
    description: [text, entry.textoInformacaoComplementar?.trim()].filter(Boolean).join(' - '),
    at: startOf(toDay(entry.dataLancamento)),
    is_final: false,
    ...(counterparty && { counterparty }),
  }
}

/** The bank gives its entries no ids: this is what two of them have in common only where they are told alike. */
const idOf = (entry: Entry): string =>
  [
    toDay(entry.dataLancamento),
    entry.codigoHistorico ?? 0,
    entry.numeroLote ?? 0,
    entry.numeroDocumento ?? 0,
    entry.codigoAgenciaOrigem ?? 0,
    entry.indicadorSinalLancamento,
    entry.valorLancamento,
  ].join(':')

function toCounterparty(entry: Entry): VendorTransaction['counterparty'] | null {
  const { numeroCpfCnpjContrapartida: document, indicadorTipoPessoaContrapartida: kind } = entry
  if (!document || Number(document) === 0) return null
  const { codigoAgenciaContrapartida: branch, numeroContaContrapartida: number } = entry
  const digit = entry.textoDvContaContrapartida?.trim()
  return {
    document: String(document).padStart(kind === 'J' ? 14 : 11, '0'),
    ...(branch && Number(branch) !== 0 && { branch: String(branch) }),
    ...(number && Number(number) !== 0 && { number: [String(number), digit].filter(Boolean).join('-') }),
  }
}

export function toRefusal(status: number, body: unknown): Refusal {
  const told = read(ErrorBody, body)
  const { erros: [first] = [], error, message } = told.ok ? told.value : ({} as ErrorBody)
  return {
    reason: reasonOfStatus(status),
    code: first?.codigo === undefined ? (error ?? null) : String(first.codigo),
    message: first?.mensagem ?? message ?? null,
  }
}
