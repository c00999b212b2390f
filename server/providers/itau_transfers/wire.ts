import Type, { type Static } from 'typebox'

/** What we read of Itaú's API Cash Management (SISPAG). Amounts are text in reais: `1260.00`. */

const Text = Type.Optional(Type.Union([Type.String(), Type.Null()]))
const Amount = Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Null()]))

/** The answer to a transfer. `cod_pagamento` is the id by which it is read. */
export const Taken = Type.Object({
  /** `Sucesso`, `Sucesso (pre-autorizado)`, `Agendado`, `Rejeitado`, `Nao incluido`. */
  status_pagamento: Text,
  cod_pagamento: Text,
  valor_pagamento: Amount,
  motivo_recusa: Type.Optional(
    Type.Union([Type.Array(Type.Object({ codigo: Text, nome: Text })), Type.Null()]),
  ),
})
export type Taken = Static<typeof Taken>

const Payment = Type.Object({
  id_pagamento: Text,
  status: Text,
  motivo: Text,
  valor_pagamento: Amount,
  referencia_empresa: Text,
})
export type Payment = Static<typeof Payment>

export const Payments = Type.Object({ data: Type.Object({ itens: Type.Array(Payment) }) })
export type Payments = Static<typeof Payments>

export const Detail = Type.Object({ data: Type.Object({ dados_pagamento: Payment }) })
export type Detail = Static<typeof Detail>

/** Refusals come in three forms. */
const Fault = Type.Object({ campo: Text, erro: Text, mensagem: Text })
export const Faults = Type.Array(Fault, { minItems: 1 })
export const Refused = Type.Object({
  mensagem: Text,
  message: Text,
  detail: Text,
  codigo: Text,
  campos: Type.Optional(Type.Union([Type.Array(Fault), Type.Null()])),
})
