import type { AuthorizationQuestion } from '../../kit/card_news.ts'
import type { CardLimits, Interval, SpendingLimit } from '../../kit/cards.ts'
import { Problem } from '../../platform/errors.ts'
import type { Standing } from './moves.ts'
import type { CardRow } from './queries.ts'

/** What a card may be used for by how it stands and by its own limits. They are the vendor's too, and hold here as well. */

/** Of both lists one would say nothing. */
export function checkLimits(limits: CardLimits): void {
  for (const what of ['categories', 'countries'] as const)
    if (limits[`allowed_${what}`]?.length && limits[`blocked_${what}`]?.length)
      throw new Problem('invalid_request', {
        field: `limits.blocked_${what}`,
        detail: `limits.allowed_${what} and limits.blocked_${what} shut each other out; give one of them`,
      })
}

/** By the calendar of UTC, as the vendor counts; weeks begin on Sunday. Null: since ever. */
export function startOf(interval: Exclude<Interval, 'per_authorization'>, now: Date): Date | null {
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()]
  switch (interval) {
    case 'daily':
      return new Date(Date.UTC(year, month, day))
    case 'weekly':
      return new Date(Date.UTC(year, month, day - now.getUTCDay()))
    case 'monthly':
      return new Date(Date.UTC(year, month, 1))
    case 'yearly':
      return new Date(Date.UTC(year, 0, 1))
    case 'all_time':
      return null
  }
}

export type Counted = Exclude<Interval, 'per_authorization'>
/** What was spent on a card in each interval up to now, by the category of the merchant. */
export type Spent = { category: string | null } & Record<Counted, bigint>

/** Both those that hold and those that are to hold. */
export const limitsInForce = ({ limits, wish }: Pick<CardRow, 'limits' | 'wish'>): CardLimits[] =>
  wish?.limits ? [limits, wish.limits] : [limits]

/** Since when what was spent must be known; `never` where no limit asks. */
export function countedSince(limits: readonly CardLimits[], now: Date): Date | null | 'never' {
  const starts = limits
    .flatMap(({ spending = [] }) => spending)
    .flatMap(({ interval }) => (interval === 'per_authorization' ? [] : [startOf(interval, now)]))
  if (starts.length === 0) return 'never'
  const times = starts.map((one) => one?.getTime() ?? null)
  return times.includes(null) ? null : new Date(Math.min(...times.filter((one) => one !== null)))
}

/** Why a card may not be used at all; null where it may. What is wanted of it holds already. */
export function refusedBy({ status, wish }: Standing & Pick<CardRow, 'wish'>): string | null {
  if (wish?.status === 'blocked' || wish?.status === 'canceled') return `card_${wish.status}`
  return status === 'active' ? null : `card_${status}`
}

/** The first limit that is in the way, as a reason; null where none is. */
export function limitedBy(
  limits: readonly CardLimits[],
  { asked, authorization }: AuthorizationQuestion,
  spent: readonly Spent[],
): string | null {
  const { category, country } = authorization.merchant
  const units = BigInt(asked.amount)
  const held = authorization.requests > 0 ? BigInt(authorization.money.amount) : 0n
  for (const one of limits) {
    if (!isAllowed(category, one.allowed_categories, one.blocked_categories)) return 'category_blocked'
    if (!isAllowed(country, one.allowed_countries, one.blocked_countries)) return 'country_blocked'
    const passed = one.spending?.find((limit) => isPassed(limit, category, { asked: units, held }, spent))
    if (passed) return `limit_${passed.interval}`
  }
  return null
}

/** What is not known is on no list of what is allowed. */
function isAllowed(word: string | null, allowed: string[] = [], blocked: string[] = []): boolean {
  if (allowed.length > 0) return word !== null && allowed.includes(word)
  return word === null || !blocked.includes(word)
}

function isPassed(
  { amount, interval, categories = [] }: SpendingLimit,
  category: string | null,
  { asked, held }: { asked: bigint; held: bigint },
  spent: readonly Spent[],
): boolean {
  const covers = (one: string | null) => categories.length === 0 || (one !== null && categories.includes(one))
  if (!covers(category)) return false
  if (interval === 'per_authorization') return held + asked > BigInt(amount) // it may be raised bit by bit
  const so_far = spent.filter((one) => covers(one.category)).reduce((sum, one) => sum + one[interval], 0n)
  return so_far + asked > BigInt(amount)
}
