import { sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'

/** What the search finds here by words that are no ids of ours: by the bank's ids of it. Each is a probe of an index. */
export async function seekTransfers(
  tx: Tx,
  tenant_id: string,
  words: readonly string[],
): Promise<{ kind: 'transfer'; id: string }[]> {
  const { rows } = await sql<{ kind: 'transfer'; id: string }>`
    select 'transfer' as kind, f.id from unnest(${words}::text[]) w(word) cross join lateral (
      select id from transfer where tenant_id = ${tenant_id} and vendor_id = w.word and vendor_id is not null
      union select id from transfer
             where tenant_id = ${tenant_id} and end_to_end_id = w.word and end_to_end_id is not null) f
     limit 100`.execute(tx)
  return rows
}
