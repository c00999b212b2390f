import type { RegisterCommand } from './cli.ts'
import { inPath, openClient, type Paged, paged, pageQuery, type Remote, remote } from './client.ts'
import { type Column, card, collect, examples, type PageOf, readArgument, show, showPage } from './output.ts'
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
  default?: true
}

const COLUMNS: Column<Source>[] = [
  ['ID', (source) => source.id],
  ['PROVIDER', (source) => source.provider],
  ['STATE', (source) => source.state],
  ['URL', (source) => source.url],
  ['NAME', (source) => source.name],
]

export const source: RegisterCommand = (program, io) => {
  const group = program.command('source').description('Addresses that receive the webhooks of a provider')

  const create = remote(group.command('create <provider>'))
    .description('Make an address to give to a provider')
    .option('--name <name>', 'how people call it (default: the provider)')
    .option('--secret <secret>', 'signing secret of the provider, @file or -; repeatable', collect)
    .option('--setting <name=value>', 'a field the provider asks for; repeatable', collect)
    .option('--connection <id>', 'the connection whose webhooks come here')
    .option('--default', 'also receive at /webhooks/{provider}')
    .action(async (provider: string, options: Create) => {
      const client = openClient(options)
      const secrets = await Promise.all((options.secret ?? []).map((given) => readArgument(io, given)))
      const body = {
        provider,
        name: options.name ?? provider,
        settings: await readSettings(client, io, provider, 'source', options.setting),
        ...(secrets.length > 0 && { secrets: secrets.map((secret) => secret.trim()) }),
        ...(options.connection !== undefined && { connection_id: options.connection }),
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

  const list = paged(group.command('list'))
    .description('List sources, newest first')
    .action(async (options: Paged) => {
      const page = await openClient(options).get<PageOf<Source>>('/v1/sources', pageQuery(options))
      showPage(io, options, page, COLUMNS)
    })
  examples(list, 'source list')

  const read = remote(group.command('show <id>'))
    .description('Show a source with the address to give to the provider')
    .action(async (id: string, options: Remote) => {
      const found = await openClient(options).get<Source>(`/v1/sources/${inPath(id)}`)
      show(io, options, found, (shown) => card(io, shown))
    })
  examples(read, 'source show src_01jz8k3v9mf2tb7xq4c5n6p8rs')

  const drop = remote(group.command('delete <id>'))
    .description('Delete a source; what it received stays')
    .action(async (id: string, options: Remote) => {
      await openClient(options).send('DELETE', `/v1/sources/${inPath(id)}`)
      show(io, options, { id, deleted: true }, () => `${id} is deleted`)
    })
  examples(drop, 'source delete src_01jz8k3v9mf2tb7xq4c5n6p8rs')
}
