import type { Pool } from 'pg'

/** The tables as PostgreSQL itself lists them, so that a new one cannot be forgotten. */
export type Column = {
  name: string
  type: string
  nullable: boolean
  has_default: boolean
  /** Part of the primary key or of a unique index. */
  is_key: boolean
  /** References another table than `tenant`. */
  is_reference: boolean
  /** A CHECK says what it may be. */
  is_checked: boolean
  /** The words its CHECK lists. */
  words: string[]
}

export type Table = {
  name: string
  /** Null for a table that is the whole installation's. */
  tenant_column: string | null
  is_partitioned: boolean
  columns: Column[]
}

const COLUMNS = `
  select c.relname as table, c.relkind = 'p' as is_partitioned, a.attname as name,
         format_type(a.atttypid, null) as type, not a.attnotnull as nullable, a.atthasdef as has_default,
         exists (select from pg_index i where i.indrelid = c.oid and i.indisunique and a.attnum = any (i.indkey)) as is_key,
         exists (select from pg_constraint f where f.conrelid = c.oid and f.contype = 'f' and a.attnum = any (f.conkey)
                    and f.confrelid <> 'tenant'::regclass) as is_reference,
         exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'c' and a.attnum = any (k.conkey)) as is_checked,
         (select pg_get_constraintdef(k.oid) from pg_constraint k
           where k.conrelid = c.oid and k.contype = 'c' and k.conkey = array[a.attnum]
             and pg_get_constraintdef(k.oid) like '%= ANY (ARRAY[%' limit 1) as check
    from pg_class c join pg_attribute a on a.attrelid = c.oid
   where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
     and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
   order by c.relname, a.attnum`

type Row = Omit<Column, 'words'> & { table: string; is_partitioned: boolean; check: string | null }

export async function readTables(owner: Pool): Promise<Table[]> {
  const { rows } = await owner.query<Row>(COLUMNS)
  return [...Map.groupBy(rows, (row) => row.table)].map(([name, columns]) => ({
    name,
    tenant_column:
      name === 'tenant' ? 'id' : columns.some((c) => c.name === 'tenant_id') ? 'tenant_id' : null,
    is_partitioned: columns[0]?.is_partitioned ?? false,
    columns: columns.map(({ check, ...column }) => ({ ...column, words: wordsOf(check) })),
  }))
}

const wordsOf = (check: string | null): string[] =>
  [...(check ?? '').matchAll(/'([^']+)'::text/g)].flatMap(([, word]) => (word === undefined ? [] : [word]))

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/**
 * Inserts `count` made-up rows of a tenant. Keys are fresh, ids lie within the last 23 hours, so in the partitions
 * of today and yesterday, and other columns repeat themselves as real ones do: 50 rows of one source, one in a
 * hundred in a rare state.
 */
export async function makeRows(owner: Pool, table: Table, tenant_id: string, count: number): Promise<void> {
  const columns = table.columns.filter((column) => !isLeftOut(column))
  const values = columns.map((column) => {
    if (column.name === table.tenant_column) return `'${tenant_id}'::uuid`
    if (column.name === 'user_id' && table.name === 'bank_consent') return aUser(tenant_id)
    return (column.is_reference && oneOf(column.name, tenant_id)) || madeUp(column)
  })
  await owner.query(
    `insert into ${quoted(table.name)} (${columns.map((c) => quoted(c.name)).join(', ')})
     select ${values.join(', ')} from generate_series(1, ${count}) i cross join (select ${82_800 / count} as step, '${tenant_id}' as tenant) s
     on conflict do nothing`,
  )
}

/** What cannot be made up: a number in bounds that only its CHECK knows, JSON of a shape, a row of another table. */
const isLeftOut = ({ type, is_reference, is_checked, words, nullable, has_default }: Column): boolean =>
  (is_reference && nullable) ||
  (is_checked && words.length === 0 && (nullable || has_default)) ||
  ((type === 'jsonb' || VALUES[type] === undefined) && words.length === 0 && has_default)

/** One they have: a row that belongs to a connection cannot be without it. */
function oneOf(column: string, tenant_id: string): string | null {
  const read = { connection_id: 'id from connection', mapping: 'name from mapping' }[column]
  return read ? `(select ${read} where tenant_id = '${tenant_id}' limit 1)` : null
}

/** Whose first bank it is: a list of one person's finds something. */
const aUser = (tenant_id: string) =>
  `coalesce((select user_id from bank where tenant_id = '${tenant_id}' order by id limit 1), 'nobody')`

/** An id of our kind that lies `i` steps back. */
const FRESH_ID =
  "(left(v7_floor(now() - i * step * interval '1 s')::text, 13) || '-7' || substr(gen_random_uuid()::text, 16))::uuid"

function madeUp({ name, type, is_key, words }: Column): string {
  if (words.length > 0) {
    const list = `array[${words.map((word) => `'${word}'`).join(', ')}]`
    return `(${list})[case when i % 100 = 0 then 1 + i / 100 % ${words.length} else ${words.length > 2 ? 2 : 1} end]`
  }
  if (name === 'time_zone') return "'UTC'"
  if (name === 'arrived') return 'null' // a transaction that there never was
  if (name === 'day' && type === 'text') return "to_char(now() - i * interval '1 day', 'YYYY-MM-DD')"
  if (name === 'due') return "now() + i * interval '1 min'" // no worker is to take it up
  if (is_key && type === 'uuid' && !/^(source|owner)_id$/.test(name)) return FRESH_ID
  return (is_key ? KEYS[type] : VALUES[type]) ?? VALUES[type] ?? 'null'
}

const KEYS: Record<string, string> = {
  text: "'made_' || md5(gen_random_uuid()::text)",
  bytea: 'sha256(gen_random_uuid()::text::bytea)',
  integer: '100 + i',
}

const VALUES: Record<string, string> = {
  uuid: 'md5(tenant || (i / 50)::text)::uuid', // no two tenants name the same thing
  text: "'{}'",
  'text[]': "array['made']",
  'uuid[]': 'array[gen_random_uuid()]',
  'integer[]': 'array[0]',
  'bigint[]': 'array[0]',
  bytea: "'\\x00'::bytea",
  boolean: 'false',
  jsonb: "'{}'::jsonb",
  integer: 'i % 1000',
  bigint: 'i',
  smallint: '1',
  date: 'current_date',
  'double precision': 'i % 1000',
  'timestamp with time zone': "now() - i * interval '1 s'",
}

/** What is counted in memory is written some seconds later, and watched by the clock, whatever is asked then. */
export const TALLIES = [
  'alert',
  'alert_pending',
  'connection_cache',
  'limit_usage',
  'metric',
  'source_tally',
  'subscription_counter',
  'subscription_permit',
  'traffic',
]
