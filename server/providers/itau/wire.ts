import Type, { type Static } from 'typebox'
import { maybe } from '../../kit/reads.ts'

/** What we read of the API Account Statement 1 (devportal.itau.com.br). Numbers with a fraction come as the text that stood there. */

const Numeric = Type.Union([Type.Number(), Type.String()])
const Text = maybe(Type.String())

const Amount = Type.Object({ value: Numeric, currency: Text })
const Literal = maybe(Type.Object({ shortened: Text, complete: Text }))

export const Event = Type.Object({
  /** Missing where many payments were made one (`type` agrupamento): those have a `code`. */
  id: Text,
  code: Text,
  type: Text,
  /** C: credit, D: debit. */
  operation: Type.String(),
  date: Type.Object({
    /** RFC 3339; the first of the two that a statement is asked by is `accounting`. */
    event: Text,
    accounting: Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}' }),
  }),
  literal: Literal,
  /** Reais; debits come with a sign or without. */
  amount: Amount,
  counterpart: maybe(
    Type.Object({ name: Text, document: Text, ispb: Text, agency: Text, account: Text, digit: Text }),
  ),
  origin: maybe(Type.Object({ type: Text, operation: Text })),
})
export type Event = Static<typeof Event>

export const Statement = Type.Object({
  data: Type.Array(Type.Object({ events: maybe(Type.Array(Event)) })),
  pagination: maybe(Type.Object({ page: Type.Integer(), total_pages: Type.Integer() })),
})
export type Statement = Static<typeof Statement>

const Balance = Type.Object({
  /** saldo_disponivel, saldo_bloqueado, saldo_total, saldo_aplic_aut … */
  type: Type.String(),
  date: maybe(Type.Object({ event: Text })),
  amount: Amount,
})

/** Of all accounts of the credentials; one that failed has no balances (206). */
export const Balances = Type.Object({
  data: Type.Array(Type.Object({ statementId: Type.String(), balances: maybe(Type.Array(Balance)) })),
})
export type Balances = Static<typeof Balances>

/** Of the API, of its gateway, and of the token server. */
export const ErrorBody = Type.Object({
  code: maybe(Numeric),
  codigo: maybe(Numeric),
  error: Text,
  message: Text,
  mensagem: Text,
  detail: Text,
  error_description: Text,
})
export type ErrorBody = Static<typeof ErrorBody>
