import { spawn } from 'node:child_process'
import { glob } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { startTestPostgres } from './postgres.ts'

// npm test: every *.test.ts beside the code, on one PostgreSQL started here (or the one in DATABASE_URL).
//   npm test -- outbound              the files whose path holds the word
//   npm test -- --test-name-pattern=revoked

/** For what hangs; how long a busy machine takes for a file is no failure. */
const FILE_TIMEOUT_MS = 3_600_000

async function main(args: string[]): Promise<number> {
  const [options, words] = [args.filter(isOption), args.filter((arg) => !isOption(arg))]
  const files = (await testFiles()).filter(
    (file) => words.length === 0 || words.some((word) => file.includes(word)),
  )
  if (files.length === 0) {
    console.error(`No test file's path holds ${words.join(' or ')}.`)
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

/** What takes whole processes comes last, so that it slows no test that looks at the clock. */
async function testFiles(): Promise<string[]> {
  const files = await Array.fromAsync(glob('server/**/*.test.ts', { exclude: ['server/bench/peers/**'] }))
  const weight = (file: string) =>
    file.endsWith('/pack.test.ts') ? 2 : file.startsWith('server/test/') ? 1 : 0
  return files.sort((a, b) => weight(a) - weight(b) || (a < b ? -1 : 1))
}

function runFiles(files: string[], options: string[], database_url: string): Promise<number> {
  // With NODE_TEST_CONTEXT inherited (npm test called from a test) node would pass without running anything.
  // Settings of whoever calls (a key exported for the command line) would be taken for those of the servers under test.
  const own = Object.entries(process.env).filter(([name]) => !/^(TRILHO_|NODE_TEST_CONTEXT$)/.test(name))
  const env = Object.fromEntries(own)
  const child = spawn(
    process.execPath,
    [
      '--test',
      '--test-reporter=spec',
      `--test-concurrency=${Math.max(2, availableParallelism())}`,
      `--test-timeout=${FILE_TIMEOUT_MS}`,
      // In a file of which no test is meant, node does not wait for what `before` starts, and nobody would ever end it.
      ...(options.some((option) => option.startsWith('--test-name-pattern')) ? ['--test-force-exit'] : []),
      ...options,
      ...files,
    ],
    { stdio: 'inherit', env: { ...env, TEST_DATABASE_URL: database_url } },
  )
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

process.exitCode = await main(process.argv.slice(2))
