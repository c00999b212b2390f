import Type, { type Static } from 'typebox'

/** What we read of Bradesco's API Pix Transferência. Amounts are text in reais: `200.00`. */

const Text = Type.Optional(Type.Union([Type.String(), Type.Null()]))
const Code = Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Null()]))

/** The answer to a transfer, with 200 or 202, and what is told of it later. */
export const Transfer = Type.Object({
  /** Ours. */
  idTransacao: Text,
  /** The endToEndId. */
  e2e: Text,
  valor: Code,
  /** `CONCLUIDO`, `EM_PROCESSAMENTO` or `REJEITADO`. */
  status: Text,
  motivo: Text,
  codigoMotivo: Code,
})
export type Transfer = Static<typeof Transfer>

/** As the APIs of Pix refuse (RFC 7807). */
export const Refused = Type.Object({
  type: Text,
  title: Text,
  detail: Text,
  violacoes: Type.Optional(
    Type.Union([Type.Array(Type.Object({ razao: Text, propriedade: Text })), Type.Null()]),
  ),
})
