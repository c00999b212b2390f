import { type Db, hot } from '../../platform/database/database.ts'
import type { Place } from './queries.ts'

/** Whom news may be about: by the vendor's id of it, or by ours that the vendor gave back. */
export type Sought = { tenant_id: string; provider: string; vendor_id: string; id: string | null }
/** `named_by` ours: the vendor has not told its id of it yet, or it was at another connection before. */
export type Known = Place & {
  at: number
  connection_id: string
  named_by: 'vendor' | 'ours'
  /** Told nothing of by the vendor it is at. */
  is_untold: boolean
  try_number: number
  /** The money that paid it. */
  settlement_id: string | null
}

// For each that is sought, by one probe of an index each. One whose vendor's id is known is not found by ours, unless it
// was sent to another vendor before, whose late news must not be taken for that of the one it is at.
const KNOWN = {
  name: 'payment_known',
  text: `
    select (r.at - 1)::int as at, p.tenant_id, p.id, p.connection_id, p.named_by, p.is_untold, p.try_number,
           p.settlement_id
      from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[]) with ordinality r(t, provider, v, i, at)
      cross join lateral (
        select tenant_id, id, connection_id, 'vendor' as named_by, false as is_untold, try_number, settlement_id
          from payment
         where tenant_id = r.t and vendor_id = r.v and provider = r.provider
        union all
        select tenant_id, id, connection_id, 'ours', vendor_id is null and provider = r.provider, try_number, settlement_id
          from payment
         where tenant_id = r.t and id = r.i and vendor_id is distinct from r.v
           and (try_number > 1 or (vendor_id is null and provider = r.provider)) offset 0) p`,
}

export const findKnown = (db: Db, sought: readonly Sought[]): Promise<Known[]> =>
  hot<Known>(db, KNOWN, [
    sought.map((one) => one.tenant_id),
    sought.map((one) => one.provider),
    sought.map((one) => one.vendor_id),
    sought.map((one) => one.id),
  ])
