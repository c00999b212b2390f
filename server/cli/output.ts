import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { styleText } from 'node:util'
import { type Command, InvalidArgumentError } from 'commander'

/** What a command may touch of the terminal. Results go to `out`, everything said about them to `err`. */
export type Io = {
  out(line: string): void
  /** A result that is no text. */
  bytes(bytes: Uint8Array): void
  err(line: string): void
  /** Colours where the stream is a terminal and NO_COLOR is not set. */
  paint(style: Style, text: string): string
  stdin(): Promise<string>
  /** Of standard input, as many at once as have come, without their ends. */
  lines(): AsyncIterable<string[]>
  /** Aborted by the first SIGINT or SIGTERM after this is asked for. */
  stopped(): AbortSignal
  /** A reader of `out` that goes away ends a command; after this it does not: for the server. */
  outlive(): void
}

export type Style = 'red' | 'green' | 'yellow' | 'cyan' | 'gray' | 'bold'

/** What an exit code of `trilho` means; every page of help ends with them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, refused: 3, unreachable: 4 } as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Ends a command: `message` is for people, `detail` is what `--json` prints beside it. */
export type Failure = Error & { exit_code: ExitCode; detail: Record<string, unknown> }

export function failure(exit_code: ExitCode, message: string, detail: Record<string, unknown> = {}): Failure {
  return Object.assign(new Error(message), { exit_code, detail })
}

export const isFailure = (error: unknown): error is Failure => error instanceof Error && 'exit_code' in error

export function terminal(): Io {
  let ends_with_reader = true
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough (`trilho tail | head -1`) is no error.
    if (ends_with_reader) process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failed)
  })
  return {
    out: (line) => void process.stdout.write(`${line}\n`),
    bytes: (bytes) => void process.stdout.write(bytes),
    err: (line) => void process.stderr.write(`${line}\n`),
    paint: (style, words) => styleText(style, words, { stream: process.stdout }),
    stdin: () => text(process.stdin),
    lines: () => linesOf(process.stdin),
    stopped: () => {
      const stop = new AbortController()
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
      return stop.signal
    },
    outlive: () => {
      ends_with_reader = false
    },
  }
}

export async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string[]> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/)
    rest = lines.pop() ?? ''
    if (lines.length > 0) yield lines
  }
  if (rest !== '') yield [rest]
}

export type Printed = { json?: true }

/** A result: the value itself with `--json`, else what `toText` makes of it. */
export function show<T>(io: Io, { json }: Printed, value: T, toText: (value: T) => string): void {
  io.out(json ? JSON.stringify(value, null, 2) : toText(value))
}

export type Column<Row> = [title: string, cell: (row: Row) => string | number | null]

/** Rows in columns as wide as their widest cell; the last column runs free. */
export function table<Row>(io: Io, rows: Row[], columns: Column<Row>[]): string {
  const cells = rows.map((row) => columns.map(([, cell]) => oneLine(cell(row))))
  const titles = columns.map(([title]) => title)
  const widths = titles.map((title, n) => Math.max(title.length, ...cells.map((row) => row[n]?.length ?? 0)))
  const line = (row: string[]) =>
    row
      .map((cell, n) => cell.padEnd(widths[n] ?? 0))
      .join('  ')
      .trimEnd()
  return [io.paint('bold', line(titles)), ...cells.map(line)].join('\n')
}

const oneLine = (cell: string | number | null): string => String(cell ?? '-').replace(/\s+/g, ' ')

/** One thing, a line for each of its fields. */
export function card(io: Io, fields: Record<string, unknown>): string {
  const width = Math.max(...Object.keys(fields).map((name) => name.length))
  return Object.entries(fields)
    .map(([name, value]) => `${io.paint('gray', name.padEnd(width))}  ${shown(value)}`)
    .join('\n')
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return '-'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

export type PageOf<Row> = { data: Row[]; next_cursor?: string | null }

/** A page of a list; where it goes on, people are told how to read on. */
export function showPage<Row>(io: Io, options: Printed, page: PageOf<Row>, columns: Column<Row>[]): void {
  if (options.json) io.out(JSON.stringify(page, null, 2))
  else if (page.data.length === 0) io.err('There is none.')
  else io.out(table(io, page.data, columns))
  if (page.next_cursor && !options.json) io.err(`There is more: --cursor ${page.next_cursor}`)
}

/** `@file`, `-` for standard input, or the text itself. */
export async function readArgument(io: Io, given: string): Promise<string> {
  if (given === '-') return io.stdin()
  if (!given.startsWith('@')) return given
  return readFile(given.slice(1), 'utf8').catch((error: Error) => {
    throw failure(EXIT.usage, `${given.slice(1)} cannot be read: ${error.message}`)
  })
}

/** `@file`, `-` or the text, as JSON text that goes on to the digit. */
export async function readJsonText(io: Io, given: string, flag: string): Promise<string> {
  const text = await readArgument(io, given)
  try {
    JSON.parse(text)
    return text
  } catch (error) {
    throw failure(EXIT.usage, `${flag} is no JSON: ${(error as Error).message}`)
  }
}

export const readJson = async (io: Io, given: string, flag: string): Promise<unknown> =>
  JSON.parse(await readJsonText(io, given, flag))

/** Repeatable `name=value` options into one object; a value may be `@file` or `-`. */
export async function readPairs(io: Io, flag: string, pairs: string[] = []): Promise<Record<string, string>> {
  const read: Record<string, string> = {}
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at < 1) throw failure(EXIT.usage, `${flag} wants name=value, not ${JSON.stringify(pair)}`)
    read[pair.slice(0, at)] = (await readArgument(io, pair.slice(at + 1))).trimEnd()
  }
  return read
}

export const collect = (value: string, before: string[] = []): string[] => [...before, value]

/** Reads the value of an option; what it refuses is told with the option's name. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('A whole number is wanted.')
}

export function examples(command: Command, ...lines: string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ trilho ${line}`).join('\n')}`)
}

/** `1 attempt`, `2 attempts`. */
export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`
