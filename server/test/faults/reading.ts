import pg from 'pg'
import type { Installation } from './installation.ts'

/** Straight from the database, as its owner. */
export async function read<Row extends object>(
  { database_url }: Pick<Installation, 'database_url'>,
  text: string,
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: database_url, options: '-c role=trilho_owner' })
  client.on('error', () => {}) // PostgreSQL is restarted under us; the query says so
  await client.connect()
  try {
    const { rows } = await client.query<Row>(text)
    return rows
  } finally {
    await client.end()
  }
}
