import Type, { type Static } from 'typebox'

/**
 * What we read of the API Pagamentos em Lote 1. Names and meanings as its published clients have them (see
 * `provider.ts`). Ids have eighteen digits and come as text; amounts in reais.
 */

const Numeric = Type.Union([Type.Number(), Type.String()])
const Maybe = Type.Optional(Type.Union([Numeric, Type.Null()]))
const Text = Type.Optional(Type.Union([Type.String(), Type.Null()]))

/** Of a batch, as it was answered and as it is looked up. A Pix and a transfer name the same things differently. */
const Item = Type.Object({
  identificadorPagamento: Maybe,
  identificadorTransferencia: Maybe,
  /** `S` or `N`. */
  indicadorMovimentoAceito: Text,
  indicadorAceite: Text,
  erros: Type.Optional(Type.Union([Type.Array(Numeric), Type.Null()])),
  descricaoPagamento: Text,
  descricaoTransferencia: Text,
  valor: Maybe,
  valorTransferencia: Maybe,
  valorPagamento: Maybe,
})
export type Item = Static<typeof Item>

const Items = Type.Optional(Type.Array(Item))
export const Batch = Type.Object({
  /** 1 to 10. */
  estadoRequisicao: Maybe,
  listaTransferencias: Items,
  transferencias: Items,
  pagamentos: Items,
})
export type Batch = Static<typeof Batch>

/** One payment of a batch, looked up by the bank's id. */
export const Payment = Type.Object({
  id: Numeric,
  estadoPagamento: Text,
  valorPagamento: Maybe,
  descricaoPagamento: Text,
  autenticacaoPagamento: Text,
  codigoAutenticacaoPagamento: Text,
  listaDevolucao: Type.Optional(
    Type.Union([Type.Array(Type.Object({ codigoMotivo: Maybe, valorDevolucao: Maybe })), Type.Null()]),
  ),
})
export type Payment = Static<typeof Payment>

export const Cancellation = Type.Object({
  pagamentos: Type.Array(
    Type.Object({ indicadorCancelamento: Text, estadoPagamento: Text, estadoCancelamento: Text }),
  ),
})
export type Cancellation = Static<typeof Cancellation>

/** Of the API (`erros`), and of the gateway before it. */
export const ErrorBody = Type.Object({
  erros: Type.Optional(
    Type.Array(
      Type.Object({
        codigo: Type.Optional(Numeric),
        mensagem: Type.Optional(Type.String()),
        textoMensagem: Type.Optional(Type.String()),
      }),
    ),
  ),
  error: Type.Optional(Type.String()),
  message: Type.Optional(Type.String()),
})
export type ErrorBody = Static<typeof ErrorBody>
