import { dateOf, daysOf } from './days.ts'

/**
 * The due date of a bank's boleto is four digits: days since 7 October 1997, from 1000 (3 July 2000) to 9999
 * (21 February 2025), and then from 1000 (22 February 2025) again, every 9,000 days. So a factor means a date in each
 * cycle, and only the day it is read on tells which. Source: FEBRABAN, as Bradesco's layout of cobrança prints it.
 */
const FIRST = 1_000
const CYCLE_DAYS = 9_000
const BASE = 10_141 // 7 October 1997, in days since 1970
/** A boleto is taken to fall due at most 15 years from now, and so was due less than 10 years ago. */
const AHEAD_DAYS = 5_500

/** `YYYY-MM-DD`, or null where the factor tells no date: 0000 by its rule, below 1000 because the count begins there. */
export function dueDateOf(factor: number, reference_day: number): string | null {
  if (factor < FIRST) return null
  const cycle = Math.floor((reference_day + AHEAD_DAYS - BASE - factor) / CYCLE_DAYS)
  return dateOf(BASE + factor + Math.max(0, cycle) * CYCLE_DAYS)
}

/** The factor of a date; null before 3 July 2000 and where there is no such day. */
export function factorOf(date: string): number | null {
  const days = daysOf(date)
  if (days === null || days < BASE + FIRST) return null
  return ((days - BASE - FIRST) % CYCLE_DAYS) + FIRST
}
