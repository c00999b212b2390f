import { createBatch } from '../../platform/batch.ts'
import { isConnectionLoss, once } from '../../platform/database/database.ts'
import { toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { type ExternalId, leadTo } from '../events/events.ts'
import { type ClosedCall, type NewAttempt, type NewCall, type Written, writeCalls } from './queries.ts'

/** Writes calls down, those of a moment together. Each promise is kept after the commit that holds the row. */
export type Recorder = {
  start(call: NewCall): Promise<void>
  attempt(attempt: NewAttempt): Promise<void>
  /**
   * `last` is the attempt that is not on record yet; it is written with the close or not at all. Never fails: the log
   * has it. A promise only where so many closes wait that whoever makes calls had better wait too.
   */
  close(call: ClosedCall, last: NewAttempt | null): Promise<void> | undefined
  /** Ids of others by which a call is found, known once its answer is understood. Never fails: the log has it. */
  name(call: Found): void
  /** When what was handed in before is on record, or never will be: for who reads what they just wrote. */
  written(): Promise<void>
  /** Waits until everything handed in so far is written. */
  drain(): Promise<void>
}

type Entry = { start?: NewCall; attempt?: NewAttempt; close?: ClosedCall; name?: Found }
type Found = { tenant_id: string; id: string; found: readonly string[] }

const SIZE = 128
// One statement at a time: what waits for it makes the next batch fuller, and that costs less than a second commit.
const PARALLEL = 1
const MOST_BEHIND = 1_000

export const recorder = once((app: App): Recorder => {
  const { add, drain } = createBatch<Entry, void>({
    size: SIZE,
    parallel: PARALLEL,
    flush: async (entries) => {
      await writeCalls(app.db.worker, { ...sorted(entries), external_ids: await foundIn(app, entries) })
      if (entries.some(({ close }) => close?.told)) app.db.notify('trilho_job', 'new')
      return entries.map(() => undefined)
    },
    isFinal: isConnectionLoss,
  })
  let behind = 0
  const close = async (entry: Entry & { close: ClosedCall }): Promise<void> => {
    behind += 1
    try {
      await add(entry)
    } catch (err) {
      app.log.error({ err, call: toWire('call', entry.close.id) }, 'a call was not closed on record')
    }
    behind -= 1
  }
  return {
    start: (start) => add({ start }),
    attempt: (attempt) => add({ attempt }),
    close: (call, last) => {
      const closing = close(last === null ? { close: call } : { close: call, attempt: last })
      return behind > MOST_BEHIND ? closing : undefined
    },
    name: (name) =>
      void add({ name }).catch((err: unknown) =>
        app.log.error({ err, call: toWire('call', name.id) }, 'a call is not found by the ids in its answer'),
      ),
    written: () => add({}).catch(() => {}), // entries are written in their order
    drain,
  }
})

async function foundIn(app: App, entries: Entry[]): Promise<ExternalId[]> {
  const found: ExternalId[] = []
  for (const { start, attempt, name } of entries) {
    if (start?.found?.length) found.push(...(await leading(app, start.tenant_id, start.id, start.found)))
    if (attempt?.found?.length)
      found.push(...(await leading(app, attempt.tenant_id, attempt.call_id, attempt.found)))
    if (name) found.push(...(await leading(app, name.tenant_id, name.id, name.found)))
  }
  return found
}

const leading = (app: App, tenant_id: string, ref_id: string, values: readonly string[]) =>
  leadTo(app, { tenant_id, kind: 'call', ref_id }, values)

function sorted(entries: Entry[]): Omit<Written, 'external_ids'> {
  const written: ReturnType<typeof sorted> = { starts: [], attempts: [], closes: [] }
  for (const { start, attempt, close } of entries) {
    if (start) written.starts.push(start)
    if (attempt) written.attempts.push(attempt)
    if (close) written.closes.push(close)
  }
  return written
}
