import type { RegisterCommand } from './cli.ts'
import { openClient, type Remote, remote } from './client.ts'
import { type Column, examples, show, table } from './output.ts'

type Figures = {
  calls: number
  success_rate: number | null
  p50_ms: number | null
  p95_ms: number | null
  p99_ms: number | null
  sent_bytes: number
  received_bytes: number
  cache_hits: number
  errors: Record<string, number>
}
type Metrics = {
  total: Figures
  connections: (Figures & { connection_id: string })[]
  series: (Figures & { at: string })[]
}
type Options = Remote & { from?: string; to?: string; step?: string; connection?: string }
type Named = Figures & { name: string }

const COLUMNS: Column<Named>[] = [
  ['CALLS', ({ calls }) => calls],
  ['SUCCESS', ({ success_rate }) => (success_rate === null ? null : `${success_rate} %`)],
  ['P50 MS', ({ p50_ms }) => p50_ms],
  ['P95 MS', ({ p95_ms }) => p95_ms],
  ['P99 MS', ({ p99_ms }) => p99_ms],
  ['SENT B', ({ sent_bytes }) => sent_bytes],
  ['RECEIVED B', ({ received_bytes }) => received_bytes],
  ['CACHED', ({ cache_hits }) => cache_hits],
  ['ERRORS', ({ errors }) => told(errors)],
]

export const metrics: RegisterCommand = (program, io) => {
  const command = remote(program.command('metrics'))
    .summary('How connections do: calls, success, percentiles, bytes, errors')
    .description(
      'How connections do: calls, success rate, percentiles, bytes, cache and errors, of each connection, or of every hour or day.',
    )
    .option('--from <time>', 'RFC 3339, such as 2026-11-22T00:00:00Z (default: 24 hours ago)')
    .option('--to <time>', 'up to and without (default: now)')
    .option('--connection <id>', 'only this one')
    .option('--step <step>', 'in time, by hour or day, not by connection')
    .action(async (options: Options) => {
      const { from, to, step, connection } = options
      const query = { from, to, step, connection_id: connection }
      const found = await openClient(options).get<Metrics>('/v1/metrics/connections', query)
      show(io, options, found, (all) => {
        const rows = step === undefined ? byConnection(all) : byTime(all)
        return table(io, rows, [[step === undefined ? 'CONNECTION' : 'FROM', ({ name }) => name], ...COLUMNS])
      })
    })
  examples(
    command,
    'metrics',
    'metrics --step day --from 2026-11-01T00:00:00Z',
    'metrics --json | jq .total.p99_ms',
  )
}

const byConnection = ({ connections, total }: Metrics): Named[] => [
  ...connections.map((row) => ({ ...row, name: row.connection_id })),
  { ...total, name: 'all' },
]

const byTime = ({ series, total }: Metrics): Named[] => [
  ...series.map((row) => ({ ...row, name: row.at })),
  { ...total, name: 'all' },
]

const told = (errors: Record<string, number>): string | null =>
  Object.entries(errors)
    .map(([what, n]) => `${what} ${n}`)
    .join(', ') || null
