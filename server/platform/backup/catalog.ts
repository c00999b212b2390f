import type { ClientBase } from 'pg'

/** What PostgreSQL's own catalog says of our tables, so that a table nobody here has heard of is backed up too. */
export type Asks = Pick<ClientBase, 'query'>

export type Table = {
  name: string
  columns: string[]
  is_forced: boolean
  partitions: Partition[]
}
/** `bound` as PostgreSQL writes it: FOR VALUES FROM ('…') TO ('…'). */
export type Partition = { name: string; bound: string }

type Row = {
  name: string
  columns: string[]
  is_forced: boolean
  is_open: boolean
  needs: string[]
  partitions: Partition[]
}

// `is_open`: row-level security hides nothing from trilho_owner. Under FORCE without a policy of its own it reads
// no row, and neither COPY nor count(*) would say a word about it.
const TABLES = `
  select c.relname as name, c.relforcerowsecurity as is_forced,
         array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0
                  and not a.attisdropped and a.attgenerated = '' order by a.attnum) as columns,
         array(select f.relname::text from pg_constraint k join pg_class f on f.oid = k.confrelid
                where k.conrelid = c.oid and k.contype = 'f' and k.confrelid <> c.oid) as needs,
         (select coalesce(json_agg(json_build_object('name', p.relname, 'bound', pg_get_expr(p.relpartbound, p.oid)) order by p.relname), '[]')
            from pg_inherits i join pg_class p on p.oid = i.inhrelid
           where i.inhparent = c.oid and not i.inhdetachpending) as partitions,
         not c.relrowsecurity or (
           exists (select from pg_policy p where p.polrelid = c.oid and p.polpermissive and p.polcmd = '*'
                      and o.oid = any (p.polroles) and pg_get_expr(p.polqual, p.polrelid) = 'true')
           and not exists (select from pg_policy p where p.polrelid = c.oid and not p.polpermissive
                              and (p.polroles = '{0}' or o.oid = any (p.polroles)))) as is_open
    from pg_class c join pg_roles o on o.rolname = 'trilho_owner'
   where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
     and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
   order by c.relname`

/** Every table, each after those its foreign keys point at. Throws where the owner could not read one whole. */
export async function listTables(client: Asks): Promise<Table[]> {
  const { rows } = await client.query<Row>(TABLES)
  const hidden = rows.filter(({ is_open }) => !is_open).map(({ name }) => name)
  if (hidden.length > 0) {
    throw new Error(
      `trilho_owner does not see every row of ${hidden.join(', ')}: the policy for it is missing`,
    )
  }
  return inOrder(rows).map(({ name, columns, is_forced, partitions }) => ({
    name,
    columns,
    is_forced,
    partitions,
  }))
}

function inOrder(rows: Row[]): Row[] {
  const sorted: Row[] = []
  let rest = rows
  while (rest.length > 0) {
    const waiting = new Set(rest.map(({ name }) => name))
    const ready = rest.filter(({ needs }) => !needs.some((name) => waiting.has(name)))
    if (ready.length === 0) throw new Error(`the foreign keys of ${[...waiting].join(', ')} go in a circle`)
    sorted.push(...ready)
    rest = rest.filter((row) => !ready.includes(row))
  }
  return sorted
}

/** A sequence stands outside of every table, and a backup without its value would number anew from one. */
export async function refuseSequences(client: Asks): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    "select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'S'",
  )
  if (rows[0]) throw new Error(`a backup knows nothing of sequences, and ${rows[0].name} is one`)
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const inPublic = (name: string): string => `public.${quoted(name)}`

export async function countRows(client: Asks, table: string): Promise<number> {
  const { rows } = await client.query<{ n: string }>(`select count(*) as n from ${inPublic(table)}`)
  return Number(rows[0]?.n)
}

/**
 * For this transaction: values are written and read in one way whatever the server's settings are, and no timeout
 * of theirs ends a backup that takes an hour.
 */
export const SESSION = `
  set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres';
  set local bytea_output = 'hex'; set local extra_float_digits = 1; set local client_encoding = 'UTF8';
  set local standard_conforming_strings = on;
  set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0; set local lock_timeout = '60s'`

/** PostgreSQL's "out of shared memory": every partition and index in a transaction takes a lock. */
export const OUT_OF_LOCKS =
  'PostgreSQL has no room for so many locks: raise its max_locks_per_transaction (to 256, say), restart it and try again.'
