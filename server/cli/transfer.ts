import type { Command } from 'commander'
import type { RegisterCommand } from './cli.ts'
import { inPath, openClient, type Paged, paged, pageQuery, type Remote, remote } from './client.ts'
import {
  type Column,
  card,
  collect,
  EXIT,
  examples,
  failure,
  type Io,
  type PageOf,
  readPairs,
  show,
  showPage,
} from './output.ts'

type Money = { amount: string; currency: string }
type Transfer = Record<string, unknown> & {
  id: string
  status: string
  method: string
  money: Money
  to: { pix_key: string | null; name: string | null; number: string | null }
  scheduled_for: string | null
  created_at: string
}
type Create = Remote & {
  pixKey?: string
  bank?: string
  branch?: string
  account?: string
  kind?: string
  name?: string
  document?: string
  on?: string
  description?: string
  metadata?: string[]
}
type List = Paged & { status?: string; method?: string; connection?: string; vendorId?: string }

const CONNECTION = 'con_01jz8k3v9mf2tb7xq4c5n6p8rs'
const TRANSFER = 'trf_01jz8k3v9mf2tb7xq4c5n6p8rs'
const MINOR_UNITS = 'Amounts are minor units of BRL: 15050 is R$ 150,50.'

const COLUMNS: Column<Transfer>[] = [
  ['ID', ({ id }) => id],
  ['STATUS', ({ status }) => status],
  ['METHOD', ({ method }) => method],
  ['AMOUNT', ({ money }) => `${money.amount} ${money.currency}`],
  ['TO', ({ to }) => to.pix_key ?? to.name ?? to.number ?? ''],
  ['ON', ({ scheduled_for }) => scheduled_for ?? ''],
  ['MADE', ({ created_at }) => created_at],
]

export const transfer: RegisterCommand = (program, io) => {
  const group = program.command('transfer').description('Money that leaves an account, alike for every bank')
  making(group, io)
  looking(group, io)
  moving(group, io)
}

function making(group: Command, io: Io): void {
  const create = remote(group.command('create <connection> <method> <amount>'))
    .description(`Send money by pix, by ted, or internal to the bank. ${MINOR_UNITS}`)
    .option('--pix-key <key>', 'of who receives')
    .option('--bank <ispb>', "of the receiver's bank: 60701190")
    .option('--branch <number>', 'without its check digit')
    .option('--account <number-digit>', '56789-0')
    .option('--kind <kind>', 'checking, savings or payment (default: checking)')
    .option('--name <name>', 'of who receives')
    .option('--document <document>', 'CPF or CNPJ of who receives, digits and letters alone')
    .option('--on <day>', 'in São Paulo: 2026-12-30 (default: at once)')
    .option('--description <text>', 'what who receives reads')
    .option('--metadata <name=value>', 'yours, told again by every event; repeatable', collect)
    .action(async (connection_id: string, method: string, amount: string, options: Create) => {
      const money = { amount, currency: 'BRL' }
      const body = { connection_id, method, money, ...(await toBody(io, options)) }
      const made = await openClient(options).send<Transfer>('POST', '/v1/transfers', body)
      show(io, options, made, (shown) => card(io, shown))
    })
  examples(
    create,
    `transfer create ${CONNECTION} pix 15050 --pix-key ana@example.com`,
    `transfer create ${CONNECTION} ted 15050 --bank 60701190 --branch 1234 --account 56789-0 --name "Ana" --document 52998224725`,
  )
}

const given = (values: Record<string, unknown>): object =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))

/** Money would go elsewhere if what stands behind a second dash were left out. */
function readAccount(text: string): { number: string; check_digit: string } {
  const [, number, check_digit] = /^([0-9]+)-([0-9A-Za-z]+)$/.exec(text) ?? []
  if (number === undefined || check_digit === undefined)
    throw failure(EXIT.usage, `--account wants number-digit, as 56789-0, not ${JSON.stringify(text)}`)
  return { number, check_digit: check_digit.toUpperCase() }
}

async function toBody(io: Io, options: Create): Promise<object> {
  const { pixKey: pix_key, bank: bank_code, branch, account, kind, name, document } = options
  const { on: scheduled_for, description, metadata } = options
  const to = account === undefined ? undefined : given({ bank_code, branch, kind, ...readAccount(account) })
  return {
    destination: given({ pix_key, account: to, name, document }),
    ...given({ scheduled_for, description }),
    ...(metadata && { metadata: await readPairs(io, '--metadata', metadata) }),
  }
}

function looking(group: Command, io: Io): void {
  const list = paged(group.command('list'))
    .description('List transfers, newest first')
    .option('--status <status>', 'only those: awaiting_approval, processing, returned …')
    .option('--method <method>', 'only those by pix, ted or internal')
    .option('--connection <id>', 'only those of a connection')
    .option('--vendor-id <id>', 'only the one with this id at the bank')
    .action(async (options: List) => {
      const { status, method, connection: connection_id, vendorId: vendor_id } = options
      const query = { ...pageQuery(options), status, method, connection_id, vendor_id }
      const page = await openClient(options).get<PageOf<Transfer>>('/v1/transfers', query)
      showPage(io, options, page, COLUMNS)
    })
  examples(list, 'transfer list --status awaiting_approval')

  const read = remote(group.command('show <id>').alias('get'))
    .description('Show a transfer, with where it goes and what made it what it is')
    .action(async (id: string, options: Remote) => {
      const found = await openClient(options).get<Transfer>(`/v1/transfers/${inPath(id)}`)
      show(io, options, found, (shown) => card(io, shown))
    })
  examples(read, `transfer show ${TRANSFER}`)
}

function moving(group: Command, io: Io): void {
  const act = async (id: string, verb: string, body: object | undefined, options: Remote): Promise<void> => {
    const at = `/v1/transfers/${inPath(id)}/${verb}`
    const moved = await openClient(options).send<Record<string, unknown>>('POST', at, body)
    show(io, options, moved, (shown) => card(io, shown))
  }
  const simple: [string, string][] = [
    ['approve', 'Let a transfer go that waits for a second person'],
    ['cancel', 'Give up a transfer that was not made'],
    ['refresh', 'Ask the bank how a transfer is'],
  ]
  for (const [verb, description] of simple) {
    const command = remote(group.command(`${verb} <id>`))
      .description(description)
      .action((id: string, options: Remote) => act(id, verb, undefined, options))
    examples(command, `transfer ${verb} ${TRANSFER}`)
  }
  const reject = remote(group.command('reject <id>'))
    .description('Say no to a transfer that waits for a second person')
    .requiredOption('--note <text>', 'why; kept in the audit log')
    .action((id: string, options: Remote & { note: string }) =>
      act(id, 'reject', { note: options.note }, options),
    )
  examples(reject, `transfer reject ${TRANSFER} --note "The invoice is not ours"`)
}
