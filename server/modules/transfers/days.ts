import { nextTurn } from '../../platform/jobs/jobs.ts'

/** Days of Brazil's calendar, where the banks are. */

const ZONE = 'America/Sao_Paulo'
const DAY = new Intl.DateTimeFormat('en-CA', { timeZone: ZONE })

export const dayOf = (at: Date): string => DAY.format(at)

/** What is scheduled is sent at half past seven, from when on a Pix is let go. */
export function dueOf(day: string, now: Date): Date {
  const [, month, date] = day.split('-').map(Number)
  return nextTurn(`30 7 ${date} ${month} *`, ZONE, now)
}

const DAY_MS = 86_400_000

export const daysUntil = (day: string, now: Date): number =>
  (Date.parse(day) - Date.parse(dayOf(now))) / DAY_MS

export const daysFrom = (at: Date, days: number): Date => new Date(at.getTime() + days * DAY_MS)
