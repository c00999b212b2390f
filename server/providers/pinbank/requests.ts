import Type, { type Static } from 'typebox'
import type { Settings } from '../../kit/fields.ts'
import type { CapturePayment, CreatePayment, RefundPayment, StatementQuery } from '../../kit/payments.ts'
import { type OperationRequest, post } from '../../kit/provider.ts'
import { Problem } from '../../platform/errors.ts'
import { type Money, minorUnits, toDecimal } from '../../platform/money.ts'
import { toSaoPaulo } from './translate.ts'

/**
 * The two dialects of Pinbank. `basic` is that of the first integrations: plain JSON with the names of the card's parts
 * in full and amounts in reais, except where something is captured or canceled, which is in cents. `encrypted` is what
 * its clients speak today: everything in `Data`, amounts in cents, the body sealed.
 */
export const isEncrypted = (settings: Settings) => settings['dialect'] === 'encrypted'

const Digits = (least: number, most: number) => Type.String({ pattern: `^[0-9]{${least},${most}}$` })

const Card = {
  number: Digits(13, 19),
  holder: Type.String({ minLength: 2, maxLength: 60 }),
  expiry_month: Type.String({ pattern: '^(0[1-9]|1[0-2])$' }),
  expiry_year: Type.String({ pattern: '^20[0-9]{2}$' }),
  security_code: Type.Optional(Digits(3, 4)),
}

export const CardCharge = Type.Object(
  {
    money: Type.Object(
      { amount: Digits(1, 15), currency: Type.Literal('BRL') },
      { additionalProperties: false },
    ),
    card: Type.Object(Card, { additionalProperties: false }),
    kind: Type.Optional(Type.Union([Type.Literal('credit'), Type.Literal('debit')])),
    installments: Type.Optional(Type.Integer({ minimum: 1, maximum: 24 })),
    capture: Type.Optional(Type.Union([Type.Literal('automatic'), Type.Literal('manual')])),
    description: Type.Optional(Type.String({ maxLength: 200 })),
    payer: Type.Optional(
      Type.Object(
        { name: Type.String({ maxLength: 100 }), document: Digits(11, 14), ip: Type.Optional(Type.String()) },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
)
export type CardCharge = Static<typeof CardCharge>

const { card: _card, payer: _payer, ...ASKED } = CardCharge.properties

/** Of a card that has an id, with its security code, where a payment is to be charged with one. */
export const IdCharge = Type.Object(
  { ...ASKED, source: Type.String({ minLength: 1, maxLength: 255 }), security_code: Digits(3, 4) },
  { additionalProperties: false },
)
export type IdCharge = Static<typeof IdCharge>

export const NewCard = Type.Object(
  { ...Card, document: Digits(11, 11), kind: Type.Optional(Type.Literal('credit')) },
  { additionalProperties: false },
)
export type NewCard = Static<typeof NewCard>

const cents = (money: Money) => minorUnits(money.amount, 'money.amount')
const reais = (money: Money) => Number(toDecimal(money))

/** What stands in every request. */
const store = ({ channel_code, client_code, store_key }: Settings) => ({
  CodigoCanal: channel_code,
  CodigoCliente: client_code,
  KeyLoja: store_key,
})

const transaction = (settings: Settings, name: string, old: string, data: object): OperationRequest =>
  isEncrypted(settings) ? post(`/api/Transacoes/${name}`, { Data: data }) : post(`${old}/${name}`, data)

type Charge = Pick<CreatePayment, 'money' | 'capture' | 'installments'> & { description?: string | undefined }
/** What the dialects ask of any charge, whatever is charged. */
function charge(
  settings: Settings,
  { money, capture, description, installments = 1 }: Charge,
  type = 'CREDITO',
) {
  const is_held = capture === 'manual'
  if (isEncrypted(settings))
    return {
      ...store(settings),
      Valor: cents(money),
      FormaPagamento: installments === 1 ? '1' : '2',
      QuantidadeParcelas: installments,
      DescricaoPedido: description ?? '',
      TransacaoPreAutorizada: is_held,
    }
  return {
    CodigoCliente: settings['client_code'],
    TipoTransacao: type,
    ValorTransacao: reais(money),
    NumeroParcelas: installments,
    UrlRetorno: settings['return_url'],
    terminal: settings['terminal'],
    ...(is_held && { TransacaoPreAutorizada: true }),
  }
}

const OLD_CHARGES = '/PinPagSeguroController'

/** `source` is the id of a card that was taken before, so that no card passes through payments. */
export function chargeSource(payment: CreatePayment, settings: Settings): OperationRequest {
  const { source, payer, reference } = payment
  if (source === undefined) throw missing('source', 'the id of a card that tokenize_card took')
  const whose = isEncrypted(settings) && payer && { CpfComprador: payer.document, NomeComprador: payer.name }
  const data = {
    ...charge(settings, { ...payment, description: payment.description ?? reference }),
    CartaoId: source,
    ...whose,
  }
  return transaction(settings, 'EfetuarTransacaoCartaoIdEncrypted', OLD_CHARGES, data)
}

export function chargeCard(input: CardCharge, settings: Settings): OperationRequest {
  const { card, payer, kind } = input
  const type = kind === 'debit' ? 'DEBITO' : 'CREDITO'
  const whose = isEncrypted(settings) &&
    payer && { CpfComprador: payer.document, NomeComprador: payer.name, IpAddressComprador: payer.ip }
  const data = { ...charge(settings, input, type), ...cardOf(card, settings), ...whose }
  return transaction(settings, 'EfetuarTransacaoEncrypted', OLD_CHARGES, data)
}

export function chargeId(input: IdCharge, settings: Settings): OperationRequest {
  const { source, security_code, kind } = input
  const code = isEncrypted(settings) ? { CodigoSeguranca: security_code } : { CVV: security_code }
  const type = kind === 'debit' ? 'DEBITO' : 'CREDITO'
  const data = { ...charge(settings, input, type), CartaoId: source, ...code }
  return transaction(settings, 'EfetuarTransacaoCartaoIdEncrypted', OLD_CHARGES, data)
}

const cardOf = (card: CardCharge['card'], settings: Settings) =>
  isEncrypted(settings)
    ? {
        NomeImpresso: card.holder,
        NumeroCartao: card.number,
        DataValidade: `${card.expiry_year}${card.expiry_month}`,
        CodigoSeguranca: card.security_code,
      }
    : {
        NumeroCartao: card.number,
        NomeTitular: card.holder,
        MesValidade: card.expiry_month,
        AnoValidade: card.expiry_year.slice(2),
        CVV: card.security_code,
      }

export function takeCard(card: NewCard, settings: Settings): OperationRequest {
  const data = isEncrypted(settings)
    ? {
        ...store(settings),
        Apelido: nickname(card, settings),
        ...cardOf(card, settings),
        ValidarCartao: false,
      }
    : {
        CodigoCliente: settings['client_code'],
        CPF: card.document,
        ...cardOf(card, settings),
        TipoCartao: 'CREDITO',
      }
  return transaction(settings, 'IncluirCartaoEncrypted', OLD_CHARGES, data)
}

/** Unique for a customer's card, and telling nobody whose it is. */
const nickname = ({ document, number }: NewCard, { client_code }: Settings) =>
  `${client_code}-${document.slice(-4)}-${number.slice(-4)}`

export const capture = ({ vendor_id, money }: CapturePayment, settings: Settings) =>
  change('CapturarTransacaoEncrypted', settings, vendor_id, money)

/** A hold that is let go and money that is given back are one to Pinbank. */
export const giveBack = ({ vendor_id, money }: RefundPayment, settings: Settings) =>
  change('CancelarTransacaoEncrypted', settings, vendor_id, money)

function change(name: string, settings: Settings, nsu: string, money: Money | undefined): OperationRequest {
  if (money === undefined) throw missing('money', 'Pinbank wants to be told the amount')
  return transaction(settings, name, '/Transacoes', {
    ...store(settings),
    Valor: cents(money),
    NsuOperacao: nsu,
  })
}

/** What a load waits for; a transaction waits half of it. */
const LOAD_MS = 60_000

/** `QuantidadeLinhasRetorno` 0 asks for all of them. */
export function statement({ from, to }: StatementQuery, settings: Settings): OperationRequest {
  const { KeyLoja: _, ...whose } = store(settings)
  const data = {
    ...whose,
    DataInicial: toSaoPaulo(from),
    DataFinal: toSaoPaulo(to),
    Status: 'Todos',
    MeioCaptura: 'Todos',
    IdTerminalPos: '',
    QuantidadeLinhasRetorno: 0,
  }
  const request = isEncrypted(settings)
    ? post('/api/ContaDigital/ExtratoPosEncrypted', { Data: data })
    : post('/ContaDigital/ExtratoPosEncrypted', data)
  return { ...request, timeout_ms: LOAD_MS }
}

const missing = (field: string, why: string) =>
  new Problem('invalid_request', { field, detail: `${field} is missing: ${why}` })
