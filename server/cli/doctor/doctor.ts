import { loadConfig } from '../../platform/config.ts'
import { StartError } from '../../platform/start_error.ts'
import type { RegisterCommand } from '../cli.ts'
import { EXIT, examples, failure, type Io, type Printed, type Style } from '../output.ts'
import type { Check, Finding } from './check.ts'

export const doctor: RegisterCommand = (program, io) => {
  const command = program
    .command('doctor')
    .summary('Say what is wrong with this installation and how to mend it')
    .description(
      'Say what is wrong with this installation and how to mend it. Reads the settings as the server does, mends nothing by itself, works beside a running server and without one (then it starts the embedded PostgreSQL for a moment); ends with 1 where something has to be mended.',
    )
    .action(async (options: Printed) => {
      const findings: Finding[] = []
      for await (const finding of examine()) {
        findings.push(finding)
        if (!options.json) io.out(toText(io, finding))
      }
      const failed = findings.filter(({ state }) => state === 'fail')
      if (options.json) io.out(JSON.stringify({ ok: failed.length === 0, checks: findings }, null, 2))
      if (failed.length > 0)
        throw failure(EXIT.failed, inWords(failed), { failed: failed.map(({ check }) => check) })
      if (!options.json) io.out(`\n${io.paint('green', 'Nothing has to be mended.')}`)
    })
  examples(command, 'doctor', 'doctor --json', 'doctor --json | jq \'.checks[] | select(.state != "ok")\'')
}

/** One after another, for some tell the next where to look. */
async function* examine(): AsyncGenerator<Finding> {
  // Loaded here, since no other command needs the whole cellar.
  const machine = await import('./machine.ts')
  const database = await import('./database.ts')
  yield machine.node()
  let config: ReturnType<typeof loadConfig>
  try {
    config = loadConfig()
    yield { check: 'settings', state: 'ok', found: 'every setting is known and fits', remedy: null }
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    yield {
      check: 'settings',
      state: 'fail',
      found: error.message,
      remedy: 'docs/config.md lists every setting.',
    }
    return
  }
  const checks: Check[] = [...machine.checks, ...database.checks]
  for (const check of checks) yield* check(config)
}

const MARKS: Record<Finding['state'], [Style, string]> = {
  ok: ['green', '✔'],
  warn: ['yellow', '!'],
  fail: ['red', '✖'],
}

function toText(io: Io, { check, state, found, remedy }: Finding): string {
  const [style, mark] = MARKS[state]
  const line = `${io.paint(style, mark)} ${check.padEnd(13)} ${found}`
  return remedy === null ? line : `${line}\n${remedy.replace(/^/gm, '                  ')}`
}

const inWords = (failed: Finding[]): string =>
  `${failed.length} ${failed.length === 1 ? 'thing has' : 'things have'} to be mended: ${failed.map(({ check }) => check).join(', ')}.`
