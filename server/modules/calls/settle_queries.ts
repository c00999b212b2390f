import { type Db, hot, seek, type Tx } from '../../platform/database/database.ts'
import { oneMore } from '../../platform/queue_statements.ts'
import type { CallRow } from './queries.ts'

/** Every statement on calls that are to be settled. */

/** Part of the statements that end calls: of those in `closed` that are unknown somebody is told, and the vendor asked. */
export const TO_SETTLE = `
    insert into call_unsettled (tenant_id, call_id, due) select tenant_id, id, now() from closed where state = 'unknown'
    on conflict (tenant_id, call_id) do update set due = now()`

export type Unsettled = {
  tenant_id: string
  call_id: string
  plan: Buffer | null
  told: boolean
  tries: number
  /** How often the vendor said that it knows nothing of it. */
  denied: number
}

/** In place of one that stands there: its process died before the call was on record, and the call is made again. */
export async function putPlan(tx: Tx, row: { tenant_id: string; call_id: string; plan: Buffer }) {
  await tx
    .insertInto('call_unsettled')
    .values(row)
    .onConflict((conflict) => conflict.columns(['tenant_id', 'call_id']).doUpdateSet({ plan: row.plan }))
    .execute()
}

/**
 * One at a time: its lease of ten minutes is longer than a call may take, and not longer than many. Tries rise with
 * the claim, so that one that crashes the process still comes to an end.
 */
const CLAIM = {
  name: 'call_unsettled_claim',
  text: `
    with c as materialized (select tenant_id, call_id from call_unsettled where due <= now() order by due limit 1
                            for no key update skip locked)
    update call_unsettled u set due = now() + interval '10 min', tries = ${oneMore('u.tries')}
      from c where ${seek('u.tenant_id', 'c.tenant_id')} and u.call_id = c.call_id
    returning u.tenant_id, u.call_id, u.plan, u.told, u.tries, u.denied`,
}

export const claimUnsettled = async (db: Db): Promise<Unsettled | undefined> =>
  (await hot<Unsettled>(db, CLAIM, []))[0]

type Key = Pick<Unsettled, 'tenant_id' | 'call_id'>

/** False where somebody else has told of it. */
export async function markTold(tx: Tx, { tenant_id, call_id }: Key): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('call_unsettled')
    .set({ told: true })
    .where('tenant_id', '=', tenant_id)
    .where('call_id', '=', call_id)
    .where('told', '=', false)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function tryLater(
  tx: Tx,
  { tenant_id, call_id }: Key,
  { due, denied }: { due: Date; denied: number },
): Promise<void> {
  await tx
    .updateTable('call_unsettled')
    .set({ due, denied })
    .where('tenant_id', '=', tenant_id)
    .where('call_id', '=', call_id)
    .execute()
}

/** False where it is no longer there: somebody else was faster. */
export async function deleteUnsettled(tx: Tx, { tenant_id, call_id }: Key): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('call_unsettled')
    .where('tenant_id', '=', tenant_id)
    .where('call_id', '=', call_id)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** What still points at calls with an id below this one. */
export async function countUnsettledBefore(db: Db, before_id: string): Promise<number> {
  const { n } = await db
    .selectFrom('call_unsettled')
    .select((eb) => eb.fn.countAll<string>().as('n'))
    .where('call_id', '<', before_id)
    .executeTakeFirstOrThrow()
  return Number(n)
}

/** Plans of calls that have ended otherwise: every call as old as this has, or is due. */
const DROP = {
  name: 'call_unsettled_drop',
  text: 'delete from call_unsettled where due is null and call_id < v7_floor($1::timestamptz)',
}

export async function dropPlans(db: Db, before: Date): Promise<void> {
  await hot(db, DROP, [before])
}

/** Of these calls the last that the vendor acted on or may have acted on. */
export const findOpenEnd = (
  tx: Tx,
  tenant_id: string,
  ids: readonly string[],
): Promise<Pick<CallRow, 'id' | 'state' | 'status' | 'error' | 'method'> | undefined> =>
  ids.length === 0
    ? Promise.resolve(undefined)
    : tx
        .selectFrom('call')
        .select(['id', 'state', 'status', 'error', 'method'])
        .where('tenant_id', '=', tenant_id)
        .where('id', 'in', ids)
        .where('state', 'in', ['unknown', 'started', 'succeeded'])
        .orderBy('id', 'desc')
        .limit(1)
        .$castTo<CallRow>()
        .executeTakeFirst()
