import { randomUUID } from 'node:crypto'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import type { Telemetry } from './telemetry.ts'

/**
 * Work is rows. A loop claims what is due under a lease, runs it, and when nothing is due is told when to look
 * again; a wake-up (from this process, or by NOTIFY from another) cuts the wait short. Work that nobody told of is seen
 * by the look that all queues of a process share (`queue_look.ts`). The claim of a table stands in its module's
 * `queries.ts`; this file knows no table.
 *
 * The lease is a row's `due` moved ahead and its `claim` set to this claim's id. Whoever ends the work fences
 * on that id as the first statement of its transaction, so a worker that stalled past its lease changes nothing.
 */
export type Work = { tenant_id: string; id: string; claim: string; attempts: number }

export type Claim = {
  id: string
  limit: number
  /** Nothing below it but what is long dead; null reads everything. */
  from: Date | null
  /** Whether to find out when to look again. */
  ahead: boolean
}

export type Claimed<Item extends Work> = {
  items: Item[]
  /**
   * Until the next row falls due, or until a lease ends that somebody else may be taking now; null where there is none,
   * where nobody asked (`ahead`), or where as much was taken as was allowed.
   */
  wait_ms: number | null
  /** `due` of the last row taken: the next claim need not look below it. */
  reached: Date | null
  /** There may be more that can be taken at once, however little this was. */
  more?: boolean
  /** More is due than its owners have room for here: it is looked at again as soon as anything in hand ends. */
  blocked?: boolean
}

export type LoopOptions<Item extends Work> = {
  name: string
  /** How many items may be held at once. */
  capacity: number
  /** How many to claim in one statement. */
  batch: number
  claim: (claim: Claim) => Promise<Claimed<Item>>
  /**
   * Runs what one claim took and settles it. Returns in how many milliseconds some of it falls due again, where it
   * does: no claim would know. What it throws is logged; the lease then runs out.
   */
  run: (items: Item[]) => Promise<number | null>
  /** Runs items one by one instead of as a group: a slow one then holds only its own place. */
  runEach?: boolean
  /** Moves the leases of what is still held ahead. */
  extend: (items: Item[]) => Promise<void>
  look: Look
  clock: Clock
  log: Log
}

/** Tells every half minute in how many milliseconds the first of a queue is due, until what it returns is called. */
export type Look = (tell: (in_ms: number) => void) => () => void

export type Loop = {
  wake(): void
  /** Takes nothing more and waits for what is held. */
  stop(): Promise<void>
}

/** How long a claim holds without a sign of life. A killed worker's work is taken over after this. */
export const LEASE_MS = 10_000
const HEARTBEAT_MS = 3_000
/** Work that nobody told of is seen after this at the latest. */
export const LOOK_EVERY_MS = 30_000
/** Dead rows pile up below the last claim while somebody holds a snapshot; the whole index is read this often … */
const SWEEP_MS = 5_000
/** … and no more than so small a part of the time. */
const SWEEP_PART = 1 / 50
/** What is due next is asked for this often: that too reads the dead, so where it takes long it is asked for less. */
const AHEAD_MS = 250
const MOST_AHEAD_MS = 1_000

export function startLoop<Item extends Work>(options: LoopOptions<Item>): Loop {
  const { name, capacity, batch, claim, run, extend, clock, log } = options
  const held = new Set<Item>()
  let state: 'idle' | 'claiming' | 'stopped' = 'idle'
  let woken = false
  let timer: NodeJS.Timeout | null = null
  let look_at = Number.POSITIVE_INFINITY
  let reached: Date | null = null
  let sweep_at = Number.NEGATIVE_INFINITY
  let ahead_at = Number.NEGATIVE_INFINITY
  let looking = false
  let blocked = false
  let emptied: (() => void) | null = null
  let turning: Promise<void> = Promise.resolve()

  const heartbeat = setInterval(() => {
    if (held.size === 0) return
    extend([...held]).catch((error) => log.warn({ queue: name, err: error }, 'leases were not extended'))
  }, HEARTBEAT_MS)
  heartbeat.unref()

  /** Claims again in `ms`, or earlier where that was planned already. What is further off the shared look comes to in time. */
  function wait(ms: number): void {
    if (isStopped() || ms > LOOK_EVERY_MS) return
    // A timer counts whole milliseconds: one that rang before its time would find nothing, and claim twice.
    const whole_ms = Math.ceil(Math.max(ms, 0)) + 1
    const at = clock.monotonic() + whole_ms
    if (timer && look_at <= at) return
    if (timer) clearTimeout(timer)
    look_at = at
    timer = setTimeout(() => {
      timer = null // one that rang during a claim would be taken for one that still will
      wake()
    }, whole_ms)
  }

  function wake(): void {
    woken = true
    if (state === 'idle') turning = turn()
  }

  async function turn(): Promise<void> {
    state = 'claiming'
    if (timer) clearTimeout(timer)
    timer = null
    let pause_ms: number | null = null
    while (woken && hasRoom()) {
      woken = false
      pause_ms = await claimOnce()
    }
    if (isStopped()) return
    state = 'idle'
    // Full: whatever ends next makes room and looks again. Otherwise sleep until the next row falls due.
    if (!hasRoom()) woken = true
    else if (pause_ms !== null) wait(pause_ms)
  }

  const isStopped = () => state === 'stopped'
  const hasRoom = () => !isStopped() && held.size < capacity

  async function claimOnce(): Promise<number | null> {
    const limit = Math.min(batch, capacity - held.size)
    const began = clock.monotonic()
    const [sweep, ahead] = [began >= sweep_at, began >= ahead_at]
    try {
      const from = sweep ? null : reached
      const claimed = await claim({ id: randomUUID(), limit, from, ahead })
      const now = clock.monotonic()
      if (sweep) sweep_at = now + Math.max(SWEEP_MS, (now - began) / SWEEP_PART)
      if (ahead && claimed.items.length < limit)
        ahead_at = now + Math.min(MOST_AHEAD_MS, Math.max(AHEAD_MS, (now - began) / SWEEP_PART))
      if (claimed.reached) reached = claimed.reached
      take(claimed.items)
      if (claimed.items.length >= limit || claimed.more) woken = true
      blocked = claimed.blocked ?? false
      const wait_ms = ahead ? claimed.wait_ms : Math.min(claimed.wait_ms ?? MOST_AHEAD_MS, ahead_at - now)
      // What a long transaction put below `from` is told of once, and found by the next sweep.
      return from === null ? wait_ms : Math.min(wait_ms ?? Number.POSITIVE_INFINITY, sweep_at - now)
    } catch (error) {
      log.warn({ queue: name, err: error }, 'nothing could be claimed')
      return 500
    }
  }

  function take(items: Item[]): void {
    for (const item of items) held.add(item)
    if (options.runEach) for (const item of items) void hold([item])
    else if (items.length > 0) void hold(items)
  }

  async function hold(items: Item[]): Promise<void> {
    try {
      const again_ms = await run(items)
      if (again_ms !== null) wait(again_ms)
    } catch (error) {
      log.error({ queue: name, err: error, items: items.length }, 'work failed and is left to its lease')
      wait(LEASE_MS)
    }
    for (const item of items) held.delete(item)
    if (held.size === 0) emptied?.()
    if (blocked) woken = true
    if (state === 'idle' && woken) lookAgainSoon()
  }

  // What is settled in one statement ends in one turn of the event loop: its room is filled by one claim.
  function lookAgainSoon(): void {
    if (looking) return
    looking = true
    setImmediate(() => {
      looking = false
      if (state === 'idle' && woken) turning = turn()
    })
  }

  wake()
  const lookNoMore = options.look((in_ms) => (in_ms > 0 ? wait(in_ms) : wake()))
  return {
    wake,
    stop: async () => {
      state = 'stopped'
      lookNoMore()
      if (timer) clearTimeout(timer)
      await turning
      if (held.size > 0) {
        await new Promise<void>((resolve) => {
          emptied = resolve
        })
      }
      clearInterval(heartbeat)
    },
  }
}

export type QueueState = { depth: number; oldest_s: number }

/** Shows a queue to Prometheus; it is looked at only when scraped. */
export function watchQueue(telemetry: Telemetry, queue: string, read: () => Promise<QueueState>): void {
  telemetry.gauge('trilho_queue_depth', async () => (await read()).depth, { queue })
  telemetry.gauge('trilho_queue_oldest_seconds', async () => (await read()).oldest_s, { queue })
}
