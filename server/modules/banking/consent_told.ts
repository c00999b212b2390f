import { toWire } from '../../platform/ids.ts'
import type { Draft } from '../events/events.ts'
import type { ConsentRow } from './consent_queries.ts'

/** What is told of a consent. */
export const draftOf = (type: string, row: ConsentRow): Draft => ({
  type,
  entity_id: toWire('bank_consent', row.id),
  data: JSON.stringify({
    consent_id: toWire('bank_consent', row.id),
    bank_id: toWire('bank', row.bank_id),
    user_id: row.user_id,
    state: row.state,
    rejection: row.rejection,
    expires_at: row.expires_at?.toISOString() ?? null,
  }),
})
