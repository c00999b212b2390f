import { Worker } from 'node:worker_threads'

/**
 * Where what a tenant wrote is reckoned: expressions and schemas, in threads of their own with a bound on time and
 * memory, no environment, and nothing shared. A thread that goes over its bounds is ended with all it holds, and
 * another takes its place.
 */
export type Task =
  | { kind: 'expression'; expression: string; value: string }
  | { kind: 'template'; template: unknown; value: string }
  | { kind: 'validate'; schema: object; value: string }
  /** Whether an expression can be read at all; `value` is not looked at. */
  | { kind: 'syntax'; expression: string; value: string }

/** `text` is JSON, of the result or of the faults; `because` says why there is none, `passing` that later there may be. */
export type Reckoned = { ok: true; text: string } | { ok: false; because: string; passing?: true }

/** `began` is called when a thread has the task and nothing else to do. */
export type Reckoner = { run(task: Task, began?: () => void): Promise<Reckoned> }

/** The threads are shared by turns: `of` is for one tenant, which never has the last of several to itself. */
export type Bounded = { of(owner: string): Reckoner; close(): Promise<void> }

type Options = { threads?: number; timeout_ms?: number; queue?: number }

const MEMORY = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16, stackSizeMb: 2 }
/** What goes in and what comes out, in characters. */
export const MOST_TEXT = 5_000_000

type Waiting = {
  owner: string
  task: Task
  began: (() => void) | undefined
  done: (reckoned: Reckoned) => void
}
/** `ready` once it has read its own code, which counts towards nobody's time. */
type Thread = { worker: Worker; job: Waiting | null; timer: NodeJS.Timeout | null; ready: boolean }

export const READY = 'ready'
const NOT_BEGUN = [30_000, 'could not be begun'] as const

function startThread(): Worker {
  const file = new URL('./bounded_thread.ts', import.meta.url)
  return new Worker(file, { env: {}, resourceLimits: MEMORY, stdout: true, stderr: true })
}

type Heard = {
  begun(thread: Thread): void
  told(thread: Thread, reckoned: Reckoned): void
  ended(thread: Thread, because: string): void
}

function openThread({ begun, told, ended }: Heard): Thread {
  const thread: Thread = { worker: startThread(), job: null, timer: null, ready: false }
  const { worker } = thread
  worker.unref()
  worker.on('message', (what: Reckoned | typeof READY) => {
    if (what !== READY) return told(thread, what)
    thread.ready = true
    begun(thread)
  })
  worker.on('error', (error: NodeJS.ErrnoException) => ended(thread, causeOf(error)))
  worker.on('exit', () => ended(thread, 'could not be reckoned'))
  return thread
}

const causeOf = ({ code }: NodeJS.ErrnoException): string =>
  code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'took too much memory' : 'could not be reckoned'

const TOO_LONG: Reckoned = { ok: false, because: `is given more than ${MOST_TEXT} characters` }
const STOPPED = 'was stopped'
const NO_PLACE: Reckoned = { ok: false, because: 'was not begun, since too many others wait', passing: true }

const PASSING: ReadonlySet<string> = new Set([STOPPED, NOT_BEGUN[1]])

const notReckoned = (because: string): Reckoned =>
  PASSING.has(because) ? { ok: false, because, passing: true } : { ok: false, because }

const busyFor = (threads: Set<Thread>, owner: string): number =>
  [...threads].filter(({ job }) => job?.owner === owner).length

/** Threads start with the first task, and keep no process alive while they are idle. */
export function createBounded({ threads = 3, timeout_ms = 1_000, queue = 200 }: Options = {}): Bounded {
  const lines = createLines(queue)
  const all = new Set<Thread>()
  const most_each = Math.max(1, threads - 1)

  function next(): void {
    const idle = [...all].find(({ job }) => job === null)
    if (!idle && all.size >= threads) return
    const waiting = lines.take((owner) => busyFor(all, owner) < most_each)
    if (!waiting) return
    const thread = idle ?? open()
    thread.job = waiting
    thread.worker.ref()
    time(thread)
    thread.worker.postMessage(waiting.task)
  }

  function time(thread: Thread): void {
    if (thread.ready) thread.job?.began?.()
    const [ms, because] = thread.ready ? [timeout_ms, `took longer than ${timeout_ms} ms`] : NOT_BEGUN
    if (thread.timer) clearTimeout(thread.timer)
    thread.timer = setTimeout(() => end(thread, because), ms)
  }

  function open(): Thread {
    const begun = (one: Thread) => void (one.job && time(one))
    const thread = openThread({ begun, told: settle, ended: end })
    all.add(thread)
    return thread
  }

  function settle(thread: Thread, reckoned: Reckoned): void {
    const { job, timer } = thread
    if (timer) clearTimeout(timer)
    thread.job = null
    thread.worker.unref()
    job?.done(reckoned)
    if (lines.length() > 0) next()
  }

  function end(thread: Thread, because: string): void {
    if (!all.delete(thread)) return
    void thread.worker.terminate()
    settle(thread, notReckoned(because))
  }

  return {
    of: (owner) => ({
      run: (task, began) => {
        const reckoned = stand(lines, { owner, task, began })
        next()
        return reckoned
      },
    }),
    close: async () => {
      lines.empty()
      for (const thread of [...all]) end(thread, STOPPED)
    },
  }
}

/** Into the line of its owner, for which another may have to leave. */
function stand(lines: ReturnType<typeof createLines>, asked: Omit<Waiting, 'done'>): Promise<Reckoned> {
  if (asked.task.value.length > MOST_TEXT) return Promise.resolve(TOO_LONG)
  return new Promise((done) => {
    lines.put({ ...asked, done })?.done(NO_PLACE)
  })
}

/** A line for each owner, who take turns. Of too many in all, the last of the longest line has to go. */
function createLines(most: number) {
  /** In the order of their turns; none is empty. */
  const lines = new Map<string, Waiting[]>()
  let length = 0

  function leave(waiting: Waiting | undefined): Waiting | undefined {
    if (waiting) length -= 1
    if (waiting && lines.get(waiting.owner)?.length === 0) lines.delete(waiting.owner)
    return waiting
  }

  return {
    length: () => length,
    put(waiting: Waiting): Waiting | undefined {
      const own = lines.get(waiting.owner) ?? []
      own.push(waiting)
      lines.set(waiting.owner, own)
      length += 1
      if (length <= most) return undefined
      let longest = own
      for (const line of lines.values()) if (line.length > longest.length) longest = line
      return leave(longest.pop())
    },
    empty(): void {
      for (const { done } of [...lines.values()].flat()) done(notReckoned(STOPPED))
      lines.clear()
      length = 0
    },
    /** The first of the owner whose turn it is, of those who may. */
    take(may: (owner: string) => boolean): Waiting | undefined {
      for (const [owner, line] of lines) {
        if (!may(owner)) continue
        const first = line.shift()
        lines.delete(owner)
        if (line.length > 0) lines.set(owner, line)
        return leave(first)
      }
      return undefined
    },
  }
}
