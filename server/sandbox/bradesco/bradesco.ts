import { createOAuth } from '../oauth.ts'
import { json, readJson, remember, type SandboxReply, type SandboxRequest } from '../wire.ts'
import { createTransfers } from './transfers.ts'

/**
 * Bradesco's API Saldo e Extrato 1 (developers.bradesco.com.br) below `/bradesco/v1`, its tokens at
 * `/bradesco/auth/server-mtls/v2/token` for any client with the secret `sandbox-secret`. Every account is there and begins
 * with a few entries; `PUT /bradesco/_control/{branch}/{number}` sets them, as the API tells them, and a `mensagem` in
 * their place makes every answer of the account a refusal with status 200. What it pays stands in `transfers.ts`.
 */
export function createBradesco(): (request: SandboxRequest) => SandboxReply {
  const books = new Map<string, Entry[] | Refusal>()
  const oauth = createOAuth()
  const transfers = createTransfers()
  return (request) => {
    if (TOKEN.test(request.path)) return oauth.vendor({ ...request, path: '/token' })
    if (request.path === '/_control/transfers') return transfers.control(request)
    if (request.path.startsWith('/_control/')) return control(books, request)
    const [, token = ''] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? []
    if (!oauth.isLive(token)) return json(401, { code: 401, message: 'Unauthorized' })
    const { path, query, method } = request
    if (path.startsWith('/v1/spi/')) return transfers.api(request)
    const [agencia, conta] = [query.get('agencia') ?? '', query.get('conta') ?? '']
    if (!/^[0-9]{1,5}$/.test(agencia) || !/^[0-9]{1,13}$/.test(conta))
      return refused(400, '1', 'CTAS0001 - AGENCIA OU CONTA INVALIDA')
    const known = entriesOf(books, `${Number(agencia)}/${Number(conta)}`)
    if (!Array.isArray(known)) return refused(200, '1', known.mensagem)
    if (method === 'GET' && path === '/v1/fornecimento-saldos-contas/saldos') return balances(known, conta)
    if (method === 'GET' && path === '/v1/fornecimento-extratos-contas/extratos')
      return statement(known, conta, query)
    return json(404, { code: 404, message: 'Not Found' })
  }
}

/** As the API writes it: the day DD/MM/AAAA, the amount `1.580,12`. */
type Entry = { dataLancamento: string; valorLancamento: string; [field: string]: unknown }
type Refusal = { mensagem: string }

/** Of the statements, and of Pix. */
const TOKEN = /^\/auth\/(server-mtls\/v2|server\/oauth)\/token$/

type Books = Map<string, Entry[] | Refusal>

const MOST_ACCOUNTS = 1_000
const DAY_MS = 86_400_000

function control(books: Books, { path, method, body }: SandboxRequest): SandboxReply {
  const [, , branch, number] = path.split('/')
  const account = `${Number(branch)}/${Number(number)}`
  if (method === 'PUT') remember(books, account, (readJson(body) ?? []) as Entry[] | Refusal, MOST_ACCOUNTS)
  return json(200, entriesOf(books, account))
}

function entriesOf(books: Books, account: string): Entry[] | Refusal {
  const known = books.get(account)
  if (known) return known
  const made = TOLD.map((_, at) => entryOf(at))
  remember(books, account, made, MOST_ACCOUNTS)
  return made
}

const TOLD = [
  ['TRANSFERENCIA PIX', '1674', '+', '1.250,00', 'REM: LOJA LTDA', 0],
  ['TRANSFERENCIA PIX', '1675', '-', '45,90', 'DES: MARIA', 1],
  ['PAGTO ELETRON COBRANCA BOLETO', '0109', '-', '312,07', '', 3],
  ['TARIFA BANCARIA', '0310', '-', '74,30', '', 8],
] as const

function entryOf(at: number): Entry {
  const [text, code, sign, amount, second, days_ago] = TOLD[at] ?? TOLD[0]
  return {
    dataLancamento: toBrazilian(dayOf(days_ago)),
    numeroDocumento: String(1_000_000 + at).padStart(7, '0'),
    valorLancamento: amount,
    sinalLancamento: sign,
    segundaLinhalLancamento: second,
    valorSaldoAposLancamento: '1.000,00',
    sinalSaldo: '+',
    identificacaoSubCodigo: 'N',
    codigoLancamento: code,
    descritivoLancamentoAbreviado: text.slice(0, 12),
    descritivoLancamentoCompleto: text,
  }
}

/** Of São Paulo, three hours behind UTC. */
const dayOf = (days_ago: number): string =>
  new Date(Date.now() - 3 * 3_600_000 - days_ago * DAY_MS).toISOString().slice(0, 10)

const toBrazilian = (day: string): string => day.split('-').reverse().join('/')
const fromBrazilian = (day: string): string => day.split('/').reverse().join('-')

const HEAD = { codigoRetorno: '0', mensagem: 'CTAS0673 - CONSULTA EFETUADA COM SUCESSO', razaoConta: '00705' }
const OPENING = {
  ...{
    numeroDocumento: '0000000',
    valorLancamento: '0,00',
    sinalLancamento: '+',
    segundaLinhalLancamento: '',
  },
  ...{
    valorSaldoAposLancamento: '1.000,00',
    sinalSaldo: '+',
    tipoLancamento: '01',
    codigoLancamento: '00000',
  },
  descritivoLancamentoAbreviado: 'Saldo Anterior',
  descritivoLancamentoCompleto: 'Saldo Anterior',
}

/** What was before yesterday by the days asked for, yesterday and today whatever they are; a year at most. */
function statement(entries: Entry[], numeroConta: string, query: URLSearchParams): SandboxReply {
  const [from, to] = [dayIn(query, 'dataInicio'), dayIn(query, 'dataFim')]
  if (!from || !to || from > to) return refused(400, '1', 'CTAS0002 - DATA INVALIDA')
  if (!['cc', 'cp'].includes(query.get('tipo') ?? '')) return refused(400, '1', 'CTAS0003 - TIPO INVALIDO')
  if ((Date.parse(to) - Date.parse(from)) / DAY_MS > 366)
    return refused(400, '1', 'PERIODO NAO PERMITIDO - Intervalo maximo de pesquisa permitido: 1 ano')
  const [today, yesterday] = [dayOf(0), dayOf(1)]
  const on = (fits: (day: string) => boolean) =>
    entries.filter(({ dataLancamento }) => fits(fromBrazilian(dataLancamento)))
  const before = on((day) => day >= from && day <= to && day < yesterday)
  const [last, now] = [on((day) => day === yesterday), on((day) => day === today)]
  if (before.length + last.length + now.length === 0)
    return refused(422, '1', 'CTAS0014 - NENHUM REGISTRO ENCONTRADO')
  const opening = { ...OPENING, dataLancamento: toBrazilian(from) }
  return json(200, {
    extratoUltimosLancamentos: {
      ...{ ...HEAD, numeroConta, quantidadeLancamentos: String(last.length + now.length) },
      listaLancamentos: { 'Saldo Anterior': [opening], 'Ultimos Lancamentos': last, 'Lancamentos Dia': now },
    },
    extratoLancamentosFuturos: { ...HEAD, listaLancamentos: { 'Lancamentos Futuros': [] } },
    extratoPorPeriodo: {
      ...{ ...HEAD, numeroConta, quantidadeLancamentos: String(before.length + 1) },
      lstLancamentoMensal: [opening, ...before],
    },
  })
}

function dayIn(query: URLSearchParams, name: string): string | null {
  const [, day, month, year] = /^([0-9]{2})([0-9]{2})([0-9]{4})$/.exec(query.get(name) ?? '') ?? []
  const text = `${year}-${month}-${day}`
  return day !== undefined && !Number.isNaN(Date.parse(text)) ? text : null
}

function balances(entries: Entry[], numeroConta: string): SandboxReply {
  const cents = entries.reduce((sum, { valorLancamento, sinalLancamento }) => {
    const amount = Number(valorLancamento.replace(/[.,]/g, ''))
    return sum + (sinalLancamento === '-' ? -amount : amount)
  }, 100_000)
  const text = `${Math.floor(Math.abs(cents) / 100)}`.replace(/\B(?=(\d{3})+$)/g, '.')
  const valorLancamento = `${text},${String(Math.abs(cents) % 100).padStart(2, '0')}`
  const line = {
    identificadorSaldo: '0',
    dataLancamentoDb2: '',
    valorLancamento,
    sinalSaldo: cents < 0 ? '-' : '+',
  }
  return json(200, {
    ...{ ...HEAD, numeroConta, statusContaCorrente: '0', quantidadeLancamentos: '2' },
    lstLancamentosSaldos: [
      { nomeProduto: 'DISPONIVEL', codigoProduto: 999, ...line },
      { nomeProduto: '= TOTAL DE RECURSOS', codigoProduto: 995, ...line },
    ],
  })
}

const refused = (status: number, codigoRetorno: string, mensagem: string): SandboxReply =>
  json(status, { codigoRetorno, mensagem })
