import { sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'

/**
 * What the search finds here by words that are no ids of ours: banks by whose they are and by the provider's name for the
 * log-in, accounts and consents by the bank's ids. Each is a probe of an index.
 */
export async function seekBanks(
  tx: Tx,
  tenant_id: string,
  words: readonly string[],
): Promise<{ kind: 'bank' | 'bank_account' | 'bank_consent'; id: string }[]> {
  const { rows } = await sql<{ kind: 'bank' | 'bank_account' | 'bank_consent'; id: string }>`
    select f.kind, f.id from unnest(${words}::text[]) w(word) cross join lateral (
      (select 'bank' as kind, id from bank where tenant_id = ${tenant_id} and user_id = w.word and deleted_at is null
        order by id desc limit 20)
      union all select 'bank', id from bank
                 where tenant_id = ${tenant_id} and login_id = w.word and login_id is not null and deleted_at is null
      union all select 'bank_account', id from bank_account where tenant_id = ${tenant_id} and vendor_id = w.word
      union all select 'bank_consent', id from bank_consent
                 where tenant_id = ${tenant_id} and vendor_id = w.word and vendor_id is not null) f
     limit 100`.execute(tx)
  return rows
}
