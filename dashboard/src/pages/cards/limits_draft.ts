import type { paths } from '../../api/schema.ts'
import { freshKey } from '../../parts/fresh.ts'
import { toMinor, toUnits } from '../../parts/money.ts'
import type { Card } from './reads.ts'

/** The limits of a card as they are typed. */

type Limits = paths['/v1/cards/{id}/limits']['put']['requestBody']['content']['application/json']
export type Interval = NonNullable<Limits['spending']>[number]['interval']

export const INTERVALS = [
  'per_authorization',
  'daily',
  'weekly',
  'monthly',
  'yearly',
  'all_time',
] as const satisfies readonly Interval[]

export const LISTS = [
  'allowed_categories',
  'blocked_categories',
  'allowed_countries',
  'blocked_countries',
] as const

export type AmountDraft = {
  /** Its own, for as long as the form is open. */
  key: string
  amount: number | string
  interval: Interval
  categories: string[]
}
export type LimitsDraft = { spending: AmountDraft[] } & Record<(typeof LISTS)[number], string[]>

export const emptyAmount = (): AmountDraft => ({
  key: freshKey(),
  amount: '',
  interval: 'monthly',
  categories: [],
})

export const toLimitsDraft = (limits: Card['limits'], currency: string): LimitsDraft => ({
  spending: (limits.spending ?? []).map(({ amount, interval, categories = [] }) => ({
    ...{ ...emptyAmount(), interval, categories },
    amount: toUnits({ amount, currency }),
  })),
  allowed_categories: limits.allowed_categories ?? [],
  blocked_categories: limits.blocked_categories ?? [],
  allowed_countries: limits.allowed_countries ?? [],
  blocked_countries: limits.blocked_countries ?? [],
})

/** What is sent: nothing of what is empty. */
export function toLimits({ spending, ...lists }: LimitsDraft, currency: string): Limits {
  const amounts = spending.map(({ amount, interval, categories }) => ({
    ...{ amount: toMinor(Number(amount), currency), interval },
    ...(categories.length > 0 && { categories }),
  }))
  return {
    ...(amounts.length > 0 && { spending: amounts }),
    ...Object.fromEntries(LISTS.flatMap((name) => (lists[name].length > 0 ? [[name, lists[name]]] : []))),
  }
}
