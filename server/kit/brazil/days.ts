const DAY_MS = 86_400_000

/** Days since 1 January 1970 of a `YYYY-MM-DD`; null where there is no such day. */
export function daysOf(date: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) return null
  const days = Date.parse(`${date}T00:00:00Z`) / DAY_MS
  return Number.isInteger(days) && dateOf(days) === date ? days : null
}

export const dateOf = (days: number): string => new Date(days * DAY_MS).toISOString().slice(0, 10)
