import type { Banking } from '../../kit/banking.ts'
import type { AccountRow } from './account_queries.ts'
import { addDays, earlier, later, weekOf } from './days.ts'
import type { Step } from './sync_queries.ts'

/** Which days of an account a sync asks for. */

const HISTORY_DAYS = 365
/** What was read before is read again, for what came late or changed. */
const OVERLAP_DAYS = 7

/** From some days before what is known, or as far back as the bank tells, up to what it announces. */
export function windowsOf(
  { statement = {} }: Pick<Banking, 'statement'>,
  { id, read_to, read_on }: Pick<AccountRow, 'id' | 'read_to' | 'read_on'>,
  today: string,
): Step[] {
  const { history_days = HISTORY_DAYS, window_days, ahead_days = 0, recent_days } = statement
  const first = addDays(today, -history_days)
  const known = read_to === null ? first : later(first, addDays(read_to, -OVERLAP_DAYS))
  const last = addDays(today, ahead_days)
  const spans = recent_days
    ? spansOf({ first: known, recent: addDays(today, 1 - recent_days), today, last }, read_to, read_on)
    : [{ from: known, to: last }]
  const windows = spans.flatMap((span) => slicesOf(span, window_days))
  return windows.map((window, at) => ({
    ...{ kind: 'window', account_id: id, ...window },
    is_last: at === windows.length - 1,
  }))
}

type Span = { from: string; to: string; recent?: true }

/**
 * What lies before the days that may be asked often is asked only where it is not known, and what lies ahead once a
 * week: a bank may answer either no more than four times a month (Open Finance).
 */
function spansOf(
  { first, recent, today, last }: { first: string; recent: string; today: string; last: string },
  read_to: string | null,
  read_on: string | null,
): Span[] {
  const is_known = read_to !== null && read_to >= recent
  const is_new_week = read_on === null || weekOf(read_on) !== weekOf(today)
  return [
    ...(is_known ? [] : [{ from: first, to: addDays(recent, -1) }]),
    ...(last > today && is_new_week ? [{ from: addDays(today, 1), to: last }] : []),
    { from: recent, to: today, recent: true as const },
  ]
}

function slicesOf({ from, to, ...rest }: Span, days: number | undefined): Span[] {
  const slices: Span[] = []
  for (let begin = from; begin <= to; ) {
    const end = days === undefined ? to : earlier(to, addDays(begin, days - 1))
    slices.push({ from: begin, to: end, ...rest })
    begin = addDays(end, 1)
  }
  return slices
}

/** Up to which day an account is known once a window was read: null where the window lies ahead, which says nothing of before. */
export const knownTo = ({ from, to }: { from: string; to: string }, today: string): string | null =>
  from > today ? null : earlier(to, today)
