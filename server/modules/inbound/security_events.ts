import Type, { type Static } from 'typebox'
import { inTenant } from '../../platform/database/database.ts'
import { fromWire, timeOfId, toWire } from '../../platform/ids.ts'
import type { Actor, App } from '../app.ts'
import { Nullable, Page, PageQuery, readPage, Timestamp, toPage, WireId } from '../wire.ts'
import { listSecurityEvents, type SecurityEventRow } from './quarantine_queries.ts'

/** What was turned away at the door, by whom and why, whether its bytes were kept or not. */

export const SecurityEventQuery = Type.Object(
  {
    ...PageQuery.properties,
    kind: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    source_id: Type.Optional(Type.String()),
    ip: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    since: Type.Optional(Timestamp),
    until: Type.Optional(Timestamp),
  },
  { additionalProperties: false },
)

const SecurityEvent = Type.Object({
  id: WireId('security_event'),
  kind: Type.String({
    examples: ['webhook.refused'],
    description:
      '`webhook.refused` for each that is in quarantine; at most one a minute of each source: `webhook.not_kept` for those it has no room for, `webhook.address_refused`, `webhook.token_refused`, `webhook.rate_limited`, `webhook.plain_http`',
  }),
  source_id: WireId('source'),
  ip: Nullable(Type.String()),
  detail: Type.String(),
  at: Timestamp,
})
export const SecurityEvents = Page(SecurityEvent)

const toSecurityEvent = ({
  id,
  kind,
  subject,
  ip,
  detail,
}: SecurityEventRow): Static<typeof SecurityEvent> => ({
  id: toWire('security_event', id),
  kind,
  source_id: toWire('source', subject),
  ip,
  detail,
  at: timeOfId(id).toISOString(),
})

export async function listEvents(app: App, actor: Actor, input: Static<typeof SecurityEventQuery>) {
  const { limit, before } = readPage('security_event', input)
  const filter = {
    kind: input.kind ?? null,
    source_id: input.source_id ? fromWire('source', input.source_id, 'source_id') : null,
    ip: input.ip ?? null,
    since: input.since ? new Date(input.since) : null,
    until: input.until ? new Date(input.until) : null,
  }
  const { rows, reached } = await inTenant(app.db, actor.tenant_id, (tx) =>
    listSecurityEvents(tx, actor.tenant_id, filter, limit, before),
  )
  const page = toPage('security_event', rows, limit, toSecurityEvent)
  return reached ? { ...page, next_cursor: toWire('security_event', reached) } : page
}
