import type { App } from '../app.ts'

/** What this process counted and has not written yet: rows by a key, written together a few seconds later. */
export type Tally<Row> = {
  /** The row of this key; made where there is none. */
  of(key: string, make: () => Row): Row
  /** Resolves when all that was counted before is written, or was tried to be. */
  drain(): Promise<void>
}

const WRITE_EVERY_MS = 5_000

/**
 * To count costs no statement: every few seconds one writes all that was counted meanwhile, and none where nothing
 * was. A process that is killed takes those seconds' counts with it; the records are not touched by that.
 */
export function createTally<Row>({ log }: App, save: (rows: Row[]) => Promise<void>): Tally<Row> {
  let rows = new Map<string, Row>()
  let timer: NodeJS.Timeout | null = null
  let writing: Promise<unknown> = Promise.resolve()

  function write(): void {
    if (timer) clearTimeout(timer)
    timer = null
    if (rows.size === 0) return
    const due = [...rows.values()]
    rows = new Map()
    const saved = save(due).catch((err: unknown) =>
      log.warn({ err }, 'what was counted in the last seconds was not kept'),
    )
    writing = Promise.all([writing, saved])
  }

  return {
    of: (key, make) => {
      timer ??= setTimeout(write, WRITE_EVERY_MS).unref()
      const known = rows.get(key)
      if (known) return known
      const made = make()
      rows.set(key, made)
      return made
    },
    drain: async () => {
      write()
      await writing
    },
  }
}
