import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { testDatabaseUrl, undoAfter } from '../harness.ts'
import { hasMariadb, startMariadb } from '../mariadb.ts'
import type { Started, Subject } from './subject.ts'

const STATEMENTS = {
  look: { kind: 'read', text: 'select 1 as one' },
  broken: { kind: 'read', text: 'select nothing from nowhere' },
  // Without a key: whoever does it twice is seen to.
  pay: { kind: 'write', text: 'insert into paid (n) values (:n)', params: { n: 'integer' } },
}

const read = (statement: string) => ({ operation: 'statements.read', input: { statement } })

const CALLS = {
  safe: read('look'),
  wrong: read('broken'),
  unsafe: (n: number) => ({ operation: 'statements.write', input: { statement: 'pay', params: { n } } }),
}

async function startPostgres(): Promise<Started> {
  const url = new URL(await testDatabaseUrl())
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  undoAfter(() => client.end())
  await client.query('create table paid (n int not null)')
  const [username, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password) || 'none']
  return {
    port: Number(url.port || 5432),
    place: (at) => ({
      provider: 'sql',
      settings: {
        base_url: `postgresql://127.0.0.1:${at}${url.pathname}`,
        tls: 'off',
        statements: STATEMENTS,
      },
      credentials: { username, password },
    }),
    ...CALLS,
    done: async (n) => (await client.query('select 1 from paid where n = $1', [n])).rowCount ?? 0,
  }
}

async function startMysql(): Promise<Started> {
  const { port, username, password, stop } = await startMariadb()
  undoAfter(stop)
  const client = await createConnection({
    host: '127.0.0.1',
    port,
    user: username,
    password,
    database: 'erp',
  })
  undoAfter(() => client.end())
  await client.query('create table paid (n int not null)')
  return {
    port,
    place: (at) => ({
      provider: 'sql',
      settings: { base_url: `mysql://127.0.0.1:${at}/erp`, tls: 'off', statements: STATEMENTS },
      credentials: { username, password },
    }),
    ...CALLS,
    done: async (n) => ((await client.query('select 1 from paid where n = ?', [n]))[0] as unknown[]).length,
  }
}

export const DATABASES: Subject[] = [
  { name: 'sql: PostgreSQL', skip: false, start: startPostgres },
  { name: 'sql: MariaDB', skip: !hasMariadb && 'no MariaDB on this machine', start: startMysql },
]
