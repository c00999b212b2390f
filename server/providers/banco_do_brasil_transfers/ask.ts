import { pixKeyType } from '../../kit/brazil/pix.ts'
import type { Settings } from '../../kit/fields.ts'
import { get, type OperationRequest, path, post } from '../../kit/provider.ts'
import type {
  CreateTransfer,
  Destination,
  FindTransfer,
  FindTransferByReference,
  ReleaseTransfer,
} from '../../kit/transfers.ts'
import { Problem } from '../../platform/errors.ts'
import { toDecimal } from '../../platform/money.ts'

/** What the bank is asked. A batch of ours holds one transfer, so that what is said of either is said of both. */

const keyed = ({ app_key }: Settings) => ({ 'gw-dev-app-key': String(app_key) })
const posted = (to: string, settings: Settings, body: object): OperationRequest => ({
  ...post(to, body),
  query: keyed(settings),
})

/** `1234/56789-0`: branch without, account with its check digit. */
export const DEBIT_ACCOUNT = '[0-9]{1,4}/[0-9]{1,11}-[0-9Xx]'

function debitOf({ debit_account }: Settings) {
  const [, branch, number, digit] = /^(\d+)\/(\d+)-(.)$/.exec(String(debit_account)) ?? []
  return {
    agenciaDebito: Number(branch),
    contaCorrenteDebito: Number(number),
    digitoVerificadorContaCorrente: String(digit).toUpperCase(),
  }
}

/** As look-ups name the same account. */
function accountOf(settings: Settings) {
  const { agenciaDebito, contaCorrenteDebito, digitoVerificadorContaCorrente } = debitOf(settings)
  return {
    agencia: agenciaDebito,
    contaCorrente: contaCorrenteDebito,
    digitoVerificador: digitoVerificadorContaCorrente,
  }
}

export function createRequest(wanted: CreateTransfer, settings: Settings): OperationRequest {
  const { contract, payment_type } = settings
  const is_pix = wanted.method === 'pix'
  const number = contract === undefined || contract === '' ? undefined : Number(contract)
  return posted(is_pix ? '/lotes-transferencias-pix' : '/lotes-transferencias', settings, {
    numeroRequisicao: wanted.number,
    ...(number !== undefined && (is_pix ? { numeroContrato: number } : { numeroContratoPagamento: number })),
    ...debitOf(settings),
    tipoPagamento: Number(payment_type ?? '126'),
    listaTransferencias: [is_pix ? pixOf(wanted) : transferOf(wanted)],
  })
}

/** Reais as a JSON number, which is what the API takes: up to 15 digits it is written as it was read. */
const reais = ({ money }: CreateTransfer): number => Number(toDecimal(money))

/** `2026-03-01` is 1032026. */
const toNumber = (day: string): number => Number(day.split('-').reverse().join(''))

const refused = (field: string, detail: string) => new Problem('invalid_request', { field, detail })

/** As a number, as the API takes it: how it takes a CNPJ with letters is not published. */
function documentOf({ document }: Destination, names: { cpf: string; cnpj: string }): object {
  if (document === undefined) return {}
  if (/[A-Z]/.test(document))
    throw refused('destination.document', 'how the bank takes a CNPJ with letters is not published')
  return { [document.length === 11 ? names.cpf : names.cnpj]: Number(document) }
}

const PERSON = { cpf: 'cpf', cnpj: 'cnpj' }

/** More of it the bank does not take. */
const textOf = (description: string): string => [...description].slice(0, 35).join('')

function pixOf(wanted: CreateTransfer): object {
  const { destination, reference, date, description } = wanted
  return {
    data: toNumber(date),
    valor: reais(wanted),
    descricaoPagamento: reference,
    ...(description && { descricaoPagamentoInstantaneo: textOf(description) }),
    ...(destination.pix_key === undefined ? byAccount(destination) : byKey(destination, destination.pix_key)),
  }
}

/** Who owns the key is told where it is known: the bank refuses one of another. */
function byKey(destination: Destination, key: string): object {
  const owner = documentOf(destination, PERSON)
  switch (pixKeyType(key)) {
    case 'phone': {
      const [, area, phone] = /^\+55(\d{2})(\d{8,9})$/.exec(key) ?? []
      if (area === undefined) throw refused('destination.pix_key', 'the bank takes Brazilian phones alone')
      return { ...owner, formaIdentificacao: 1, dddTelefone: Number(area), telefone: Number(phone) }
    }
    case 'email':
      return { ...owner, formaIdentificacao: 2, email: key }
    case 'evp':
      return { ...owner, formaIdentificacao: 4, identificacaoAleatoria: key }
    case 'cpf':
    case 'cnpj':
      return { formaIdentificacao: 3, ...documentOf({ document: key }, PERSON) }
    default:
      throw refused('destination.pix_key', 'it is no Pix key')
  }
}

const PIX_KINDS = { checking: 1, payment: 2, savings: 3 }

function byAccount(destination: Destination): object {
  const { bank_code, branch, number, check_digit, kind = 'checking' } = accountIn(destination)
  return {
    ...documentOf(destination, PERSON),
    formaIdentificacao: 5,
    ...bankOf(bank_code),
    tipoConta: PIX_KINDS[kind],
    ...(kind === 'payment'
      ? { contaPagamento: `${number}${check_digit}` }
      : { agencia: Number(branch), conta: Number(number), digitoVerificadorConta: check_digit }),
  }
}

function accountIn({ account }: Destination) {
  if (!account) throw refused('destination', 'destination needs a pix_key or an account')
  if (account.check_digit.length > 1)
    throw refused('destination.account.check_digit', 'the bank takes one sign as check digit')
  return account
}

const ISPB = '00000000'

/** The bank itself is named by its COMPE, since its ISPB is 0. */
function bankOf(bank_code: string | undefined): object {
  if (bank_code === undefined || bank_code === ISPB) return { numeroCOMPE: 1 }
  if (/^\d+$/.test(bank_code)) return { numeroISPB: Number(bank_code) }
  throw refused('destination.account.bank_code', 'the bank takes an ISPB of digits alone')
}

const BENEFICIARY = { cpf: 'cpfBeneficiario', cnpj: 'cnpjBeneficiario' }
/**
 * What a TED is for: 1 to a checking account and 11 to savings, as a client in use has them. The Banco Central's own list
 * names a credit in account 10; which of them the bank means is not published.
 */
const PURPOSES = { checking: 1, savings: 11 }

function transferOf(wanted: CreateTransfer): object {
  const { destination, method, reference, date } = wanted
  const { bank_code, branch, number, check_digit, kind = 'checking' } = accountIn(destination)
  if (kind === 'payment' || (method === 'internal' && kind !== 'checking'))
    throw refused(
      'destination.account.kind',
      `how the bank takes ${method} to ${kind} is not published; use pix`,
    )
  return {
    ...bankOf(method === 'internal' ? ISPB : bank_code),
    agenciaCredito: Number(branch),
    contaCorrenteCredito: Number(number),
    digitoVerificadorContaCorrente: check_digit,
    ...documentOf(destination, BENEFICIARY),
    dataTransferencia: toNumber(date),
    valorTransferencia: reais(wanted),
    ...(method === 'ted' && { codigoFinalidadeTED: PURPOSES[kind] }),
    descricaoTransferencia: reference,
  }
}

/** The answer that the batch was given, which is how a lost one is read again. */
export const findByReferenceRequest = (
  { method, number = 0 }: FindTransferByReference,
  settings: Settings,
): OperationRequest =>
  method === 'pix'
    ? get(path`/lotes-transferencias-pix/${number}/solicitacao`, {
        ...keyed(settings),
        ...accountOf(settings),
      })
    : get(path`/${number}/solicitacao`, keyed(settings))

export const findRequest = ({ method, vendor_id }: FindTransfer, settings: Settings): OperationRequest =>
  get(method === 'pix' ? path`/pix/${vendor_id}` : path`/transferencias/${vendor_id}`, {
    ...keyed(settings),
    ...accountOf(settings),
  })

export const releaseRequest = ({ number }: ReleaseTransfer, settings: Settings): OperationRequest =>
  posted('/liberar-pagamentos', settings, {
    numeroRequisicao: number,
    indicadorFloat: settings['waive_float'] === true ? 'S' : 'N',
  })

export const cancelRequest = ({ vendor_id }: FindTransfer, settings: Settings): OperationRequest =>
  posted('/cancelar-pagamentos', settings, {
    ...(settings['contract'] && { numeroContratoPagamento: Number(settings['contract']) }),
    ...debitOf(settings),
    listaPagamentos: [{ codigoPagamento: vendor_id }],
  })

/** The requests of today. */
export const testRequest = (settings: Settings): OperationRequest =>
  get('/lotes-transferencias', { ...keyed(settings), ...debitOf(settings) })
