import { type Loop, startLoop, watchQueue } from '../../platform/queue.ts'
import { lookAt } from '../../platform/queue_look.ts'
import type { App } from '../app.ts'
import { tryDeferred } from './deferred_tries.ts'
import {
  claimWork,
  type DueWork,
  deleteWork,
  extendWork,
  readWork,
  retryWork,
  SOONEST_WORK,
} from './deferred_work.ts'

/** One turn of a batch: the room of batches stands above us, and is handed in. */
export type RunBatch = (app: App, tenant_id: string, batch_id: string) => Promise<void>

/** Makes the calls that are due, and gives batches their turns. */
export function startDeferred(app: App, runBatch: RunBatch): Loop {
  const { db, clock, log } = app
  const loop = startLoop<DueWork>({
    name: 'call',
    capacity: 64,
    batch: 16,
    claim: (claim) => claimWork(db.worker, claim),
    run: async ([item]) => (item ? runWork(app, item, runBatch) : null),
    runEach: true,
    extend: (items) => extendWork(db.worker, items),
    look: lookAt(db.worker, SOONEST_WORK),
    clock,
    log,
  })
  db.listen('trilho_call', loop.wake)
  return loop
}

export const watchDeferred = (app: App): void =>
  watchQueue(app.telemetry, 'call', () => readWork(app.db.worker))

const SLOWEST_MS = 3_600_000

/** In how many milliseconds it is tried again where it failed on our side; null where it is done or was put back. */
async function runWork(app: App, item: DueWork, runBatch: RunBatch): Promise<number | null> {
  const { kind, tenant_id, id, attempts } = item
  try {
    await (kind === 'batch' ? runBatch(app, tenant_id, id) : tryDeferred(app, tenant_id, id))
    await deleteWork(app.db.worker, item)
    return null
  } catch (error) {
    const wait_ms = Math.min(10_000 * 2 ** Math.min(attempts - 1, 20), SLOWEST_MS)
    app.log.error(
      { crossing: 'call', kind, attempt: attempts, wait_ms, err: error },
      'a deferred call was not made',
    )
    await retryWork(app.db.worker, item, wait_ms)
    return wait_ms
  }
}
