import { ack } from './ack.ts'
import { n8n } from './ack_n8n.ts'
import { backlog } from './backlog.ts'
import { cache } from './cache.ts'
import { call } from './call.ts'
import { dashboard } from './dashboard.ts'
import { deliver } from './deliver.ts'
import { fair } from './fair.ts'
import { growth } from './growth.ts'
import { held } from './held.ts'
import { importing } from './import.ts'
import { ingest } from './ingest.ts'
import { latency } from './latency.ts'
import { metrics } from './metrics.ts'
import { pipeline } from './pipeline.ts'
import { records } from './records.ts'
import { replay, replayOut } from './replay.ts'
import { senders } from './senders.ts'
import { statements } from './statements.ts'

// npm run bench -- deliver   [--rounds=5] [--rows=4000] [--subscriptions=1000] [--keys=100000]
// npm run bench -- ingest | ack | n8n | senders | fair | call | pipeline | cache | statements | import   [--rounds=5]
// npm run bench -- records | growth | replay | replay-out | backlog | dashboard   [--rows=1000000]
// npm run bench -- metrics
// npm run bench -- latency | held   [--minutes=10]
//
// Each prints a table, and as its last line one JSON object. Ours and its peers take turns in one run.

type Options = { rounds: number; rows?: number; subscriptions?: number; keys?: number; minutes?: number }
type Bench = (options: Options) => Promise<void>
const BENCHES: Record<string, Bench> = {
  ingest,
  deliver,
  fair,
  call,
  pipeline,
  cache,
  statements,
  import: importing,
  records,
  metrics,
  latency,
  growth,
  held,
  replay,
  'replay-out': replayOut,
  backlog,
  dashboard,
  ack,
  n8n,
  senders,
}

async function main(args: string[]): Promise<number> {
  const name = args.find((arg) => !arg.startsWith('--')) ?? ''
  const given = (flag: string) =>
    args.map((arg) => new RegExp(`^--${flag}=(\\d+)$`).exec(arg)?.[1]).find((number) => number !== undefined)
  const rounds = Number(given('rounds') ?? 5)
  const options: Options = { rounds }
  for (const flag of ['rows', 'subscriptions', 'keys', 'minutes'] as const) {
    const number = given(flag)
    if (number !== undefined) options[flag] = Number(number)
  }
  const bench = BENCHES[name]
  if (!bench || rounds < 1) {
    console.error(`npm run bench -- ${Object.keys(BENCHES).join(' | ')}   [--rounds=5]`)
    return 1
  }
  await bench(options)
  return 0
}

process.exit(await main(process.argv.slice(2)))
