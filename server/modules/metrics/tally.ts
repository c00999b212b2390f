import { isUndoneByLoss } from '../../platform/database/database.ts'
import type { App } from '../app.ts'

/** What this process counted and has not written yet: rows by a key, written together a few seconds later. */
export type Tally<Row> = {
  /** The row of this key; made where there is none. */
  of(key: string, make: () => Row): Row
  /** Resolves when all that was counted before is written, or was tried to be. */
  drain(): Promise<void>
}

const WRITE_EVERY_MS = 5_000
/** Of five minutes. */
const MOST_LATE = 60

/**
 * To count costs no statement: every few seconds one writes all that was counted meanwhile, and none where nothing
 * was. What PostgreSQL was not there for is written when it is back. A process that is killed takes those seconds'
 * counts with it, and a connection that is lost while it writes them too, for they may be there already; the records
 * are not touched by that.
 */
export function createTally<Row>({ log }: App, save: (rows: Row[]) => Promise<void>): Tally<Row> {
  let rows = new Map<string, Row>()
  let timer: NodeJS.Timeout | null = null
  let late: Row[][] = []
  let writing: Promise<unknown> = Promise.resolve()

  function write(): void {
    if (timer) clearTimeout(timer)
    timer = null
    const due = rows.size === 0 ? late : [...late, [...rows.values()]]
    late = []
    rows = new Map()
    writing = Promise.all([writing, keep(due)])
  }

  async function keep(due: Row[][]): Promise<void> {
    for (const one of due) {
      await save(one).catch((err: unknown) => {
        if (!isUndoneByLoss(err) || late.length === MOST_LATE)
          return log.warn({ err }, 'what was counted in the last seconds was not kept')
        late.push(one)
        writeLater()
      })
    }
  }

  const writeLater = (): void => {
    timer ??= setTimeout(write, WRITE_EVERY_MS).unref()
  }

  return {
    of: (key, make) => {
      writeLater()
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
