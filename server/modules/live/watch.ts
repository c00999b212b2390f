import { inTenant, once, type Tx } from '../../platform/database/database.ts'
import { floorId } from '../../platform/ids.ts'
import type { App } from '../app.ts'
import { READERS, type Seen } from './kinds.ts'
import type { Happening, Kind } from './schema.ts'

/**
 * One look a second at the records of a tenant, however many people watch; none where nobody does. A record may be
 * committed later than its id says, so each look goes back a little further than the one before ended, and what was
 * told is not told again. What had not ended is looked at until it has.
 */

export type Viewer = { kinds: ReadonlySet<Kind>; put(told: Told): void }
export type Told = { happenings: Happening[]; dropped: number }

const EVERY_MS = 1_000
/** How much later than its id a record may be committed and is seen all the same. */
const OVERLAP_MS = 5_000
/** What began so long before somebody came to watch is told when it ends. */
const OPEN_MS = 60_000
/** What a look reads of each kind; twice what it tells, since it goes over the same again. */
const MOST_READ = 400
const MOST_TOLD = 200
const MOST_OPEN = 500
const REMEMBER_MS = 60_000

type Watch = {
  viewers: Set<Viewer>
  begun_ms: number
  /** Null before the first look. */
  looked_ms: number | null
  /** When each key was told. */
  told: Map<string, number>
  /** By reader, what has not ended. */
  open: Map<string, Set<string>>
  timer: NodeJS.Timeout | null
}

const watches = once((_app: App) => new Map<string, Watch>())

export const viewersOf = (app: App, tenant_id: string): number =>
  watches(app).get(tenant_id)?.viewers.size ?? 0

/** Returns how to leave; the last one who does ends the looking. */
export function join(app: App, tenant_id: string, viewer: Viewer): () => void {
  const all = watches(app)
  const watch = all.get(tenant_id) ?? begin(app, tenant_id)
  watch.viewers.add(viewer)
  return () => {
    watch.viewers.delete(viewer)
    if (watch.viewers.size > 0 || all.get(tenant_id) !== watch) return
    if (watch.timer) clearTimeout(watch.timer)
    all.delete(tenant_id)
  }
}

function begin(app: App, tenant_id: string): Watch {
  const watch: Watch = {
    viewers: new Set(),
    begun_ms: app.clock.now().getTime(),
    looked_ms: null,
    told: new Map(),
    open: new Map(),
    timer: null,
  }
  watches(app).set(tenant_id, watch)
  const turn = async () => {
    await look(app, tenant_id, watch).catch((err: unknown) =>
      app.log.warn({ err }, 'those who watch were told nothing for a moment'),
    )
    if (watch.viewers.size > 0) watch.timer = setTimeout(turn, EVERY_MS).unref()
  }
  watch.timer = setTimeout(turn, 0).unref()
  return watch
}

async function look(app: App, tenant_id: string, watch: Watch): Promise<void> {
  const now_ms = app.clock.now().getTime()
  const { begun_ms, looked_ms } = watch
  const is_first = looked_ms === null
  const from_id = floorId(
    new Date(is_first ? begun_ms - OPEN_MS : Math.max(begun_ms, looked_ms - OVERLAP_MS)),
  )
  const wanted = new Set([...watch.viewers].flatMap(({ kinds }) => [...kinds]))
  const fresh = await inTenant(app.db, tenant_id, async (tx) => {
    const seen: Seen[] = []
    for (const reader of READERS.filter(({ kinds }) => kinds.some((kind) => wanted.has(kind)))) {
      const rows = await reader.since(tx, tenant_id, from_id, MOST_READ)
      seen.push(
        ...heed(
          watch,
          reader.name,
          [...rows, ...(await lookAgain(tx, tenant_id, watch, reader, rows))],
          now_ms,
        ),
      )
    }
    return seen
  })
  watch.looked_ms = now_ms
  forgetTold(watch, now_ms)
  const since = floorId(new Date(begun_ms))
  tell(
    watch,
    fresh.flatMap(({ ref, happening }) => (is_first && ref < since ? [] : happening)),
  )
}

async function lookAgain(
  tx: Tx,
  tenant_id: string,
  { open }: Watch,
  { name, again }: (typeof READERS)[number],
  rows: readonly Seen[],
): Promise<Seen[]> {
  const here = new Set(rows.map(({ ref }) => ref))
  const ids = [...(open.get(name) ?? [])].filter((id) => !here.has(id))
  return again === undefined || ids.length === 0 ? [] : again(tx, tenant_id, ids)
}

/** What of these was not told yet; notes what has to be looked at again. */
function heed(watch: Watch, name: string, rows: readonly Seen[], now_ms: number): Seen[] {
  const open = new Set(rows.flatMap(({ ref, is_open }) => (is_open ? ref : [])).slice(0, MOST_OPEN))
  watch.open.set(name, open)
  const fresh: Seen[] = []
  for (const row of rows) {
    if (!watch.told.has(row.key)) fresh.push(row)
    watch.told.set(row.key, now_ms)
  }
  return fresh
}

function forgetTold({ told }: Watch, now_ms: number): void {
  for (const [key, at] of told) if (now_ms - at > REMEMBER_MS) told.delete(key)
}

function tell({ viewers }: Watch, happenings: Happening[]): void {
  for (const viewer of viewers) {
    const own = happenings.filter(({ kind }) => viewer.kinds.has(kind))
    if (own.length > 0) viewer.put(inOrder(own))
  }
}

/** Oldest first; of too many the newest. */
export function inOrder(happenings: Happening[]): Told {
  const sorted = [...happenings].sort((a, b) => (a.at < b.at ? -1 : 1))
  return { happenings: sorted.slice(-MOST_TOLD), dropped: Math.max(0, sorted.length - MOST_TOLD) }
}

const MOST_BACK_MS = 300_000

/** What happened from a moment on, for who was away. */
export async function readMissed(
  app: App,
  tenant_id: string,
  kinds: ReadonlySet<Kind>,
  after_ms: number,
): Promise<Told> {
  const now_ms = app.clock.now().getTime()
  const from_id = floorId(new Date(Math.max(after_ms, now_ms - MOST_BACK_MS)))
  const seen = await inTenant(app.db, tenant_id, async (tx) => {
    const rows: Seen[] = []
    for (const reader of READERS.filter((one) => one.kinds.some((kind) => kinds.has(kind)))) {
      rows.push(...(await reader.since(tx, tenant_id, from_id, MOST_TOLD)))
    }
    return rows
  })
  return inOrder(seen.map(({ happening }) => happening).filter(({ kind }) => kinds.has(kind)))
}
