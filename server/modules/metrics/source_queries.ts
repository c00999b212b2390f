import { sql } from 'kysely'
import { type Db, hot, type Tx } from '../../platform/database/database.ts'

/** Every statement on what came to each source. */

export type Arrived = 'received' | 'duplicate' | 'quarantined' | 'refused'

export type SourceRow = {
  tenant_id: string
  source_id: string
  outcome: Arrived
  count: number
  last_at: Date
}

const KEY = 'tenant_id, source_id, outcome'

// In the order of the key, so that two processes that add to the same rows never wait for each other in a circle.
const ADD = {
  name: 'source_tally_add',
  text: `
    insert into source_tally as s (${KEY}, count, last_at)
    select ${KEY}, count, last_at from jsonb_populate_recordset(null::source_tally, $1::jsonb) order by ${KEY}
    on conflict (${KEY}) do update
      set count = s.count + excluded.count, last_at = greatest(s.last_at, excluded.last_at)`,
}

export async function addArrivals(db: Db, rows: SourceRow[]): Promise<void> {
  await hot(db, ADD, [JSON.stringify(rows)])
}

export type ArrivalCount = Omit<SourceRow, 'tenant_id'>

/** Of a page of sources. */
export async function listArrivals(
  tx: Tx,
  tenant_id: string,
  source_ids: readonly string[],
): Promise<ArrivalCount[]> {
  const { rows } = await sql<ArrivalCount>`
    select c.* from unnest(${source_ids}::uuid[]) i(id) cross join lateral (
      select source_id, outcome, count::float8 as count, last_at from source_tally
       where tenant_id = ${tenant_id} and source_id = i.id offset 0) c`.execute(tx)
  return rows
}

export type Counted = Pick<SourceRow, 'tenant_id' | 'source_id'>

/** Of which sources of all tenants anything was counted, in the order of the key from `after` on. */
export async function listCounted(owner: Db, after: Counted, limit: number): Promise<Counted[]> {
  const { rows } = await sql<Counted>`
    select distinct tenant_id, source_id from source_tally
     where (tenant_id, source_id) > (${after.tenant_id}::uuid, ${after.source_id}::uuid)
     order by tenant_id, source_id limit ${limit}`.execute(owner)
  return rows
}

export async function dropArrivals(db: Db | Tx, { tenant_id, source_id }: Counted): Promise<void> {
  await db
    .deleteFrom('source_tally')
    .where('tenant_id', '=', tenant_id)
    .where('source_id', '=', source_id)
    .execute()
}
