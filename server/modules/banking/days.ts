/** Days as `2026-11-22`, in São Paulo, whose midnight it is that a bank's day begins with. */

const PARTS = new Intl.DateTimeFormat('sv-SE', { timeZone: 'America/Sao_Paulo' })
/** Midnight there is a whole hour of UTC, so that each hour lies within one day. */
const kept = new Map<number, string>()
const MOST_KEPT = 20_000

export function dayOf(time: Date): string {
  const hour = Math.floor(time.getTime() / 3_600_000)
  const known = kept.get(hour)
  if (known !== undefined) return known
  if (kept.size >= MOST_KEPT) kept.clear()
  const day = PARTS.format(time)
  kept.set(hour, day)
  return day
}

export function addDays(day: string, days: number): string {
  const time = new Date(`${day}T00:00:00Z`)
  time.setUTCDate(time.getUTCDate() + days)
  return time.toISOString().slice(0, 10)
}

export const earlier = (a: string, b: string): string => (a < b ? a : b)
export const later = (a: string, b: string): string => (a > b ? a : b)

/** Which week it is of, counted from one that began long ago. */
export const weekOf = (day: string): number => Math.floor((Date.parse(day) / 86_400_000 + 3) / 7)
