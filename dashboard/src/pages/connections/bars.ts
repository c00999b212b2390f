const HOUR_MS = 3_600_000
const STEP_MS = { hour: HOUR_MS, day: 24 * HOUR_MS }
export type Step = keyof typeof STEP_MS

/** Hours up to a week, days above it. */
export const stepOf = (from: string, to: string): Step =>
  Date.parse(to) - Date.parse(from) <= 8 * STEP_MS.day ? 'hour' : 'day'

/** Every step from `from` to `to`, also those in which nothing was done, which the API leaves out. */
export function everyStep<Point>(
  { from, to, step }: { from: string; to: string; step: Step },
  points: ReadonlyMap<number, Point>,
): { at: string; point: Point | undefined }[] {
  const length = STEP_MS[step]
  const first = Math.floor(Date.parse(from) / length) * length
  const count = Math.min(1000, Math.max(1, Math.ceil((Date.parse(to) - first) / length)))
  return Array.from({ length: count }, (_, n) => {
    const time = first + n * length
    return { at: new Date(time).toISOString(), point: points.get(time) }
  })
}
