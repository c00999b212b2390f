import { randomUUID } from 'node:crypto'
import { json, readJson, remember, type SandboxReply, type SandboxRequest } from '../wire.ts'

/**
 * Itaú's API Cash Management 1 (SISPAG) below `/itau/sispag/v1`: Pix by key and by account, the list of payments and one
 * of them. What is taken waits to be made ("Pendente de efetivacao") until it was looked at; the same sent twice is paid
 * twice. The account begins with R$ 1.000.000,00; what it cannot pay is refused at once, and the e-mail keys of `nobody@`
 * when it looks. `GET /itau/_control/transfers` tells every payment and the balance, `PUT` sets `balance` (cents) and
 * `hidden` (whether the list shows none).
 */
export function createTransfers() {
  const bank: Bank = { payments: new Map(), balance: 100_000_000, hidden: false }
  return {
    api: (request: SandboxRequest): SandboxReply => api(bank, request),
    control: ({ method, body }: SandboxRequest): SandboxReply => {
      if (method === 'PUT') Object.assign(bank, readJson(body))
      return json(200, { balance: bank.balance, payments: [...bank.payments.values()] })
    },
  }
}

type Bank = { payments: Map<string, Made>; balance: number; hidden: boolean }
type Sent = Record<string, unknown>
type Made = {
  id_pagamento: string
  status: string
  motivo: string
  sent: Sent
  debited: number
  cents: number
}

const MOST = 10_000
const ROOT = '/sispag/v1'

function api(bank: Bank, { path, method, body, query, headers }: SandboxRequest): SandboxReply {
  if (!headers['x-itau-apikey']) return json(401, { message: 'x-itau-apikey is missing' })
  if (method === 'POST' && path === `${ROOT}/transferencias`)
    return create(bank, (readJson(body) ?? {}) as Sent)
  if (method === 'GET' && path === `${ROOT}/pagamentos_sispag`) return list(bank, query)
  const made = bank.payments.get(path.slice(`${ROOT}/pagamentos_sispag/`.length))
  if (method !== 'GET' || !made) return json(404, { mensagem: 'Pagamento não encontrado' })
  goOn(bank, made)
  const { nome_favorecido, ...payment } = told(made)
  return json(200, {
    data: {
      dados_debito: { numero_agencia_debito: '2937' },
      dados_pagamento: { ...payment, nome_favorecido },
      historico_pagamento: [],
    },
  })
}

const NEEDED = ['valor_pagamento', 'data_pagamento', 'pagador']
const BY_ACCOUNT = ['ispb', 'tipo_identificacao_conta', 'agencia_recebedor', 'conta_recebedor']
const LONGEST: Record<string, number> = {
  chave: 76,
  informacoes_entre_usuarios: 140,
  referencia_empresa: 20,
  identificacao_comprovante: 100,
}

function create(bank: Bank, sent: Sent): SandboxReply {
  const needed = [...NEEDED, ...(sent['chave'] ? [] : [...BY_ACCOUNT, 'identificacao_recebedor'])]
  const faults = [
    ...needed.filter((campo) => !sent[campo]).map((campo) => ({ campo, erro: 'Campo obrigatório' })),
    ...Object.entries(LONGEST)
      .filter(([campo, most]) => String(sent[campo] ?? '').length > most)
      .map(([campo, most]) => ({ campo, erro: `Tamanho máximo ${most}` })),
    ...(/^[0-9]{1,15}\.[0-9]{2}$/.test(String(sent['valor_pagamento']))
      ? []
      : [{ campo: 'valor_pagamento', erro: 'Formato inválido' }]),
    ...(/^[0-9]{8}$/.test(String((sent['pagador'] as Sent | undefined)?.['conta']))
      ? []
      : [{ campo: 'pagador.conta', erro: 'Formato inválido' }]),
  ]
  if (faults.length > 0) return json(400, faults)
  const cents = Math.round(Number(sent['valor_pagamento']) * 100)
  const { valor_pagamento, data_pagamento, referencia_empresa } = sent
  const about = { tipo_pagamento: 'PIX Transferências', valor_pagamento, data_pagamento, referencia_empresa }
  if (cents > bank.balance)
    return json(200, {
      ...about,
      status_pagamento: 'Rejeitado',
      motivo_recusa: [{ codigo: '1', nome: 'Saldo insuficiente' }],
    })
  const id_pagamento = randomUUID().toUpperCase()
  const made = { id_pagamento, status: 'Pendente de efetivacao', motivo: '', sent, debited: 0, cents }
  remember(bank.payments, id_pagamento, made, MOST)
  return json(200, { ...about, status_pagamento: 'Sucesso', cod_pagamento: id_pagamento })
}

const told = ({ id_pagamento, status, motivo, sent }: Made) => ({
  ...{ id_pagamento, status, motivo, nome_favorecido: 'FULANO DE TAL' },
  valor_pagamento: sent['valor_pagamento'],
  data_pagamento: sent['data_pagamento'],
  referencia_empresa: sent['referencia_empresa'],
})

function list(bank: Bank, query: URLSearchParams): SandboxReply {
  const missing = ['agencia_operacao', 'conta_operacao', 'cnpj_empresa', 'tipo_lista'].find(
    (name) => !query.get(name),
  )
  if (missing) return json(400, [{ campo: missing, erro: 'Campo obrigatório' }])
  const [from, to] = [query.get('data_inicial') ?? '', query.get('data_final') ?? '9999']
  const reference = query.get('referencia_empresa')
  const found = [...(bank.hidden ? [] : bank.payments.values())].filter(({ sent }) => {
    const day = String(sent['data_pagamento'])
    return day >= from && day <= to && (!reference || sent['referencia_empresa'] === reference)
  })
  return json(200, { data: { itens: found.map(told), total: '0.00', page: 0, page_size: 50 } })
}

function goOn(bank: Bank, made: Made): void {
  if (made.status !== 'Pendente de efetivacao') return
  if (String(made.sent['chave'] ?? '').startsWith('nobody@')) {
    Object.assign(made, { status: 'Não Efetuado', motivo: 'Chave não encontrada' })
    return
  }
  made.status = 'Efetuado'
  made.debited += made.cents
  bank.balance -= made.cents
}
