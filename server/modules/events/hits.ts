import { inTenant, inTenants, once, type Tx } from '../../platform/database/database.ts'
import { type Kind, parseWire, timeOfId, toWire } from '../../platform/ids.ts'
import { type Actor, type App, INSTALLATION } from '../app.ts'
import { holds } from '../tenants/tenants.ts'
import { search } from './found_by.ts'
import { listEvents, listEventsOf } from './queries.ts'

/** What is shown of the things that a search finds, each told by the room it belongs to. */

/** `part_of`, on the wire: whose page shows it, where it has none of its own. */
export type Described = { id: string; title: string; state: string; part_of?: string }
type Describe = (tx: Tx, tenant_id: string, ids: readonly string[]) => Promise<Described[]>
/** `path` null: it is read in a list alone. */
type Known = { scope: string; path: string | null; describe: Describe }
type Ref = { kind: string; id: string }
type Sought = { refs: Ref[]; is_more: boolean }
/** Things of a room by words that are no ids of ours: the vendor's, a customer. Ids are not on the wire. */
type Seek = (tx: Tx, tenant_id: string, words: readonly string[]) => Promise<Ref[]>

const EVENTS: Known = {
  scope: 'events:read',
  path: '/v1/events',
  describe: async (tx, tenant_id, ids) =>
    (await listEventsOf(tx, tenant_id, ids)).map(({ id, type }) => ({ id, title: type, state: 'published' })),
}
const known = once((_app: App) => new Map<string, Known>([['event', EVENTS]]))

const seekers = once((_app: App) => [] as { scope: string; seek: Seek }[])

/** For the rooms above: what is found in one of them, beside what was noted when it crossed the border. */
export const seekBy = (app: App, scope: string, seek: Seek): void => void seekers(app).push({ scope, seek })

/** For the rooms above: what of this kind is shown to who holds the scope, and under which path it is read. */
export const describeBy = (app: App, kind: Kind, by: Known): void => void known(app).set(kind, by)

export type Hit = {
  kind: string
  id: string
  title: string | null
  state: string | null
  at: string
  part_of: string | null
  leads_to: string | null
}

/**
 * As `search`, after the things that the rooms find; also the newest events of a type. An id of ours that nobody knows
 * is no hit.
 */
export async function findHits(
  app: App,
  actor: Actor,
  written: string,
): Promise<{ data: Hit[]; is_more: boolean }> {
  const q = written.trim()
  const things = await sought(app, actor, q)
  const noted = await search(app, actor, q)
  const found = [...things.refs, ...noted.data.filter(isNotIn(things.refs))]
  const typed = found.length > 0 ? { refs: [], is_more: false } : await eventsOfType(app, actor, q)
  const refs = [...found, ...typed.refs]
  const hits: Hit[] = []
  for (const [kind, of_kind] of Map.groupBy(refs, (ref) => ref.kind)) {
    hits.push(...(await shown(app, actor, kind as Kind, of_kind, q)))
  }
  return {
    data: refs.flatMap(({ kind, id }) => hits.find((hit) => hit.kind === kind && hit.id === id) ?? []),
    is_more: things.is_more || noted.is_more || typed.is_more,
  }
}

const TYPE = /^\w{1,64}(\.\w{1,64}){1,4}$/
const MOST_OF_TYPE = 20

async function eventsOfType(app: App, { tenant_id }: Actor, type: string): Promise<Sought> {
  if (!TYPE.test(type)) return { refs: [], is_more: false }
  const rows = await inTenant(app.db, tenant_id, (tx) =>
    listEvents(tx, tenant_id, { type }, MOST_OF_TYPE, null),
  )
  const refs = rows.slice(0, MOST_OF_TYPE).map(({ id }) => ({ kind: 'event', id: toWire('event', id) }))
  return { refs, is_more: rows.length > MOST_OF_TYPE }
}

const isNotIn = (refs: readonly Ref[]) => (one: Ref) =>
  !refs.some(({ kind, id }) => kind === one.kind && id === one.id)

const MOST_OF_ROOM = 20

/** Of each room the newest, as on the wire. */
async function sought(app: App, actor: Actor, q: string): Promise<Sought> {
  const words = wordsOf(q)
  const open = seekers(app).filter(({ scope }) => holds(actor.scopes, scope))
  if (open.length === 0) return { refs: [], is_more: false }
  return among(app, actor, async (tx) => {
    const all: Sought = { refs: [], is_more: false }
    for (const { seek } of open) {
      const refs = (await seek(tx, actor.tenant_id, words)).map(({ kind, id }) => toRef(kind as Kind, id))
      const once = [...new Map(refs.map((ref) => [ref.id, ref])).values()]
      all.refs.push(...once.sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, MOST_OF_ROOM))
      all.is_more ||= once.length > MOST_OF_ROOM
    }
    return all
  })
}

const toRef = (kind: Kind, id: string): Ref => ({ kind, id: toWire(kind, id) })

/** The tenant's; whoever administers the installation sees its people besides. */
const among = <T>(app: App, { tenant_id, scopes }: Actor, work: (tx: Tx) => Promise<T>): Promise<T> =>
  inTenants(app.db, holds(scopes, 'admin') ? [...new Set([tenant_id, INSTALLATION])] : [tenant_id], work)

/** As it was written, and of a CPF or CNPJ the digits alone. */
function wordsOf(q: string): string[] {
  const digits = q.replace(/[./-]/g, '')
  return [...new Set([q, ...(/^(\d{11}|[\dA-Z]{12}\d{2})$/.test(digits) ? [digits] : [])])]
}

async function shown(app: App, actor: Actor, kind: Kind, refs: readonly Ref[], q: string): Promise<Hit[]> {
  const by = known(app).get(kind)
  const ids = refs.flatMap(({ id }) => parseWire(kind, id) ?? [])
  const may = by !== undefined && holds(actor.scopes, by.scope)
  const { tenant_id } = actor
  const told = may ? await among(app, actor, (tx) => by.describe(tx, tenant_id, ids)) : []
  const of_id = new Map(told.map((one) => [one.id, one]))
  return ids.flatMap((ref) => {
    const id = toWire(kind, ref)
    const one = of_id.get(ref)
    if (!one && id === q) return []
    const leads_to = by?.path ? `${by.path}/${id}` : null
    const { title = null, state = null, part_of = null } = one ?? {}
    return { kind, id, title, state, at: timeOfId(ref).toISOString(), part_of, leads_to }
  })
}
