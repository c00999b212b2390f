import { createOAuth } from '../oauth.ts'
import { json, numberIn, readJson, remember, type SandboxReply, type SandboxRequest } from '../wire.ts'
import { createTransfers } from './transfers.ts'

/**
 * Banco do Brasil's API Extratos 1.0 (developers.bb.com.br) below `/banco_do_brasil/extratos/v1`, its tokens at
 * `/banco_do_brasil/oauth/token` for any client with the secret `sandbox-secret`. Every account is there and begins
 * with a few entries; `PUT /banco_do_brasil/_control/{branch}/{number}` sets them, as the API tells them.
 * What it pays stands in `transfers.ts`.
 */
export function createBancoDoBrasil(): (request: SandboxRequest) => SandboxReply {
  const books = new Map<string, Entry[]>()
  const oauth = createOAuth()
  const transfers = createTransfers()
  return (request) => {
    if (request.path.startsWith('/oauth/')) return oauth.vendor({ ...request, path: request.path.slice(6) })
    if (/^\/_control\/transfers(\/|$)/.test(request.path)) return transfers.control(request)
    if (request.path.startsWith('/_control/')) return control(books, request)
    const [, token = ''] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? []
    if (!oauth.isLive(token)) return gateway(401, 'Unauthorized', 'Bad Credentials')
    if (!request.query.get('gw-dev-app-key')) return gateway(401, 'Unauthorized', 'Missing gw-dev-app-key')
    if (request.path.startsWith('/pagamentos-lote/v1/')) return transfers.api(request)
    const [, branch, number] =
      /^\/extratos\/v1\/conta-corrente\/agencia\/([0-9]{1,4})\/conta\/([0-9]{1,11})$/.exec(request.path) ?? []
    if (branch === undefined || number === undefined || request.method !== 'GET')
      return gateway(404, 'Not Found', 'no Route matched')
    return statement(entriesOf(books, `${Number(branch)}/${Number(number)}`), request.query)
  }
}

/** As the API writes it; the day is DDMMAAAA as a number. */
type Entry = { dataLancamento: number; [field: string]: unknown }

const MOST_ACCOUNTS = 1_000

function control(books: Map<string, Entry[]>, { path, method, body }: SandboxRequest): SandboxReply {
  const [, , branch, number] = path.split('/')
  const account = `${Number(branch)}/${Number(number)}`
  if (method === 'PUT') remember(books, account, (readJson(body) ?? []) as Entry[], MOST_ACCOUNTS)
  return json(200, entriesOf(books, account))
}

function entriesOf(books: Map<string, Entry[]>, account: string): Entry[] {
  const known = books.get(account)
  if (known) return known
  const made = [1, 2, 3, 5, 8].map((days_ago, at) => entryOf(account, days_ago, at))
  remember(books, account, made, MOST_ACCOUNTS)
  return made
}

const TOLD = [
  ['Pix - Enviado', 144, 'D', 45.9],
  ['Pix - Recebido', 821, 'C', 1_250],
  ['Pagamento de Boleto', 109, 'D', 312.07],
  ['Compra com Cartão', 435, 'D', 23.5],
  ['Tarifa Pacote de Serviços', 310, 'D', 74.3],
] as const

function entryOf(account: string, days_ago: number, at: number): Entry {
  const [text, code, sign, amount] = TOLD[at % TOLD.length] ?? TOLD[0]
  return {
    indicadorTipoLancamento: '1',
    dataLancamento: toNumber(new Date(Date.now() - days_ago * 86_400_000)),
    dataMovimento: 0,
    codigoAgenciaOrigem: Number(account.split('/')[0]),
    numeroLote: 14_397,
    numeroDocumento: 10_000 + at,
    codigoHistorico: code,
    textoDescricaoHistorico: text,
    valorLancamento: amount,
    indicadorSinalLancamento: sign,
    textoInformacaoComplementar: '',
    numeroCpfCnpjContrapartida: 0,
    indicadorTipoPessoaContrapartida: '',
    codigoBancoContrapartida: 0,
    codigoAgenciaContrapartida: 0,
    numeroContaContrapartida: '',
    textoDvContaContrapartida: '',
  }
}

const toNumber = (at: Date): number =>
  at.getUTCDate() * 1_000_000 + (at.getUTCMonth() + 1) * 10_000 + at.getUTCFullYear()

/** DDMMAAAA as AAAAMMDD, which can be compared. */
const comparable = (number: number): number =>
  (number % 10_000) * 10_000 + (Math.floor(number / 10_000) % 100) * 100 + Math.floor(number / 1_000_000)

const LONGEST_DAYS = 31

/** Without dates, the last thirty days; with them both, and no more than 31. */
function statement(entries: Entry[], query: URLSearchParams): SandboxReply {
  const [first, last] = [query.get('dataInicioSolicitacao'), query.get('dataFimSolicitacao')]
  if ((first === null) !== (last === null))
    return refused('As duas datas da solicitação devem ser informadas')
  const now = Date.now()
  const from = first === null ? toNumber(new Date(now - 30 * 86_400_000)) : Number(first)
  const to = last === null ? toNumber(new Date(now)) : Number(last)
  const days = (dayOf(to) - dayOf(from)) / 86_400_000 + 1
  if (Number.isNaN(days) || days < 1) return refused('Período da solicitação inválido')
  if (days > LONGEST_DAYS) return refused('Período máximo entre as datas: 31 dias')
  const told = entries
    .filter(
      ({ dataLancamento: at }) => comparable(at) >= comparable(from) && comparable(at) <= comparable(to),
    )
    .sort((a, b) => comparable(a.dataLancamento) - comparable(b.dataLancamento))
  return page([balance(from, 'Saldo Anterior', 0), ...told, balance(to, 'S A L D O', 999)], query)
}

const dayOf = (number: number): number => {
  const text = String(comparable(number))
  return Date.parse(`${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}`)
}

const balance = (at: number, text: string, code: number): Entry => ({
  ...{
    indicadorTipoLancamento: '1',
    dataLancamento: at,
    numeroLote: 0,
    numeroDocumento: 0,
    codigoHistorico: code,
  },
  ...{ textoDescricaoHistorico: text, valorLancamento: 1_000.5, indicadorSinalLancamento: 'C' },
})

/** Of 50 to 200 entries. */
function page(entries: Entry[], query: URLSearchParams): SandboxReply {
  const size = Math.max(50, numberIn(query, 'quantidadeRegistroPaginaSolicitacao', 200, 200))
  const pages = Math.max(1, Math.ceil(entries.length / size))
  const at = Math.max(1, numberIn(query, 'numeroPaginaSolicitacao', 1, pages))
  const shown = entries.slice((at - 1) * size, at * size)
  return json(200, {
    numeroPaginaAtual: at,
    quantidadeRegistroPaginaAtual: shown.length,
    numeroPaginaAnterior: at - 1,
    numeroPaginaProximo: at < pages ? at + 1 : 0,
    quantidadeTotalPagina: pages,
    quantidadeTotalRegistro: entries.length,
    listaLancamento: shown,
  })
}

const refused = (mensagem: string): SandboxReply =>
  json(400, { erros: [{ codigo: '4769514', versao: '1', mensagem, ocorrencia: 'CHOEXTR' }] })

const gateway = (statusCode: number, error: string, message: string): SandboxReply =>
  json(statusCode, { statusCode, error, message, attributes: { error } })
