import { createHash } from 'node:crypto'
import Type from 'typebox'
import { Check } from 'typebox/value'
import { StartError } from '../start_error.ts'

/**
 * A backup is one gzip file of lines: a header (JSON); per table its name (JSON), its rows as COPY writes them and
 * the mark `\.`, with which no row begins; a trailer (JSON) with the SHA-256 of all before it, so that a file cut
 * short anywhere is known for one. `gunzip -c` shows it to people.
 */
const RanSchema = Type.Object({ name: Type.String(), sha256: Type.String() })

const TableSchema = Type.Object({
  name: Type.String(),
  columns: Type.Array(Type.String(), { minItems: 1 }),
  rows: Type.Integer({ minimum: 0 }),
  partitions: Type.Array(
    Type.Object({
      name: Type.String(),
      // goes into a statement's text
      bound: Type.String({ pattern: "^FOR VALUES FROM \\('[0-9a-f-]{36}'\\) TO \\('[0-9a-f-]{36}'\\)$" }),
    }),
  ),
})

export const HeaderSchema = Type.Object({
  format: Type.Literal('trilho-backup'),
  /** Raised when older versions of Trilho could no longer read the file. */
  format_version: Type.Integer(),
  product_version: Type.String(),
  made_at: Type.String(),
  postgres: Type.String(),
  migrations: Type.Array(RanSchema),
  tenants: Type.Integer({ minimum: 0 }),
  /** Fingerprints of the master keys under which its secrets are sealed. */
  masters: Type.Array(Type.String()),
  /** 32 bytes in base64, where whoever made it asked for it. */
  master_key: Type.Union([Type.Null(), Type.String()]),
  /** In the order of the file: each table after those it points at. */
  tables: Type.Array(TableSchema),
})
export type Header = Type.Static<typeof HeaderSchema>

const TrailerSchema = Type.Object({ end: Type.Literal('trilho-backup'), sha256: Type.String() })

export const FORMAT_VERSION = 1
export const MARK = Buffer.from('\\.\n')
const HEADER_LIMIT_BYTES = 16 * 1024 * 1024

export const toLine = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`)

export const toTrailer = (sha256: string): Buffer => toLine({ end: 'trilho-backup', sha256 })

export type Reader = {
  header: Header
  /** The rows of one table after another; each must be read to its end before the next is asked for. */
  tables(): AsyncGenerator<{ name: string; rows: AsyncGenerator<Buffer> }>
}

/** Reads what is unpacked of a file. `tables()` ends only where the trailer was there and its sum was right. */
export async function readBackup(bytes: AsyncIterable<Buffer>): Promise<Reader> {
  const cursor = cursorOf(bytes)
  const header = toHeader(await cursor.line())
  async function* tables() {
    for (const { name } of header.tables) {
      if (!isNamed(name, await cursor.line())) throw damaged(`the rows of ${name} are not where they belong`)
      yield { name, rows: cursor.rows() }
    }
    await readTrailer(cursor)
  }
  return { header, tables }
}

async function readTrailer(cursor: Cursor): Promise<void> {
  const sha256 = cursor.digest()
  const trailer = parse(await cursor.line())
  if (!Check(TrailerSchema, trailer)) throw damaged('its last line is not the one that ends a backup')
  if (trailer.sha256 !== sha256) throw damaged('its sum is not the one it was written with')
  if (!(await cursor.isAtEnd())) throw damaged('it goes on after its end')
}

function toHeader(line: string): Header {
  const header = parse(line)
  const { format, format_version } = (header ?? {}) as Partial<Header>
  if (format !== 'trilho-backup') throw new StartError('The file is no backup of Trilho.')
  if (format_version !== FORMAT_VERSION) {
    throw new StartError('The backup is of a newer Trilho: restore it with that version or a later one.')
  }
  if (!Check(HeaderSchema, header)) throw damaged('its first line does not say what it holds')
  return header
}

const isNamed = (name: string, line: string) => (parse(line) as { table?: unknown } | null)?.table === name

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

export const damaged = (why: string): StartError =>
  new StartError(`The backup is damaged: ${why}. Nothing was restored; take another copy of it.`)
export const cutShort = (): StartError =>
  new StartError(
    'The backup is cut short: its end is missing. Nothing was restored; take another copy of it.',
  )

type Cursor = {
  line(): Promise<string>
  rows(): AsyncGenerator<Buffer>
  /** Of all that was taken so far. */
  digest(): string
  isAtEnd(): Promise<boolean>
}

/** Holds one chunk and the little that may belong to the next thing; a row of any length passes in pieces. */
function cursorOf(bytes: AsyncIterable<Buffer>): Cursor {
  const source = bytes[Symbol.asyncIterator]()
  const hash = createHash('sha256')
  let held: Buffer = Buffer.alloc(0)

  const more = async (): Promise<boolean> => {
    const next = await source.next()
    if (next.done) return false
    held = held.length > 0 ? Buffer.concat([held, next.value]) : next.value
    return true
  }
  const need = async () => {
    if (!(await more())) throw cutShort()
  }
  const take = (length: number): Buffer => {
    const taken = held.subarray(0, length)
    held = held.subarray(length)
    hash.update(taken)
    return taken
  }

  async function line(): Promise<string> {
    for (;;) {
      const end = held.indexOf(10)
      if (end >= 0) return take(end + 1).toString()
      if (held.length > HEADER_LIMIT_BYTES) throw new StartError('The file is no backup of Trilho.')
      await need()
    }
  }

  async function* rows(): AsyncGenerator<Buffer> {
    let is_fresh = true // at the beginning of a row
    for (;;) {
      while (held.length < MARK.length) await need()
      if (is_fresh && held.subarray(0, MARK.length).equals(MARK)) return void take(MARK.length)
      const last = held.indexOf('\n\\.\n')
      if (last >= 0) yield take(last + 1)
      else if (held.length > MARK.length) yield take(held.length - MARK.length) // what is left may begin the mark
      is_fresh = last >= 0
      if (!is_fresh) await need()
    }
  }

  return {
    line,
    rows,
    digest: () => hash.copy().digest('hex'),
    isAtEnd: async () => held.length === 0 && !(await more()),
  }
}
