import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import type { paths } from '../../api/schema.ts'
import type { AnswerOf, QueryOf, RowOf } from '../../api/types.ts'

type Answer<Path extends '/v1/cards' | '/v1/cards/authorizations' | '/v1/cards/transactions'> =
  paths[Path]['get']['responses'][200]['content']['application/json']['data'][number]

export type Card = Answer<'/v1/cards'>
export type CardStory = AnswerOf<'/v1/cards/{id}'>
export type Authorization = Answer<'/v1/cards/authorizations'>
export type AuthorizationStory = AnswerOf<'/v1/cards/authorizations/{id}'>
export type Transaction = Answer<'/v1/cards/transactions'>
export type Rule = RowOf<'/v1/cards/rules'>
export type CardQuery = QueryOf<'/v1/cards'>

export const STATUSES = [
  'processing',
  'inactive',
  'active',
  'blocked',
  'canceled',
  'failed',
] as const satisfies readonly Card['status'][]

export const REASONS = ['customer', 'lost', 'stolen', 'fraud'] as const
export type Reason = (typeof REASONS)[number]

/** Of one card, by the id in the address. */
export const useCard = (id: string) =>
  useRead(['cards', id], () => ask(api.GET('/v1/cards/{id}', { params: { path: { id } } })))

/** What we answered about an authorization; read again when the authorization has changed. */
export const useDecisions = ({ id, updated_at }: Authorization) =>
  useRead(['card_decisions', id, updated_at], () =>
    ask(api.GET('/v1/cards/authorizations/{id}', { params: { path: { id } } })),
  )

export const useAuthorization = (id: string) =>
  useRead(['cards', 'authorization', id], () =>
    ask(api.GET('/v1/cards/authorizations/{id}', { params: { path: { id } } })),
  )

export const useRule = (id: string) =>
  useRead(['cards', 'rules', id], () => ask(api.GET('/v1/cards/rules/{id}', { params: { path: { id } } })))

export const useRules = () => useRead(['cards', 'rules'], () => ask(api.GET('/v1/cards/rules')))

/** As people know a card. */
export const cardName = ({ last_four }: Pick<Card, 'last_four'>): string => `•••• ${last_four ?? '????'}`
