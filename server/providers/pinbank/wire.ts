import Type, { type Static } from 'typebox'
import { maybe, WireInteger } from '../../kit/reads.ts'

const Text = maybe(Type.Union([Type.String(), Type.Number()]))

/** Two manners of answering: `Status` with everything beside it, or `ResultCode` with everything in `Data`. */
const Envelope = {
  Status: maybe(Type.Boolean()),
  Mensagem: maybe(Type.String()),
  ResultCode: maybe(Type.Integer()),
  Message: maybe(Type.String()),
}

/** Of EfetuarTransacaoEncrypted and EfetuarTransacaoCartaoIdEncrypted. */
export const Charged = Type.Object({
  ...Envelope,
  NSU: Text,
  CodigoAutorizacao: Text,
  Data: maybe(Type.Object({ NsuOperacao: Text, CodigoAutorizacao: Text })),
})
export type Charged = Static<typeof Charged>

/** Of CapturarTransacaoEncrypted and CancelarTransacaoEncrypted. */
export const Changed = Type.Object({
  ...Envelope,
  Data: maybe(Type.Object({ CodigoAutorizacaoCaptura: Text, CodigoAutorizacaoCancelamento: Text })),
})
export type Changed = Static<typeof Changed>

/** Of IncluirCartaoEncrypted. */
export const CardTaken = Type.Object({
  ...Envelope,
  CartaoId: Text,
  UltimosDigitos: Text,
  Bandeira: Text,
  Data: maybe(Type.Object({ CartaoId: Text })),
})

/** One part of one operation: what is paid in three comes as three rows under one NSU. */
export const StatementRow = Type.Object({
  NsuOperacao: WireInteger,
  ValorBruto: Type.Union([Type.Number(), Type.String({ pattern: '^[0-9]+([.][0-9]{1,2})?$' })]),
  DescricaoStatus: maybe(Type.String()),
  TipoCompra: maybe(Type.String()),
  NumeroTotalParcelas: maybe(Type.Integer()),
  IdTerminal: Text,
  CodAutorizAdquirente: Text,
  /** Without a zone: as the clocks of São Paulo show it. */
  DataTransacao: Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}' }),
  /** .NET's zero date, `0001-01-01T00:00:00`, where it was not canceled. */
  DataCancelamento: maybe(Type.String()),
})
export type StatementRow = Static<typeof StatementRow>

/** Of ExtratoPosEncrypted. `ResultCode` 1 with the words "Sem resultado." is an empty one. */
export const Statement = Type.Object({ ...Envelope, Data: maybe(Type.Array(StatementRow)) })

/** What any refusing reply may say. */
export const Refused = Type.Object({
  ...Envelope,
  ValidationData: maybe(
    Type.Object({
      Errors: maybe(
        Type.Array(Type.Object({ FieldName: maybe(Type.String()), ErrorMessage: maybe(Type.String()) })),
      ),
    }),
  ),
})

/** What Pinbank calls `UrlRetorno` with is not documented: whatever comes is kept. */
export const Returned = Type.Record(Type.String(), Type.Unknown())
