import { sql } from 'kysely'
import type { Db } from '../../platform/database/database.ts'

/** Part of a question. */
export const ANY_DISABLED = sql`exists (select from subscription where state = 'disabled' and state_note is not null)`

/** Of all tenants, for the owner: those that were not disabled by hand, with the reason. */
export const listDisabled = (
  db: Db,
): Promise<{ tenant_id: string; id: string; state_note: string | null }[]> =>
  db
    .selectFrom('subscription')
    .select(['tenant_id', 'id', 'state_note'])
    .where('state', '=', 'disabled')
    .where('state_note', 'is not', null)
    .limit(10_000)
    .execute()
