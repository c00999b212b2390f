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

type Waiting<In, Out> = { input: In; resolve: (out: Out) => void; reject: (error: unknown) => void }

export function createBatch<In, Out>(options: {
  /** At most this many in one statement. */
  size: number
  /** How many statements may be under way at once. */
  parallel: number
  /** Answers in the order of the inputs. */
  flush: (inputs: In[]) => Promise<Out[]>
  /** An error that no split will mend, such as a lost connection. */
  isFinal?: (error: unknown) => boolean
}): Batch<In, Out> {
  const { size, parallel, flush, isFinal = () => false } = options
  const waiting: Waiting<In, Out>[] = []
  let under_way = 0
  let scheduled = false
  let idle: (() => void)[] = []

  async function run(batch: Waiting<In, Out>[]): Promise<void> {
    try {
      const outs = await flush(batch.map((one) => one.input))
      batch.forEach((one, at) => {
        one.resolve(outs[at] as Out)
      })
    } catch (error) {
      if (batch.length === 1 || isFinal(error)) {
        for (const one of batch) one.reject(error)
        return
      }
      const half = batch.length >> 1
      await run(batch.slice(0, half))
      await run(batch.slice(half))
    }
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
      const batch = waiting.splice(0, size)
      under_way += 1
      void run(batch).finally(() => {
        under_way -= 1
        if (waiting.length > 0) schedule()
        else if (under_way === 0) settleIdle()
      })
    }
  }

  function settleIdle(): void {
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
