import { type Db, hot } from '../../platform/database/database.ts'
import type { Place } from './queries.ts'

/** Whom news may be about: by the vendor's id of it, or by ours that the vendor gave back. */
export type Sought = { tenant_id: string; provider: string; vendor_id: string; id: string | null }
export type Known = Place & { at: number; connection_id: string }

// For each that is sought, by one probe of an index each. One whose vendor's id is known is not found by ours.
const KNOWN = {
  name: 'payment_known',
  text: `
    select (r.at - 1)::int as at, p.tenant_id, p.id, p.connection_id
      from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[]) with ordinality r(t, provider, v, i, at)
      cross join lateral (
        select tenant_id, id, connection_id from payment where tenant_id = r.t and vendor_id = r.v and provider = r.provider
        union all
        select tenant_id, id, connection_id from payment
         where tenant_id = r.t and id = r.i and vendor_id is null and provider = r.provider offset 0) p`,
}

export const findKnown = (db: Db, sought: readonly Sought[]): Promise<Known[]> =>
  hot<Known>(db, KNOWN, [
    sought.map((one) => one.tenant_id),
    sought.map((one) => one.provider),
    sought.map((one) => one.vendor_id),
    sought.map((one) => one.id),
  ])
