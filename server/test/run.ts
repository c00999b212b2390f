import { glob } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { startTestPostgres } from './postgres.ts'

// npm test: every *.test.ts beside the code, on one PostgreSQL started here (or the one in DATABASE_URL).
//   npm test -- outbound              the files whose path holds the word
//   npm test -- -dashboard            the files whose path does not
//   npm test -- --test-name-pattern=revoked

/** For what hangs; how long a busy machine takes for a file is no failure. */
const FILE_TIMEOUT_MS = 3_600_000

/** How many files run beside those that keep the processors busy, since many of them wait: for leases, limits, timeouts. */
const OVERLAPPING = 2

/** What every test file, and every process of the product that one starts, would strip of its types and compile by itself. */
const COMPILED = fileURLToPath(new URL('../../node_modules/.cache/trilho-compiled', import.meta.url))

async function main(args: string[]): Promise<number> {
  const [options, words] = [args.filter(isOption), args.filter((arg) => !isOption(arg))]
  const files = (await testFiles()).filter((file) => isMeant(file, words))
  if (files.length === 0) {
    console.error(`No test file's path is one that is meant by ${words.join(' ')}.`)
    return 1
  }
  const postgres = await startTestPostgres(process.env['DATABASE_URL'])
  try {
    return await runFiles(files, options, postgres.url)
  } finally {
    await postgres.stop()
  }
}

const isOption = (arg: string) => arg.startsWith('--')

/** By any of the words, where there are some, and by none of those after a `-`. */
function isMeant(file: string, words: string[]): boolean {
  const wanted = words.filter((word) => !word.startsWith('-'))
  const unwanted = words.filter((word) => word.startsWith('-')).map((word) => word.slice(1))
  const has = (word: string) => file.includes(word)
  return (wanted.length === 0 || wanted.some(has)) && !unwanted.some(has)
}

/**
 * What waits for whole minutes comes first, so that nobody waits for it at the end; what takes whole processes last, so
 * that it slows no test that looks at the clock.
 */
const FIRST = 'server/test/statements.test.ts'
const LAST = ['server/test/', 'server/test/pack.test.ts']

async function testFiles(): Promise<string[]> {
  const files = await Array.fromAsync(glob('server/**/*.test.ts', { exclude: ['server/bench/peers/**'] }))
  const place = (file: string) => (file === FIRST ? -1 : LAST.filter((part) => file.startsWith(part)).length)
  return files.sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1))
}

/** In their order, which `node --test` would not keep. */
async function runFiles(files: string[], options: string[], database_url: string): Promise<number> {
  // With NODE_TEST_CONTEXT inherited (npm test called from a test) node would pass without running anything.
  // Settings of whoever calls (a key exported for the command line) would be taken for those of the servers under test.
  for (const name of Object.keys(process.env))
    if (/^(TRILHO_|NODE_TEST_CONTEXT$)/.test(name)) delete process.env[name]
  process.env['NODE_COMPILE_CACHE'] ??= COMPILED
  process.env['TEST_DATABASE_URL'] = database_url
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort())
  // In a file of which no test is meant, node does not wait for what `before` starts, and nobody would ever end it.
  const force = options.some((option) => option.startsWith('--test-name-pattern'))
    ? ['--test-force-exit']
    : []
  const told = run({
    files,
    concurrency: availableParallelism() + OVERLAPPING,
    timeout: FILE_TIMEOUT_MS,
    execArgv: [...force, ...options],
    signal: stopping.signal,
  })
  let passed = false
  told.on('test:summary', ({ file, success }) => {
    if (file === undefined) passed = success // of all files together
  })
  for await (const text of told.compose(new spec())) process.stdout.write(text)
  return passed ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
