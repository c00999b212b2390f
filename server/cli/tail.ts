import type { RegisterCommand } from './cli.ts'
import { openClient, type Remote, remote } from './client.ts'
import { follow, type Item } from './follow.ts'
import {
  EXIT,
  examples,
  type Failure,
  failure,
  type Io,
  isFailure,
  type Style,
  wholeNumber,
} from './output.ts'

type Options = Remote & {
  kind?: string
  source?: string
  subscription?: string
  connection?: string
  state?: string
  last: number
}

type Row = Item & Record<string, unknown>

type Kind = {
  path: string
  /** Which of the flags its list understands; one that is set leaves the lists out that do not. */
  filters: Record<string, keyof Options>
  /** When it happened, and what happened in a few words. */
  time: (row: Row) => string
  say: (row: Row) => (string | null)[]
}

const text = (value: unknown): string | null => (value === null || value === undefined ? null : String(value))
const status = (row: Row): string | null => (row['status'] === null ? null : `HTTP ${row['status']}`)
const tries = (row: Row): string | null => (Number(row.attempts) > 1 ? `attempt ${row.attempts}` : null)
const created = (row: Row): string => String(row['closed_at'] ?? row['created_at'])

const KINDS: Record<string, Kind> = {
  message: {
    path: '/v1/messages',
    filters: { source_id: 'source' },
    time: (row) => String(row['closed_at'] ?? row['received_at']),
    say: (row) => [text(row['event_type']), text(row['source_id']), tries(row)],
  },
  refused: {
    path: '/v1/quarantine',
    filters: { source_id: 'source' },
    time: (row) => String(row['received_at']),
    say: (row) => [text(row['reason']), text(row['source_id']), text(row['ip'])],
  },
  event: {
    path: '/v1/events',
    filters: {},
    time: created,
    say: (row) => [text(row['type']), text(row['entity_id'])],
  },
  delivery: {
    path: '/v1/deliveries',
    filters: { subscription_id: 'subscription', state: 'state' },
    time: created,
    say: (row) => [text(row['event_type']), text(row['subscription_id']), status(row), tries(row)],
  },
  call: {
    path: '/v1/calls',
    filters: { connection_id: 'connection', state: 'state' },
    time: created,
    say: (row) => [
      `${row['method']} ${row['path']}`,
      text(row['connection_id']),
      status(row),
      tries(row),
      row['duration_ms'] === null ? null : `${row['duration_ms']} ms`,
    ],
  },
}

const FILTERS = ['source', 'subscription', 'connection', 'state'] as const

export const tail: RegisterCommand = (program, io) => {
  const command = remote(program.command('tail'))
    .summary('Follow what crosses the border, live')
    .description(
      'Follow what crosses the border, live: messages that come in, those refused at the door, events, deliveries that go out, and calls. Ends with Ctrl-C.',
    )
    .option('--kind <kinds>', `only these, with commas: ${Object.keys(KINDS).join(', ')}`)
    .option('--source <id>', 'only messages of this source')
    .option('--subscription <id>', 'only deliveries to this subscription')
    .option('--connection <id>', 'only calls through this connection')
    .option('--state <state>', 'only deliveries and calls in this state, such as failed')
    .option('--last <n>', 'begin with so many of the past of each kind', wholeNumber, 10)
    .action((options: Options) => followAll(io, options))
  examples(
    command,
    'tail',
    'tail --kind delivery --state failed',
    'tail --source src_01jz8k3v9mf2tb7xq4c5n6p8rs --json | jq .event_type',
  )
}

async function followAll(io: Io, options: Options): Promise<void> {
  const kinds = wanted(options)
  const client = openClient(options)
  const ending = new AbortController() // one list that fails for good ends the others
  const stopped = AbortSignal.any([io.stopped(), ending.signal])
  const lines = gather(io)
  let to_begin = kinds.length
  const ready = () => {
    to_begin -= 1
    if (to_begin === 0) io.err('Following. Ctrl-C ends it.')
  }
  const followOne = async ([name, { path, filters, time }]: [string, Kind]): Promise<Failure | null> => {
    const pairs = Object.entries(filters).map(([field, flag]) => [field, text(options[flag]) ?? undefined])
    const on = (rows: Row[]) => {
      for (const row of rows) lines.add(time(row), options.json ? toJson(name, row) : toLine(io, name, row))
    }
    const list = { path, query: Object.fromEntries(pairs), on, ready, last: options.last }
    try {
      await follow<Row>(client, io, stopped, list)
      return null
    } catch (error) {
      if (!isFailure(error) || error.exit_code !== EXIT.refused) throw error
      if (kinds.length > 1) io.err(`${name}: ${error.message}`) // the others may be open to this key
      ready()
      return error
    }
  }
  const ended = await Promise.all(kinds.map(followOne)).finally(() => {
    ending.abort()
    lines.flush()
  })
  const [refused] = ended
  if (refused && ended.every((end) => end !== null)) throw refused
}

const GATHER_MS = 100

/** The lists are asked at the same moment: what their answers tell is printed in the order it happened. */
function gather(io: Io) {
  let waiting: { time: string; line: string }[] = []
  const flush = () => {
    for (const { line } of waiting.sort((a, b) => (a.time < b.time ? -1 : 1))) io.out(line)
    waiting = []
  }
  const add = (time: string, line: string) => {
    waiting.push({ time, line })
    if (waiting.length === 1) setTimeout(flush, GATHER_MS)
  }
  return { add, flush }
}

function wanted(options: Options): [string, Kind][] {
  const set = FILTERS.filter((flag) => options[flag] !== undefined)
  const named = options.kind?.split(',').map((kind) => kind.trim())
  const unknown = named?.find((kind) => KINDS[kind] === undefined)
  if (unknown !== undefined)
    throw failure(EXIT.usage, `--kind ${unknown} is none of ${Object.keys(KINDS).join(', ')}`)
  const kinds = Object.entries(KINDS).filter(
    ([name, { filters }]) =>
      (named ?? [name]).includes(name) && set.every((flag) => Object.values(filters).includes(flag)),
  )
  if (kinds.length === 0)
    throw failure(EXIT.usage, `No kind of crossing has all of ${set.map((f) => `--${f}`).join(', ')}`)
  return kinds
}

const toJson = (kind: string, row: Row): string => JSON.stringify({ kind, ...row })

const COLOURS: Record<string, Style> = {
  completed: 'green',
  delivered: 'green',
  succeeded: 'green',
  failed: 'red',
  refused: 'red',
  unknown: 'yellow',
  pending: 'gray',
  started: 'gray',
}

function toLine(io: Io, name: string, row: Row): string {
  const kind = KINDS[name] as Kind
  const state = row.state ?? (name === 'refused' ? 'refused' : 'published')
  const error = row['error'] ?? row['detail']
  const parts = [...kind.say(row), text(error)].filter((part) => part !== null)
  return [
    io.paint('gray', kind.time(row).slice(11, 23)),
    io.paint('cyan', name.padEnd(8)),
    io.paint(COLOURS[state] ?? 'bold', state.padEnd(9)),
    row.id,
    parts.join('  ').replace(/\s*\n\s*/g, ' '),
  ].join(' ')
}
