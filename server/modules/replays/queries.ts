import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '../../platform/database/database.ts'

/** Every statement on replays, whosever table they stand in. */

export type ReplayState = 'running' | 'paused' | 'completed' | 'canceled'

export type ReplayRow = {
  id: string
  since: Date
  until: Date
  per_second: number | null
  state: ReplayState
  /** Which run of jobs moves it: a job that says another is out of date, for the replay was paused meanwhile. */
  turn: string | number | null
  /** The last record that was looked at. */
  reached: string
  total: number
  replayed: number
  closed_at: Date | null
}

const COLUMNS = 'id since until per_second state turn reached total replayed closed_at'.split(' ')

export type ReplayTable<Row extends ReplayRow> = ReturnType<typeof replayTable<Row>>

/** The statements on the replays of one table, which has `own` columns beside those that all have. */
export function replayTable<Row extends ReplayRow>(name: string, own: readonly string[]) {
  const table = sql.table(name)
  const columns = sql.join([...COLUMNS, ...own].map((column) => sql.ref(column)))
  const first = async (tx: Tx, query: RawBuilder<Row>): Promise<Row | undefined> =>
    (await query.execute(tx)).rows[0]
  const find = (tenant_id: string, id: string, lock = sql``) =>
    sql<Row>`select ${columns} from ${table} where tenant_id = ${tenant_id} and id = ${id} ${lock}`
  return {
    find: (tx: Tx, tenant_id: string, id: string) => first(tx, find(tenant_id, id)),
    /** Nobody else moves it until the transaction ends. */
    lock: (tx: Tx, tenant_id: string, id: string) => first(tx, find(tenant_id, id, sql`for update`)),
    async list(tx: Tx, tenant_id: string, limit: number, before: string | null): Promise<Row[]> {
      const { rows } = await sql<Row>`
        select ${columns} from ${table} where tenant_id = ${tenant_id} ${before === null ? sql`` : sql`and id < ${before}`}
         order by id desc limit ${limit + 1}`.execute(tx)
      return rows
    },
    move: (tx: Tx, tenant_id: string, { id, turn }: Pick<Row, 'id' | 'turn'>, to: ReplayState) =>
      first(
        tx,
        sql<Row>`
        update ${table} set state = ${to}, turn = ${turn},
               closed_at = ${to === 'completed' || to === 'canceled' ? new Date() : null}
         where tenant_id = ${tenant_id} and id = ${id} returning ${columns}`,
      ),
  }
}
