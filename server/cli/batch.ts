import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { RegisterCommand } from './cli.ts'
import {
  type Client,
  inPath,
  openClient,
  type Paged,
  paged,
  pageQuery,
  type Remote,
  remote,
} from './client.ts'
import {
  type Column,
  card,
  EXIT,
  examples,
  failure,
  type Io,
  type PageOf,
  readJsonText,
  show,
  showPage,
  wholeNumber,
} from './output.ts'

const STATES = ['queued', 'started', 'succeeded', 'refused', 'failed', 'unknown', 'canceled'] as const

type Batch = Record<(typeof STATES)[number], number> & {
  id: string
  state: 'running' | 'completed' | 'canceled'
  total: number
  created_at: string
}
type Item = {
  position: number
  id: string
  state: string
  status: number | null
  tries: number
  error: string | null
}
type Run = Remote & { concurrency?: number; delay?: number; detach?: true }

const POLL_MS = 500

const COLUMNS: Column<Batch>[] = [
  ['ID', ({ id }) => id],
  ['STATE', ({ state }) => state],
  ['CALLS', ({ total }) => total],
  ['CREATED', ({ created_at }) => created_at],
]

const ITEMS: Column<Item>[] = [
  ['N', ({ position }) => position],
  ['CALL', ({ id }) => id],
  ['STATE', ({ state }) => state],
  ['STATUS', ({ status }) => status],
  ['TRIES', ({ tries }) => tries],
  ['ERROR', ({ error }) => error],
]

export const batch: RegisterCommand = (program, io) => {
  const group = program.command('batch').description('Many calls through one connection')
  running(group, io)
  looking(group, io)
}

function running(group: Command, io: Io): void {
  const run = remote(group.command('run <connection> <calls>'))
    .description(
      'Make up to 1,000 calls, a few at a time, and tell how far they are. Calls are a JSON list, each as the body of a call: @file, - for standard input, or the list itself. Ends with 1 where one of them did not succeed; an interrupt ends the telling, not the batch.',
    )
    .summary('Make many calls and follow them')
    .option('--concurrency <n>', 'calls under way at once (default 5)', wholeNumber)
    .option('--delay <ms>', 'between the starts of two calls, in milliseconds', wholeNumber)
    .option('--detach', 'say which batch it is and end')
    .action(async (connection: string, calls: string, options: Run) => {
      const client = openClient(options)
      const { concurrency, delay } = options
      const more = {
        ...(concurrency !== undefined && { concurrency }),
        ...(delay !== undefined && { delay_ms: delay }),
      }
      const list = `"calls":${await readJsonText(io, calls, 'calls')}`
      const text =
        Object.keys(more).length === 0 ? `{${list}}` : `${JSON.stringify(more).slice(0, -1)},${list}}`
      const made = await client.text('POST', `/v1/connections/${inPath(connection)}/calls/batch`, text)
      const begun = JSON.parse(made) as Batch
      const last = options.detach ? begun : await followed(client, io, begun)
      show(io, options, last, (shown) => `${shown.id} ${shown.state}: ${counts(shown)}`)
      if (last.state !== 'running' && last.succeeded < last.total)
        throw failure(EXIT.failed, `Not all succeeded: trilho batch calls ${last.id}`, { batch_id: last.id })
    })
  examples(
    run,
    'batch run con_01jz8k3v9mf2tb7xq4c5n6p8rs @calls.json',
    `batch run con_01jz8k3v9mf2tb7xq4c5n6p8rs '[{"method":"GET","path":"/v1/balance"}]' --concurrency 2`,
  )

  const cancel = remote(group.command('cancel <id>'))
    .description('Give up the calls of a batch that have not begun')
    .action(async (id: string, options: Remote) => {
      const done = await openClient(options).send<Batch>('POST', `/v1/batches/${inPath(id)}/cancel`)
      show(io, options, done, (shown) => `${shown.id} ${shown.state}: ${counts(shown)}`)
    })
  examples(cancel, 'batch cancel bat_01jz8k3v9mf2tb7xq4c5n6p8rs')
}

function looking(group: Command, io: Io): void {
  const list = paged(group.command('list'))
    .description('List batches, newest first')
    .action(async (options: Paged) => {
      showPage(
        io,
        options,
        await openClient(options).get<PageOf<Batch>>('/v1/batches', pageQuery(options)),
        COLUMNS,
      )
    })
  examples(list, 'batch list')

  const read = remote(group.command('show <id>').alias('get'))
    .description('How far a batch is')
    .action(async (id: string, options: Remote) => {
      const found = await openClient(options).get<Batch>(`/v1/batches/${inPath(id)}`)
      show(io, options, found, (shown) => card(io, shown))
    })
  examples(read, 'batch show bat_01jz8k3v9mf2tb7xq4c5n6p8rs')

  const calls = paged(group.command('calls <id>'))
    .description('The calls of a batch in their order, and what became of each')
    .action(async (id: string, options: Paged) => {
      const at = `/v1/batches/${inPath(id)}/calls`
      showPage(io, options, await openClient(options).get<PageOf<Item>>(at, pageQuery(options)), ITEMS)
    })
  examples(calls, 'batch calls bat_01jz8k3v9mf2tb7xq4c5n6p8rs --json | jq .data[].report.body')
}

/** Tells every change of the counts, until all is over or somebody interrupts. */
async function followed(client: Client, io: Io, begun: Batch): Promise<Batch> {
  const stopped = io.stopped()
  for (let now = begun, told = ''; ; ) {
    if (counts(now) !== told) io.err(`${now.id} ${counts(now)}`)
    told = counts(now)
    if (now.state !== 'running' || stopped.aborted) return now
    await sleep(POLL_MS, undefined, { signal: stopped }).catch(() => {})
    now = await client.get<Batch>(`/v1/batches/${now.id}`)
  }
}

const counts = (batch: Batch): string =>
  `${STATES.flatMap((state) => (batch[state] > 0 ? [`${batch[state]} ${state}`] : [])).join(', ')} of ${batch.total}`
