import { sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'

/**
 * What the search finds here by words that are no ids of ours: by the vendor's ids; a payment also by the id of the money
 * that came (Pix: endToEndId) and by the tenant's customer. Each is a probe of an index.
 */
export async function seekPayments(
  tx: Tx,
  tenant_id: string,
  words: readonly string[],
): Promise<{ kind: 'payment' | 'refund' | 'dispute'; id: string }[]> {
  const { rows } = await sql<{ kind: 'payment' | 'refund' | 'dispute'; id: string }>`
    select f.kind, f.id from unnest(${words}::text[]) w(word) cross join lateral (
      select 'payment' as kind, id from payment where tenant_id = ${tenant_id} and vendor_id = w.word and vendor_id is not null
      union all select 'payment', id from payment
                 where tenant_id = ${tenant_id} and settlement_id = w.word and settlement_id is not null
      union all (select 'payment', id from payment where tenant_id = ${tenant_id} and customer = w.word and customer is not null
                  order by id desc limit 20)
      union all select 'refund', id from refund where tenant_id = ${tenant_id} and vendor_id = w.word and vendor_id is not null
      union all select 'dispute', id from dispute where tenant_id = ${tenant_id} and vendor_id = w.word) f
     limit 100`.execute(tx)
  return rows
}
