import { Problem } from '../../platform/errors.ts'
import type { Actor, App } from '../app.ts'
import { holds } from '../tenants/tenants.ts'
import { SCOPE } from './kinds.ts'
import { type Happening, KINDS, type Kind, type LiveQuery } from './schema.ts'
import { join, readMissed, type Told, viewersOf } from './watch.ts'

/**
 * What crosses the border of a tenant, as it crosses: calls, messages, events, attempts of deliveries, breakers.
 * Told within about a second, at least once while somebody watches, and no promise beyond that: the records are where
 * nothing is missing.
 */

const MOST_VIEWERS = 20
const BEAT_MS = 15_000
/** Then it ends, and who comes back, as a browser does by itself, must still hold a key or a session. */
const LONGEST_MS = 30_000
/** Of somebody who does not keep up. */
const MOST_KEPT = 1_000

/** Server-sent events until `signal`. Throws `rate_limited` where as many watch already as may. */
export function watchLive(
  app: App,
  actor: Actor,
  query: LiveQuery & { last_event_id?: string | undefined },
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { tenant_id } = actor
  if (viewersOf(app, tenant_id) >= MOST_VIEWERS) {
    const detail = `${MOST_VIEWERS} are watching this tenant already, which is the most`
    throw new Problem('rate_limited', { detail, retry_after_s: 10 })
  }
  const asked = query.kinds?.split(',') ?? KINDS
  const kinds = new Set(KINDS.filter((kind) => asked.includes(kind) && holds(actor.scopes, SCOPE[kind])))
  const line = newLine(kinds)
  const leave = join(app, tenant_id, line)
  signal.addEventListener('abort', () => {
    leave()
    line.wake()
  })
  if (signal.aborted) leave()
  const after_ms = Date.parse(query.after ?? query.last_event_id ?? '')
  return speak(app, tenant_id, line, after_ms, signal)
}

async function* speak(
  app: App,
  tenant_id: string,
  line: Line,
  after_ms: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  yield 'retry: 2000\n: what happens from now on\n\n'
  if (!Number.isNaN(after_ms)) yield inWords(app, await readMissed(app, tenant_id, line.kinds, after_ms))
  const ends_ms = app.clock.monotonic() + LONGEST_MS
  while (!signal.aborted && app.clock.monotonic() < ends_ms) {
    const told = await line.next(BEAT_MS)
    if (signal.aborted) return
    yield told ? inWords(app, told) : ': still here\n\n'
  }
}

/** The moment it is told is the id by which somebody who was cut off goes on. */
function inWords({ clock }: App, { happenings, dropped }: Told): string {
  const id = clock.now().toISOString()
  const event = (name: string, data: object) => `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`
  const lines = happenings.map((happening) => event(happening.kind, happening))
  return lines.join('') + (dropped > 0 ? event('dropped', { dropped }) : '')
}

type Line = {
  kinds: ReadonlySet<Kind>
  put(told: Told): void
  wake(): void
  /** What came since the last time; null where nothing came for so long. */
  next(most_ms: number): Promise<Told | null>
}

/** Between the looks and one who watches: what is not fetched in time is dropped and counted. */
function newLine(kinds: ReadonlySet<Kind>): Line {
  let kept: Happening[] = []
  let dropped = 0
  let wake = () => {}
  return {
    kinds,
    put: (told) => {
      kept.push(...told.happenings)
      dropped += told.dropped + Math.max(0, kept.length - MOST_KEPT)
      kept = kept.slice(-MOST_KEPT)
      wake()
    },
    wake: () => wake(),
    next: async (most_ms) => {
      if (kept.length === 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, most_ms).unref()
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
      if (kept.length === 0) return null
      const told = { happenings: kept, dropped }
      kept = []
      dropped = 0
      return told
    },
  }
}
