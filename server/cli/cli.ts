import { Command, CommanderError } from 'commander'
import { StartError } from '../platform/start_error.ts'
import { VERSION } from '../platform/version.ts'
import { backup } from './backup.ts'
import { batch } from './batch.ts'
import { call } from './call.ts'
import { connection } from './connection.ts'
import { doctor } from './doctor/doctor.ts'
import { event } from './event.ts'
import { key } from './key.ts'
import { listen } from './listen.ts'
import { member } from './member.ts'
import { metrics } from './metrics.ts'
import { migrate } from './migrate.ts'
import { operation } from './operation.ts'
import { EXIT, type ExitCode, failure, type Io, isFailure, terminal } from './output.ts'
import { payment } from './payment.ts'
import { person } from './person.ts'
import { provider } from './provider.ts'
import { replay } from './replay.ts'
import { restore } from './restore.ts'
import { sandbox } from './sandbox.ts'
import { search } from './search.ts'
import { source } from './source.ts'
import { start } from './start.ts'
import { subscription } from './subscription.ts'
import { tail } from './tail.ts'
import { tenant } from './tenant.ts'
import { tools } from './tools.ts'
import { transfer } from './transfer.ts'
import { vault } from './vault.ts'

/**
 * The command line. Each command is one file that puts itself on the program; what it prints goes through `Io`, what
 * stops it is thrown as a `Failure`, and `run` turns that into the exit code that every page of help explains.
 */
export type RegisterCommand = (program: Command, io: Io) => void

const COMMANDS: RegisterCommand[] = [
  start,
  migrate,
  doctor,
  backup,
  restore,
  vault,
  tenant,
  key,
  member,
  person,
  provider,
  connection,
  call,
  operation,
  batch,
  payment,
  transfer,
  source,
  subscription,
  event,
  metrics,
  tail,
  search,
  listen,
  replay,
  sandbox,
  tools,
]

const EXIT_CODES = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found or refused by the server, 4 no server answers.`

/** Runs one command line, `argv` without node and script, and says with which code the process is to end. */
export async function run(argv: string[], io: Io = terminal()): Promise<ExitCode> {
  try {
    await (await toProgram(io)).parseAsync(argv, { from: 'user' })
    return EXIT.ok
  } catch (error) {
    return tell(error, io, argv.includes('--json'))
  }
}

/** All commands, with what each of them takes. */
export async function toProgram(io: Io): Promise<Command> {
  const program = new Command('trilho')
    .description('Self-hosted integration hub: run a server, look after it, and work with it.')
    .version(VERSION, '-v, --version')
    .showHelpAfterError('Run it with --help to see how it is used.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
    })
    .configureHelp({ styleTitle: (title) => io.paint('bold', title) })
    .addHelpText('afterAll', EXIT_CODES)
  for (const register of COMMANDS) register(program, io)
  for (const command of commandsIn(program)) command.option('--json', 'print JSON, for programs')
  return program
}

/** Those that do something; the others only hold commands. */
export const commandsIn = (command: Command): Command[] =>
  command.commands.length === 0 || command.registeredArguments.length > 0
    ? [command, ...command.commands.flatMap(commandsIn)]
    : command.commands.flatMap(commandsIn)

function tell(error: unknown, io: Io, json: boolean): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage // it has said why
  const stopped = isFailure(error) ? error : toFailure(error)
  if (json) io.err(JSON.stringify({ error: { message: stopped.message, ...stopped.detail } }))
  else io.err(`trilho: ${stopped.message}`)
  return stopped.exit_code
}

function toFailure(error: unknown) {
  if (error instanceof StartError) return failure(EXIT.failed, error.message)
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return failure(EXIT.failed, `This is a mistake of ours, please report it: ${stack}`)
}
