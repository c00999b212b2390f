import { randomInt, randomUUID } from 'node:crypto'
import { remember } from '../wire.ts'

/** What Pinbank knows of its stores' transactions and cards, and what it does when asked. */
export type Asked = {
  cents: number
  installments: number
  is_held: boolean
  card_id: unknown
  card_number: unknown
  nsu: string
  from: unknown
  to: unknown
}

export type Answer = {
  status: number
  refusal: Refusal | null
  data: Record<string, unknown> | object[] | null
}
type Refusal = {
  ResultCode: number
  Message: string
  Data: null
  ValidationData?: { Errors: { FieldName: string; ErrorMessage: string }[] }
}

export type Ledger = { obey(name: string, asked: Asked): Answer }

type Transaction = {
  nsu: number
  cents: number
  installments: number
  state: 'Pré-autorizada' | 'Aprovada' | 'Cancelada' | 'Negada'
  given_back: number
  at: Date
  code: string
}
type Books = { transactions: Map<string, Transaction>; cards: Map<string, string> }

const MOST = 50_000
const FIRST_CARD = '550e8400-e29b-41d4-a716-446655440000'

export const refused = (Message: string, ResultCode = 1): Refusal => ({ ResultCode, Message, Data: null })

const well = (data: Answer['data']): Answer => ({ status: 200, refusal: null, data })
const no = (refusal: Refusal): Answer => ({ status: 200, refusal, data: null })

const badField = (FieldName: string, ErrorMessage: string): Answer =>
  no({ ...refused('Erro de validação.', 3), ValidationData: { Errors: [{ FieldName, ErrorMessage }] } })

const OPERATIONS: Record<string, (books: Books, asked: Asked) => Answer> = {
  EfetuarTransacaoEncrypted: (books, asked) =>
    isCard(asked.card_number) ? charge(books, asked) : badField('NumeroCartao', 'Número do cartão inválido.'),
  EfetuarTransacaoCartaoIdEncrypted: (books, asked) =>
    books.cards.has(String(asked.card_id))
      ? charge(books, asked)
      : badField('CartaoId', 'Cartão não encontrado.'),
  CapturarTransacaoEncrypted: capture,
  CancelarTransacaoEncrypted: cancel,
  IncluirCartaoEncrypted: takeCard,
  ExtratoPosEncrypted: statement,
}

export function createLedger(): Ledger {
  const books: Books = { transactions: new Map(), cards: new Map([[FIRST_CARD, '1111']]) }
  return {
    obey: (name, asked) =>
      OPERATIONS[name]?.(books, asked) ?? {
        status: 404,
        refusal: refused(`Não há ${name}`),
        data: null,
      },
  }
}

const isCard = (number: unknown) => typeof number === 'string' && /^[0-9]{13,19}$/.test(number)

const code = () => String(randomInt(100_000, 1_000_000))

function charge({ transactions }: Books, { cents, installments, is_held }: Asked): Answer {
  if (!Number.isSafeInteger(cents) || cents <= 0) return badField('Valor', 'Valor inválido.')
  const is_declined = cents % 100 === 51
  const made: Transaction = {
    nsu: 100_000_000 + transactions.size + randomInt(1, 1_000) * 50_000,
    cents,
    installments,
    state: is_declined ? 'Negada' : is_held ? 'Pré-autorizada' : 'Aprovada',
    given_back: 0,
    at: new Date(),
    code: code(),
  }
  remember(transactions, String(made.nsu), made, MOST)
  if (is_declined) return no(refused('Transação não autorizada'))
  return well({ NsuOperacao: made.nsu, CodigoAutorizacao: made.code })
}

function capture({ transactions }: Books, { nsu, cents }: Asked): Answer {
  const found = transactions.get(nsu)
  if (found?.state !== 'Pré-autorizada') return no(refused('Transação não está pré-autorizada'))
  if (cents > found.cents) return no(refused('Valor maior que o da pré-autorização'))
  found.state = 'Aprovada'
  found.cents = cents
  return well({ CodigoAutorizacaoCaptura: code() })
}

function cancel({ transactions }: Books, { nsu, cents }: Asked): Answer {
  const found = transactions.get(nsu)
  const is_open = found?.state === 'Aprovada' || found?.state === 'Pré-autorizada'
  if (!found || !is_open) return no(refused('Transação não pode ser cancelada'))
  if (cents > found.cents - found.given_back) return no(refused('Valor maior que o da transação'))
  found.given_back += cents
  if (found.given_back === found.cents) found.state = 'Cancelada'
  return well({ CodigoAutorizacaoCancelamento: code() })
}

function takeCard({ cards }: Books, { card_number }: Asked): Answer {
  if (!isCard(card_number)) return badField('NumeroCartao', 'Número do cartão inválido.')
  const CartaoId = randomUUID()
  const UltimosDigitos = String(card_number).slice(-4)
  remember(cards, CartaoId, UltimosDigitos, MOST)
  return well({ CartaoId, UltimosDigitos, Bandeira: 'MASTERCARD' })
}

function statement({ transactions }: Books, { from, to }: Asked): Answer {
  const [least, most] = [Date.parse(String(from)), Date.parse(String(to))]
  if (Number.isNaN(least) || Number.isNaN(most)) return badField('DataInicial', 'Data inicial inválida.')
  const found = [...transactions.values()].filter(
    ({ at }) => Math.floor(at.getTime() / 1000) * 1000 >= least && at.getTime() <= most + 999,
  )
  return found.length === 0 ? no(refused('Sem resultado.')) : well(found.flatMap(toRows))
}

/** As the clocks of São Paulo show it, without saying so. */
const local = (at: Date) => new Date(at.getTime() - 3 * 3_600_000).toISOString().slice(0, 19)

function toRows({ nsu, cents, installments, state, at, code: authorized }: Transaction): object[] {
  return Array.from({ length: installments }, (_, part) => ({
    IdTerminal: 'SANDBOX-1',
    Bandeira: 'MASTERCARD',
    TipoCompra: installments === 1 ? 'Crédito à vista' : 'Crédito parcelado',
    NumeroParcela: part + 1,
    NumeroTotalParcelas: installments,
    DataTransacao: local(at),
    DataCancelamento: state === 'Cancelada' ? local(at) : '0001-01-01T00:00:00',
    CodAutorizAdquirente: authorized,
    NsuOperacao: nsu,
    ValorBruto: cents / 100,
    DescricaoStatus: state,
    DescricaoStatusPagamento: 'Pendente',
  }))
}
