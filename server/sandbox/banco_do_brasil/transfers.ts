import { json, readJson, remember, type SandboxReply, type SandboxRequest } from '../wire.ts'

/**
 * Banco do Brasil's API Pagamentos em Lote 1 below `/banco_do_brasil/pagamentos-lote/v1`: Pix, TED and credits to its own
 * accounts, released by the API. A number of a request is used once. An account begins with R$ 1.000.000,00; what it
 * cannot pay is rejected (200), as are the e-mail keys of `nobody@` (99). What goes to branch 9999 comes back the day
 * after. `GET /_control/transfers` tells every payment and the balance, `PUT` sets `balance` (cents) and `released`
 * (whether the contract releases by itself), `POST /_control/transfers/day` lets a day pass, and
 * `PUT /_control/transfers/{number}` sets what the payment of a request is told as.
 */
export function createTransfers() {
  const bank: Bank = { requests: new Map(), balance: 100_000_000, released: false }
  return {
    api: (request: SandboxRequest): SandboxReply => api(bank, request),
    control: (request: SandboxRequest): SandboxReply => control(bank, request),
  }
}

type Bank = { requests: Map<number, Request>; balance: number; released: boolean }

/** A request of one payment, which is all that is taken here. */
type Request = {
  numeroRequisicao: number
  is_pix: boolean
  /** As it was sent. */
  item: Sent
  id: string
  errors: number[]
  /** Of the payment. */
  state: string
  cents: number
  reason?: number
  /** How much left the account for it; it comes back with what is returned. */
  debited: number
  is_released: boolean
}

type Sent = Record<string, unknown>

const MOST = 10_000

function api(bank: Bank, { path, method, body }: SandboxRequest): SandboxReply {
  const asked = `${method} ${path.slice('/pagamentos-lote/v1'.length)}`
  const sent = (readJson(body) ?? {}) as Sent
  switch (asked) {
    case 'POST /lotes-transferencias':
      return create(bank, sent, false)
    case 'POST /lotes-transferencias-pix':
      return create(bank, sent, true)
    case 'POST /liberar-pagamentos':
      return release(bank, Number(sent['numeroRequisicao']))
    case 'POST /cancelar-pagamentos':
      return cancel(bank, sent)
    case 'GET /lotes-transferencias':
      return json(200, { indice: 0, transferencias: [] })
  }
  const [, pix, number] = /^GET (\/lotes-transferencias-pix)?\/(\d+)\/solicitacao$/.exec(asked) ?? []
  if (number !== undefined) return batchOf(bank, Number(number), pix !== undefined)
  const [, kind, id] = /^GET \/(pix|transferencias)\/(\d+)$/.exec(asked) ?? []
  if (id !== undefined) return paymentOf(bank, id, kind === 'pix')
  return json(404, { statusCode: 404, error: 'Not Found', message: 'no Route matched' })
}

const refused = (status: number, codigo: string, mensagem: string): SandboxReply =>
  json(status, { erros: [{ codigo, versao: '1', mensagem, ocorrencia: 'CHOPGT' }] })

const NONE = refused(404, '4001', 'Requisição não encontrada')

function create(bank: Bank, sent: Sent, is_pix: boolean): SandboxReply {
  const number = Number(sent['numeroRequisicao'])
  const items = (sent['listaTransferencias'] ?? []) as Sent[]
  const [item] = items
  if (!Number.isInteger(number) || number < 1 || number > 9_999_999)
    return refused(400, '4002', 'Número da requisição inválido')
  if (!item || items.length > 1) return refused(400, '4003', 'Lista de transferências inválida')
  if (!sent['agenciaDebito'] || !sent['contaCorrenteDebito'] || !sent['digitoVerificadorContaCorrente'])
    return refused(400, '4004', 'Conta de débito não informada')
  if (!['126', '127', '128'].includes(String(sent['tipoPagamento'])))
    return refused(400, '4005', 'Tipo de pagamento inválido')
  if (bank.requests.has(number)) return refused(400, '4006', 'Número da requisição já utilizado')
  const errors = is_pix ? pixErrors(item) : transferErrors(item)
  const made: Request = {
    ...{ numeroRequisicao: number, is_pix, item, errors, debited: 0, is_released: false },
    // Eighteen digits, more than a double holds.
    id: `973103${String(number).padStart(8, '0')}0001`,
    state: errors.length > 0 ? 'Inconsistente' : 'Consistente',
    cents: Math.round(Number(is_pix ? item['valor'] : item['valorTransferencia']) * 100),
  }
  remember(bank.requests, number, made, MOST)
  return answer(201, made)
}

function commonErrors(item: Sent, date: unknown, amount: unknown, cpf: unknown, cnpj: unknown): number[] {
  return [
    !date && 6,
    Number(date) > 0 && comparable(Number(date)) < comparable(today()) && 53,
    !(Number(amount) > 0) && 9,
    cpf && cnpj && 16,
    String(item['descricaoPagamento'] ?? item['descricaoTransferencia'] ?? '').length > 40 && 99,
  ].filter((one) => typeof one === 'number')
}

const NEEDED: Record<number, [string, number][]> = {
  1: [
    ['dddTelefone', 94],
    ['telefone', 95],
  ],
  2: [['email', 96]],
  3: [],
  4: [['identificacaoAleatoria', 97]],
  5: [['tipoConta', 98]],
}

function pixErrors(item: Sent): number[] {
  const form = Number(item['formaIdentificacao'])
  const { cpf, cnpj } = item
  return [
    ...commonErrors(item, item['data'], item['valor'], cpf, cnpj),
    ...(String(item['descricaoPagamentoInstantaneo'] ?? '').length > 35 ? [99] : []),
    ...(NEEDED[form] ?? [['formaIdentificacao', 93] as [string, number]]).flatMap(([name, code]) =>
      NEEDED[form] && item[name] ? [] : [code],
    ),
    ...((form === 3 || form === 5) && !cpf && !cnpj ? [17] : []),
    ...(form === 5 ? bankErrors(item) : []),
  ]
}

function bankErrors(item: Sent): number[] {
  const [compe, ispb] = [Number(item['numeroCOMPE'] ?? 0), Number(item['numeroISPB'] ?? 0)]
  if (compe > 0 && ispb > 0) return [11]
  return compe === 0 && ispb === 0 ? [10] : []
}

function transferErrors(item: Sent): number[] {
  const { cpfBeneficiario: cpf, cnpjBeneficiario: cnpj, codigoFinalidadeTED: purpose } = item
  const is_own = Number(item['numeroCOMPE']) === 1
  return [
    ...commonErrors(item, item['dataTransferencia'], item['valorTransferencia'], cpf, cnpj),
    ...bankErrors(item),
    ...(item['agenciaCredito'] ? [] : [1]),
    ...(item['contaCorrenteCredito'] ? [] : [23]),
    ...(item['digitoVerificadorContaCorrente'] === undefined ? [3] : []),
    ...(cpf || cnpj ? [] : [17]),
    ...(is_own && purpose ? [29] : []),
    ...(!is_own && !purpose ? [12] : []),
  ]
}

const toNumber = (at: Date): number => {
  const [year = 0, month = 0, day = 0] = SAO_PAULO.format(at).split('-').map(Number)
  return day * 1_000_000 + month * 10_000 + year
}
const SAO_PAULO = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Sao_Paulo' })
const today = (): number => toNumber(new Date())

/** DDMMAAAA as AAAAMMDD. */
const comparable = (number: number): number =>
  (number % 10_000) * 10_000 + (Math.floor(number / 10_000) % 100) * 100 + Math.floor(number / 1_000_000)

const BATCH_STATES: Record<string, number> = { Consistente: 1, Inconsistente: 3, Pendente: 4, Agendado: 5 }

function answer(status: number, made: Request): SandboxReply {
  const { is_pix, item, errors, state, cents } = made
  const accepted = errors.length > 0 ? 'N' : 'S'
  const told = is_pix
    ? { identificadorPagamento: mark(made), ...item, indicadorMovimentoAceito: accepted, erros: errors }
    : { identificadorTransferencia: mark(made), ...item, indicadorAceite: accepted, erros: errors }
  const valid = errors.length > 0 ? 0 : 1
  return raw(status, {
    ...(is_pix && { numeroRequisicao: made.numeroRequisicao }),
    estadoRequisicao: BATCH_STATES[state] ?? 6,
    quantidadeTransferencias: 1,
    valorTransferencias: cents / 100,
    quantidadeTransferenciasValidas: valid,
    valorTransferenciasValidas: (valid * cents) / 100,
    [is_pix ? 'listaTransferencias' : 'transferencias']: [told],
  })
}

const mark = ({ id }: Request): string => `#${id}#`

/** Ids are numbers there, of more digits than JavaScript writes. */
function raw(status: number, value: unknown): SandboxReply {
  const reply = json(status, value)
  return { ...reply, body: String(reply.body).replace(/"#(\d+)#"/g, '$1') }
}

/** The answer of the request, with where it stands by now. */
function batchOf(bank: Bank, number: number, is_pix: boolean): SandboxReply {
  const made = bank.requests.get(number)
  if (!made || made.is_pix !== is_pix) return NONE
  goOn(bank, made)
  if (is_pix) return answer(200, made)
  const { item, errors, state, cents } = made
  const { descricaoTransferencia: descricaoPagamento, ...rest } = item
  const payment = {
    identificadorPagamento: mark(made),
    ...rest,
    valorPagamento: cents / 100,
    descricaoPagamento,
  }
  const accepted = { indicadorAceite: errors.length > 0 ? 'N' : 'S', erros: errors }
  return raw(200, { estadoRequisicao: BATCH_STATES[state] ?? 6, pagamentos: [{ ...payment, ...accepted }] })
}

function paymentOf(bank: Bank, id: string, is_pix: boolean): SandboxReply {
  const made = [...bank.requests.values()].find((one) => one.id === id && one.is_pix === is_pix)
  if (!made) return NONE
  goOn(bank, made)
  const { state, cents, reason, item } = made
  const about = {
    estadoPagamento: state,
    valorPagamento: cents / 100,
    ...(state === 'Pago' && { [RECEIPT[String(is_pix)] ?? '']: `F.${made.id.slice(-9)}` }),
    ...(is_pix && { descricaoPagamento: item['descricaoPagamento'] }),
    listaDevolucao:
      reason === undefined && state !== 'Devolvido'
        ? []
        : [{ codigoMotivo: reason ?? 0, valorDevolucao: state === 'Devolvido' ? cents / 100 : 0 }],
  }
  return raw(200, { id: mark(made), ...about })
}

const RECEIPT: Record<string, string> = {
  true: 'autenticacaoPagamento',
  false: 'codigoAutenticacaoPagamento',
}

/** One step each time it is looked at. */
function goOn(bank: Bank, made: Request): void {
  if (made.state === 'Consistente') made.state = 'Pendente'
  else if (made.state === 'Pendente' && (made.is_released || bank.released)) pay(bank, made)
  else if (made.state === 'Agendado') pay(bank, made)
}

function pay(bank: Bank, made: Request): void {
  const { item, cents } = made
  const date = Number(item['data'] ?? item['dataTransferencia'])
  if (comparable(date) > comparable(today())) made.state = 'Agendado'
  else if (cents > bank.balance) Object.assign(made, { state: 'Rejeitado', reason: 200 })
  else if (String(item['email'] ?? '').startsWith('nobody@'))
    Object.assign(made, { state: 'Rejeitado', reason: 99 })
  else {
    Object.assign(made, { state: 'Pago', debited: made.debited + cents })
    bank.balance -= cents
  }
}

function release(bank: Bank, number: number): SandboxReply {
  const made = bank.requests.get(number)
  if (!made) return NONE
  if (!['Consistente', 'Pendente', 'Agendado'].includes(made.state))
    return refused(400, '4007', 'Requisição não pode ser liberada')
  made.is_released = true
  return json(200, {})
}

function cancel(bank: Bank, sent: Sent): SandboxReply {
  const [asked] = (sent['listaPagamentos'] ?? []) as { codigoPagamento?: string }[]
  const made = [...bank.requests.values()].find(({ id }) => id === String(asked?.codigoPagamento))
  if (!made) return NONE
  const is_open = ['Consistente', 'Pendente', 'Agendado'].includes(made.state) && !made.is_released
  if (is_open) made.state = 'Cancelado'
  const told = {
    indicadorCancelamento: is_open ? 'S' : 'N',
    estadoPagamento: made.state,
    estadoCancelamento: is_open ? 'Cancelado' : 'Pagamento não pode mais ser cancelado',
  }
  return raw(200, { pagamentos: [{ codigoPagamento: mark(made), ...told }] })
}

function control(bank: Bank, { path, method, body }: SandboxRequest): SandboxReply {
  const [, , , at] = path.split('/')
  const told = (readJson(body) ?? {}) as Record<string, never>
  if (at === 'day') nextDay(bank)
  else if (at !== undefined) Object.assign(bank.requests.get(Number(at)) ?? {}, told)
  else if (method === 'PUT') Object.assign(bank, told)
  return json(200, { balance: bank.balance, requests: [...bank.requests.values()] })
}

/** What went to branch 9999 comes back. */
function nextDay(bank: Bank): void {
  for (const made of bank.requests.values()) {
    if (made.state !== 'Pago' || Number(made.item['agenciaCredito'] ?? made.item['agencia']) !== 9999)
      continue
    Object.assign(made, { state: 'Devolvido', reason: 215, debited: 0 })
    bank.balance += made.cents
  }
}
