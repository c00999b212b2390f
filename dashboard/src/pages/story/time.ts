import { duration, number } from '../../parts/figures.ts'

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const

/** A span of any length by its two largest units: 40 ms, 4 s, 3 min 20 s, 2 d 5 h. */
export function spell(ms: number): string {
  if (ms < 1_000) return duration(ms)
  if (ms < 60_000) return `${number(ms / 1_000, ms < 10_000 && ms % 1_000 >= 100 ? 1 : 0)} s`
  const at = UNITS.findIndex(([, size]) => ms >= size)
  const [unit, size] = UNITS[at] ?? UNITS[2]
  const [smaller, step] = UNITS[at + 1] ?? (['s', 1_000] as const)
  const rest = Math.floor((ms % size) / step)
  const whole = `${number(Math.floor(ms / size))} ${unit}`
  return rest === 0 ? whole : `${whole} ${rest} ${smaller}`
}
