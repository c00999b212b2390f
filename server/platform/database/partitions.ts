import { CompiledQuery, type Kysely, sql } from 'kysely'
import type { Db } from './database.ts'
import type { Tables } from './tables.ts'

/**
 * Records live in daily partitions by id. They are made ahead, at boot and by a job, and dropped by age when no
 * work points into them. `create table … like` + `attach`, and `detach concurrently` + `drop`, make nobody wait;
 * the shorter forms queue behind readers and stop the inserts.
 */
const DAY_MS = 86_400_000

const dayOf = (time: Date, plus = 0) => new Date(Math.floor(time.getTime() / DAY_MS) * DAY_MS + plus * DAY_MS)
const nameOf = (table: string, day: Date) => `${table}_${day.toISOString().slice(0, 10).replaceAll('-', '')}`

/** Every table that is partitioned, from the catalog. */
export async function partitionedTables(owner: Db): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_partitioned_table p join pg_class c on c.oid = p.partrelid
     where c.relnamespace = 'public'::regnamespace order by 1`.execute(owner)
  return rows.map((row) => row.name)
}

/** Makes the partitions from the day before `now` (clocks differ) to `days_ahead` after it. Returns how many. */
export async function makePartitions(owner: Db, now: Date, days_ahead: number): Promise<number> {
  const tables = await partitionedTables(owner)
  const there = await attached(owner)
  let made = 0
  for (const table of tables) {
    for (let day = -1; day <= days_ahead; day++) {
      const from = dayOf(now, day)
      if (there.has(nameOf(table, from))) continue
      await makePartition(owner, table, from)
      made += 1
    }
  }
  return made
}

async function attached(owner: Kysely<Tables>): Promise<Set<string>> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'`.execute(owner)
  return new Set(rows.map((row) => row.name))
}

type Ask = (text: string, values: string[]) => Promise<{ rows: unknown[] }>

/** How full its pages are made, in percent. A partitioned table cannot say it itself: it stands in its comment. */
export async function fillfactorOf(ask: Ask, table: string): Promise<number> {
  const { rows } = await ask("select obj_description($1::regclass, 'pg_class') as comment", [table])
  const [told] = rows as { comment: string | null }[]
  return Number(/^fillfactor = (\d+)/.exec(told?.comment ?? '')?.[1] ?? 100)
}

async function makePartition(owner: Db, table: string, from: Date): Promise<void> {
  const name = nameOf(table, from)
  const [low, high] = [from.toISOString(), dayOf(from, 1).toISOString()]
  await owner.connection().execute(async (connection) => {
    // Several processes boot at once; the one that comes second finds it attached.
    await sql`select pg_advisory_lock(7425101)`.execute(connection)
    try {
      if ((await attached(connection)).has(name)) return
      const ask: Ask = (text, values) => connection.executeQuery(CompiledQuery.raw(text, values))
      const filled = sql.lit(await fillfactorOf(ask, table))
      await sql`create table if not exists ${sql.table(name)} (like ${sql.table(table)} including all)
        with (fillfactor = ${filled})`.execute(connection)
      const { rows } = await sql<{ low: string; high: string }>`
        select v7_floor(${low}::timestamptz)::text as low, v7_floor(${high}::timestamptz)::text as high`.execute(
        connection,
      )
      const [bound] = rows
      if (!bound) throw new Error('v7_floor answered nothing')
      await sql`alter table ${sql.table(table)} attach partition ${sql.table(name)}
        for values from (${sql.lit(bound.low)}) to (${sql.lit(bound.high)})`.execute(connection)
    } finally {
      await sql`select pg_advisory_unlock(7425101)`.execute(connection)
    }
  })
}

/**
 * Partitions of a table that end at or before `before`, oldest first: also those that were detached by a process which
 * ended before it dropped them, since they hold what is past its retention. One whose detaching was cut off comes before
 * all: until it is ended, PostgreSQL detaches no other from the table.
 */
export async function partitionsBefore(owner: Db, table: string, before: Date): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_class c left join pg_inherits i on i.inhrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname ~ ${`^${table}_[0-9]{8}$`}
       and c.relname < ${nameOf(table, dayOf(before))}
     order by coalesce(i.inhdetachpending, false) desc, 1`.execute(owner)
  return rows.map((row) => row.name)
}

/** Detaching waits for every transaction that uses the table, a backup's too. What was cut off is taken up where it was left. */
export async function dropPartition(owner: Db, table: string, name: string): Promise<void> {
  const { rows } = await sql<{ is_detaching: boolean }>`
    select inhdetachpending as is_detaching from pg_inherits where inhrelid = ${name}::regclass`.execute(
    owner,
  )
  const [attached] = rows
  if (attached) {
    const way = sql.raw(attached.is_detaching ? 'finalize' : 'concurrently')
    await sql`alter table ${sql.table(table)} detach partition ${sql.table(name)} ${way}`.execute(owner)
  }
  await sql`drop table ${sql.table(name)}`.execute(owner)
}

/** Whether a record made at `time` has a partition to live in; a clock outside the made range has not. */
export async function isCovered(db: Db, time: Date): Promise<boolean> {
  const { rows } = await sql<{ missing: number }>`
    select count(*)::int as missing from pg_partitioned_table p join pg_class c on c.oid = p.partrelid
     where c.relnamespace = 'public'::regnamespace
       and to_regclass(quote_ident(c.relname || '_' || ${dayOf(time).toISOString().slice(0, 10).replaceAll('-', '')})) is null`.execute(
    db,
  )
  return rows[0]?.missing === 0
}
