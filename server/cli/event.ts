import type { Command } from 'commander'
import type { RegisterCommand } from './cli.ts'
import { inPath, openClient, type Paged, paged, pageQuery, type Remote, remote } from './client.ts'
import {
  type Column,
  card,
  count,
  examples,
  type Io,
  type PageOf,
  readJson,
  readJsonText,
  show,
  showPage,
  wholeNumber,
} from './output.ts'

type Event = Record<string, unknown> & {
  id: string
  type: string
  entity_id: string | null
  created_at: string
}
type Publish = Remote & { data: string; entity?: string; customer?: string }
type Published = { id: string; type: string; deliveries: number; created_at: string }
type EventType = { name: string; version: number; description: string; deprecated: unknown }
type Imported = { name: string; result: string; version: number | null; because: string | null }
type Define = Remote & { description: string; schema: string; example: string; typeVersion?: number }

const COLUMNS: Column<Event>[] = [
  ['ID', (event) => event.id],
  ['TYPE', (event) => event.type],
  ['CREATED', (event) => event.created_at],
  ['ABOUT', (event) => event.entity_id],
]

export const event: RegisterCommand = (program, io) => {
  const group = program.command('event').description('Facts in our own vocabulary, and who they went to')
  publishing(group, io)
  looking(group, io)
}

function publishing(group: Command, io: Io): void {
  const publish = remote(group.command('publish <type>'))
    .description('Publish an event; its data goes out to the byte')
    .option('--data <json>', 'JSON, @file, or - for standard input', '{}')
    .option('--entity <id>', 'what it is about, to find it by')
    .option('--customer <name>', 'of yours, whose subscriptions it goes to beside your own')
    .action(async (type: string, options: Publish) => {
      const data = await readJsonText(io, options.data, '--data')
      const about = JSON.stringify({ type, entity_id: options.entity, customer: options.customer })
      const raw = `${about.slice(0, -1)},"data":${data}}` // the data to the byte
      const made = JSON.parse(await openClient(options).text('POST', '/v1/events', raw)) as Published
      show(
        io,
        options,
        made,
        ({ id, deliveries }) => `${id} is published, ${count(deliveries, 'delivery', 'deliveries')}`,
      )
    })
  examples(
    publish,
    `event publish order.shipped --data '{"order":"A-17"}'`,
    'event publish order.shipped --data @order.json --entity A-17',
  )

  const define = remote(group.command('define <type>'))
    .description('Add an event type of your own to the catalog')
    .requiredOption('--description <words>', 'what it says')
    .option('--schema <json>', 'JSON Schema of its data: JSON, @file or -', '{}')
    .option('--example <json>', 'data that fits the schema: JSON, @file or -', '{}')
    .option('--type-version <n>', 'where there is one already whose schema is another', wholeNumber)
    .action(async (name: string, options: Define) => {
      const schema = await readJson(io, options.schema, '--schema')
      const example = await readJson(io, options.example, '--example')
      const version = options.typeVersion === undefined ? {} : { version: options.typeVersion }
      const body = { name, description: options.description, schema, example, ...version }
      const made = await openClient(options).send<EventType>('POST', '/v1/event-types', body)
      show(io, options, made, (shown) => card(io, shown))
    })
  examples(
    define,
    'event define order.shipped --description "An order left the house"',
    'event define order.shipped --description "An order left" --schema @order.schema.json --example @order.json',
  )
}

function looking(group: Command, io: Io): void {
  const list = paged(group.command('list'))
    .description('List events, newest first')
    .option('--type <type>', 'only this type')
    .action(async (options: Paged & { type?: string }) => {
      const query = { ...pageQuery(options), type: options.type }
      showPage(io, options, await openClient(options).get<PageOf<Event>>('/v1/events', query), COLUMNS)
    })
  examples(list, 'event list --type payment.completed')

  const read = remote(group.command('show <id>').alias('get'))
    .description('Show an event with its data')
    .action(async (id: string, options: Remote) => {
      const found = await openClient(options).get<Event>(`/v1/events/${inPath(id)}`)
      show(io, options, found, (shown) => card(io, shown))
    })
  examples(read, 'event show evt_01jz8k3v9mf2tb7xq4c5n6p8rs')

  const types = remote(group.command('types'))
    .description('The catalog: every event type')
    .option('--typescript', 'declarations for receivers, to put beside your code')
    .option('--html', 'a page to give to those who receive')
    .action(async (options: Remote & { typescript?: true; html?: true }) => {
      const client = openClient(options)
      if (options.typescript) return io.out(await client.read('/v1/event-types/types.d.ts'))
      if (options.html) return io.out(await client.read('/v1/event-types/page.html'))
      showPage(io, options, await client.get<PageOf<EventType>>('/v1/event-types'), [
        ['TYPE', ({ name }) => name],
        ['VERSION', ({ version }) => String(version)],
        [
          'WHAT IT SAYS',
          ({ description, deprecated }) => (deprecated ? `(deprecated) ${description}` : description),
        ],
      ])
    })
  examples(types, 'event types', 'event types --typescript > events.d.ts')

  const take = remote(group.command('import <file>'))
    .description('Take the webhooks of an OpenAPI document as event types')
    .option('--dry-run', 'tell what would be done, and do nothing')
    .action(async (file: string, options: Remote & { dryRun?: true }) => {
      const openapi = await readJson(io, `@${file}`, file)
      const body = { openapi, ...(options.dryRun && { dry_run: true }) }
      const done = await openClient(options).send<PageOf<Imported>>('POST', '/v1/event-types/import', body)
      showPage(io, options, done, [
        ['TYPE', ({ name }) => name],
        ['RESULT', ({ result }) => result],
        ['VERSION', ({ version }) => (version === null ? null : String(version))],
        ['BECAUSE', ({ because }) => because],
      ])
      if (options.dryRun) io.err('A dry run: this is what would be done; nothing was.')
    })
  examples(take, 'event import openapi.json --dry-run')
}
