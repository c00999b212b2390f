import Type, { type Static, type TSchema } from 'typebox'
import { Moment } from '../../kit/payments.ts'
import type { OperationRequest } from '../../kit/provider.ts'

/** What the operations of the API are asked with, and what all of them share. */

export const text = (maxLength = 77) => Type.String({ minLength: 1, maxLength })
export const Txid = Type.String({ pattern: '^[a-zA-Z0-9]{26,35}$' })
export const Decimal = Type.String({ pattern: '^[0-9]{1,10}[.][0-9]{2}$', description: 'Reais: "150.50"' })

export const closed = <T extends Record<string, TSchema>>(properties: T) =>
  Type.Object(properties, { additionalProperties: false })

/** What every list of the API takes; pages count from 0. */
export const Stretch = closed({
  from: Moment,
  to: Moment,
  status: Type.Optional(text(60)),
  page: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
})

export const stretch = ({ from, to, status, page = 0, limit = 100 }: Static<typeof Stretch>) => ({
  inicio: from,
  fim: to,
  status,
  'paginacao.paginaAtual': page,
  'paginacao.itensPorPagina': limit,
})

export const ByLocation = closed({ location_id: Type.Integer({ minimum: 0 }) })

export const remove = (at: string): OperationRequest => ({ method: 'DELETE', path: at })

/** Of a person or a company, as the API tells them apart. */
export const documentOf = (document: string): { cpf: string } | { cnpj: string } =>
  document.length === 11 ? { cpf: document } : { cnpj: document }

/** What is answered without a word. */
export const Nothing = Type.Unknown()
export const done = () => ({ done: true })
