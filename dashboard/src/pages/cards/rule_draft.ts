import { toMinor, toUnits } from '../../parts/money.ts'
import type { Rule } from './reads.ts'

/** A rule for authorizations as it is typed. */

export const LISTS = [
  'category_codes',
  'categories',
  'countries',
  'outside',
  'methods',
  'customers',
  'cardholders',
] as const
type Lists = Record<(typeof LISTS)[number], string[]>

export type Draft = {
  name: string
  position: number | string
  action: Rule['action']
  is_enabled: boolean
  above: number | string
  currency: string
  unauthenticated: boolean
  lists: Lists
}

/** Ten apart, so that another one fits between. */
export const nextPosition = (rules: readonly Rule[]): number =>
  Math.min(1_000_000, (Math.max(0, ...rules.map(({ position }) => position)) / 10 + 1) * 10)

export function draftOf(rule: Rule | null, position: number): Draft {
  const { above, unauthenticated, ...lists } = rule?.conditions ?? {}
  return {
    name: rule?.name ?? '',
    position: rule?.position ?? position,
    action: rule?.action ?? 'decline',
    is_enabled: rule?.state !== 'disabled',
    above: above ? toUnits(above) : '',
    currency: above?.currency ?? 'BRL',
    unauthenticated: unauthenticated ?? false,
    lists: Object.fromEntries(LISTS.map((name) => [name, lists[name] ?? []])) as Lists,
  }
}

export function bodyOf({ name, position, action, is_enabled, ...draft }: Draft) {
  const { above, currency, unauthenticated, lists } = draft
  return {
    ...{ name: name.trim(), position: Number(position), action },
    state: is_enabled ? ('enabled' as const) : ('disabled' as const),
    conditions: {
      ...(above !== '' && { above: { amount: toMinor(Number(above), currency), currency } }),
      ...(unauthenticated && { unauthenticated }),
      ...Object.fromEntries(LISTS.flatMap((one) => (lists[one].length > 0 ? [[one, lists[one]]] : []))),
    },
  }
}
