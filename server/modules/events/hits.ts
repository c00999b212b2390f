import { inTenant, once, type Tx } from '../../platform/database/database.ts'
import { type Kind, parseWire, timeOfId, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { holds } from '../tenants/tenants.ts'
import { search } from './found_by.ts'
import { listEvents, listEventsOf } from './queries.ts'

/** What is shown of the things that a search finds, each told by the room it belongs to. */

export type Described = { id: string; title: string; state: string }
type Describe = (tx: Tx, tenant_id: string, ids: readonly string[]) => Promise<Described[]>
type Known = { scope: string; path: string; describe: Describe }

const EVENTS: Known = {
  scope: 'events:read',
  path: '/v1/events',
  describe: async (tx, tenant_id, ids) =>
    (await listEventsOf(tx, tenant_id, ids)).map(({ id, type }) => ({ id, title: type, state: 'published' })),
}
const known = once((_app: App) => new Map<string, Known>([['event', EVENTS]]))

/** For the rooms above: what of this kind is shown to who holds the scope, and under which path it is read. */
export const describeBy = (app: App, kind: Kind, by: Known): void => void known(app).set(kind, by)

export type Hit = {
  kind: string
  id: string
  title: string | null
  state: string | null
  at: string
  leads_to: string | null
}

/** As `search`; also the newest events of a type. An id of ours that nobody knows is no hit. */
export async function findHits(app: App, actor: Actor, q: string): Promise<{ data: Hit[] }> {
  const found = (await search(app, actor, q)).data
  const refs = found.length > 0 ? found : await eventsOfType(app, actor, q.trim())
  const hits: Hit[] = []
  for (const [kind, of_kind] of Map.groupBy(refs, (ref) => ref.kind)) {
    hits.push(...(await shown(app, actor, kind as Kind, of_kind, q)))
  }
  return {
    data: refs.flatMap(({ kind, id }) => hits.find((hit) => hit.kind === kind && hit.id === id) ?? []),
  }
}

const TYPE = /^\w{1,64}(\.\w{1,64}){1,4}$/
const MOST_OF_TYPE = 20

async function eventsOfType(app: App, { tenant_id }: Actor, type: string) {
  if (!TYPE.test(type)) return []
  const rows = await inTenant(app.db, tenant_id, (tx) =>
    listEvents(tx, tenant_id, { type }, MOST_OF_TYPE, null),
  )
  return rows.slice(0, MOST_OF_TYPE).map(({ id }) => ({ kind: 'event', id: toWire('event', id) }))
}

type Ref = { kind: string; id: string }

async function shown(app: App, actor: Actor, kind: Kind, refs: readonly Ref[], q: string): Promise<Hit[]> {
  const by = known(app).get(kind)
  const ids = refs.flatMap(({ id }) => parseWire(kind, id) ?? [])
  const may = by !== undefined && holds(actor.scopes, by.scope)
  const { tenant_id } = actor
  const told = may ? await inTenant(app.db, tenant_id, (tx) => by.describe(tx, tenant_id, ids)) : []
  const of_id = new Map(told.map((one) => [one.id, one]))
  return ids.flatMap((ref) => {
    const id = toWire(kind, ref)
    const one = of_id.get(ref)
    if (may && !one && id === q) return []
    const leads_to = by ? `${by.path}/${id}` : null
    const { title = null, state = null } = one ?? {}
    return { kind, id, title, state, at: timeOfId(ref).toISOString(), leads_to }
  })
}
