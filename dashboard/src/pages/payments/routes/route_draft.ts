import type { AnswerOf, BodyOf } from '../../../api/types.ts'
import { freshKey } from '../../../parts/fresh.ts'
import { toMinor, toUnits } from '../../../parts/money.ts'

/** The form of a route: the conditions people use as fields, all others as the JSON of a filter. */

export type Route = AnswerOf<'/v1/payment-routes/{id}'>
type Rule = Route['rules'][number]
type Sent = BodyOf<'/v1/payment-routes'>
export type NextOn = NonNullable<Sent['rules'][number]['next_on']>[number]

export const NEXT_ON = [
  'card_declined',
  'card_unsupported',
  'limit_exceeded',
  'vendor_unavailable',
] as const satisfies readonly NextOn[]
export const METHODS = ['card', 'pix', 'boleto'] as const
export const CURRENCIES = ['BRL', 'USD', 'EUR', 'GBP', 'ARS', 'CLP', 'COP', 'MXN'] as const
/** In which amounts are typed where no currency is named. */
const USUAL = 'BRL'

export type RuleDraft = {
  /** Its own, for as long as the form is open. */
  key: string
  name: string
  method: string | null
  currency: string | null
  at_least: number | string
  at_most: number | string
  more: string
  connection_ids: string[]
  next_on: NextOn[]
}
export type Draft = { name: string; is_default: boolean; rules: RuleDraft[] }

export const emptyRule = (): RuleDraft => ({
  key: freshKey(),
  name: '',
  method: null,
  currency: null,
  at_least: '',
  at_most: '',
  more: '',
  connection_ids: [],
  next_on: [],
})

export const draftOf = (route: Route | null): Draft => ({
  name: route?.name ?? '',
  is_default: route?.is_default ?? false,
  rules: route?.rules.map(ruleDraftOf) ?? [emptyRule()],
})

export const currencyOf = ({ currency }: Pick<RuleDraft, 'currency'>): string => currency ?? USUAL

function ruleDraftOf({ name, when, connection_ids, next_on }: Rule): RuleDraft {
  const { method, 'money.currency': currency, 'money.amount': amount, ...rest } = when
  const shown = {
    method: textOf(method, METHODS),
    currency: textOf(currency, null),
    amount: boundsOf(amount),
  }
  const typed = (bound: number | undefined) =>
    bound === undefined ? '' : toUnits({ amount: String(bound), currency: currencyOf(shown) })
  const more = {
    ...(method !== undefined && shown.method === null && { method }),
    ...(currency !== undefined && shown.currency === null && { 'money.currency': currency }),
    ...(amount !== undefined && shown.amount === null && { 'money.amount': amount }),
    ...rest,
  }
  return {
    ...emptyRule(),
    name: name ?? '',
    method: shown.method,
    currency: shown.currency,
    at_least: typed(shown.amount?.$gte),
    at_most: typed(shown.amount?.$lte),
    more: Object.keys(more).length > 0 ? JSON.stringify(more, null, 2) : '',
    connection_ids,
    next_on: NEXT_ON.filter((one) => next_on.includes(one)),
  }
}

/** What a field can show; null where it is written in some other way. */
const textOf = (value: unknown, known: readonly string[] | null): string | null =>
  typeof value === 'string' && (known === null || known.includes(value)) ? value : null

function boundsOf(value: unknown): { $gte?: number; $lte?: number } | null {
  if (typeof value !== 'object' || value === null) return null
  const is_plain = Object.entries(value).every(
    ([name, bound]) => (name === '$gte' || name === '$lte') && Number.isSafeInteger(bound),
  )
  return is_plain ? value : null
}

export function bodyOf({ name, is_default, rules }: Draft): Sent {
  return { name: name.trim(), is_default, rules: rules.map(ruleOf) }
}

function ruleOf(draft: RuleDraft): Sent['rules'][number] {
  const name = draft.name.trim()
  const bound = (typed: number | string) => Number(toMinor(Number(typed), currencyOf(draft)))
  const amount = {
    ...(draft.at_least !== '' && { $gte: bound(draft.at_least) }),
    ...(draft.at_most !== '' && { $lte: bound(draft.at_most) }),
  }
  const when = {
    ...(draft.method !== null && { method: draft.method }),
    ...(draft.currency !== null && { 'money.currency': draft.currency }),
    ...(Object.keys(amount).length > 0 && { 'money.amount': amount }),
    ...conditionsOf(draft.more),
  }
  return {
    ...(name !== '' && { name }),
    ...(Object.keys(when).length > 0 && { when }),
    connection_ids: draft.connection_ids,
    next_on: draft.next_on,
  }
}

/** Undefined where it is none. */
export function conditionsOf(text: string): Record<string, unknown> | undefined {
  if (text.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** The same list with one of it a place further up or down. */
export function moved<One>(list: readonly One[], from: number, by: 1 | -1): One[] {
  const next = [...list]
  const [one] = next.splice(from, 1)
  if (one !== undefined) next.splice(from + by, 0, one)
  return next
}
