import { json, readJson, remember, type SandboxReply, type SandboxRequest } from '../wire.ts'

/**
 * Bradesco's API Pix Transferência below `/bradesco/v1/spi`, its tokens at `/bradesco/auth/server/oauth/token` by Basic.
 * An id is used once. The account begins with R$ 1.000.000,00; what it cannot pay is rejected (1658), as are the e-mail
 * keys of `nobody@` (1656), and what goes to a key of `slow@` is in process until it was looked at.
 * `GET /bradesco/_control/transfers` tells every transfer and the balance, `PUT` sets `balance` (cents).
 */
export function createTransfers() {
  const bank: Bank = { transfers: new Map(), balance: 100_000_000 }
  return {
    api: (request: SandboxRequest): SandboxReply => api(bank, request),
    control: ({ method, body }: SandboxRequest): SandboxReply => {
      if (method === 'PUT') Object.assign(bank, readJson(body))
      return json(200, { balance: bank.balance, transfers: [...bank.transfers.values()] })
    },
  }
}

type Bank = { transfers: Map<string, Made>; balance: number }
type Sent = Record<string, unknown>
type Made = Sent & { idTransacao: string; status: string; debited: number; cents: number }

const MOST = 10_000

function api(bank: Bank, { path, method, body }: SandboxRequest): SandboxReply {
  if (method === 'POST' && path === '/v1/spi/solicitar-transferencia')
    return create(bank, (readJson(body) ?? {}) as Sent)
  const [, id] = /^\/v1\/spi\/consulta\/transferencia\/([a-zA-Z0-9]{1,35})(?:\/[^/]+)?$/.exec(path) ?? []
  const made = id === undefined ? undefined : bank.transfers.get(id)
  if (method !== 'GET' || !made)
    return refused(404, 'PgtoTransferenciaNaoEncontrada', 'Transferência não encontrada')
  if (made.status === 'EM_PROCESSAMENTO') pay(bank, made)
  return json(200, told(made))
}

const refused = (status: number, type: string, detail: string): SandboxReply =>
  json(status, {
    type: `https://pix.bcb.gov.br/api/v2/error/${type}`,
    title: 'Transferência inválida',
    status,
    detail,
  })

const invalid = (detail: string) => refused(400, 'PgtoTransferenciaOperacaoInvalida', detail)

const KEY_FORMS: Record<string, RegExp> = {
  TELEFONE: /^\+55[1-9][0-9]{10}$/,
  EMAIL: /^[^@\s]+@[^@\s]+$/,
  CPFCNPJ: /^([0-9]{11}|[0-9A-Z]{12}[0-9]{2})$/,
  EVP: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
}

function create(bank: Bank, sent: Sent): SandboxReply {
  const { idtransacao: id, valor, descricao } = sent
  const pagador = (sent['pagador'] ?? {}) as Sent
  const recebedor = (sent['recebedor'] ?? {}) as Sent
  const key = String(recebedor['chavePix'] ?? '')
  if (!/^[a-zA-Z0-9]{1,35}$/.test(String(id ?? ''))) return invalid('O campo idtransacao é inválido')
  if (!/^[0-9]+\.[0-9]{2}$/.test(String(valor))) return invalid('O campo valor deve estar no formato 0.00')
  if (!pagador['agencia'] || !pagador['conta'] || !pagador['cpfCnpj'])
    return invalid('Dados do pagador incompletos')
  if (!KEY_FORMS[String(recebedor['tipoChave'])]?.test(key)) return invalid('Chave Pix do recebedor inválida')
  if (String(descricao ?? '').length > 30) return invalid('O campo descricao excede 30 posições')
  if (bank.transfers.has(String(id))) return invalid('ID da transação já utilizado')
  const made: Made = {
    ...{ pagador, recebedor, valor, ...(descricao !== undefined && { descricao }) },
    ...{ idTransacao: String(id), status: 'EM_PROCESSAMENTO', dataCriacao: new Date().toISOString() },
    e2e: `E60746948${String(bank.transfers.size).padStart(23, '0')}`,
    ...{ debited: 0, cents: Math.round(Number(valor) * 100) },
  }
  remember(bank.transfers, made.idTransacao, made, MOST)
  if (!key.startsWith('slow@')) pay(bank, made)
  return json(made.status === 'CONCLUIDO' ? 200 : 202, told(made))
}

function pay(bank: Bank, made: Made): void {
  const { chavePix } = made['recebedor'] as Sent
  const no = (codigoMotivo: string, motivo: string) =>
    Object.assign(made, { status: 'REJEITADO', codigoMotivo, motivo })
  if (made.cents > bank.balance) no('1658', 'CONTA NAO POSSUI SALDO SUFICIENTE')
  else if (String(chavePix).startsWith('nobody@')) no('1656', 'CONTA DE CREDITO NAO ENCONTRADA')
  else {
    Object.assign(made, { status: 'CONCLUIDO', motivo: 'Transação efetuada com sucesso' })
    made.debited += made.cents
    bank.balance -= made.cents
  }
}

const told = ({ debited: _debited, cents: _cents, ...made }: Made) => made
