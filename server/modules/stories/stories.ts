import { inTenant } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { callsWritten } from '../calls/calls.ts'
import { readQuarantined } from '../inbound/inbound.ts'
import { holds } from '../tenants/tenants.ts'
import { tellBatches, tellCalls, tellDeliveries, tellEvents, tellMessages } from './entries.ts'
import { gather, kindOf } from './gather.ts'
import type { Entry, Story } from './schema.ts'

/**
 * What happened to one thing, on one line of time: the webhooks about it, the events they became, where those went, and
 * the calls about it, with each attempt. Begins at any id, ours or another's, and goes to all that hangs on it.
 */

export { describeHits } from './hits.ts'
export { describeThings } from './things.ts'

const MOST_ENTRIES = 500

export async function readStory(app: App, actor: Actor, id: string): Promise<Story> {
  const { tenant_id } = actor
  const sees = (scope: string, ids: ReadonlySet<string>) => (holds(actor.scopes, scope) ? [...ids] : [])
  await callsWritten(app)
  const all = await gather(app, actor, id)
  const before = [
    ...(await tellRefused(app, actor, sees('sources:read', all.quarantine))),
    ...(await tellMessages(app, tenant_id, sees('sources:read', all.messages))),
  ]
  const told = await inTenant(app.db, tenant_id, async (tx) => [
    { entries: await tellEvents(tx, tenant_id, sees('events:read', all.events)), is_more: all.is_more },
    await tellDeliveries(tx, tenant_id, sees('subscriptions:read', all.events)),
    await tellCalls(tx, tenant_id, sees('calls:read', all.calls)),
    { entries: await tellBatches(tx, tenant_id, sees('calls:read', all.batches)), is_more: false },
  ])
  const entries = [...before, ...told.flatMap((one) => one.entries)].sort(byTime)
  return {
    subject: subjectOf(id, entries),
    entries: entries.slice(0, MOST_ENTRIES),
    is_more: told.some((one) => one.is_more) || entries.length > MOST_ENTRIES,
  }
}

const byTime = (a: Entry, b: Entry): number => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)

async function tellRefused(app: App, actor: Actor, ids: readonly string[]): Promise<Entry[]> {
  const rows = await Promise.all(ids.map((id) => readQuarantined(app, actor, toWire('quarantine', id))))
  return rows.map(({ id, source_id, reason, detail, received_at }) => ({
    ...{ at: received_at, kind: 'refused' as const, id, state: 'quarantined', title: reason, detail },
    ...{ status: null, duration_ms: null, waited_ms: null, links: { source_id } },
  }))
}

function subjectOf(id: string, entries: readonly Entry[]): Story['subject'] {
  const kind = kindOf(id)
  const own = kind === null ? entries : entries.filter((one) => one.id === id)
  const [first, last] = [own[0], own.at(-1)]
  if (!first || !last) throw new Problem('not_found', { detail: `nothing is known of ${id}` })
  const state = first.kind === 'received' ? last.state : kind === null ? last.state : first.state
  return { kind: kind ?? 'thing', id, title: first.title, at: first.at, state }
}
