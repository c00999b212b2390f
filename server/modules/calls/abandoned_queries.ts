import { type Db, hot } from '../../platform/database/database.ts'
import { jobsOf } from '../../platform/jobs/jobs.ts'
import type { Outcome } from './queries.ts'
import { TO_SETTLE } from './settle_queries.ts'

/** The kind of job that tells of one of them, under its own id; made by the commit that closes it. */
export const TELL_LEFT = 'calls.tell_left'

/** Its payload. */
export type Left = {
  state: Outcome
  error: string
  connection_id: string
  operation: string | null
  /** On the wire. */
  parent_id: string | null
}

const LEFT = `(
      select tenant_id, id, jsonb_build_object('state', state, 'error', error, 'connection_id', connection_id,
             'operation', operation, 'parent_id', parent_id) as payload from closed) r`

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
     returning tenant_id, id, state, error, connection_id, operation, parent_id),
    settling as (${TO_SETTLE}),
    told as (${jobsOf(TELL_LEFT, LEFT)})
    select id, state from closed`,
}

export type Abandoned = { id: string; state: Outcome }

export const closeAbandoned = (db: Db, from: Date, to: Date): Promise<Abandoned[]> =>
  hot<Abandoned>(db, ABANDONED, [from, to])
