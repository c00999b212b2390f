import { pixKeyType } from '../../kit/brazil/pix.ts'
import type { Settings } from '../../kit/fields.ts'
import { type Refusal, type RefusalReason, reasonOfStatus } from '../../kit/news.ts'
import { get, type OperationRequest, path, post } from '../../kit/provider.ts'
import { read } from '../../kit/reads.ts'
import type { CreateTransfer, VendorTransfer } from '../../kit/transfers.ts'
import { Problem } from '../../platform/errors.ts'
import { moneyFromDecimal, toDecimal } from '../../platform/money.ts'
import { Refused, type Transfer } from './wire.ts'

/** Letters and digits alone, which is what the bank takes. */
const idOf = (reference: string): string => reference.replace('_', '')
const referenceOf = (id: string): string => id.replace(/^trf(?=[0-9a-z]{26}$)/, 'trf_')

const refused = (field: string, detail: string) => new Problem('invalid_request', { field, detail })

/** `3877/20220`, as the bank's contract writes the account. */
export const DEBIT_ACCOUNT = '[0-9]{1,4}/[0-9]{1,13}'

/** The owner's document goes along where it is known: the bank refuses a key of another. */
export function createRequest(wanted: CreateTransfer, settings: Settings): OperationRequest {
  const { destination, reference, money, description } = wanted
  const { pix_key, name, document } = destination
  if (pix_key === undefined)
    throw refused(
      'destination.pix_key',
      'how the bank takes a Pix to an account is not published; send it to a key',
    )
  const [agencia = '', conta = ''] = String(settings['debit_account']).split('/')
  return post('/v1/spi/solicitar-transferencia', {
    idtransacao: idOf(reference),
    valor: toDecimal(money),
    pagador: { agencia, conta, cpfCnpj: settings['document'], tipoConta: 'CONTA_CORRENTE' },
    recebedor: {
      tipoChave: typeOf(pix_key),
      chavePix: pix_key,
      ...(name !== undefined && { nomeFavorecido: name }),
      ...(document !== undefined && { cpfCnpj: document }),
    },
    ...(description !== undefined && { descricao: [...description].slice(0, LONGEST_TEXT).join('') }),
  })
}

const LONGEST_TEXT = 30

const KEY_TYPES = { cpf: 'CPFCNPJ', cnpj: 'CPFCNPJ', phone: 'TELEFONE', email: 'EMAIL', evp: 'EVP' }

function typeOf(key: string): string {
  const type = pixKeyType(key)
  if (type === null) throw refused('destination.pix_key', 'it is no Pix key')
  return KEY_TYPES[type]
}

export const findRequest = (id: string): OperationRequest =>
  get(path`/v1/spi/consulta/transferencia/${idOf(id)}`)

const STATUSES = new Map<string, VendorTransfer['status']>([
  ['CONCLUIDO', 'completed'],
  ['REJEITADO', 'failed'],
])

export function toTransfer(told: Transfer): VendorTransfer {
  const { idTransacao, e2e, valor, status: word = null, motivo, codigoMotivo } = told
  const status = STATUSES.get(word ?? '') ?? 'pending'
  return {
    ...(idTransacao && { vendor_id: idTransacao, reference: referenceOf(idTransacao) }),
    ...{ status, word },
    ...(e2e && { end_to_end_id: e2e }),
    ...(valor && { money: moneyFromDecimal(String(valor), 'BRL') }),
    ...(status === 'failed' && { failure: toFailure(codigoMotivo, motivo) }),
  }
}

/** By its words: the codes are written in two lengths in what is published of them. */
const REASONS: [RegExp, RefusalReason][] = [
  [/saldo/i, 'insufficient_funds'],
  [/limite/i, 'limit_exceeded'],
  [/seguran[çc]a/i, 'fraud_suspected'],
  [/indispon[íi]vel/i, 'vendor_unavailable'],
  [/restri[çc][ãa]o|permiss[ãa]o|permitid|permite/i, 'not_permitted'],
  [/inv[áa]lid|n[ãa]o encontrad|igual/i, 'invalid_request'],
]

function toFailure(code: Transfer['codigoMotivo'], words: Transfer['motivo']): Refusal {
  const found = REASONS.find(([form]) => form.test(words ?? ''))
  return {
    reason: found?.[1] ?? 'unknown',
    code: code === null || code === undefined ? null : String(code),
    message: words ?? null,
  }
}

export function toRefusal(status: number, body: unknown): Refusal {
  const told = read(Refused, body)
  const { type, title, detail, violacoes } = told.ok ? told.value : {}
  const about = (violacoes ?? []).map(({ propriedade, razao }) =>
    [propriedade, razao].filter(Boolean).join(': '),
  )
  const words = [detail ?? title, ...about].filter(Boolean).join('; ')
  return {
    reason: USED_BEFORE.test(words) ? 'duplicate' : reasonOfStatus(status),
    code: type?.split('/').at(-1) || null,
    message: words || null,
  }
}

/** Then it is looked for, and has not failed. */
const USED_BEFORE = /utilizad|duplicad|j[áa] existe/i
