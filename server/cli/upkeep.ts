import type { Command } from 'commander'
import { inPath, openClient, type Remote, remote } from './client.ts'
import {
  type Column,
  card,
  count,
  examples,
  type Io,
  type PageOf,
  readJson,
  show,
  table,
  wholeNumber,
} from './output.ts'

type Health = { status: string; note: string | null; since: string; checks: Record<string, unknown> }
type Check = {
  result: string
  latency_ms: number
  note: string | null
  call_id: string | null
  checked_at: string
}
type Limit = {
  level: string
  operation: string | null
  unit: string
  limit: number
  per_s: number
  used: number
  remaining: number
  resets_at: string | null
}
type Limits = Record<string, unknown> & { rates: Limit[] }

const CHECKS: Column<Check>[] = [
  ['CHECKED', (check) => check.checked_at],
  ['RESULT', (check) => check.result],
  ['MS', (check) => check.latency_ms],
  ['CALL', (check) => check.call_id ?? ''],
  ['NOTE', (check) => check.note],
]

const LIMITS: Column<Limit>[] = [
  ['LEVEL', ({ level, operation }) => operation ?? level],
  ['LIMIT', ({ limit, unit, per_s }) => `${limit} ${unit} in ${per_s} s`],
  ['USED', ({ used }) => used],
  ['REMAINING', ({ remaining }) => remaining],
  ['RESETS', ({ resets_at }) => resets_at],
]

/** `trilho connection health|limits|cache|purge`: how a connection does, and what is kept of its answers. */
export function upkeep(group: Command, io: Io): void {
  health(group, io)
  limits(group, io)
  cache(group, io)
}

const secondsOrNever = (text: string): number | 'never' => (text === 'never' ? text : wholeNumber(text))

function health(group: Command, io: Io): void {
  type Options = Remote & { every?: number | 'never'; timeout?: number; path?: string }
  const command = remote(group.command('health <id>'))
    .description(
      'How a connection is and what its checks found, newest first; with a flag, how it is checked',
    )
    .option('--every <seconds>', 'between checks, or never', secondsOrNever)
    .option('--timeout <ms>', 'for each check, in milliseconds', wholeNumber)
    .option('--path <path>', "what is read, in place of the provider's own test")
    .action(async (id: string, options: Options) => {
      const client = openClient(options)
      const at = `/v1/connections/${inPath(id)}/health`
      const { every, timeout, path } = options
      const set = {
        ...(every !== undefined && { every_s: every === 'never' ? null : every }),
        ...(timeout !== undefined && { timeout_ms: timeout }),
        ...(path !== undefined && { path }),
      }
      const found =
        Object.keys(set).length === 0
          ? await client.get<Health>(at)
          : await client.send<Health>('PATCH', at, set)
      const checks = await client.get<PageOf<Check>>(`${at}/checks`, { limit: '10' })
      show(io, options, { ...found, last_checks: checks.data }, (all) =>
        checks.data.length === 0
          ? card(io, found)
          : `${card(io, found)}\n\n${table(io, all.last_checks, CHECKS)}`,
      )
    })
  examples(
    command,
    'connection health con_01jz8k3v9mf2tb7xq4c5n6p8rs',
    'connection health con_01jz8k3v9mf2tb7xq4c5n6p8rs --every 60 --path /status',
  )
}

function limits(group: Command, io: Io): void {
  const command = remote(group.command('limits <id>'))
    .description('The limits a connection keeps to, and what is used of them')
    .action(async (id: string, options: Remote) => {
      const found = await openClient(options).get<Limits>(`/v1/connections/${inPath(id)}/limits`)
      show(
        io,
        options,
        found,
        ({ connection_id, rates, ...rest }) => `${table(io, rates, LIMITS)}\n\n${card(io, rest)}`,
      )
    })
  examples(command, 'connection limits con_01jz8k3v9mf2tb7xq4c5n6p8rs')
}

function cache(group: Command, io: Io): void {
  const policies = remote(group.command('cache <id>'))
    .description('Which answers are kept and what reads came to; with a flag, which are kept from now on')
    .option('--policies <json>', 'in place of all before: a JSON list, @file, or - for standard input')
    .action(async (id: string, options: Remote & { policies?: string }) => {
      const client = openClient(options)
      const at = `/v1/connections/${inPath(id)}/cache`
      const found =
        options.policies === undefined
          ? await client.get<Record<string, unknown>>(at)
          : await client.send<Record<string, unknown>>('PUT', at, {
              policies: await readJson(io, options.policies, '--policies'),
            })
      show(io, options, found, (shown) => card(io, shown))
    })
  examples(
    policies,
    'connection cache con_01jz8k3v9mf2tb7xq4c5n6p8rs',
    `connection cache con_01jz8k3v9mf2tb7xq4c5n6p8rs --policies '[{"path":"/products/*","strategy":"time_based"}]'`,
  )

  const purge = remote(group.command('purge <id>'))
    .description('Drop what is kept of the answers through a connection')
    .option('--path <pattern>', 'only of these paths at the vendor, such as /products/*')
    .action(async (id: string, options: Remote & { path?: string }) => {
      const { path } = options
      const body = path === undefined ? {} : { path }
      const at = `/v1/connections/${inPath(id)}/cache/purge`
      const done = await openClient(options).send<{ purged: number }>('POST', at, body)
      show(io, options, done, ({ purged }) => `${count(purged, 'answer')} dropped`)
    })
  examples(purge, "connection purge con_01jz8k3v9mf2tb7xq4c5n6p8rs --path '/products/*'")
}
