import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { delimiter } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { type Lock, type Manifest, refusedDependencies } from './dependencies.ts'

// npm run check: what can be known without running the product. Every step runs, whatever the others say.

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

type Outcome = { ok: boolean; output: string }
type Step = { name: string; run: () => Promise<Outcome> }

const STEPS: Step[] = [
  { name: 'types', run: () => command('tsc', '--noEmit', '-p', '.') },
  { name: 'types of the dashboard', run: () => command('tsc', '--noEmit', '-p', 'dashboard') },
  { name: 'lint and format', run: () => command('biome', 'ci', '--colors=off', '.') },
  {
    name: 'rules of the house',
    run: () => command('node', '--test', '--test-reporter=dot', 'server/tidy.test.ts'),
  },
  { name: 'generated files', run: () => command('node', 'server/test/generate.ts', '--check') },
  { name: 'unused code', run: () => command('knip', '--no-progress') },
  { name: 'dependencies', run: checkDependencies },
]

async function main(): Promise<void> {
  const rows: string[] = []
  for (const { name, run } of STEPS) {
    const started = performance.now()
    const { ok, output } = await run()
    if (!ok) console.log(`── ${name} ──\n${output.trim()}\n`)
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    rows.push(`${ok ? '✔' : '✖'} ${name.padEnd(20)} ${seconds.padStart(5)} s`)
    if (!ok) process.exitCode = 1
  }
  console.log(rows.join('\n'))
}

function command(name: string, ...args: string[]): Promise<Outcome> {
  // With NODE_TEST_CONTEXT inherited `node --test` would pass without running anything.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const PATH = `${ROOT}node_modules/.bin${delimiter}${env['PATH']}`
  const child = spawn(name === 'node' ? process.execPath : name, args, { cwd: ROOT, env: { ...env, PATH } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (output += part))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ ok: code === 0, output }))
  })
}

async function checkDependencies(): Promise<Outcome> {
  const [lock, manifest] = await Promise.all(
    ['package-lock.json', 'package.json'].map((name) => readFile(ROOT + name, 'utf8')),
  )
  const refused = refusedDependencies(JSON.parse(lock ?? '') as Lock, JSON.parse(manifest ?? '') as Manifest)
  return { ok: refused.length === 0, output: refused.join('\n') }
}

await main()
