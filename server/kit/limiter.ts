/**
 * The limiter of one connection in one process. It holds a small block of calls taken from the count all processes
 * share, so that most calls cost no statement. A block ends with its slot; what is left of it is given back when the
 * next is taken. Who finds none is refused, or waits in line, first come first served.
 */
export type Limiter = {
  /** `wait_ms` is how long the call would stand in line; 0 refuses at once. */
  take(wait_ms: number): Permit | Promise<Permit>
  /** Holds nothing any longer, and for so long asks for nothing: the vendor asked to wait, or others heard so. */
  drop(pause_ms?: number): void
}

/** A permit is for a call that leaves before `until_ms` of the monotonic clock. */
export type Permit = { ok: true; until_ms: number } | { ok: false; wait_ms: number }

/** What was taken of the shared count: to be used within `ends_ms` of the question, and none before `wait_ms`. */
export type Granted = { granted: number; at_ms: number; ends_ms: number; wait_ms: number }

/** Calls that were taken at a time and never made. */
export type Unused = { calls: number; at_ms: number }

type Waiter = { deadline_ms: number; settle: (permit: Permit) => void; fail: (error: unknown) => void }
type Block = { left: number; size: number; at_ms: number; ends_ms: number }

/** A block is at most this part of the smallest limit, so that what one process holds is missed by no other. */
const LARGEST_PART = 20

export function createLimiter(options: {
  /** The calls of the smallest limit. */
  smallest: number
  ask: (want: number, unused: Unused) => Promise<Granted>
  monotonic: () => number
}): Limiter {
  const { smallest, ask, monotonic } = options
  const largest = Math.max(1, Math.floor(smallest / LARGEST_PART))
  const line: Waiter[] = []
  let block: Block = { left: 0, size: 0, at_ms: 0, ends_ms: 0 }
  let next_size = 1
  let empty_until_ms = 0
  let asking = false
  let timer: NodeJS.Timeout | null = null

  function take(wait_ms: number): Permit | Promise<Permit> {
    const now_ms = monotonic()
    if (line.length === 0 && block.left > 0 && now_ms < block.ends_ms) return use()
    if (now_ms + wait_ms < empty_until_ms) return { ok: false, wait_ms: empty_until_ms - now_ms }
    return new Promise((settle, fail) => {
      line.push({ deadline_ms: now_ms + wait_ms, settle, fail })
      if (!asking && timer === null) void serve()
    })
  }

  function use(): Permit {
    block.left -= 1
    return { ok: true, until_ms: block.ends_ms }
  }

  async function serve(): Promise<void> {
    asking = true
    try {
      while (line.length > 0) {
        if (!hasRoom() && !(await refill())) break
        while (line.length > 0 && hasRoom()) line.shift()?.settle(use())
      }
    } catch (error) {
      for (const { fail } of line.splice(0)) fail(error)
    } finally {
      asking = false
    }
  }

  const hasRoom = () => block.left > 0 && monotonic() < block.ends_ms

  /** False where there was nothing to take: who cannot wait that long is refused, the others are served later. */
  async function refill(): Promise<boolean> {
    const now_ms = monotonic()
    if (now_ms >= empty_until_ms) {
      const unused = { calls: block.left, at_ms: block.at_ms }
      next_size = sizeAfter(block, now_ms)
      block = { left: 0, size: 0, at_ms: 0, ends_ms: 0 }
      const got = await ask(Math.max(next_size, line.length), unused)
      const { granted, at_ms, ends_ms } = got
      // Counted from before the question: the slot cannot end earlier than we believe.
      block = { left: granted, size: granted, at_ms, ends_ms: now_ms + ends_ms }
      // A pause that came meanwhile holds for these too; they are given back.
      if (monotonic() < empty_until_ms) block.ends_ms = 0
      else if (granted > 0) return true
      empty_until_ms = Math.max(empty_until_ms, monotonic() + got.wait_ms)
    }
    refuseLate()
    return false
  }

  /** Doubled while blocks run out early, else as much as was used. */
  function sizeAfter({ left, size, ends_ms }: Block, now_ms: number): number {
    const ran_out = left === 0 && size > 0 && now_ms < ends_ms
    return Math.max(1, Math.min(largest, ran_out ? size * 2 : size - left))
  }

  function refuseLate(): void {
    const now_ms = monotonic()
    for (const waiter of line.splice(0)) {
      if (waiter.deadline_ms >= empty_until_ms) line.push(waiter)
      else waiter.settle({ ok: false, wait_ms: Math.max(0, empty_until_ms - now_ms) })
    }
    if (line.length > 0 && timer === null) timer = setTimeout(wake, Math.max(1, empty_until_ms - now_ms))
  }

  function wake(): void {
    timer = null
    if (!asking) void serve()
  }

  return {
    take,
    drop: (pause_ms = 0) => {
      block.ends_ms = 0
      empty_until_ms = Math.max(empty_until_ms, monotonic() + pause_ms)
    },
  }
}
