import type { Selectable } from 'kysely'
import { type Db, hot, type Tx } from '../../platform/database/database.ts'
import type { Tables } from '../../platform/database/tables.ts'

/** Every statement on kept bodies. */
export type BodyRow = Selectable<Tables['call_body']>

export async function insertBody(tx: Tx, row: BodyRow): Promise<void> {
  await tx
    .insertInto('call_body')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** None that is past its day, whether or not it is deleted already. */
export const findBody = (
  tx: Tx,
  { tenant_id, call_id, number, now }: Pick<BodyRow, 'tenant_id' | 'call_id' | 'number'> & { now: Date },
): Promise<BodyRow | undefined> =>
  tx
    .selectFrom('call_body')
    .selectAll()
    .where('tenant_id', '=', tenant_id)
    .where('call_id', '=', call_id)
    .where('number', '=', number)
    .where('keep_until', '>', now)
    .executeTakeFirst()

const DROP = {
  name: 'call_body_drop',
  text: `
    delete from call_body where (tenant_id, call_id, number) in
      (select tenant_id, call_id, number from call_body where keep_until <= $1 order by keep_until limit 200)
    returning number`,
}

/** Some of those past their day; returns how many. */
export const dropBodies = async (db: Db, now: Date): Promise<number> => (await hot(db, DROP, [now])).length
