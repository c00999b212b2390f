import { ack } from './ack.ts'
import { n8n } from './ack_n8n.ts'
import { backlog } from './backlog.ts'
import { cache } from './cache.ts'
import { call } from './call.ts'
import { deliver } from './deliver.ts'
import { fair } from './fair.ts'
import { growth } from './growth.ts'
import { importing } from './import.ts'
import { ingest } from './ingest.ts'
import { pipeline } from './pipeline.ts'
import { records } from './records.ts'
import { replay } from './replay.ts'
import { statements } from './statements.ts'

// npm run bench -- ingest | ack | n8n | deliver | fair | call | pipeline | cache | statements | import   [--rounds=5]
// npm run bench -- records | growth | replay | backlog   [--rows=1000000]
//
// Each prints a table, and as its last line one JSON object. Ours and its peers take turns in one run.

type Bench = (options: { rounds: number; rows?: number }) => Promise<void>
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
  growth,
  replay,
  backlog,
  ack,
  n8n,
}

async function main(args: string[]): Promise<number> {
  const name = args.find((arg) => !arg.startsWith('--')) ?? ''
  const given = (flag: string) =>
    args.map((arg) => new RegExp(`^--${flag}=(\\d+)$`).exec(arg)?.[1]).find((number) => number !== undefined)
  const rounds = Number(given('rounds') ?? 5)
  const rows = given('rows')
  const bench = BENCHES[name]
  if (!bench || rounds < 1) {
    console.error(`npm run bench -- ${Object.keys(BENCHES).join(' | ')}   [--rounds=5]`)
    return 1
  }
  await bench({ rounds, ...(rows !== undefined && { rows: Number(rows) }) })
  return 0
}

process.exit(await main(process.argv.slice(2)))
