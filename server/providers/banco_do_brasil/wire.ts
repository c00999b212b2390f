import Type, { type Static } from 'typebox'

/** What we read of the API Extratos 1.0 (developers.bb.com.br). Numbers with a fraction come as the text that stood there. */

const Numeric = Type.Union([Type.Number(), Type.String()])
const Maybe = Type.Optional(Type.Union([Numeric, Type.Null()]))

export const Entry = Type.Object({
  /** 1: booked, 2: future, 3: in process; letters where the line is a balance or a limit. */
  indicadorTipoLancamento: Type.Optional(Numeric),
  /** DDMMAAAA as a number, so that the first days of a month have seven digits. */
  dataLancamento: Numeric,
  codigoAgenciaOrigem: Maybe,
  numeroLote: Maybe,
  numeroDocumento: Maybe,
  codigoHistorico: Maybe,
  textoDescricaoHistorico: Type.Optional(Type.String()),
  /** Reais, never negative. */
  valorLancamento: Numeric,
  indicadorSinalLancamento: Type.String(),
  textoInformacaoComplementar: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  numeroCpfCnpjContrapartida: Maybe,
  indicadorTipoPessoaContrapartida: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  codigoAgenciaContrapartida: Maybe,
  numeroContaContrapartida: Maybe,
  textoDvContaContrapartida: Type.Optional(Type.Union([Type.String(), Type.Null()])),
})
export type Entry = Static<typeof Entry>

export const StatementPage = Type.Object({
  numeroPaginaAtual: Numeric,
  /** 0 on the last page. */
  numeroPaginaProximo: Numeric,
  listaLancamento: Type.Array(Entry),
})
export type StatementPage = Static<typeof StatementPage>

/** Of the API, and of the gateway before it. */
export const ErrorBody = Type.Object({
  erros: Type.Optional(
    Type.Array(Type.Object({ codigo: Type.Optional(Numeric), mensagem: Type.Optional(Type.String()) })),
  ),
  error: Type.Optional(Type.String()),
  message: Type.Optional(Type.String()),
})
export type ErrorBody = Static<typeof ErrorBody>
