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
  readPairs,
  show,
  showPage,
  wholeNumber,
} from './output.ts'

type Money = { amount: string; currency: string }
type Payment = Record<string, unknown> & {
  id: string
  status: string
  method: string
  money: Money
  refunded: Money
  created_at: string
}
type Refund = Record<string, unknown> & { id: string; status: string; money: Money; created_at: string }
type Create = Remote & {
  currency: string
  method?: string
  source?: string
  description?: string
  manual?: true
  dueDate?: string
  expiresIn?: number
  payerName?: string
  payerDocument?: string
  metadata?: string[]
}
type List = Paged & { status?: string; connection?: string; vendorId?: string; settlementId?: string }

const PAYMENT = 'pay_01jz8k3v9mf2tb7xq4c5n6p8rs'
const MINOR_UNITS = 'Amounts are minor units: 15050 is R$ 150,50.'

const said = ({ amount, currency }: Money): string => `${amount} ${currency}`

const COLUMNS: Column<Payment>[] = [
  ['ID', ({ id }) => id],
  ['STATUS', ({ status }) => status],
  ['METHOD', ({ method }) => method],
  ['AMOUNT', ({ money }) => said(money)],
  ['REFUNDED', ({ refunded }) => refunded.amount],
  ['MADE', ({ created_at }) => created_at],
]

const REFUND_COLUMNS: Column<Refund>[] = [
  ['ID', ({ id }) => id],
  ['STATUS', ({ status }) => status],
  ['AMOUNT', ({ money }) => said(money)],
  ['MADE', ({ created_at }) => created_at],
]

export const payment: RegisterCommand = (program, io) => {
  const group = program.command('payment').description('Payments and refunds, alike for every provider')
  making(group, io)
  looking(group, io)
  moving(group, io)
}

function making(group: Command, io: Io): void {
  const create = remote(group.command('create <connection> <amount>'))
    .description(`Make a payment. ${MINOR_UNITS}`)
    .option('--currency <code>', 'ISO 4217', 'BRL')
    .option('--method <method>', 'card, pix or boleto (default: the usual one of the provider)')
    .option('--source <token>', "the provider's token of the means of payment: it is paid at once")
    .option('--manual', 'only hold the money: trilho payment capture takes it')
    .option('--description <text>', 'what the payer reads')
    .option('--due-date <day>', 'until when it is to be paid: 2026-12-31')
    .option('--expires-in <seconds>', 'how long it can be paid', wholeNumber)
    .option('--payer-name <name>', 'who is to pay')
    .option('--payer-document <document>', 'CPF or CNPJ of who is to pay, digits and letters alone')
    .option('--metadata <name=value>', 'yours, told again by every event; repeatable', collect)
    .action(async (connection_id: string, amount: string, options: Create) => {
      const body = { connection_id, ...(await toBody(io, amount, options)) }
      const made = await openClient(options).send<Payment>('POST', '/v1/payments', body)
      show(io, options, made, (shown) => card(io, shown))
    })
  examples(
    create,
    'payment create con_01jz8k3v9mf2tb7xq4c5n6p8rs 15050 --description "Order 1042" --expires-in 3600',
    'payment create con_01jz8k3v9mf2tb7xq4c5n6p8rs 15050 --method card --source pm_card_visa',
  )
}

async function toBody(io: Io, amount: string, options: Create): Promise<object> {
  const { currency, method, source, description, manual, dueDate: due_date, expiresIn } = options
  const { payerName: name, payerDocument: document, metadata } = options
  const given = { method, source, description, due_date }
  return {
    money: { amount, currency },
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    ...(manual && { capture: 'manual' }),
    ...(expiresIn !== undefined && { expires_in_s: expiresIn }),
    ...((name ?? document) !== undefined && { payer: { name, document } }),
    ...(metadata && { metadata: await readPairs(io, '--metadata', metadata) }),
  }
}

function looking(group: Command, io: Io): void {
  const list = paged(group.command('list'))
    .description('List payments, newest first')
    .option('--status <status>', 'only those: pending, completed, refunded …')
    .option('--connection <id>', 'only those of a connection')
    .option('--vendor-id <id>', "only the one with this id at the provider, such as Pix's txid")
    .option('--settlement-id <id>', 'only the one this money paid: the endToEndId of a Pix')
    .action(async (options: List) => {
      const { status, connection: connection_id, vendorId: vendor_id, settlementId: settlement_id } = options
      const query = { ...pageQuery(options), status, connection_id, vendor_id, settlement_id }
      const page = await openClient(options).get<PageOf<Payment>>('/v1/payments', query)
      showPage(io, options, page, COLUMNS)
    })
  examples(list, 'payment list --status pending', 'payment list --vendor-id pay01jz8k3v9mf2tb7xq4c5n6p8rs')

  const read = remote(group.command('show <id>').alias('get'))
    .description('Show a payment, with what made it what it is')
    .action(async (id: string, options: Remote) => {
      const found = await openClient(options).get<Payment>(`/v1/payments/${inPath(id)}`)
      show(io, options, found, (shown) => card(io, shown))
    })
  examples(read, `payment show ${PAYMENT}`)

  const refunds = paged(group.command('refunds <id>'))
    .description('List the refunds of a payment')
    .action(async (id: string, options: Paged) => {
      const at = `/v1/payments/${inPath(id)}/refunds`
      const page = await openClient(options).get<PageOf<Refund>>(at, pageQuery(options))
      showPage(io, options, page, REFUND_COLUMNS)
    })
  examples(refunds, `payment refunds ${PAYMENT}`)
}

function moving(group: Command, io: Io): void {
  const act = async (id: string, verb: string, body: object | undefined, options: Remote): Promise<void> => {
    const at = `/v1/payments/${inPath(id)}/${verb}`
    const moved = await openClient(options).send<Record<string, unknown>>('POST', at, body)
    show(io, options, moved, (shown) => card(io, shown))
  }
  const refund = remote(group.command('refund <id> [amount]'))
    .description(`Give back all that is left of a payment, or a part of it. ${MINOR_UNITS}`)
    .option('--reason <text>', 'in the words of the provider')
    .action((id: string, amount: string | undefined, options: Remote & { reason?: string }) => {
      const { reason } = options
      return act(id, 'refunds', { ...(amount && { amount }), ...(reason && { reason }) }, options)
    })
  examples(refund, `payment refund ${PAYMENT}`, `payment refund ${PAYMENT} 5000`)

  const cancel = remote(group.command('cancel <id>'))
    .description('Give up a payment that was not made, and release what it holds')
    .action((id: string, options: Remote) => act(id, 'cancel', {}, options))
  examples(cancel, `payment cancel ${PAYMENT}`)

  const capture = remote(group.command('capture <id> [amount]'))
    .description(`Take money that is held, or a part of it. ${MINOR_UNITS}`)
    .action((id: string, amount: string | undefined, options: Remote) =>
      act(id, 'capture', { ...(amount && { amount }) }, options),
    )
  examples(capture, `payment capture ${PAYMENT}`, `payment capture ${PAYMENT} 10000`)

  const refresh = remote(group.command('refresh <id>'))
    .description('Ask the provider how a payment is')
    .action((id: string, options: Remote) => act(id, 'refresh', undefined, options))
  examples(refresh, `payment refresh ${PAYMENT}`)

  const confirm = remote(group.command('confirm <id>'))
    .description('Send a payment that was held to be looked at')
    .action((id: string, options: Remote) => act(id, 'confirm', undefined, options))
  examples(confirm, `payment confirm ${PAYMENT}`)
}
