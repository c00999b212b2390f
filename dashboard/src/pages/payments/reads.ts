import type { AnswerOf, RowOf } from '../../api/types.ts'

export type Payment = RowOf<'/v1/payments'>
export type PaymentStory = AnswerOf<'/v1/payments/{id}'>
export type Refund = RowOf<'/v1/payments/{id}/refunds'>
export type Dispute = RowOf<'/v1/disputes'>

export const STATUSES = [
  'processing',
  'pending',
  'authorized',
  'completed',
  'failed',
  'canceled',
  'refunded',
  'partially_refunded',
  'disputed',
  'expired',
] as const satisfies readonly Payment['status'][]

export const DISPUTE_STATUSES = [
  'needs_response',
  'under_review',
  'won',
  'lost',
  'closed',
] as const satisfies readonly Dispute['status'][]
