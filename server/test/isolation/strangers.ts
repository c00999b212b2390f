import type { Pool, PoolClient } from 'pg'
import { type Database, sqlState } from '../../platform/database/database.ts'
import { quoted, type Table } from '../world/catalog.ts'

/** A stranger in the database: as the application's role, with one tenant named, at the rows of another. */
type Stranger = { tenant_id: string | null; victim_id: string }

const REFUSED = '42501'

/** Sentences about each way in which a tenant gets at another's rows of this table; empty where there is none. */
export async function tryTable(db: Database, table: Table, a: string, b: string): Promise<string[]> {
  const { name, tenant_column } = table
  if (!tenant_column) return []
  const { rows } = await db.owner.pool.query<{ n: number; row: unknown }>(
    `select count(*)::int as n, (array_agg(to_jsonb(t)))[1] as row from ${quoted(name)} t where ${tenant_column} = $1`,
    [b],
  )
  const row = rows[0]?.row
  if (!row)
    return [`${name} holds no row of the other tenant, so nothing is proven: teach useProduct to fill it`]
  const stranger = { tenant_id: a, victim_id: b }
  const nobody = { tenant_id: null, victim_id: b }
  const found = [
    ...(await tryReads(db, table, stranger)),
    ...(await tryReads(db, table, nobody)),
    ...(await tryWrites(db, table, stranger, row)),
    ...(await tryWrites(db, table, nobody, row)),
  ]
  return found.map((leak) => `${name}: ${leak}`)
}

async function tryReads(
  { app }: Database,
  { name, tenant_column }: Table,
  stranger: Stranger,
): Promise<string[]> {
  const seen = await attempt(app.pool, stranger.tenant_id, async (client) => {
    const { rows } = await client.query<{ n: number }>(
      `select count(*)::int as n from ${quoted(name)} where $1::uuid is null or ${tenant_column} <> $1`,
      [stranger.tenant_id],
    )
    return rows[0]?.n ?? 0
  })
  return seen ? [`${whose(stranger)} sees ${seen} rows of others`] : []
}

async function tryWrites(
  { app }: Database,
  { name, tenant_column, columns }: Table,
  stranger: Stranger,
  row: unknown,
): Promise<string[]> {
  const { tenant_id, victim_id } = stranger
  const of_victim = `where ${tenant_column} = '${victim_id}'`
  const own = `where ${tenant_column} = '${tenant_id ?? victim_id}'`
  const statements: Record<string, string> = {
    'changes rows of another': `update ${quoted(name)} set ${tenant_column} = ${tenant_column} ${of_victim}`,
    'changes rows without looking': `update ${quoted(name)} set ${tenant_column} = '${victim_id}' ${own}`,
    'deletes rows of another': `delete from ${quoted(name)} ${of_victim}`,
  }
  const leaks: string[] = []
  for (const [what, statement] of Object.entries(statements)) {
    const touched = await attempt(
      app.pool,
      tenant_id,
      async (client) => (await client.query(statement)).rowCount,
    )
    if (touched) leaks.push(`${whose(stranger)} ${what}`)
  }
  const list = columns.map((column) => quoted(column.name)).join(', ')
  const insert = `insert into ${quoted(name)} (${list}) select ${list} from jsonb_populate_record(null::${quoted(name)}, $1)`
  const inserted = await attempt(app.pool, tenant_id, (client) =>
    client.query(insert, [JSON.stringify(row)]).then(
      () => 'is taken',
      (error: unknown) => (sqlState(error) === REFUSED ? null : `meets ${String(error)}`),
    ),
  )
  if (inserted) leaks.push(`${whose(stranger)} inserts a row for another, which ${inserted}`)
  return leaks
}

const whose = ({ tenant_id }: Stranger): string => (tenant_id ? 'a tenant' : 'nobody')

/** Tries something and undoes it; null where PostgreSQL refuses it for want of rights. */
async function attempt<T>(
  pool: Pool,
  tenant_id: string | null,
  work: (client: PoolClient) => Promise<T>,
): Promise<T | null> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    if (tenant_id) await client.query(`set local trilho.tenants = '{${tenant_id}}'`)
    return await work(client)
  } catch (error) {
    if (sqlState(error) === REFUSED) return null
    throw error
  } finally {
    await client.query('rollback')
    client.release()
  }
}
