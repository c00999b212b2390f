import Type, { type Static } from 'typebox'
import { maybe } from '../../kit/reads.ts'

/** What we read of the API Saldo e Extrato 1 (developers.bradesco.com.br). Its spelling is the bank's. */

/** `1.580,12`, `80`, or a number: reais. */
const Amount = Type.Union([Type.Number(), Type.String()])
const Numeric = Type.Union([Type.Number(), Type.String()])
const Text = maybe(Type.String())

export const Entry = Type.Object({
  /** DD/MM/AAAA. */
  dataLancamento: Type.String({ pattern: '^[0-9]{2}/[0-9]{2}/[0-9]{4}$' }),
  valorLancamento: Amount,
  /** + credit, - debit; spelt both ways. */
  sinalLancamento: Text,
  sinalLacamento: Text,
  numeroDocumento: maybe(Numeric),
  codigoLancamento: maybe(Numeric),
  /** 01: the balance before. */
  tipoLancamento: maybe(Numeric),
  descritivoLancamentoAbreviado: Text,
  descritivoLancamentoCompleto: Text,
  segundaLinhalLancamento: Text,
})
export type Entry = Static<typeof Entry>

const HEAD = { codigoRetorno: maybe(Numeric), mensagem: Text }
/** The bank documents lists of one and sends the one by itself. */
const oneOrMany = <T extends Type.TObject>(block: T) => maybe(Type.Union([block, Type.Array(block)]))

export const Entries = Type.Array(Entry)

const Latest = Type.Object({
  ...HEAD,
  /** By heading, each with entries: `Saldo Anterior`, `Ultimos Lancamentos`, `Lancamentos Dia`, and other spellings of these. */
  listaLancamentos: oneOrMany(Type.Object({})),
})
const Period = Type.Object({ ...HEAD, lstLancamentoMensal: maybe(Type.Array(Entry)) })

/** Yesterday and today stand in the first block, what was before in the other. */
export const Statement = Type.Object({
  ...HEAD,
  extratoUltimosLancamentos: oneOrMany(Latest),
  extratoPorPeriodo: oneOrMany(Period),
})
export type Statement = Static<typeof Statement>

export const Balances = Type.Object({
  lstLancamentosSaldos: Type.Array(
    Type.Object({
      /** 999 is what is available. */
      codigoProduto: Numeric,
      valorLancamento: Amount,
      sinalSaldo: Text,
    }),
  ),
})
export type Balances = Static<typeof Balances>

/** What an answer says of itself, at its top or in a block, whatever its status. */
export const Verdict = Type.Object({
  ...HEAD,
  extratoUltimosLancamentos: oneOrMany(Type.Object(HEAD)),
  extratoPorPeriodo: oneOrMany(Type.Object(HEAD)),
})
export type Verdict = Static<typeof Verdict>

/** Of the gateway before the API. */
export const ErrorBody = Type.Object({
  code: maybe(Numeric),
  codigo: maybe(Numeric),
  message: Text,
  mensagem: Text,
  error: Text,
  error_description: Text,
})
export type ErrorBody = Static<typeof ErrorBody>
