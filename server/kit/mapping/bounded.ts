import { Worker } from 'node:worker_threads'

/**
 * Where what a tenant wrote is reckoned: expressions and schemas, in threads of their own with a bound on time and
 * memory, no environment, and nothing shared. A thread that goes over its bounds is ended with all it holds, and
 * another takes its place.
 */
export type Task =
  | { kind: 'expression'; expression: string; value: string }
  | { kind: 'template'; template: unknown; value: string }
  | { kind: 'validate'; schema: unknown; value: string }
  /** Whether an expression can be read at all; `value` is not looked at. */
  | { kind: 'syntax'; expression: string; value: string }

/** `text` is JSON, of the result or of the faults; `because` says why there is none. */
export type Reckoned = { ok: true; text: string } | { ok: false; because: string }

/** `began` is called when a thread has the task and nothing else to do. */
export type Bounded = { run(task: Task, began?: () => void): Promise<Reckoned>; close(): Promise<void> }

type Options = { threads?: number; timeout_ms?: number; queue?: number }

const MEMORY = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16, stackSizeMb: 2 }
/** What goes in and what comes out, in characters. */
export const MOST_TEXT = 5_000_000

type Waiting = { task: Task; began: (() => void) | undefined; done: (reckoned: Reckoned) => void }
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

function refusalOf({ value }: Task, has_place: boolean): Reckoned | null {
  if (value.length > MOST_TEXT) return { ok: false, because: `is given more than ${MOST_TEXT} characters` }
  return has_place ? null : { ok: false, because: 'was not begun, since too many others wait' }
}

/** Threads start with the first task, and keep no process alive while they are idle. */
export function createBounded({ threads = 2, timeout_ms = 1_000, queue = 200 }: Options = {}): Bounded {
  const line: Waiting[] = []
  const all = new Set<Thread>()

  function next(): void {
    const idle = [...all].find(({ job }) => job === null) ?? (all.size < threads ? open() : null)
    const waiting = idle ? line.shift() : undefined
    if (!idle || !waiting) return
    idle.job = waiting
    idle.worker.ref()
    time(idle)
    idle.worker.postMessage(waiting.task)
  }

  function time(thread: Thread): void {
    if (thread.ready) thread.job?.began?.()
    const [ms, because] = thread.ready ? [timeout_ms, `took longer than ${timeout_ms} ms`] : NOT_BEGUN
    if (thread.timer) clearTimeout(thread.timer)
    thread.timer = setTimeout(() => end(thread, because), ms)
  }

  function open(): Thread {
    const thread = openThread({
      begun: (one) => void (one.job && time(one)),
      told: settle,
      ended: end,
    })
    all.add(thread)
    return thread
  }

  function settle(thread: Thread, reckoned: Reckoned): void {
    const { job, timer } = thread
    if (timer) clearTimeout(timer)
    thread.job = null
    thread.worker.unref()
    job?.done(reckoned)
    if (line.length > 0) next()
  }

  function end(thread: Thread, because: string): void {
    if (!all.delete(thread)) return
    void thread.worker.terminate()
    settle(thread, { ok: false, because })
  }

  return {
    run: (task, began) => {
      const refused = refusalOf(task, line.length < queue)
      if (refused) return Promise.resolve(refused)
      return new Promise((done) => {
        line.push({ task, began, done })
        next()
      })
    },
    close: async () => {
      for (const thread of [...all]) end(thread, 'was stopped')
    },
  }
}
