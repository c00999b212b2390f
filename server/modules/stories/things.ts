import { parseWire, toWire } from '../../platform/ids.ts'
import { toDecimal } from '../../platform/money.ts'
import type { App } from '../app.ts'
import * as banking from '../banking/banking.ts'
import * as cards from '../cards/cards.ts'
import { type Described, describeBy, seekBy } from '../events/events.ts'
import { findQuarantined, findSource } from '../inbound/inbound.ts'
import { findSubscription } from '../outbound/outbound.ts'
import * as payments from '../payments/payments.ts'
import * as people from '../people/people.ts'
import * as transfers from '../transfers/transfers.ts'
import { each } from './hits.ts'

/** What a search finds and shows of things that stay: cards, payments, banks, sources, subscriptions, people. */

export function describeThings(app: App): void {
  describeCards(app)
  describePayments(app)
  describeTransfers(app)
  describeBanks(app)
  describePeople(app)
  describeOne(app, 'source', 'sources:read', '/v1/sources', async ({ tx, tenant_id, id }) => {
    const row = await findSource(tx, tenant_id, id)
    return row && { id, title: row.name, state: row.state }
  })
  describeOne(app, 'quarantine', 'sources:read', '/v1/quarantine', async ({ tx, tenant_id, id }) => {
    const row = await findQuarantined(tx, tenant_id, id)
    return row && { id, title: row.reason, state: 'quarantined' }
  })
  describeOne(
    app,
    'subscription',
    'subscriptions:read',
    '/v1/subscriptions',
    async ({ tx, tenant_id, id }) => {
      const row = await findSubscription(tx, tenant_id, id)
      return row && { id, title: row.name, state: row.state }
    },
  )
}

type Describe = Parameters<typeof describeBy>[2]['describe']
type At = { tx: Parameters<Describe>[0]; tenant_id: string; id: string }
type Kind = Parameters<typeof describeBy>[1]

const describeOne = (
  app: App,
  kind: Kind,
  scope: string,
  path: string | null,
  find: (at: At) => Promise<Described | undefined>,
): void =>
  describeBy(app, kind, {
    scope,
    path,
    describe: (tx, tenant_id, ids) => each(ids, (id) => find({ tx, tenant_id, id })),
  })

const amountOf = ({ amount, currency }: { amount: string; currency: string }): string =>
  `${toDecimal({ amount, currency })} ${currency}`

function describeCards(app: App): void {
  seekBy(app, 'cards:read', cards.seekCards)
  describeOne(app, 'card', 'cards:read', '/v1/cards', async ({ tx, tenant_id, id }) => {
    const row = await cards.findCard(tx, { tenant_id, id })
    return (
      row && { id, title: `${row.brand ?? row.provider} •••• ${row.last_four ?? '????'}`, state: row.status }
    )
  })
  describeOne(
    app,
    'card_authorization',
    'cards:read',
    '/v1/cards/authorizations',
    async ({ tx, tenant_id, id }) => {
      const row = await cards.findAuthorization(tx, { tenant_id, id })
      return row && { id, title: amountOf(row), state: row.status, part_of: toWire('card', row.card_id) }
    },
  )
  describeOne(app, 'card_transaction', 'cards:read', null, async ({ tx, tenant_id, id }) => {
    const row = await cards.findTransaction(tx, { tenant_id, id })
    return row && { id, title: amountOf(row), state: row.kind, part_of: toWire('card', row.card_id) }
  })
}

function describePayments(app: App): void {
  seekBy(app, 'payments:read', payments.seekPayments)
  describeOne(app, 'payment', 'payments:read', '/v1/payments', async ({ tx, tenant_id, id }) => {
    const row = await payments.findPayment(tx, { tenant_id, id })
    return row && { id, title: amountOf(row), state: row.status }
  })
  describeOne(app, 'refund', 'payments:read', null, async ({ tx, tenant_id, id }) => {
    const row = await payments.findRefund(tx, { tenant_id, id })
    const payment = row && (await payments.findPayment(tx, { tenant_id, id: row.payment_id }))
    if (!payment) return undefined
    const title = amountOf({ amount: row.amount, currency: payment.currency })
    return { id, title, state: row.status, part_of: toWire('payment', payment.id) }
  })
  describeOne(app, 'dispute', 'payments:read', '/v1/disputes', async ({ tx, tenant_id, id }) => {
    const row = await payments.findDispute(tx, { tenant_id, id })
    return row && { id, title: amountOf(row), state: row.status, part_of: toWire('payment', row.payment_id) }
  })
}

function describeTransfers(app: App): void {
  seekBy(app, 'transfers:read', transfers.seekTransfers)
  describeOne(app, 'transfer', 'transfers:read', '/v1/transfers', async ({ tx, tenant_id, id }) => {
    const row = await transfers.findTransfer(tx, { tenant_id, id })
    return row && { id, title: amountOf(row), state: row.status }
  })
}

function describeBanks(app: App): void {
  seekBy(app, 'banking:read', banking.seekBanks)
  describeOne(app, 'bank', 'banking:read', '/v1/banks', async ({ tx, tenant_id, id }) => {
    const row = await banking.findBank(tx, { tenant_id, id })
    return row && { id, title: row.name, state: row.state }
  })
  describeOne(app, 'bank_account', 'banking:read', '/v1/bank-accounts', async ({ tx, tenant_id, id }) => {
    const row = await banking.findAccount(tx, { tenant_id, id })
    const title = row?.name ?? row?.number_masked ?? row?.kind ?? ''
    return (
      row && { id, title, state: row.gone_at ? 'inactive' : 'active', part_of: toWire('bank', row.bank_id) }
    )
  })
  describeOne(app, 'bank_consent', 'banking:read', '/v1/bank-consents', async ({ tx, tenant_id, id }) => {
    const row = await banking.findConsent(tx, { tenant_id, id })
    return row && { id, title: row.user_id, state: row.state, part_of: toWire('bank', row.bank_id) }
  })
  describeOne(
    app,
    'bank_transaction',
    'banking:read',
    '/v1/bank-transactions',
    async ({ tx, tenant_id, id }) => {
      const row = await banking.findTransaction(tx, { tenant_id, id })
      return row && { id, title: amountOf(row), state: row.status, part_of: toWire('bank', row.bank_id) }
    },
  )
}

/** A member by the e-mail or by the id that the audit log names; the person of all tenants to their administrator. */
function describePeople(app: App): void {
  seekBy(app, 'tenants:read', async (tx, tenant_id, words) => {
    const [text = ''] = words
    const person_id = parseWire('person', text)
    const by = person_id === null ? { email: text.toLowerCase() } : { person_id }
    return (await people.findMembersBy(tx, tenant_id, by)).map((id) => ({ kind: 'member', id }))
  })
  seekBy(app, 'admin', async (tx, _tenant_id, [text = '']) => {
    const found = await people.findPersonByEmail(tx, text.toLowerCase())
    return found ? [{ kind: 'person', id: found.id }] : []
  })
  describeOne(app, 'member', 'tenants:read', null, async ({ tx, tenant_id, id }) => {
    const row = await people.describeMember(tx, tenant_id, id)
    return row && { id, title: `${row.email} (${row.role})`, state: row.state }
  })
  describeOne(app, 'person', 'admin', '/v1/people', async ({ tx, id }) => {
    const row = await people.describePerson(tx, id)
    return row && { id, title: row.name, state: row.state }
  })
}
