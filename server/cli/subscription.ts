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
  readPairs,
  show,
  showPage,
  wholeNumber,
} from './output.ts'

type Subscription = Record<string, unknown> & {
  id: string
  name: string
  url: string
  event_types: string[]
  state: string
}
type Create = Remote & {
  name?: string
  customer?: string
  event?: string[]
  secret?: string
  filter?: string
  payload?: string
  weight?: number
  header?: string[]
}
type Preview = Remote & { event?: string; type?: string; payload?: string; filter?: string }
type Previewed = { matches: boolean; body: string | null; error: string | null }

const COLUMNS: Column<Subscription>[] = [
  ['ID', (subscription) => subscription.id],
  ['STATE', (subscription) => subscription.state],
  ['EVENTS', (subscription) => subscription.event_types.join(', ')],
  ['URL', (subscription) => subscription.url],
  ['NAME', (subscription) => subscription.name],
]

const STATES = [
  ['pause', 'paused', 'Keep what is to be delivered until it is resumed'],
  ['resume', 'enabled', 'Deliver again, first what waited'],
] as const

export const subscription: RegisterCommand = (program, io) => {
  const group = program.command('subscription').description('Who wants which events, and where to')

  createCommand(group, io)
  previewCommand(group, io)
  lifeCommands(group, io)

  const list = paged(group.command('list'))
    .description('List subscriptions, newest first')
    .action(async (options: Paged) => {
      const page = await openClient(options).get<PageOf<Subscription>>(
        '/v1/subscriptions',
        pageQuery(options),
      )
      showPage(io, options, page, COLUMNS)
    })
  examples(list, 'subscription list')

  const read = remote(group.command('show <id>').alias('get'))
    .description('Show a subscription')
    .action(async (id: string, options: Remote) => {
      const found = await openClient(options).get<Subscription>(`/v1/subscriptions/${inPath(id)}`)
      show(io, options, found, (shown) => card(io, shown))
    })
  examples(read, 'subscription show sub_01jz8k3v9mf2tb7xq4c5n6p8rs')

  const secret = remote(group.command('secret <id>'))
    .description('Print the signing secret; every reading is in the audit log')
    .action(async (id: string, options: Remote) => {
      const path = `/v1/subscriptions/${inPath(id)}/secret`
      show(io, options, await openClient(options).get<{ secret: string }>(path), (found) => found.secret)
    })
  examples(secret, 'subscription secret sub_01jz8k3v9mf2tb7xq4c5n6p8rs > whsec.txt')

  const drop = remote(group.command('delete <id>'))
    .description('Delete a subscription; what is on its way to it ends as failed')
    .action(async (id: string, options: Remote) => {
      await openClient(options).send('DELETE', `/v1/subscriptions/${inPath(id)}`)
      show(io, options, { id, deleted: true }, () => `${id} is deleted`)
    })
  examples(drop, 'subscription delete sub_01jz8k3v9mf2tb7xq4c5n6p8rs')
}

/** Pause, resume, test. */
function lifeCommands(group: Command, io: Io): void {
  for (const [name, state, description] of STATES) {
    const change = remote(group.command(`${name} <id>`))
      .description(description)
      .action(async (id: string, options: Remote) => {
        await openClient(options).send('PATCH', `/v1/subscriptions/${inPath(id)}`, { state })
        show(io, options, { id, state }, () => `${id} is ${state}`)
      })
    examples(change, `subscription ${name} sub_01jz8k3v9mf2tb7xq4c5n6p8rs`)
  }

  const attempt = remote(group.command('test <id>'))
    .description('Send a test event to a subscription, and to no other')
    .action(async (id: string, options: Remote) => {
      const path = `/v1/subscriptions/${inPath(id)}/test`
      const sent = await openClient(options).send<{ delivery_id: string }>('POST', path)
      show(io, options, sent, ({ delivery_id }) => `${delivery_id} is on its way`)
    })
  examples(attempt, 'subscription test sub_01jz8k3v9mf2tb7xq4c5n6p8rs')
}

function createCommand(group: Command, io: Io): void {
  const create = remote(group.command('create <url>'))
    .description('Send events to an address; the signing secret is in the answer')
    .option('--name <name>', 'how people call it (default: the host of the address)')
    .option('--event <type>', 'payment.completed, payment.*, or * (default); repeatable', collect)
    .option('--customer <name>', 'of yours, whose it is: it is sent the events of that one alone')
    .option('--filter <json>', 'only events whose data fits, JSON, @file or -')
    .option(
      '--payload <json>',
      'what is sent in place of the event: {"template":…} or {"expression":…}, @file or -',
    )
    .option(
      '--weight <number>',
      'its turns for each turn of one that weighs 1, while more is due than can be sent',
      wholeNumber,
    )
    .option('--header <name=value>', 'sent with each delivery, kept in the vault; repeatable', collect)
    .option('--secret <secret>', 'whsec_… of your own, @file or -; one is made where it is absent')
    .action(async (url: string, options: Create) => {
      const { event = ['*'], customer, secret, filter, header, payload, weight } = options
      const { name = URL.parse(url)?.host ?? url } = options
      const body = {
        name,
        url,
        event_types: event,
        ...(customer !== undefined && { customer }),
        ...(filter !== undefined && { filter: await readJson(io, filter, '--filter') }),
        ...(payload !== undefined && { payload: await readJson(io, payload, '--payload') }),
        ...(weight !== undefined && { weight }),
        ...(header !== undefined && { headers: await readPairs(io, '--header', header) }),
        ...(secret !== undefined && { secret: (await readArgument(io, secret)).trim() }),
      }
      const made = await openClient(options).send<Subscription>('POST', '/v1/subscriptions', body)
      show(io, options, made, (shown) => card(io, shown))
    })
  examples(
    create,
    'subscription create https://example.com/webhooks',
    "subscription create http://localhost:4000/hooks --event 'payment.*' --event order.shipped",
  )
}

function previewCommand(group: Command, io: Io): void {
  const preview = remote(group.command('preview [id]'))
    .description('Print what a subscription would send; nothing is sent')
    .option('--event <id>', 'for this event of the past')
    .option('--type <type>', 'for the example of this type')
    .option('--payload <json>', 'in place of its own: {"template":…} or {"expression":…}, @file or -')
    .option('--filter <json>', 'in place of its own, JSON, @file or -')
    .action(async (id: string | undefined, options: Preview) => {
      const { event, type, payload, filter } = options
      const body = {
        ...(id !== undefined && { subscription_id: id }),
        ...(event !== undefined && { event_id: event }),
        ...(type !== undefined && { event_type: type }),
        ...(payload !== undefined && { payload: await readJson(io, payload, '--payload') }),
        ...(filter !== undefined && { filter: await readJson(io, filter, '--filter') }),
      }
      const path = '/v1/subscriptions/preview'
      const made = await openClient(options).send<Previewed>('POST', path, body)
      show(io, options, made, inWords)
    })
  examples(
    preview,
    'subscription preview sub_01jz8k3v9mf2tb7xq4c5n6p8rs --type payment.completed',
    'subscription preview --type payment.completed --payload \'{"template":{"id":"{{id}}"}}\'',
  )
}

const inWords = ({ matches, body, error }: Previewed): string =>
  matches ? (body ?? String(error)) : `would not be sent; its body: ${body ?? error}`
