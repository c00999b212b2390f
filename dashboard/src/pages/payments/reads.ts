import type { paths } from '../../api/schema.ts'

export type PaymentList = paths['/v1/payments']['get']
export type Payment = PaymentList['responses'][200]['content']['application/json']['data'][number]
export type PaymentStory = paths['/v1/payments/{id}']['get']['responses'][200]['content']['application/json']
export type Refund =
  paths['/v1/payments/{id}/refunds']['get']['responses'][200]['content']['application/json']['data'][number]

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
