import { sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'

/**
 * What the search finds here by words that are no ids of ours: by the vendor's ids; a card also by its holder's at the
 * vendor, by the tenant's customer, and by its last four digits, never by more of them. Each is a probe of an index.
 */
export async function seekCards(
  tx: Tx,
  tenant_id: string,
  words: readonly string[],
): Promise<{ kind: 'card' | 'card_authorization' | 'card_transaction'; id: string }[]> {
  const { rows } = await sql<{ kind: 'card' | 'card_authorization' | 'card_transaction'; id: string }>`
    select f.kind, f.id from unnest(${words}::text[]) w(word) cross join lateral (
      select 'card' as kind, id from card where tenant_id = ${tenant_id} and vendor_id = w.word and vendor_id is not null
      union all (select 'card', id from card where tenant_id = ${tenant_id} and cardholder = w.word order by id desc limit 20)
      union all (select 'card', id from card where tenant_id = ${tenant_id} and customer = w.word and customer is not null
                  order by id desc limit 20)
      union all (select 'card', id from card where tenant_id = ${tenant_id} and last_four = w.word and last_four is not null
                  order by id desc limit 20)
      union all select 'card_authorization', id from card_authorization where tenant_id = ${tenant_id} and vendor_id = w.word
      union all select 'card_transaction', id from card_transaction where tenant_id = ${tenant_id} and vendor_id = w.word) f
     limit 100`.execute(tx)
  return rows
}

export type FoundTransaction = { id: string; card_id: string; kind: string; amount: string; currency: string }

export const findTransaction = (
  tx: Tx,
  { tenant_id, id }: { tenant_id: string; id: string },
): Promise<FoundTransaction | undefined> =>
  tx
    .selectFrom('card_transaction')
    .select(['id', 'card_id', 'kind', 'amount', 'currency'])
    .where('tenant_id', '=', tenant_id)
    .where('id', '=', id)
    .$castTo<FoundTransaction>()
    .executeTakeFirst()
