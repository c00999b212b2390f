/**
 * Group commit: what arrives within a moment goes to the database as one statement, and each caller is
 * answered after the commit that holds its row. A batch that fails is tried again in halves, so that only the
 * row at fault gets the error.
 */
export type Batch<In, Out> = {
  add(input: In): Promise<Out>
  /** Waits until everything added so far is answered. */
  drain(): Promise<void>
}

type Outcome<Out> = { ok: true; out: Out } | { ok: false; error: unknown }
type Waiting<In, Out> = { input: In; resolve: (out: Out) => void; reject: (error: unknown) => void }

export function createBatch<In, Out>(options: {
  /** At most this many in one statement. */
  size: number
  /** How much of a statement one fills, 1 being all that one should hold; nothing unless given. */
  fills?: (input: In) => number
  /** How many statements may be under way at once. */
  parallel: number
  /** Answers in the order of the inputs. */
  flush: (inputs: In[]) => Promise<Out[]>
  /** An error that no split will mend, such as a lost connection. */
  isFinal?: (error: unknown) => boolean
}): Batch<In, Out> {
  const { size, fills = () => 0, parallel, flush, isFinal = () => false } = options
  const waiting: Waiting<In, Out>[] = []
  let under_way = 0
  let scheduled = false
  let idle: (() => void)[] = []

  /** Each half is answered as it ends: what is committed is told, whatever becomes of the rest. */
  async function attempt(batch: Waiting<In, Out>[], is_last = true): Promise<void> {
    let outcomes: Outcome<Out>[]
    try {
      outcomes = (await flush(batch.map(({ input }) => input))).map((out) => ({ ok: true, out }))
    } catch (error) {
      if (batch.length > 1 && !isFinal(error)) {
        const half = batch.length >> 1
        await attempt(batch.slice(0, half), false)
        return attempt(batch.slice(half), is_last)
      }
      outcomes = batch.map(() => ({ ok: false, error }))
    }
    if (is_last) {
      under_way -= 1
      start() // before these are answered: the database has work while we do that
    }
    answer(batch, outcomes)
  }

  // The wait is one turn of the event loop: alone, a row leaves at once; under load, while the statements
  // before it are under way, the next batch fills by itself.
  function schedule(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      start()
    })
  }

  function start(): void {
    while (waiting.length > 0 && under_way < parallel) {
      under_way += 1
      void attempt(waiting.splice(0, countOfNext())).then(settleIdle)
    }
  }

  /** As many as one statement holds, and at least one. */
  function countOfNext(): number {
    let count = 0
    for (let filled = 0; count < Math.min(size, waiting.length); count++) {
      filled += fills((waiting[count] as Waiting<In, Out>).input)
      if (filled > 1 && count > 0) break
    }
    return count
  }

  function answer(batch: Waiting<In, Out>[], outcomes: Outcome<Out>[]): void {
    batch.forEach(({ resolve, reject }, at) => {
      const outcome = outcomes[at] as Outcome<Out>
      if (outcome.ok) resolve(outcome.out)
      else reject(outcome.error)
    })
  }

  function settleIdle(): void {
    if (waiting.length > 0 || under_way > 0) return
    const ended = idle
    idle = []
    for (const resolve of ended) resolve()
  }

  return {
    add: (input) =>
      new Promise((resolve, reject) => {
        waiting.push({ input, resolve, reject })
        schedule()
      }),
    drain: () =>
      waiting.length === 0 && under_way === 0
        ? Promise.resolve()
        : new Promise((resolve) => idle.push(resolve)),
  }
}
