import type { Count } from './call_limits.ts'

/**
 * The limiter of one connection in one process. It holds a small block of calls taken from the counts all processes
 * share, so that most calls cost no statement. A block ends with its slot; what is left of it is given back when the
 * next is taken. Who finds none is refused, or waits in line, first come first served.
 */
export type Limiter = {
  /** `wait_ms` is how long the call would stand in line, unless `signal` takes it out; 0 refuses at once. */
  take(wait_ms: number, signal?: AbortSignal): Permit | Promise<Permit>
  /** Takes at once for so many calls that are known to come, as far as the limits allow. `held` may be used by any call. */
  reserve(calls: number): Promise<{ held: number; wait_ms: number }>
  /** Calls that may go now without a question. */
  held(): number
  /** Gives back what is held and was not used. */
  giveBack(): Promise<void>
  /** Tells of bytes that one call sent and got. Until then it counts as much as the calls before it had. */
  spend(bytes: number): void
  /** In place of `spend`: a call that was let through was never sent, and takes none of the bytes it was counted for. */
  unsent(): void
  /** How many more calls the vendor should take, by what all processes have counted; held blocks are taken already. */
  room(): number
  /** The vendor says that it takes no more than so many. */
  believe(remaining: number): void
  /** Holds nothing any longer, and for so long asks for nothing: the vendor asked to wait, or others heard so. */
  drop(pause_ms?: number): void
  /** The limits may be others now: who was refused by the old ones, or waits for them, is asked for again. */
  relearn(): void
  /** Counts what was spent since the last question. Throws where the counts cannot be reached. */
  flush(): Promise<void>
}

/** A permit is for a call that leaves before `until_ms` of the monotonic clock. `full` is null where the vendor asks to wait. */
export type Permit = { ok: true; until_ms: number } | { ok: false; wait_ms: number; full: Count | null }

/** Calls that were taken at a time and never made. */
export type Unused = { calls: number; at_ms: number }
export type Asked = { want: number; unused: Unused; bytes: number }

/** What was taken of the shared counts: to be used within `ends_ms` of the question, and none before `wait_ms`. */
export type Granted = {
  granted: number
  at_ms: number
  ends_ms: number
  wait_ms: number
  /** Which count has none left; null where the vendor asks to wait. */
  full: Count | null
  /** Calls the connection and its vendor still allow after these. */
  room: number
  /** Bytes that all levels still allow. */
  bytes_room: number
  /** The smallest limit in calls. */
  smallest: number
}

/** What one process saw of its limits, for reports; whoever reads it sets it back. */
export type Tally = { calls: number; bytes: number; refused: number }

type Waiter = { deadline_ms: number; settle: (permit: Permit) => void; fail: (error: unknown) => void }
type Block = { left: number; size: number; at_ms: number; ends_ms: number }

/** What one process holds is at most this part of the smallest limit, so that it is missed by no other. */
const LARGEST_PART = 20
const LARGEST_BLOCK = 10_000
/** Bytes are told to the others at the latest so long after they were spent. */
const FLUSH_MS = 250
/** Calls by which the usual size of a call is reckoned. */
const MEMORY = 8
const NOTHING: Unused = { calls: 0, at_ms: 0 }
const NO_BLOCK: Block = { left: 0, size: 0, at_ms: 0, ends_ms: 0 }

export function createLimiter(options: {
  ask: (asked: Asked) => Promise<Granted>
  monotonic: () => number
  tally: Tally
}): Limiter {
  const { ask, monotonic, tally } = options
  const line: Waiter[] = []
  let block = { ...NO_BLOCK }
  let next_size = 1
  let largest = 1
  let empty_until_ms = 0
  let paused_until_ms = 0
  /** How often the limits have changed. */
  let changes = 0
  let full: Count | null = null
  let room = Number.POSITIVE_INFINITY
  let asking: Promise<void> | null = null
  let timer: NodeJS.Timeout | null = null
  let bytes = 0
  let usual = 0 // bytes of a call, as the last ones had
  let under_way = 0
  let charged = 0 // to those under way
  /** Bytes after which the next call asks first. */
  let most_bytes = Number.POSITIVE_INFINITY
  let flushing: NodeJS.Timeout | null = null

  function take(wait_ms: number, signal?: AbortSignal): Permit | Promise<Permit> {
    const now_ms = monotonic()
    if (line.length === 0 && block.left > 0 && now_ms < block.ends_ms) return use()
    if (now_ms + wait_ms < empty_until_ms) return refuse(empty_until_ms - now_ms)
    const { promise, resolve: settle, reject: fail } = Promise.withResolvers<Permit>()
    const waiter = { deadline_ms: now_ms + wait_ms, settle, fail }
    line.push(waiter)
    if (timer === null) begin(serve)
    return signal ? whileWanted(signal, waiter, promise) : promise
  }

  /** Who is gone takes nothing of what the others wait for. */
  function whileWanted(signal: AbortSignal, waiter: Waiter, waited: Promise<Permit>): Promise<Permit> {
    const leave = () => {
      if (line.includes(waiter)) line.splice(line.indexOf(waiter), 1)
      waiter.settle({ ok: false, wait_ms: 0, full: null })
    }
    if (signal.aborted) leave()
    signal.addEventListener('abort', leave)
    return waited.finally(() => signal.removeEventListener('abort', leave))
  }

  function use(): Permit {
    block.left -= 1
    tally.calls += 1
    if (most_bytes !== Number.POSITIVE_INFINITY) charge()
    return { ok: true, until_ms: block.ends_ms }
  }

  function refuse(wait_ms: number): Permit {
    tally.refused += 1
    return { ok: false, wait_ms, full }
  }

  /** One question at a time; who comes while one is under way is among the next. */
  function begin(work: () => Promise<void>): Promise<void> {
    asking ??= work().finally(() => {
      asking = null
      // Who came while the others were being refused is among these.
      if (line.length > 0) timer ??= setTimeout(wake, Math.max(1, empty_until_ms - monotonic()))
    })
    return asking
  }

  async function serve(): Promise<void> {
    try {
      while (line.length > 0) {
        if (!hasRoom() && !(await refill(line.length))) break
        while (line.length > 0 && hasRoom()) line.shift()?.settle(use())
      }
    } catch (error) {
      for (const { fail } of line.splice(0)) fail(error)
    }
  }

  async function reserve(calls: number): Promise<{ held: number; wait_ms: number }> {
    while (asking) await asking
    if (held() < calls) await begin(async () => void (await refill(calls)))
    return { held: held(), wait_ms: held() > 0 ? 0 : Math.max(1, empty_until_ms - monotonic()) }
  }

  async function giveBack(): Promise<void> {
    while (asking) await asking
    const unused = { calls: block.left, at_ms: block.at_ms }
    block = { ...NO_BLOCK }
    if (unused.calls > 0) await begin(async () => void (await askFor(0, unused)))
  }

  const held = (): number => (hasRoom() ? block.left : 0)
  const hasRoom = () => block.left > 0 && monotonic() < block.ends_ms

  /** False where there was nothing to take: who cannot wait that long is refused, the others are served later. */
  async function refill(least: number): Promise<boolean> {
    const now_ms = monotonic()
    if (now_ms >= empty_until_ms) {
      const unused = { calls: block.left, at_ms: block.at_ms }
      next_size = sizeAfter(block, now_ms)
      block = { ...NO_BLOCK }
      const before = changes
      const got = await askFor(Math.max(next_size, least), unused)
      const { granted, at_ms, ends_ms } = got
      // Counted from before the question: the slot cannot end earlier than we believe.
      block = { left: granted, size: granted, at_ms, ends_ms: now_ms + ends_ms }
      if (changes !== before) {
        block.ends_ms = 0 // by limits that hold no longer
        return refill(least)
      }
      // A pause that came meanwhile holds for these too; they are given back.
      if (monotonic() < empty_until_ms) block.ends_ms = 0
      else if (granted > 0) return true
      if (granted === 0) full = got.full
      empty_until_ms = Math.max(empty_until_ms, monotonic() + got.wait_ms)
    }
    refuseLate()
    return false
  }

  async function askFor(want: number, unused: Unused): Promise<Granted> {
    const told = Math.round(bytes)
    bytes -= told
    try {
      const got = await ask({ want, unused, bytes: told })
      largest = Math.max(1, Math.floor(Math.min(LARGEST_BLOCK, got.smallest / LARGEST_PART)))
      most_bytes = Math.ceil(got.bytes_room / LARGEST_PART)
      room = got.room
      return got
    } catch (error) {
      bytes += told
      throw error
    }
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
      else waiter.settle(refuse(Math.max(0, empty_until_ms - now_ms)))
    }
  }

  function wake(): void {
    timer = null
    begin(serve)
  }

  /** What a call is going to spend is not known yet; it is counted as the last ones, and put right by `spend`. */
  function charge(): void {
    under_way += 1
    charged += usual
    count(usual)
  }

  function spend(spent: number): void {
    tally.bytes += spent
    if (most_bytes === Number.POSITIVE_INFINITY) return
    const share = discharge()
    usual += (spent - usual) / (usual === 0 ? 1 : MEMORY)
    countAndTell(spent - share)
  }

  function unsent(): void {
    if (most_bytes !== Number.POSITIVE_INFINITY) countAndTell(-discharge())
  }

  function discharge(): number {
    const share = under_way > 0 ? charged / under_way : 0
    if (under_way > 0) under_way -= 1
    charged -= share
    return share
  }

  function countAndTell(more: number): void {
    count(more)
    flushing ??= setTimeout(() => {
      flush().catch(() => {}) // they stay with us, and the next question tells of them
    }, FLUSH_MS).unref()
  }

  function count(more: number): void {
    bytes += more
    if (bytes >= most_bytes) block.ends_ms = 0
  }

  async function flush(): Promise<void> {
    if (flushing) clearTimeout(flushing)
    flushing = null
    if (Math.round(bytes) !== 0) await askFor(0, NOTHING)
  }

  return {
    take,
    reserve,
    held,
    giveBack,
    spend,
    unsent,
    flush,
    room: () => room,
    believe: (remaining) => {
      room = Math.min(room, remaining)
    },
    drop: (pause_ms = 0) => {
      block.ends_ms = 0
      if (pause_ms > 0) full = null
      paused_until_ms = Math.max(paused_until_ms, monotonic() + pause_ms)
      empty_until_ms = Math.max(empty_until_ms, paused_until_ms)
    },
    relearn: () => {
      changes += 1
      block.ends_ms = 0
      empty_until_ms = paused_until_ms
      if (timer === null) return
      clearTimeout(timer)
      wake()
    },
  }
}
