import { cache } from './cache.ts'
import { call } from './call.ts'
import { deliver } from './deliver.ts'
import { fair } from './fair.ts'
import { ingest } from './ingest.ts'
import { statements } from './statements.ts'

// npm run bench -- ingest | deliver | fair | call | cache | statements   [--rounds=5]
//
// Each prints a table, and as its last line one JSON object. Ours and its peers take turns in one run.

type Bench = (options: { rounds: number }) => Promise<void>
const BENCHES: Record<string, Bench> = { ingest, deliver, fair, call, cache, statements }

async function main(args: string[]): Promise<number> {
  const name = args.find((arg) => !arg.startsWith('--')) ?? ''
  const rounds = Number(/^--rounds=(\d+)$/.exec(args.find((arg) => arg.startsWith('--')) ?? '')?.[1] ?? 5)
  const bench = BENCHES[name]
  if (!bench || rounds < 1) {
    console.error(`npm run bench -- ${Object.keys(BENCHES).join(' | ')}   [--rounds=5]`)
    return 1
  }
  await bench({ rounds })
  return 0
}

process.exit(await main(process.argv.slice(2)))
