import type { Command } from 'commander'
import { authorization } from './authorization.ts'
import type { RegisterCommand } from './cli.ts'
import {
  type Client,
  inPath,
  openClient,
  type Paged,
  paged,
  pageQuery,
  type Remote,
  remote,
} from './client.ts'
import {
  type Column,
  card,
  collect,
  EXIT,
  examples,
  failure,
  type Io,
  type PageOf,
  readJson,
  readPairs,
  show,
  showPage,
} from './output.ts'
import { readSettings } from './settings.ts'
import { upkeep } from './upkeep.ts'

type Connection = Record<string, unknown> & {
  id: string
  provider: string
  name: string
  environment: string
  state: string
  health: string
}
type Step = { step: string; ok: boolean; detail: string }
type Tested = {
  ok: boolean
  message: string
  call_id: string
  status: number | null
  duration_ms: number
  diagnosis: Step[]
}
type Create = Remote & {
  name?: string
  environment: string
  setting?: string[]
  credential?: string[]
  test: boolean
}
type Update = Remote & {
  name?: string
  state?: string
  setting?: string[]
  credential?: string[]
  limits?: string
}

const COLUMNS: Column<Connection>[] = [
  ['ID', (connection) => connection.id],
  ['PROVIDER', (connection) => connection.provider],
  ['ENVIRONMENT', (connection) => connection.environment],
  ['STATE', (connection) => connection.state],
  ['HEALTH', (connection) => connection.health],
  ['NAME', (connection) => connection.name],
]

export const connection: RegisterCommand = (program, io) => {
  const group = program.command('connection').description("A tenant's accounts at its providers")
  changing(group, io)
  looking(group, io)
  upkeep(group, io)
  authorization(group, io)
}

function changing(group: Command, io: Io): void {
  const create = remote(group.command('create <provider>'))
    .description(
      'Connect an account, and try it. It is made however that goes. What the provider asks for: trilho provider show',
    )
    .option('--name <name>', 'how people call it (default: the provider)')
    .option('--environment <environment>', 'development, staging or production', 'development')
    .option('--setting <name=value>', 'a field that is no secret; repeatable', collect)
    .option('--credential <name=value>', 'a secret; @file or - keep it out of sight; repeatable', collect)
    .option('--no-test', 'do not try it')
    .action(async (provider: string, options: Create) => {
      const { environment, name = provider } = options
      const client = openClient(options)
      const settings = await readSettings(client, io, provider, 'connection', options.setting)
      const credentials = await readPairs(io, '--credential', options.credential)
      const body = { provider, name, environment, settings, credentials }
      const to = `/v1/connections${options.test ? '?test=true' : ''}`
      const { test, ...made } = await client.send<Connection & { test?: Tested | null }>('POST', to, body)
      show(io, options, options.json && test !== undefined ? { ...made, test } : made, (shown) =>
        card(io, shown),
      )
      if (test && !options.json) io.err(tried(io, test))
    })
  examples(
    create,
    'connection create stripe --credential secret_key=@stripe.key',
    'connection create http --name Orders --setting base_url=https://api.example.com/v1',
  )

  const change = remote(group.command('update <id>'))
    .description('Change a connection; settings, credentials and limits each replace all of their kind')
    .option('--name <name>', 'how people call it')
    .option('--state <state>', 'enabled or disabled')
    .option('--setting <name=value>', 'a field that is no secret; repeatable', collect)
    .option('--credential <name=value>', 'a secret; @file or - keep it out of sight; repeatable', collect)
    .option('--limits <json>', 'rates and the rest: JSON, @file, or - for standard input')
    .action(async (id: string, options: Update) => {
      const client = openClient(options)
      const at = `/v1/connections/${inPath(id)}`
      const changed = await client.send<Connection>('PATCH', at, await toChange(client, io, at, options))
      show(io, options, changed, (shown) => card(io, shown))
    })
  examples(
    change,
    'connection update con_01jz8k3v9mf2tb7xq4c5n6p8rs --credential secret_key=@stripe.key',
    `connection update con_01jz8k3v9mf2tb7xq4c5n6p8rs --limits '{"rates":[{"calls":10,"per_s":60}]}'`,
  )

  const drop = remote(group.command('delete <id>'))
    .description('Delete a connection and its credentials')
    .action(async (id: string, options: Remote) => {
      await openClient(options).send('DELETE', `/v1/connections/${inPath(id)}`)
      show(io, options, { id, deleted: true }, () => `${id} is deleted`)
    })
  examples(drop, 'connection delete con_01jz8k3v9mf2tb7xq4c5n6p8rs')
}

/** One line of how it went, and where it did not go well one for each step. */
function tried(io: Io, { ok, message, duration_ms, diagnosis }: Tested): string {
  if (ok) return `${io.paint('green', 'ok')} ${message} (${duration_ms} ms)`
  const steps = diagnosis.map((step) => `  ${step.ok ? 'ok' : 'no'} ${step.step}: ${step.detail}`)
  return [`${io.paint('red', 'not yet')} ${message}`, ...steps].join('\n')
}

async function toChange(client: Client, io: Io, at: string, options: Update): Promise<object> {
  const { name, state, setting, credential, limits } = options
  const settings = async () => {
    const { provider } = await client.get<Connection>(at)
    return readSettings(client, io, provider, 'connection', setting)
  }
  return {
    ...(name !== undefined && { name }),
    ...(state !== undefined && { state }),
    ...(setting && { settings: await settings() }),
    ...(credential && { credentials: await readPairs(io, '--credential', credential) }),
    ...(limits !== undefined && { limits: await readJson(io, limits, '--limits') }),
  }
}

function looking(group: Command, io: Io): void {
  const list = paged(group.command('list'))
    .description('List connections, newest first')
    .action(async (options: Paged) => {
      const page = await openClient(options).get<PageOf<Connection>>('/v1/connections', pageQuery(options))
      showPage(io, options, page, COLUMNS)
    })
  examples(list, 'connection list', 'connection list --json')

  const read = remote(group.command('show <id>').alias('get'))
    .description('Show a connection; credentials are named, never shown')
    .action(async (id: string, options: Remote) => {
      const found = await openClient(options).get<Connection>(`/v1/connections/${inPath(id)}`)
      show(io, options, found, (shown) => card(io, shown))
    })
  examples(read, 'connection show con_01jz8k3v9mf2tb7xq4c5n6p8rs')

  const test = remote(group.command('test <id>'))
    .description("Try a connection with the provider's cheapest read; ends with 1 where it does not work")
    .action(async (id: string, options: Remote) => {
      const tested = await openClient(options).send<Tested>('POST', `/v1/connections/${inPath(id)}/test`)
      if (tested.ok || options.json)
        show(
          io,
          options,
          tested,
          ({ message, duration_ms }) => `${io.paint('green', 'ok')} ${message} (${duration_ms} ms)`,
        )
      if (!tested.ok) throw failure(EXIT.failed, tested.message, { call_id: tested.call_id })
    })
  examples(test, 'connection test con_01jz8k3v9mf2tb7xq4c5n6p8rs')
}
