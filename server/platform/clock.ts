/** Time, so that a test can hold it still. Wall time is UTC; durations come from `monotonic`, which never jumps. */
export type Clock = {
  now(): Date
  /** Milliseconds from an arbitrary start; only differences mean something. */
  monotonic(): number
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
}
