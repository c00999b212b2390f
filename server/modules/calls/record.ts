import { createBatch } from '../../platform/batch.ts'
import { isConnectionLoss, once } from '../../platform/database/database.ts'
import type { App } from '../app.ts'
import {
  type ClosedCall,
  closeCalls,
  insertAttempts,
  insertCalls,
  type NewAttempt,
  type NewCall,
} from './queries.ts'

/** Writes calls down, those of a moment together. Each promise is kept after the commit that holds the row. */
export type Recorder = {
  start(call: NewCall): Promise<void>
  attempt(attempt: NewAttempt): Promise<void>
  close(call: ClosedCall): Promise<void>
  /** Waits until everything handed in so far is written. */
  drain(): Promise<void>
}

const SIZE = 64
// One statement at a time: what waits for it makes the next batch fuller, and that costs less than a second commit.
const PARALLEL = 1

export const recorder = once((app: App): Recorder => {
  const batch = <Row>(write: (rows: Row[]) => Promise<void>) =>
    createBatch<Row, void>({
      size: SIZE,
      parallel: PARALLEL,
      flush: async (rows) => {
        await write(rows)
        return rows.map(() => undefined)
      },
      isFinal: isConnectionLoss,
    })
  const starts = batch<NewCall>((rows) => insertCalls(app.db.worker, rows))
  const attempts = batch<NewAttempt>((rows) => insertAttempts(app.db.worker, rows))
  const closes = batch<ClosedCall>((rows) => closeCalls(app.db.worker, rows))
  return {
    start: starts.add,
    attempt: attempts.add,
    close: closes.add,
    drain: async () => {
      await Promise.all([starts.drain(), attempts.drain(), closes.drain()])
    },
  }
})
