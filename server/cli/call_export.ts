import { type Command, Option } from 'commander'
import { openClient, type Remote, remote } from './client.ts'
import { EXIT, examples, failure, type Io } from './output.ts'

type Options = Remote & {
  format: 'csv' | 'jsonl'
  connection?: string
  operation?: string
  method?: string
  status?: string
  state?: string
  from?: string
  to?: string
  find?: string
  cursor?: string
}

/** `trilho call export`: what is on record of calls, as it comes. */
export function callExport(parent: Command, io: Io): void {
  const command = remote(parent.command('export'))
    .summary('Take calls away as CSV or JSON lines')
    .description('Take what is on record of calls away as CSV or JSON lines, newest first, as it comes.')
    .addOption(new Option('--format <format>', 'csv or jsonl').choices(['csv', 'jsonl']).default('csv'))
    .option('--connection <id>', 'of this connection')
    .option('--operation <name>', 'of this operation')
    .option('--method <method>', 'by this method')
    .option('--status <status>', 'answered so: 404, or 4xx')
    .option('--state <state>', 'started, succeeded, refused, failed or unknown')
    .option('--from <time>', 'made then or later, RFC 3339')
    .option('--to <time>', 'made before, RFC 3339')
    .option('--find <value>', "found by a vendor's id, a reference, a CPF, an e-mail, a phone")
    .option('--cursor <id>', 'go on below the last call of an export that broke off')
    .action((options: Options) => write(io, options))
  examples(
    command,
    'call export --from 2026-11-01T00:00:00-03:00 > calls.csv',
    'call export --format jsonl --status 5xx | jq .error',
  )
}

async function write(io: Io, options: Options): Promise<void> {
  const { connection: connection_id, find: q, json, ...rest } = options
  const { operation, method, status, state, from, to, cursor } = rest
  const format = json ? 'jsonl' : options.format
  const query = { connection_id, q, format, operation, method, status, state, from, to, cursor }
  let last = cursor
  try {
    for await (const line of openClient(options).lines('/v1/calls/export', query)) {
      io.out(line)
      last = /^(?:\{"id":")?(call_\w{26})/.exec(line)?.[1] ?? last
    }
  } catch (error) {
    if (last === cursor) throw error
    throw failure(
      EXIT.failed,
      `The export broke off: ${(error as Error).message}. Go on with --cursor ${last}`,
      {
        cursor: last,
      },
    )
  }
}
