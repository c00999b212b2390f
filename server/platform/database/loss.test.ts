import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { quiet, testDatabaseUrl, undoAfter } from '../../test/harness.ts'
import { maintain } from '../../test/postgres.ts'
import { eventually } from '../../test/product.ts'
import {
  asWorker,
  type Database,
  hot,
  isConnectionLoss,
  migrate,
  openDatabase,
  singleClient,
  type Tx,
} from './database.ts'
import { MIGRATION_LOCK } from './migrate.ts'

let url: string
let db: Database

before(async () => {
  url = await testDatabaseUrl()
  db = await openDatabase({ url, pool_size: 2, log: quiet })
  undoAfter(() => db.close())
})

/** What PostgreSQL does to every connection when it is restarted, done to one. */
const terminate = (pid: number) => maintain(url, `select pg_terminate_backend(${pid})`)

async function pidOf(tx: Tx): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)
  return rows[0]?.pid ?? 0
}

test('a connection lost between two statements fails its transaction and nothing else', async () => {
  const failed = asWorker(db, async (tx) => {
    await terminate(await pidOf(tx))
    await sleep(50) // the end of the connection is heard while nobody waits for an answer
    await sql`select 1`.execute(tx)
  })
  await assert.rejects(failed, isConnectionLoss)
  assert.deepEqual(await hot(db.worker, { name: 'one', text: 'select 1 as one' }, []), [{ one: 1 }])
})

test('a connection lost under a statement is a connection loss', async () => {
  const failed = asWorker(db, async (tx) => {
    const pid = await pidOf(tx)
    await Promise.all([sql`select pg_sleep(10)`.execute(tx), terminate(pid)])
  })
  await assert.rejects(failed, isConnectionLoss)
})

test('a migration whose connection breaks off without a word fails, and the process goes on', async () => {
  const to = new URL(url)
  const sockets: Socket[] = []
  const between = createServer((near) => {
    const far = connect(Number(to.port), to.hostname)
    sockets.push(near, far)
    for (const socket of [near, far]) socket.on('error', () => {})
    near.pipe(far).pipe(near)
  })
  await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve))
  const holder = singleClient(url, 'trilho_test')
  await holder.connect()
  try {
    await holder.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    const through = new URL(url)
    through.host = `127.0.0.1:${(between.address() as AddressInfo).port}`
    const failed = assert.rejects(migrate(through.href), isConnectionLoss) // unheard, the loss would end this process
    await eventually(async () => {
      const { rows } = await holder.query(
        "select from pg_stat_activity where application_name = 'trilho_migrate' and wait_event = 'advisory' and datname = current_database()",
      )
      return rows.length > 0
    })
    for (const socket of sockets) socket.destroy()
    await failed
  } finally {
    await holder.end()
    between.close()
  }
})
