import { setTimeout as sleep } from 'node:timers/promises'
import { once } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import type { Actor, App } from '../app.ts'
import { readBatch } from './batches.ts'
import type { Batch } from './schema.ts'

const LOOK_EVERY_MS = 300
const BEAT_EVERY_MS = 15_000
/** Then it ends, and who still wants it comes back, as a browser does by itself. */
const LONGEST_MS = 5 * 60_000
/** Each looks at its batch three times a second. */
const MOST_VIEWERS = 20

/** How many watch the batches of a tenant, on this server. */
const viewers = once((_app: App) => new Map<string, number>())

/**
 * Server-sent events until `signal`, which is to be aborted in the end: `progress` whenever a count changes, `end` when nothing is left to be done. Throws `not_found`,
 * and `rate_limited` where as many watch already as may, before there is a stream.
 */
export async function watchBatch(
  app: App,
  actor: Actor,
  wire_id: string,
  signal: AbortSignal,
): Promise<AsyncGenerator<string>> {
  const first = await readBatch(app, actor, wire_id)
  const leave = enter(app, actor.tenant_id)
  signal.addEventListener('abort', leave)
  if (signal.aborted) leave()
  return speak(app, actor, first, signal)
}

function enter(app: App, tenant_id: string): () => void {
  const counts = viewers(app)
  const count = counts.get(tenant_id) ?? 0
  if (count >= MOST_VIEWERS) {
    const detail = `${MOST_VIEWERS} are watching batches of this tenant already, which is the most`
    throw new Problem('rate_limited', { detail, retry_after_s: 10 })
  }
  counts.set(tenant_id, count + 1)
  let has_left = false
  return () => {
    if (has_left) return
    has_left = true
    const left = (counts.get(tenant_id) ?? 1) - 1
    if (left > 0) counts.set(tenant_id, left)
    else counts.delete(tenant_id)
  }
}

async function* speak(app: App, actor: Actor, first: Batch, signal: AbortSignal): AsyncGenerator<string> {
  const ends_ms = app.clock.monotonic() + LONGEST_MS
  let batch = first
  let before = ''
  let told_ms = app.clock.monotonic()
  while (!signal.aborted && app.clock.monotonic() < ends_ms) {
    const data = JSON.stringify(batch)
    const is_over = batch.queued + batch.started === 0 && batch.state !== 'running'
    const is_late = app.clock.monotonic() - told_ms > BEAT_EVERY_MS
    if (data !== before || is_over) yield `event: ${is_over ? 'end' : 'progress'}\ndata: ${data}\n\n`
    else if (is_late) yield ': still here\n\n'
    if (is_over) return
    if (data !== before || is_late) told_ms = app.clock.monotonic()
    before = data
    await sleep(LOOK_EVERY_MS, null, { signal }).catch(() => null)
    batch = signal.aborted ? batch : await readBatch(app, actor, first.id)
  }
}
