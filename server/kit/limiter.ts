import type { Count } from './call_limits.ts'
import { createBlock, type Place } from './limiter_block.ts'
import { createSpending } from './limiter_bytes.ts'

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
  /** In place of `spend`: a call got no byte to its vendor, and takes none of those it was counted for. */
  unsent(): void
  /** In place of `unsent`: nothing was tried either, so that its place may be another's. */
  letGo(place: Place): void
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
export type Permit = ({ ok: true } & Place) | { ok: false; wait_ms: number; full: Count | null }

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

/** Bytes are told to the others at the latest so long after they were spent. */
const FLUSH_MS = 250
const NOTHING: Unused = { calls: 0, at_ms: 0 }

export function createLimiter(options: {
  ask: (asked: Asked) => Promise<Granted>
  monotonic: () => number
  tally: Tally
}): Limiter {
  const { ask, monotonic, tally } = options
  const line: Waiter[] = []
  const block = createBlock(monotonic)
  const spending = createSpending()
  let empty_until_ms = 0
  let paused_until_ms = 0
  /** How often the limits have changed. */
  let changes = 0
  let full: Count | null = null
  let room = Number.POSITIVE_INFINITY
  let asking: Promise<void> | null = null
  let timer: NodeJS.Timeout | null = null
  let flushing: NodeJS.Timeout | null = null

  function take(wait_ms: number, signal?: AbortSignal): Permit | Promise<Permit> {
    const now_ms = monotonic()
    if (line.length === 0 && block.left() > 0) return use()
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
    tally.calls += 1
    const place = block.use()
    spending.begin()
    if (spending.isFull()) block.end() // for those that come after
    return { ok: true, ...place }
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
        if (block.left() === 0 && !(await refill(line.length))) break
        while (line.length > 0 && block.left() > 0) line.shift()?.settle(use())
      }
    } catch (error) {
      for (const { fail } of line.splice(0)) fail(error)
    }
  }

  async function reserve(calls: number): Promise<{ held: number; wait_ms: number }> {
    while (asking) await asking
    if (block.left() < calls) await begin(async () => void (await refill(calls)))
    const held = block.left()
    return { held, wait_ms: held > 0 ? 0 : Math.max(1, empty_until_ms - monotonic()) }
  }

  async function giveBack(): Promise<void> {
    while (asking) await asking
    const unused = block.takeUnused()
    if (unused.calls > 0) await begin(async () => void (await askFor(0, unused)))
  }

  /** False where there was nothing to take: who cannot wait that long is refused, the others are served later. */
  async function refill(least: number): Promise<boolean> {
    await giveOlder()
    const now_ms = monotonic()
    if (now_ms >= empty_until_ms) {
      const want = Math.max(block.nextSize(), least)
      const before = changes
      const got = await askFor(want, block.takeUnused())
      const { granted, at_ms, ends_ms } = got
      // Counted from before the question: the slot cannot end earlier than we believe.
      block.put(granted, at_ms, now_ms + ends_ms)
      if (changes !== before) {
        block.end() // by limits that hold no longer
        return refill(least)
      }
      // A pause that came meanwhile holds for these too; they are given back.
      if (monotonic() < empty_until_ms) block.end()
      else if (granted > 0) return true
      if (granted === 0 && (await giveOlder())) return refill(least) // what was let go of meanwhile
      if (granted === 0) full = got.full
      empty_until_ms = Math.max(empty_until_ms, monotonic() + got.wait_ms)
    }
    refuseLate()
    return false
  }

  async function askFor(want: number, unused: Unused): Promise<Granted> {
    const told = spending.untold()
    spending.told(told)
    try {
      const got = await ask({ want, unused, bytes: told })
      block.fit(got.smallest)
      spending.fit(got.bytes_room)
      room = got.room
      return got
    } catch (error) {
      spending.told(-told)
      throw error
    }
  }

  /** False where nothing was let go of. */
  async function giveOlder(): Promise<boolean> {
    const older = block.takeOlder()
    for (const unused of older) await askFor(0, unused)
    return older.length > 0
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

  function spend(spent: number): void {
    tally.bytes += spent
    tellSoon(spending.end(spent))
  }

  const unsent = (): void => tellSoon(spending.end(null))

  /** Who was told that there is no room is told anew: there may be some. */
  function letGo(place: Place): void {
    tally.calls -= 1
    unsent()
    block.letGo(place)
    lookAgain()
  }

  function lookAgain(): void {
    empty_until_ms = paused_until_ms
    if (timer === null) return
    clearTimeout(timer)
    wake()
  }

  function tellSoon(is_counted: boolean): void {
    if (!is_counted) return
    if (spending.isFull()) block.end()
    flushing ??= setTimeout(() => {
      flush().catch(() => {}) // they stay with us, and the next question tells of them
    }, FLUSH_MS).unref()
  }

  async function flush(): Promise<void> {
    if (flushing) clearTimeout(flushing)
    flushing = null
    await giveOlder()
    if (spending.untold() !== 0) await askFor(0, NOTHING)
  }

  return {
    take,
    reserve,
    held: block.left,
    giveBack,
    spend,
    unsent,
    letGo,
    flush,
    room: () => room,
    believe: (remaining) => {
      room = Math.min(room, remaining)
    },
    drop: (pause_ms = 0) => {
      block.end()
      if (pause_ms > 0) full = null
      paused_until_ms = Math.max(paused_until_ms, monotonic() + pause_ms)
      empty_until_ms = Math.max(empty_until_ms, paused_until_ms)
    },
    relearn: () => {
      changes += 1
      block.end()
      lookAgain()
    },
  }
}
