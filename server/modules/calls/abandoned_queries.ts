import { type Db, hot } from '../../platform/database/database.ts'
import type { CallRow, Outcome } from './queries.ts'
import { TO_SETTLE } from './settle_queries.ts'

/*
 * Calls that a process took with it. Found by the BRIN index on id, which reads the blocks of that time and no
 * others; a sequential read of a day would touch millions of rows. Safe methods did nothing, so they failed.
 */
const ABANDONED = {
  name: 'call_abandoned',
  text: `
    with closed as (
    update call set (state, trouble) = (select o, o from (values
             (case when method in ('GET', 'HEAD', 'OPTIONS') then 'failed' else 'unknown' end)) ended(o)),
           error = 'the server stopped while this call was under way; ask the vendor what became of it', closed_at = now()
     where state = 'started' and id >= v7_floor($1::timestamptz) and id < v7_floor($2::timestamptz)
     returning tenant_id, id, state, connection_id, operation, error),
    settling as (${TO_SETTLE})
    select tenant_id, id, state, connection_id, operation, error from closed`,
}

export type Abandoned = { tenant_id: string; state: Outcome } & Pick<
  CallRow,
  'id' | 'connection_id' | 'operation' | 'error'
>

export const closeAbandoned = (db: Db, from: Date, to: Date): Promise<Abandoned[]> =>
  hot<Abandoned>(db, ABANDONED, [from, to])
