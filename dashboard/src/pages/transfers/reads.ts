import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import type { AnswerOf, RowOf } from '../../api/types.ts'

export type Transfer = RowOf<'/v1/transfers'>
export type TransferStory = AnswerOf<'/v1/transfers/{id}'>
export type Policy = AnswerOf<'/v1/transfers/policy'>
export type Method = Transfer['method']

export const STATUSES = [
  'awaiting_approval',
  'scheduled',
  'pending',
  'processing',
  'completed',
  'failed',
  'canceled',
  'returned',
] as const satisfies readonly Transfer['status'][]

export const METHODS = ['pix', 'ted', 'internal'] as const satisfies readonly Method[]

/** Of one transfer, by the id in the address; with where it goes, whole. */
export const useTransfer = (id: string) =>
  useRead(['transfers', id], () => ask(api.GET('/v1/transfers/{id}', { params: { path: { id } } })))

/** From which amount on a second person is asked, in the world that is looked at. */
export const usePolicy = () => useRead(['transfers', 'policy'], () => ask(api.GET('/v1/transfers/policy')))
