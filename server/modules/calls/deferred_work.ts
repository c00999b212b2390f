import { sql } from 'kysely'
import { type Db, hot, type Tx } from '../../platform/database/database.ts'
import type { Claim, QueueState, Work } from '../../platform/queue.ts'
import { claimFrom, keysOf, queueStatements, readQueueState } from '../../platform/queue_statements.ts'

/** Every statement on the queue of deferred calls and batches. */
export type DueWork = Work & { kind: 'call' | 'batch' }

const QUEUE = queueStatements({ name: 'call', table: 'call_queue', columns: ['kind'] })

/** Makes the work due at `due`, whether or not it is in hand: one call has one row, however often it is put back. */
export async function putWork(
  tx: Tx,
  work: { tenant_id: string; id: string; kind: DueWork['kind']; due: Date },
): Promise<void> {
  await tx
    .insertInto('call_queue')
    .values(work)
    .onConflict((conflict) =>
      conflict.columns(['tenant_id', 'id']).doUpdateSet({ due: work.due, claim: null, attempts: 0 }),
    )
    .execute()
}

export const SOONEST_WORK = QUEUE.soonest

export const claimWork = (db: Db, claim: Omit<Claim, 'from'>) =>
  claimFrom<DueWork>(db, QUEUE, { ...claim, from: null }) // it may be due before it is put in

export async function extendWork(db: Db, items: DueWork[]): Promise<void> {
  await hot(db, QUEUE.extend, keysOf(items))
}

/** The end of the work, unless it was put back or taken over in the meantime. */
export async function deleteWork(db: Db, { tenant_id, id, claim }: DueWork): Promise<void> {
  await sql`delete from call_queue where tenant_id = ${tenant_id} and id = ${id} and claim = ${claim}`.execute(
    db,
  )
}

export async function retryWork(db: Db, { tenant_id, id, claim }: DueWork, wait_ms: number): Promise<void> {
  await sql`
    update call_queue set claim = null, due = now() + ${wait_ms}::float8 * interval '1 ms'
     where tenant_id = ${tenant_id} and id = ${id} and claim = ${claim}`.execute(db)
}

export const readWork = (db: Db): Promise<QueueState> => readQueueState(db, QUEUE)
