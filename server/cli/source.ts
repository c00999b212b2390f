import type { Command } from 'commander'
import type { RegisterCommand } from './cli.ts'
import { inPath, openClient, type Paged, paged, pageQuery, type Remote, remote } from './client.ts'
import {
  type Column,
  card,
  collect,
  examples,
  type Io,
  type PageOf,
  readArgument,
  readJson,
  show,
  showPage,
} from './output.ts'
import { readSettings } from './settings.ts'

type Source = Record<string, unknown> & {
  id: string
  provider: string
  name: string
  url: string
  state: string
}
type Create = Remote & {
  name?: string
  secret?: string[]
  setting?: string[]
  connection?: string
  options?: string
  default?: true
}
type Update = Omit<Create, 'default'> & { state?: string }

const COLUMNS: Column<Source>[] = [
  ['ID', (source) => source.id],
  ['PROVIDER', (source) => source.provider],
  ['STATE', (source) => source.state],
  ['URL', (source) => source.url],
  ['NAME', (source) => source.name],
]

export const source: RegisterCommand = (program, io) => {
  const group = program.command('source').description('Addresses that receive the webhooks of a provider')
  making(group, io)
  looking(group, io)

  const drop = remote(group.command('delete <id>'))
    .description('Delete a source; what it received stays')
    .action(async (id: string, options: Remote) => {
      await openClient(options).send('DELETE', `/v1/sources/${inPath(id)}`)
      show(io, options, { id, deleted: true }, () => `${id} is deleted`)
    })
  examples(drop, 'source delete src_01jz8k3v9mf2tb7xq4c5n6p8rs')
}

const OPTIONS = 'order, limits, answers and the rest: JSON, @file, or - for standard input'

function making(group: Command, io: Io): void {
  const create = remote(group.command('create <provider>'))
    .description('Make an address to give to a provider')
    .option('--name <name>', 'how people call it (default: the provider)')
    .option('--secret <secret>', 'signing secret of the provider, @file or -; repeatable', collect)
    .option('--setting <name=value>', 'a field the provider asks for; repeatable', collect)
    .option('--connection <id>', 'the connection whose webhooks come here')
    .option('--options <json>', OPTIONS)
    .option('--default', 'also receive at /webhooks/{provider}')
    .action(async (provider: string, options: Create) => {
      const client = openClient(options)
      const body = {
        provider,
        name: options.name ?? provider,
        settings: await readSettings(client, io, provider, 'source', options.setting),
        ...(await given(io, options)),
        ...(options.default && { is_default: true }),
      }
      const made = await client.send<Source>('POST', '/v1/sources', body)
      show(io, options, made, (shown) => card(io, shown))
    })
  examples(
    create,
    'source create stripe --secret @whsec.txt',
    'source create stripe --name "Stripe, production" --secret - --default < whsec.txt',
  )

  const change = remote(group.command('update <id>'))
    .description(
      'Change a source; settings and secrets each replace all of their kind, of the options those that are named',
    )
    .option('--name <name>', 'how people call it')
    .option('--state <state>', 'enabled or disabled')
    .option('--secret <secret>', 'signing secret of the provider, @file or -; repeatable', collect)
    .option('--setting <name=value>', 'a field the provider asks for; repeatable', collect)
    .option('--connection <id>', 'the connection whose webhooks come here')
    .option('--options <json>', OPTIONS)
    .action(async (id: string, options: Update) => {
      const client = openClient(options)
      const at = `/v1/sources/${inPath(id)}`
      const { name, state, setting } = options
      const provider = async () => (await client.get<Source>(at)).provider
      const body = {
        ...(name !== undefined && { name }),
        ...(state !== undefined && { state }),
        ...(setting && { settings: await readSettings(client, io, await provider(), 'source', setting) }),
        ...(await given(io, options)),
      }
      show(io, options, await client.send<Source>('PATCH', at, body), (shown) => card(io, shown))
    })
  examples(
    change,
    'source update src_01jz8k3v9mf2tb7xq4c5n6p8rs --secret @new.txt --secret @old.txt',
    `source update src_01jz8k3v9mf2tb7xq4c5n6p8rs --options '{"rate_limit":{"requests":600,"per_s":60}}'`,
  )
}

/** What a source has from the beginning or is given later. */
async function given(io: Io, { secret, connection, options }: Update): Promise<object> {
  const secrets = await Promise.all((secret ?? []).map((one) => readArgument(io, one)))
  return {
    ...(secrets.length > 0 && { secrets: secrets.map((one) => one.trim()) }),
    ...(connection !== undefined && { connection_id: connection }),
    ...(options !== undefined && { options: await readJson(io, options, '--options') }),
  }
}

function looking(group: Command, io: Io): void {
  const list = paged(group.command('list'))
    .description('List sources, newest first')
    .action(async (options: Paged) => {
      const page = await openClient(options).get<PageOf<Source>>('/v1/sources', pageQuery(options))
      showPage(io, options, page, COLUMNS)
    })
  examples(list, 'source list')

  const read = remote(group.command('show <id>').alias('get'))
    .description('Show a source with the address to give to the provider')
    .action(async (id: string, options: Remote) => {
      const found = await openClient(options).get<Source>(`/v1/sources/${inPath(id)}`)
      show(io, options, found, (shown) => card(io, shown))
    })
  examples(read, 'source show src_01jz8k3v9mf2tb7xq4c5n6p8rs')
}
