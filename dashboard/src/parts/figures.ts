import { spoken } from '../text/text.ts'

/** How numbers are written for people. */

/** What writes them is dear to make and cheap to use: one is kept for each language and manner. */
const writers = new Map<string, Intl.NumberFormat>()

function writer(name: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${spoken()} ${name}`
  const kept = writers.get(key) ?? new Intl.NumberFormat(spoken(), options)
  writers.set(key, kept)
  return kept
}

/** Below a second in milliseconds, above it in seconds with two decimals. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–'
  return ms < 1000 ? `${number(Math.round(ms))} ms` : `${number(ms / 1000, 2)} s`
}

export function number(value: number | null | undefined, decimals = 0): string {
  if (value === null || value === undefined) return '–'
  const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals }
  return writer(String(decimals), options).format(value)
}

export const percent = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : `${number(value, 1)} %`

/** 12,345 becomes 12.3 k. */
export const short = (value: number): string =>
  writer('short', { notation: 'compact', maximumFractionDigits: 1 }).format(value)

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, value)) / 3))
  return `${number(value / 1000 ** power, power === 0 ? 0 : 1)} ${units[power]}`
}
