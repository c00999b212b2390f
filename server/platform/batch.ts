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

  async function attempt(inputs: In[]): Promise<Outcome<Out>[]> {
    try {
      return (await flush(inputs)).map((out) => ({ ok: true, out }))
    } catch (error) {
      if (inputs.length === 1 || isFinal(error)) return inputs.map(() => ({ ok: false, error }))
      const half = inputs.length >> 1
      const first = await attempt(inputs.slice(0, half))
      return [...first, ...(await attempt(inputs.slice(half)))]
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
      void attempt(batch.map((one) => one.input)).then((outcomes) => {
        under_way -= 1
        start() // before these are answered: the database has work while we do that
        answer(batch, outcomes)
        if (waiting.length === 0 && under_way === 0) settleIdle()
      })
    }
  }

  function answer(batch: Waiting<In, Out>[], outcomes: Outcome<Out>[]): void {
    batch.forEach(({ resolve, reject }, at) => {
      const outcome = outcomes[at] as Outcome<Out>
      if (outcome.ok) resolve(outcome.out)
      else reject(outcome.error)
    })
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
