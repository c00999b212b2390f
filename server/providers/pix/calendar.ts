import { dateOf, daysOf } from '../../kit/brazil/days.ts'
import type { Calendario } from './wire.ts'

/** Where a charge with a due date says nothing of how long after it is good, and one without of how long at all. */
const USUAL_DAYS = 30
const USUAL_S = 86_400

/** When the payer can pay no longer, RFC 3339 UTC; null where the calendar does not say. */
export function expiryOf({ criacao, expiracao, ...due }: Calendario): string | null {
  if (due.dataDeVencimento)
    return endOf(due.dataDeVencimento, Number(due.validadeAposVencimento ?? USUAL_DAYS))
  const made_ms = Date.parse(criacao ?? '')
  const at = new Date(made_ms + Number(expiracao ?? USUAL_S) * 1000)
  return Number.isNaN(at.getTime()) ? null : at.toISOString()
}

/**
 * The end of the last day in Brasília, whose clock has stood at UTC-3 since 2019. Both the due date and the last day
 * are put off to the next working day. Holidays are those of the payer and not known here: around them it is later.
 */
function endOf(due_date: string, days: number): string | null {
  const due = daysOf(due_date)
  if (due === null || !Number.isSafeInteger(days) || days < 0 || days > 3_650) return null
  return `${dateOf(workingDay(workingDay(due) + days) + 1)}T03:00:00.000Z`
}

/** 1 January 1970 was a Thursday. */
function workingDay(day: number): number {
  const weekday = (day + 4) % 7
  if (weekday === 6) return day + 2
  return weekday === 0 ? day + 1 : day
}
