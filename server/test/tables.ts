import type { Client } from 'pg'

// Prints the types of a migrated database for Kysely. Where a CHECK lists a column's words, the type is their union.

type Column = {
  table_name: string
  name: string
  type: string
  nullable: boolean
  has_default: boolean
  check: string | null
}

const COLUMNS = `
  select c.relname as table_name, a.attname as name, format_type(a.atttypid, null) as type,
         not a.attnotnull as nullable, a.atthasdef as has_default,
         (select pg_get_constraintdef(k.oid) from pg_constraint k
           where k.conrelid = c.oid and k.contype = 'c' and k.conkey = array[a.attnum]
             and pg_get_constraintdef(k.oid) like '%= ANY (ARRAY[%' limit 1) as check
    from pg_class c join pg_attribute a on a.attrelid = c.oid
   where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
     and a.attnum > 0 and not a.attisdropped
   order by c.relname, a.attnum`

const TYPES: Record<string, string> = {
  bigint: 'Bigint',
  boolean: 'boolean',
  bytea: 'Buffer',
  date: 'string',
  'double precision': 'number',
  inet: 'string',
  integer: 'number',
  jsonb: 'Jsonb',
  numeric: 'Bigint',
  real: 'number',
  smallint: 'number',
  text: 'string',
  'text[]': 'string[]',
  'bigint[]': 'string[]',
  'bytea[]': 'Buffer[]',
  'integer[]': 'number[]',
  'timestamp with time zone': 'Timestamp',
  uuid: 'string',
  'uuid[]': 'string[]',
}

const HEAD = `// Printed from a migrated database by \`npm run generate\`; edit the migrations instead.
import type { ColumnType } from 'kysely'

/** A column the database fills in where the insert is silent. */
export type Generated<T> =
  T extends ColumnType<infer S, infer I, infer U> ? ColumnType<S, I | undefined, U> : ColumnType<T, T | undefined, T>
/** Read as a Date; written as a Date or RFC 3339 text. */
export type Timestamp = ColumnType<Date, Date | string, Date | string>
/** Beyond what a JavaScript number holds: read as text. */
export type Bigint = ColumnType<string, string | number | bigint, string | number | bigint>
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
/** Written as JSON text or as an object: the driver would write a bare list as a PostgreSQL array. */
export type Jsonb = ColumnType<Json, string | Record<string, unknown>, string | Record<string, unknown>>
`

/** The text of platform/database/tables.ts for the database behind \`client\`. */
export async function tablesText(client: Client): Promise<string> {
  const { rows } = await client.query<Column>(COLUMNS)
  const tables = Map.groupBy(rows, (column) => column.table_name)
  const bodies = [...tables].map(
    ([name, columns]) => `  ${name}: {\n${columns.map(columnLine).join('\n')}\n  }`,
  )
  return `${HEAD}\nexport interface Tables {\n${bodies.join('\n')}\n}\n`
}

function columnLine(column: Column): string {
  const type = unionOf(column.check) ?? TYPES[column.type]
  if (!type)
    throw new Error(
      `${column.table_name}.${column.name}: no TypeScript type for ${column.type}; add it to TYPES in server/test/tables.ts`,
    )
  const held = column.has_default ? `Generated<${type}>` : type
  return `    ${column.name}: ${held}${column.nullable ? ' | null' : ''}`
}

function unionOf(check: string | null): string | null {
  const words = check?.match(/'((?:[^']|'')*)'::text/g)
  return words ? words.map((word) => word.replace(/::text$/, '')).join(' | ') : null
}
