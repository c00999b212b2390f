import type { Settings } from '../../kit/fields.ts'
import { type Refusal, reasonOfStatus } from '../../kit/news.ts'
import { get, type OperationRequest, path, post } from '../../kit/provider.ts'
import { read } from '../../kit/reads.ts'
import type {
  CreateTransfer,
  Destination,
  FindTransfer,
  FindTransferByReference,
  VendorTransfer,
} from '../../kit/transfers.ts'
import { Problem } from '../../platform/errors.ts'
import { type Money, moneyFromDecimal, toDecimal } from '../../platform/money.ts'
import { type Detail, Faults, type Payment, type Payments, Refused, type Taken } from './wire.ts'

/** `1234/56789-0`, the account in eight digits with its check digit. */
export const DEBIT_ACCOUNT = '[0-9]{1,4}/[0-9]{1,7}-[0-9]'

function accountIn({ debit_account }: Settings): { branch: string; number: string } {
  const [branch = '', account = ''] = String(debit_account).split('/')
  return { branch: branch.padStart(4, '0'), number: account.replace('-', '').padStart(8, '0') }
}

/** The bank keeps twenty signs: the last of our id, which are its random ones. */
const referenceAt = (reference: string): string => reference.slice(-20)

const personOf = (document: string): 'F' | 'J' => (document.length === 11 ? 'F' : 'J')

export function createRequest(wanted: CreateTransfer, settings: Settings): OperationRequest {
  const { destination, reference, money, date, description } = wanted
  const { branch, number } = accountIn(settings)
  const document = String(settings['document'])
  return post('/transferencias', {
    valor_pagamento: toDecimal(money),
    data_pagamento: date,
    ...(destination.pix_key === undefined ? byAccount(destination) : { chave: destination.pix_key }),
    ...(description !== undefined && { informacoes_entre_usuarios: description }),
    referencia_empresa: referenceAt(reference),
    identificacao_comprovante: reference,
    pagador: {
      tipo_conta: 'CC',
      ...{ agencia: branch, conta: number, tipo_pessoa: personOf(document), documento: document },
      modulo_sispag: 'Fornecedores',
    },
  })
}

const KINDS = { checking: 'CC', payment: 'CP', savings: 'PP' }

function byAccount({ account, document }: Destination): object {
  if (!account?.bank_code || document === undefined)
    throw new Problem('invalid_request', {
      field: 'destination',
      detail: 'destination needs a pix_key, or an account with its bank_code and whose it is',
    })
  const { bank_code, branch, number, check_digit, kind = 'checking' } = account
  return {
    ispb: bank_code,
    tipo_identificacao_conta: KINDS[kind],
    agencia_recebedor: branch,
    conta_recebedor: `${number}${check_digit}`,
    tipo_de_identificacao_do_recebedor: personOf(document),
    identificacao_recebedor: document,
  }
}

function listed(settings: Settings, from: string, to: string, more: Record<string, string> = {}) {
  const { branch, number } = accountIn(settings)
  return get('/pagamentos_sispag', {
    ...{ agencia_operacao: branch, conta_operacao: number, cnpj_empresa: String(settings['document']) },
    ...{ tipo_lista: 'Detalhada', status: 'TD', data_inicial: from, data_final: to },
    ...more,
  })
}

/** The day it was sent and the one after: it may have gone out at midnight. */
export function findByReferenceRequest(
  { reference, date }: FindTransferByReference,
  settings: Settings,
): OperationRequest {
  if (date === undefined)
    throw new Problem('invalid_request', {
      field: 'date',
      detail: 'Itaú finds nothing without the day: date',
    })
  const next = new Date(Date.parse(date) + 86_400_000).toISOString().slice(0, 10)
  return listed(settings, date, next, { referencia_empresa: referenceAt(reference) })
}

export const findRequest = ({ vendor_id }: FindTransfer): OperationRequest =>
  get(path`/pagamentos_sispag/${vendor_id}`)

/** The payments of a day long past. */
export const testRequest = (settings: Settings): OperationRequest =>
  listed(settings, '2024-01-02', '2024-01-02')

const plain = (word: string): string =>
  word
    .trim()
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')

/** That it was taken says nothing of whether it was made: that says the payment itself, when it is asked for. */
const REFUSED = new Set(['rejeitado', 'nao incluido'])

export function toTaken({ status_pagamento: word = null, ...told }: Taken): VendorTransfer {
  const { cod_pagamento, valor_pagamento, motivo_recusa } = told
  const [first] = motivo_recusa ?? []
  const money = reais(valor_pagamento)
  return {
    ...(cod_pagamento && { vendor_id: cod_pagamento }),
    ...(money && { money }),
    ...{ word, status: REFUSED.has(plain(word ?? '')) ? 'failed' : 'pending' },
    ...(REFUSED.has(plain(word ?? '')) && { failure: toFailure(first?.codigo, first?.nome) }),
  }
}

const reais = (value: string | number | null | undefined): Money | undefined =>
  value === null || value === undefined ? undefined : moneyFromDecimal(String(value), 'BRL')

const STATUSES = new Map<string, VendorTransfer['status']>([
  ['efetuado', 'completed'],
  ['ef', 'completed'],
  ['nao efetuado', 'failed'],
  ['ne', 'failed'],
  ['rejeitado em arquivo', 'failed'],
])

export function toFound({ data }: Payments, { reference }: FindTransferByReference): VendorTransfer | null {
  const ours = data.itens.find(
    ({ referencia_empresa }) => referencia_empresa?.trim() === referenceAt(reference),
  )
  if (!ours) return null
  return { ...toTransfer(ours), ...(ours.id_pagamento && { vendor_id: ours.id_pagamento }), reference }
}

export const toDetail = ({ data }: Detail, { vendor_id }: FindTransfer): VendorTransfer => ({
  ...toTransfer(data.dados_pagamento),
  vendor_id,
})

function toTransfer({ status: word = null, motivo, valor_pagamento }: Payment): VendorTransfer {
  const status = STATUSES.get(plain(word ?? '')) ?? 'pending'
  const money = reais(valor_pagamento)
  return {
    status,
    word,
    ...(money && { money }),
    ...(status === 'failed' && { failure: toFailure(null, motivo) }),
  }
}

/** No list of its reasons is public: what it says of money and of limits is read, the rest is told as it is. */
function toFailure(code: string | null | undefined, words: string | null | undefined): Refusal {
  const is_money = /saldo/i.test(words ?? '')
  const is_limit = /limite/i.test(words ?? '')
  return {
    reason: is_money ? 'insufficient_funds' : is_limit ? 'limit_exceeded' : 'unknown',
    code: code ?? null,
    message: words ?? null,
  }
}

export function toRefusal(status: number, body: unknown): Refusal {
  const reason = status === 409 ? 'duplicate' : reasonOfStatus(status)
  const faults = read(Faults, body)
  if (faults.ok) return { reason, code: null, message: inWords(faults.value) }
  const told = read(Refused, body)
  const { mensagem, message, detail, codigo, campos } = told.ok ? told.value : {}
  const words = [mensagem ?? message ?? detail, inWords(campos ?? [])].filter(Boolean)
  return { reason, code: codigo ?? null, message: words.length === 0 ? null : words.join('; ') }
}

const inWords = (
  faults: { campo?: string | null; erro?: string | null; mensagem?: string | null }[],
): string =>
  faults.map(({ campo, erro, mensagem }) => [campo, erro ?? mensagem].filter(Boolean).join(': ')).join('; ')
