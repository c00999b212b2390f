import { hasCardNumber } from '../../kit/masking.ts'
import type { PayerAction, VendorPayment } from '../../kit/news.ts'
import type { CreatePayment as VendorCreate } from '../../kit/payments.ts'
import { inTenant, type Tx } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { fromWire, toWire } from '../../platform/ids.ts'
import { money } from '../../platform/money.ts'
import type { Actor, App } from '../app.ts'
import { type OpenConnection, useConnection } from '../connections/connections.ts'
import { audit } from '../tenants/tenants.ts'
import { wordOf } from './moves.ts'
import * as queries from './queries.ts'
import { type Decision, judged } from './risk.ts'
import type { CreatePayment } from './schema.ts'
import { applyWord, type Draft, link, tell } from './told.ts'
import { type Answer, ask, NOT_SENT } from './vendor.ts'
import { waitOf } from './waiting.ts'

/** A payment from what is asked of us to the vendor's answer. It is on record, and settled by itself, before it is sent. */

/** Longer than any call may take: whoever finds it unanswered then finds no call of it under way. */
export const PATIENCE_S = 60
/** After an outcome that nobody saw: the vendor may still be at it. */
const SOON_S = 5

/** A payment, and what the payer has to do yet. */
export type Made = { row: queries.PaymentRow; action: PayerAction | null }

export async function createPayment(app: App, actor: Actor, input: CreatePayment): Promise<Made> {
  const connection = await useConnection(
    app,
    actor,
    fromWire('connection', input.connection_id, 'connection_id'),
  )
  const place = { tenant_id: actor.tenant_id, id: app.newId() }
  const request = requestOf(place, input, connection)
  check(connection, request)
  // Before it is on record: whatever is there unheld was approved, even where this process dies.
  const payment_id = toWire('payment', place.id)
  const decision = await judged(app, { ...input, tenant_id: place.tenant_id, payment_id })
  const row = await put(app, actor, connection, place, { input, request, decision })
  return decision === 'approve' ? send(app, actor, connection, place, request) : { row, action: null }
}

type Request = VendorCreate & { method: string }

function requestOf(
  { id }: queries.Place,
  input: CreatePayment,
  { opened: { provider } }: OpenConnection,
): Request {
  const { connection_id: _id, source, method = provider.payments?.methods?.[0] ?? 'card', ...rest } = input
  return {
    ...rest,
    reference: toWire('payment', id),
    method,
    ...(source !== undefined && { source, confirm: true }),
  }
}

/** What the vendor could never be asked is refused before anything is kept. Throws only what is the caller's fault. */
function check({ opened: { provider, settings } }: OpenConnection, request: Request): void {
  const create = provider.operations['payments.create']
  if (!create)
    throw new Problem('invalid_request', {
      field: 'connection_id',
      detail: `${provider.id} takes no payments; it has no operation payments.create`,
    })
  const { methods = [request.method] } = provider.payments ?? {}
  if (!methods.includes(request.method))
    throw new Problem('invalid_request', {
      field: 'method',
      detail: `${provider.id} takes ${methods.join(', ')}, not ${request.method}`,
    })
  for (const [field, value] of Object.entries({ ...request, ...request.metadata }))
    if (typeof value === 'string' && field !== 'reference' && hasCardNumber(value))
      throw new Problem('invalid_request', {
        field,
        detail: `${field} holds a card number; give the vendor's token of the card as source`,
      })
  money(request.money.amount, request.money.currency)
  create.request(request, settings)
}

type Wanted = { input: CreatePayment; request: VendorCreate; decision: Decision }

/** On record with the job that settles it, unless it is not to be sent: one that is declined has failed at once. */
async function put(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: queries.Place,
  { input, request, decision }: Wanted,
): Promise<queries.PaymentRow> {
  const { tenant_id, id } = place
  const { money, capture = 'automatic', customer = null, description = null, due_date = null } = input
  const method = request.method as queries.Method
  const about = { connection_id: connection.id, provider: connection.opened.provider.id, actor: actor.id }
  return tell(app, tenant_id, async (tx) => {
    const row = await queries.insertPayment(tx, {
      ...place,
      ...about,
      ...{ method, capture, customer, description, due_date, held: decision === 'review' },
      ...{ amount: money.amount, currency: money.currency },
      metadata: JSON.stringify(input.metadata ?? {}),
      request: await sealRequest(app, tx, place, { request, version: connection.version }),
    })
    if (decision === 'approve') await link(app, tx, place, { wait_s: PATIENCE_S })
    const { amount, currency } = money
    await audit(tx, actor, 'payment.create', toWire('payment', id), { amount, currency, method })
    return decision === 'decline' ? declined(tx, place) : { out: row, drafts: [] }
  })
}

/** With the version of its connection: at another account it would be another payment. */
type Kept = { request: VendorCreate; version: number }

const contextOf = (id: string) => `payment request ${id}`

export const sealRequest = (
  app: App,
  tx: Tx,
  { tenant_id, id }: queries.Place,
  kept: Kept,
): Promise<Buffer> => app.vault.seal(tx, tenant_id, contextOf(id), Buffer.from(JSON.stringify(kept)))

/** What the vendor was asked; null once its answer is known. */
export const openRequest = (app: App, place: queries.Place): Promise<Kept | null> =>
  inTenant(app.db, place.tenant_id, async (tx) => {
    const sealed = await queries.findRequest(tx, place)
    if (!sealed) return null
    const text = await app.vault.open(tx, place.tenant_id, contextOf(place.id), sealed)
    return JSON.parse(text.toString()) as Kept
  })

/** Asked under our id: however often it is sent, the vendor does it once. */
export async function send(
  app: App,
  actor: Actor,
  connection: OpenConnection,
  place: queries.Place,
  request: VendorCreate,
): Promise<Made> {
  const question = { verb: 'create', input: request, key: toWire('payment', place.id) }
  const answer = await ask<VendorPayment>(app, actor, connection, question)
  const row = await answered(app, place, answer, 'reply')
  return { row, action: (answer.kind === 'told' && answer.told.action) || null }
}

/** What the vendor answered to a payment; where nobody knows it, it is asked for soon. */
export async function answered(
  app: App,
  place: queries.Place,
  answer: Answer<VendorPayment>,
  cause: 'reply' | 'answer',
): Promise<queries.PaymentRow> {
  const { tenant_id } = place
  return tell(app, tenant_id, async (tx) => {
    const row = must(await queries.lockPayment(tx, place))
    if (answer.kind === 'unknown') {
      if (cause === 'reply' && row.status === 'processing') await link(app, tx, place, { wait_s: SOON_S })
      return { out: row, drafts: [] }
    }
    const word =
      answer.kind === 'told'
        ? wordOf(answer.told, row.currency)
        : { status: 'failed' as const, failure: answer.failure }
    const applied = must(await applyWord(tx, place, word, { cause, cause_id: answer.call_id }))
    const out = must(await queries.findPayment(tx, place))
    // Of one that news has moved on, the job may already be that of a refund or a capture.
    if (cause === 'reply' && row.status === 'processing') await lookLater(app, tx, place, out)
    return { out, drafts: applied.drafts }
  })
}

/** One that waits for its payer is looked at from time to time, in case nobody tells of it; any other is known. */
async function lookLater(app: App, tx: Tx, place: queries.Place, row: queries.PaymentRow): Promise<void> {
  const wait_s = waitOf(row, 0, app.clock.now())
  if (wait_s === null) await queries.relink(tx, place, null)
  else await link(app, tx, place, { wait_s })
}

/** The room of risk said no: the vendor is never asked. */
async function declined(tx: Tx, place: queries.Place): Promise<{ out: queries.PaymentRow; drafts: Draft[] }> {
  const failure = { reason: 'fraud_suspected', code: NOT_SENT, message: 'refused by our own rules' } as const
  const word = { status: 'failed', failure } as const
  const { drafts } = must(await applyWord(tx, place, word, { cause: 'risk', cause_id: null }))
  return { out: must(await queries.findPayment(tx, place)), drafts }
}

/** Payments are never deleted. */
export function must<Row>(row: Row | null | undefined): Row {
  if (row === null || row === undefined) throw new Error('a payment is gone')
  return row
}
