import type { Command } from 'commander'
import type { RegisterCommand } from './cli.ts'
import { inPath, openClient, type Remote, remote } from './client.ts'
import {
  collect,
  EXIT,
  examples,
  failure,
  type Io,
  type PageOf,
  type Printed,
  readArgument,
  show,
  wholeNumber,
} from './output.ts'

const DEFAULT_PORT = 3013
const DEMO_SECRET = 'whsec_demo_sandbox_signing_secret'

type Send = Remote & {
  to?: string
  secret: string
  event?: string[]
  count?: number
  duplicate?: number
  reorder?: number
  badSignature?: number
  sandbox?: string
}
type Source = { id: string; provider: string; name: string; url: string }
type Sent = {
  summary: Record<string, unknown> & { posts: number; accepted: number; by_status: Record<string, number> }
}

export const sandbox: RegisterCommand = (program, io) => {
  const group = program.command('sandbox').description('Simulated vendors that speak the real wire format')
  running(group, io)
  sending(group, io)
}

function running(group: Command, io: Io): void {
  const run = group
    .command('run', { isDefault: true })
    .description('Run the simulated vendors alone, until Ctrl-C')
    .option('--port <port>', 'port on loopback; 0 takes any free one', wholeNumber, DEFAULT_PORT)
    .action(async ({ port, json }: Printed & { port: number }) => {
      const stopped = io.stopped()
      const { startSandbox } = await import('../sandbox/sandbox.ts') // other commands do without it
      const running = await startSandbox({ port }).catch((error: Error) => {
        throw failure(
          EXIT.failed,
          `Port ${port} cannot be listened on: ${error.message}. Choose another with --port.`,
        )
      })
      show(io, { ...(json && { json }) }, addresses(running.url), (found) =>
        Object.entries(found)
          .map(([name, url]) => `${name.padEnd(10)}  ${url}`)
          .join('\n'),
      )
      await new Promise((resolve) => stopped.addEventListener('abort', resolve))
      await running.stop()
    })
  examples(run, 'sandbox', 'sandbox run --port 0 --json')
}

function sending(group: Command, io: Io): void {
  const send = remote(group.command('send [source]'))
    .description(
      'Send signed Stripe events to a source (default: the only Stripe source), as Stripe does. Ends with 1 where a good one was not taken.',
    )
    .option('--to <url>', 'send to this address; then no source and no key is needed')
    .option('--secret <secret>', 'signing secret of the source, @file or -', DEMO_SECRET)
    .option('--event <type>', 'Stripe event type (default payment_intent.succeeded); repeatable', collect)
    .option('--count <n>', 'how many distinct events (default: one of each type)', wholeNumber)
    .option('--duplicate <n>', 'so many are also sent twice', wholeNumber)
    .option('--reorder <n>', 'so many change places with their neighbour', wholeNumber)
    .option('--bad-signature <n>', 'so many more with a wrong signature', wholeNumber)
    .option('--sandbox <url>', 'let a running sandbox send them (default: one for this moment)')
    .action(async (source: string | undefined, options: Send) => {
      const url = options.to ?? (await addressOf(source, options))
      const orders = await toOrders(io, url, options)
      const { summary } = await order(options.sandbox, orders)
      show(
        io,
        options,
        { url, ...summary },
        () =>
          `${summary.accepted} of ${summary.posts} posts to ${url} were taken ${JSON.stringify(summary.by_status)}`,
      )
      const good = Number(summary['originals']) + Number(summary['copies'])
      if (summary.accepted < good)
        throw failure(
          EXIT.failed,
          `${good - summary.accepted} good events were not taken. Is --secret the one of the source?`,
        )
    })
  examples(
    send,
    'sandbox send',
    'sandbox send src_01jz8k3v9mf2tb7xq4c5n6p8rs --secret @whsec.txt --count 20 --duplicate 3',
    'sandbox send --event payment_intent.created --event payment_intent.payment_failed',
  )
}

const addresses = (url: string): Record<string, string> => ({
  Stripe: `${url}/stripe`,
  Echo: `${url}/echo`,
  OAuth: `${url}/oauth`,
  Access: `${url}/access`,
  'Request bin': `${url}/bin/{name}`,
  Truth: `${url}/_truth`,
})

async function addressOf(id: string | undefined, options: Remote): Promise<string> {
  const client = openClient(options)
  if (id !== undefined) return (await client.get<Source>(`/v1/sources/${inPath(id)}`)).url
  const { data } = await client.get<PageOf<Source>>('/v1/sources', { limit: '200' })
  const stripe = data.filter(({ provider }) => provider === 'stripe')
  const [only] = stripe
  if (only && stripe.length === 1) return only.url
  if (!only) throw failure(EXIT.usage, 'There is no Stripe source; make one: trilho source create stripe')
  const named = stripe.map(({ id, name }) => `\n  trilho sandbox send ${id}   ${name}`)
  throw failure(EXIT.usage, `There are ${stripe.length} Stripe sources; name one:${named.join('')}`)
}

async function toOrders(io: Io, url: string, options: Send): Promise<string> {
  const { event, count, duplicate = 0, reorder = 0, badSignature: bad_signature = 0 } = options
  return JSON.stringify({
    url,
    secret: (await readArgument(io, options.secret)).trim(),
    ...(event !== undefined && { events: event }),
    ...(count !== undefined && { count }),
    faults: { duplicate, reorder, bad_signature },
  })
}

/** Told to send by its control address, as every user of the sandbox does. */
async function order(running: string | undefined, orders: string): Promise<Sent> {
  const { startSandbox } = await import('../sandbox/sandbox.ts')
  const own = running === undefined ? await startSandbox({ port: 0 }) : null
  const url = `${own?.url ?? running}/stripe/_control/webhooks`
  try {
    const response = await fetch(url, { method: 'POST', body: orders })
    const text = await response.text()
    if (response.ok) return JSON.parse(text) as Sent
    throw failure(EXIT.refused, `The sandbox refused: ${text}`)
  } catch (error) {
    if (error instanceof TypeError) throw failure(EXIT.unreachable, `No sandbox answers at ${running}.`)
    throw error
  } finally {
    await own?.stop()
  }
}
