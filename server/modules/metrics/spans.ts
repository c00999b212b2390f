/** The steps in which things are counted, and how a range is put together of them. */

export type Grain = 'five_minutes' | 'hour' | 'day'

/** Whole steps of one grain. */
export type Span = { grain: Grain; from: Date; to: Date }

const MINUTE_MS = 60_000
export const SIZE_MS: Record<Grain, number> = {
  five_minutes: 5 * MINUTE_MS,
  hour: 60 * MINUTE_MS,
  day: 24 * 60 * MINUTE_MS,
}

export const floorTo = (ms: number, grain: Grain): number => Math.floor(ms / SIZE_MS[grain]) * SIZE_MS[grain]
export const ceilTo = (ms: number, grain: Grain): number => Math.ceil(ms / SIZE_MS[grain]) * SIZE_MS[grain]

/**
 * A range in as few rows as there can be: whole steps of the first of the grains, and finer ones at its edges. What is
 * finer than the last of them is counted as a whole.
 */
export function spansOf(from_ms: number, to_ms: number, [grain, ...finer]: readonly Grain[]): Span[] {
  if (grain === undefined || from_ms >= to_ms) return []
  if (finer.length === 0) return [spanOf(grain, floorTo(from_ms, grain), ceilTo(to_ms, grain))]
  const [first, last] = [ceilTo(from_ms, grain), floorTo(to_ms, grain)]
  if (first >= last) return spansOf(from_ms, to_ms, finer)
  return [...spansOf(from_ms, first, finer), spanOf(grain, first, last), ...spansOf(last, to_ms, finer)]
}

const spanOf = (grain: Grain, from_ms: number, to_ms: number): Span => ({
  grain,
  from: new Date(from_ms),
  to: new Date(to_ms),
})
